"""What happened, or what a rule wants to say, as an occurrence of a custom event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import hub

from .settings import Settings
from .values import internal, text

_FULL_NAME = re.compile(r"pe\d+_[a-z][a-z0-9_-]*")

LONGEST_NAME = 50
MOST_PROPERTIES = 50
LONGEST_VALUE = 256
LONGEST_ADDRESS = 1024
"""Of URL and referrer properties. https://developers.hubspot.com/docs/api-reference/legacy/events/send-event-data/guide"""

NOBODY = "no e-mail address, by which HubSpot finds the contact of an event"


def occurrence(delivery: hub.Delivery, settings: Settings) -> dict[str, Any]:
    """One input of a request; raises Skip where HubSpot has no such event or nobody to tie it to.

    Raises GiveUp for what HubSpot would refuse, and for a message that has nobody to go to.
    """
    message = delivery.message
    email = delivery.identifier("email")
    if email is None:
        # A message may still go by the channel's next sink; an event has nobody to go to.
        raise hub.GiveUp(NOBODY) if message else hub.Skip(NOBODY)
    said = _happened(delivery.event) if message is None else _wanted(message)
    properties = _properties(said.pop("properties"), settings)
    if len(properties) > MOST_PROPERTIES:
        raise hub.GiveUp(f"it has more than the {MOST_PROPERTIES} properties that HubSpot takes")
    name = _full_name(said.pop("names"), settings)
    if name is None:
        reason = "HubSpot has no event for it: set portal_id, or name it in `events`"
        raise hub.GiveUp(reason) if message else hub.Skip(reason)
    return {"eventName": name, "email": email, **said, "properties": properties, "uuid": delivery.id}


def _happened(event: hub.Event) -> dict[str, Any]:
    return {
        "names": (event.name, event.spelled, event.name_as_sent),
        "occurredAt": hub.iso(event.time),
        "properties": event.properties,
    }


def _wanted(message: hub.Message) -> dict[str, Any]:
    """A rule's message: the event named after its template starts a workflow, which has the words.

    `vendor` of the template is another name for that event.
    """
    return {
        "names": (message.words.get("vendor") or message.template or message.rule, message.template),
        "occurredAt": hub.iso(message.created_at),
        "properties": {
            **message.variables,
            "message": message.id,
            "rule": message.rule,
            "channel": message.channel,
            "purpose": message.purpose,
        },
    }


def _full_name(names: tuple[str, ...], settings: Settings) -> str | None:
    for name in names:
        if name in settings.events:
            return settings.events[name]
    if _FULL_NAME.fullmatch(names[0]):
        return names[0]
    ours = internal(names[0], LONGEST_NAME)
    return f"pe{settings.portal_id}_{ours}" if settings.portal_id and ours else None


def _properties(said: Mapping[str, Any], settings: Settings) -> dict[str, str]:
    """The named ones first: two that come to the same name are the first of them."""
    named = {name: settings.properties[name] for name in said if name in settings.properties}
    others = {name: internal(name, LONGEST_NAME) for name in said if name not in named}
    found: dict[str, str] = {}
    for ours, theirs in {**named, **(others if settings.other_properties else {})}.items():
        value = _fitting(theirs, said[ours])
        if theirs and value is not None:
            found.setdefault(theirs, value)
    return found


def _fitting(name: str, said: Any) -> str | None:
    """The value as far as HubSpot takes it: text is cut, half a structure would be none."""
    value = text(said)
    longest = LONGEST_ADDRESS if "url" in name or "referrer" in name else LONGEST_VALUE
    if value is None or len(value) <= longest:
        return value
    return value[:longest] if isinstance(said, str) else None
