"""Who it is, and what is known of them, as HubSpot names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import hub

from .settings import Settings
from .values import internal, text

_USUAL = {
    "firstname": ("first_name",),
    "lastname": ("last_name",),
    "phone": ("phone",),
    "company": ("company", "organization"),
    "jobtitle": ("title",),
    "website": ("website",),
}
"""HubSpot's own contact property ← our traits, the first one that holds text."""

_PLACES = {
    "address": ("street", "address1"),
    "city": ("city",),
    "state": ("state", "region"),
    "zip": ("postal_code", "zip"),
    "country": ("country",),
}
"""HubSpot's own contact property ← our parts of the trait `address`, or traits of the same name."""

_SAID_ELSEWHERE = ("email", "id", "address")
"""Traits that travel as the contact's identity, or in parts."""


@dataclass(slots=True)
class Row:
    """One contact in a request, and the deliveries that stand on it."""

    name: str
    """The value of the property by which it is known."""
    properties: dict[str, str]
    deliveries: list[hub.Delivery]
    chosen: set[str] = field(default_factory=set)
    """Properties that the configuration names, and not a sender's trait."""

    @property
    def trace(self) -> str:
        """What an answer calls this contact by."""
        return self.deliveries[0].id

    def input(self, id_property: str) -> dict[str, Any]:
        """The row in an upsert."""
        return {
            "id": self.name,
            "idProperty": id_property,
            "objectWriteTraceId": self.trace,
            "properties": self.properties,
        }


Made = tuple[list[Row], dict[str, hub.DeliveryError]]
"""The rows of a request, and the deliveries that have no part in it."""


def contacts(deliveries: Sequence[hub.Delivery], settings: Settings, *, traits: bool = True) -> Made:
    """Each person's row once, for HubSpot refuses a batch that names a contact twice.

    Traits are as they are now, whichever event it was; what one delivery alone tells is kept beside them.
    """
    rows: dict[str, Row] = {}
    skipped: dict[str, hub.DeliveryError] = {}
    for delivery in deliveries:
        name = known_as(delivery, settings)
        if name is None:
            kind = "user id" if settings.unique_property else "e-mail address"
            skipped[delivery.id] = hub.Skip(f"no {kind}, by which HubSpot knows the contact")
            continue
        row = rows.setdefault(name, Row(name, {}, []))
        row.deliveries.append(delivery)
        said = properties(delivery, settings) if traits else {}
        row.properties |= {**said, **_names(delivery, settings)}
        if _is_sync(delivery):
            row.chosen |= said.keys()
    return list(rows.values()), skipped


def known_as(delivery: hub.Delivery, settings: Settings) -> str | None:
    """The value by which HubSpot knows the person; None where we have none."""
    return delivery.identifier("user_id" if settings.unique_property else "email")


def _names(delivery: hub.Delivery, settings: Settings) -> dict[str, str]:
    said = {"email": delivery.identifier("email"), settings.id_property: known_as(delivery, settings)}
    return {name: value for name, value in said.items() if value}


def properties(delivery: hub.Delivery, settings: Settings) -> dict[str, str]:
    """Traits as contact properties: the named and the usual ones, and the others where they are wanted.

    A trait without a value changes nothing at HubSpot.
    """
    traits = dict(delivery.traits or delivery.event.traits)
    found: dict[str, str] = {}
    for trait, theirs in settings.traits.items():
        value = text(traits.pop(trait, None))
        if value is not None:
            found[theirs] = value
    phone = delivery.identifier("phone")
    if phone is not None:
        found.setdefault("phone", phone)
    for theirs, value in {**_usual(traits), **_places(traits)}.items():
        found.setdefault(theirs, value)
    if settings.other_traits or _is_sync(delivery):
        for trait, said in traits.items():
            value, theirs = text(said), internal(trait)
            if value is not None and theirs and _is_property(trait):
                found.setdefault(theirs, value)
    return found


def _usual(traits: dict[str, Any]) -> dict[str, str]:
    return {theirs: value for theirs, ours in _USUAL.items() if (value := _first(traits, ours))}


def _places(traits: dict[str, Any]) -> dict[str, str]:
    said = traits.get("address")
    address = dict(said) if isinstance(said, Mapping) else {"street": said}
    found = {theirs: _first(address, ours) or _first(traits, ours) for theirs, ours in _PLACES.items()}
    return {theirs: value for theirs, value in found.items() if value}


def _first(said: dict[str, Any], names: Sequence[str]) -> str:
    """The first of these that holds text, which is then no longer there; empty where none does."""
    for name in names:
        value = said.get(name)
        if isinstance(value, Mapping):
            value = value.get("name")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value.strip():
            del said[name]
            return value.strip()
    return ""


def _is_sync(delivery: hub.Delivery) -> bool:
    """`[sync]` tells what it names and nothing else, so that all of it is wanted."""
    return delivery.event.source == "hub" and delivery.event.type == "identify"


def _is_property(trait: str) -> bool:
    return trait not in _SAID_ELSEWHERE and trait != "consent" and not trait.startswith("consent.")
