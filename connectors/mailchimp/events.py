"""What happened, or what a rule wants to say, as an event of a member, a tag or a journey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hub

from .settings import STEP, Settings
from .values import second, text

SHORTEST_NAME, LONGEST_NAME = 2, 30
"""`Must be 2-30 characters in length` (the contract, on an event's name)."""
LONGEST_TAG = 100
"""Characters. https://mailchimp.com/help/getting-started-tags/"""


def occurrence(delivery: hub.Delivery, settings: Settings) -> dict[str, Any]:
    """The body of an event; raises GiveUp where Mailchimp would not take its name."""
    said = _happened(delivery.event) if delivery.message is None else _wanted(delivery.message)
    named = (settings.events[one] for one in _names(delivery) if one in settings.events)
    name = next(named, said["name"])[:LONGEST_NAME]
    if len(name) < SHORTEST_NAME:
        raise hub.GiveUp("its name has less than the 2 characters that Mailchimp wants; set `events`")
    properties = _texts({**said["properties"], "delivery": delivery.id})
    return {**said, "name": name, "properties": properties}


def tag(delivery: hub.Delivery, settings: Settings) -> str:
    """The tag that an event means; raises Skip where it means none."""
    segment = delivery.event.properties.get("segment")
    ours = segment if isinstance(segment, str) else ""
    found = settings.tags.get(ours) or settings.tag or ours
    if not found.strip():
        raise hub.Skip("no tag is meant: set `tag`, or route segment_entered and segment_left here")
    return found[:LONGEST_TAG]


def trigger(delivery: hub.Delivery, settings: Settings) -> str:
    """The path of the step that a delivery triggers; raises Skip, or GiveUp for a message, for none."""
    message = delivery.message
    if message is None and delivery.event.historical:
        raise hub.Skip("the past starts no journey")
    named = next((settings.journeys[one] for one in _names(delivery) if one in settings.journeys), None)
    vendor = message.words.get("vendor", "") if message is not None else ""
    found = named or (vendor if STEP.fullmatch(vendor) else settings.journey)
    if found is None:
        reason = "no journey is meant: set `journey`, or name it in `journeys`"
        raise hub.GiveUp(reason) if message is not None else hub.Skip(reason)
    journey, _, step = found.partition("/")
    return f"/customer-journeys/journeys/{journey}/steps/{step}/actions/trigger"


def _names(delivery: hub.Delivery) -> tuple[str, ...]:
    """What the settings may call a delivery by."""
    message, event = delivery.message, delivery.event
    if message is not None:
        return (message.words.get("vendor", ""), message.template, message.rule)
    return (event.name, event.spelled, event.name_as_sent)


def _happened(event: hub.Event) -> dict[str, Any]:
    said = {"name": event.name, "properties": event.properties, "occurred_at": second(event.time)}
    # The past is recorded, but starts no automation.
    return {**said, "is_syncing": True} if event.historical else said


def _wanted(message: hub.Message) -> dict[str, Any]:
    """A rule's message: its template's name is the event that starts an automation, which has the words.

    `vendor` of the template is another name for that event.
    """
    return {
        "name": message.words.get("vendor") or message.template or message.rule,
        "properties": {
            **message.variables,
            "message": message.id,
            "rule": message.rule,
            "channel": message.channel,
            "purpose": message.purpose,
        },
        "occurred_at": second(message.created_at),
    }


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, said in properties.items() if (value := text(said)) is not None}
