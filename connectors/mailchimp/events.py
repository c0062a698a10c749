"""What happened, or what a rule wants to say, as an event of a member."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import hub

from .settings import Settings

LONGEST_NAME = 30
SHORTEST_NAME = 2
"""Characters in an event's name. https://mailchimp.com/developer/marketing/api/list-member-events/add-event/"""
LONGEST_PROPERTIES = 1000
"""Characters in all names and values together, roughly. https://github.com/mailchimp/mailchimp-sdk-ios/issues/70"""


def occurrence(delivery: hub.Delivery, settings: Settings) -> dict[str, Any]:
    """The body of a request; raises Skip, or GiveUp for a message, where no name is long enough."""
    event, message = delivery.event, delivery.message
    name = _name(names(delivery), settings)
    if len(name) < SHORTEST_NAME:
        reason = f"its name has fewer than the {SHORTEST_NAME} characters that Mailchimp takes"
        raise hub.GiveUp(reason) if message else hub.Skip(reason)
    said = event.properties if message is None else _wanted(message)
    body: dict[str, Any] = {
        "name": name,
        "properties": _properties({"delivery": delivery.id, **said}),
        "occurred_at": whole_second(event.time if message is None else message.created_at),
    }
    if event.historical and message is None:
        body["is_syncing"] = True
    return body


def names(delivery: hub.Delivery) -> tuple[str, ...]:
    """What an event or a message may be called in the settings; the first is its own name."""
    message = delivery.message
    if message is None:
        return (delivery.event.name, delivery.event.spelled, delivery.event.name_as_sent)
    return (message.words.get("vendor") or message.template or message.rule, message.template, message.rule)


def whole_second(at: int) -> str:
    """An instant as Mailchimp writes it: `2026-11-21T10:00:00Z`."""
    return f"{hub.iso(at)[:19]}Z"


def _name(said: tuple[str, ...], settings: Settings) -> str:
    named = next((settings.events[name] for name in said if name in settings.events), None)
    return named or said[0].strip()[:LONGEST_NAME].strip()


def _wanted(message: hub.Message) -> dict[str, Any]:
    """A rule's message: who wants it and why, its variables, and its words as far as they are short."""
    words = {name: said for name, said in message.words.items() if name not in ("vendor", "html")}
    said = {
        "message": message.id,
        "rule": message.rule,
        "channel": message.channel,
        "purpose": message.purpose,
    }
    return {
        **said,
        **{name: value for name, value in message.variables.items() if name not in said},
        **{
            name: value for name, value in words.items() if name not in said and name not in message.variables
        },
    }


def _properties(said: Mapping[str, Any]) -> dict[str, str]:
    """Properties as text, as many as fit; a text that is too long is cut, half a structure would be none."""
    found: dict[str, str] = {}
    left = LONGEST_PROPERTIES
    for name, value in said.items():
        text = _text(value)
        room = left - len(name)
        if text is None or room <= 0 or (len(text) > room and not isinstance(value, str)):
            continue
        found[name] = text[:room]
        left = room - len(found[name])
    return found


def _text(said: Any) -> str | None:
    if said is None or isinstance(said, str):
        return said
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, float) and said.is_integer() and abs(said) < 1e15:
        return str(int(said))
    if isinstance(said, int | float):
        return str(said)
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=str)
