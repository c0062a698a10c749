"""The names that the hub speaks: events, their properties, and other senders' words for them.

Everything is in the spelling used inside, folded to snake_case (`product_added`); `spelling` gives the
Segment spec's (`Product Added`).
"""

from __future__ import annotations

from typing import Any

from hub.catalogue.events import EVENTS, NO_ACTIVITY, Known, is_activity
from hub.catalogue.money import CURRENCIES, Worth, amount, worth
from hub.catalogue.names import EVENT_ALIASES, GA4, PROPERTY_ALIASES, PROPERTY_ALIASES_ANYWHERE
from hub.catalogue.properties import PROPERTIES, TRAITS, Property
from hub.catalogue.reference import page

__all__ = [
    "CALLS",
    "CURRENCIES",
    "EVENTS",
    "EVENT_ALIASES",
    "GA4",
    "NO_ACTIVITY",
    "PROPERTIES",
    "PROPERTY_ALIASES",
    "PROPERTY_ALIASES_ANYWHERE",
    "REFUSALS",
    "TRAITS",
    "Known",
    "Property",
    "Worth",
    "amount",
    "example",
    "is_activity",
    "page",
    "spelling",
    "worth",
]

CALLS = {
    "identify": "traits_updated",
    "group": "group_joined",
    "alias": "aliased",
    "page": "page_viewed",
    "screen": "screen_viewed",
}
"""What the calls that carry no event name are called inside."""

REFUSALS = {"unsubscribed": ("email", "marketing"), "email_marked_as_spam": ("email", "*")}
"""Events by which a person takes consent back: the channel and the purpose."""


def spelling(name: str) -> str | None:
    """The Segment spec's spelling of an event's folded name; None where the catalogue has no such event."""
    known = EVENTS.get(name)
    return None if known is None else known.spelling


def example(name: str) -> dict[str, Any]:
    """The properties of a catalogue event, each with the value of the catalogue's own example."""
    return {known.name: known.example for known in EVENTS[name].properties}
