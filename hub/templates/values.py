"""What a template may speak of: the message's variables, the person, the events, the message itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.event import Event, Message, Profile, iso, person_text

KNOWN = ("person", "trigger", "message", "now")
"""Names that are always there, besides the message's own variables."""


def values_for(
    message: Message, profile: Profile, trigger: Event | None, events: Mapping[str, Event]
) -> dict[str, Any]:
    """The variables by their names, `person.x`, `trigger.x` and `trigger.step.x`, `message.x`, and `now`."""
    return {
        **message.variables,
        "person": _person(profile),
        "trigger": {**_event(trigger), **{name: _event(event) for name, event in events.items()}},
        "message": {
            "id": message.id,
            "rule": message.rule,
            "channel": message.channel,
            "purpose": message.purpose,
            "template": message.template,
            "created_at": iso(message.created_at),
        },
        "now": iso(message.created_at),
    }


def _person(profile: Profile) -> dict[str, Any]:
    """The traits; an identifier by its kind where no trait has that name; the hub's own id as `id`."""
    # Of several of a kind the first one.
    known = {one.kind: one.value for one in reversed(profile.identifiers)}
    said = {name: trait.value for name, trait in profile.traits.items()}
    return {"id": person_text(profile.id), **known, **said}


def _event(event: Event | None) -> dict[str, Any]:
    """The properties, and what the context has besides."""
    return {} if event is None else {**event.context, **event.properties}
