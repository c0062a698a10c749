"""A message's words, filled in when it is decided; from then on they stay as they are."""

from __future__ import annotations

import msgspec

from hub.errors import GiveUp
from hub.event import Message, Profile
from hub.rules import Firing
from hub.templates import Templates, values_for


def worded(
    templates: Templates, message: Message, profile: Profile, firing: Firing
) -> tuple[Message, str | None]:
    """The message with its words, and why it cannot be sent; without a template of its name it has none."""
    if not templates or not message.template:
        return message, None
    try:
        said = templates.say(message.template, values_for(message, profile, firing.trigger, firing.events))
    except GiveUp as fault:
        return message, f"words: {fault}"
    named = msgspec.structs.replace(message, template=said.template, words=said.words)
    return named, "incomplete" if said.lacking else None
