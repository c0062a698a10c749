"""Who it is, and what is known of them, as a member of an audience."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any

import hub

from .settings import Settings

NOBODY = "no e-mail address, by which Mailchimp knows people"
LONGEST_VALUE = 255
"""Characters in a merge field. https://mailchimp.com/help/manage-audience-signup-form-fields/"""
LONGEST_TAG = 10

_ODD = re.compile(r"[^A-Z0-9_]+")
_ADDRESS = {
    "addr1": ("street", "address1"),
    "addr2": ("address2",),
    "city": ("city",),
    "state": ("state", "region"),
    "zip": ("postal_code", "zip"),
    "country": ("country",),
}
"""Parts of an address in Mailchimp ← ours. https://mailchimp.com/developer/marketing/docs/merge-fields/"""
_NEEDED = ("addr1", "city", "state", "zip")


@dataclass(slots=True)
class Row:
    """One person in a request, and the deliveries that stand on it."""

    email: str
    deliveries: list[hub.Delivery]
    merge_fields: dict[str, Any] = field(default_factory=dict)

    def said(self, **more: Any) -> dict[str, Any]:
        """The person as a request names them."""
        fields = {"merge_fields": self.merge_fields} if self.merge_fields else {}
        return {"email_address": self.email, **more, **fields}


Made = tuple[list[Row], dict[str, hub.DeliveryError]]
"""The rows of a request, and the deliveries that have no part in it."""


def members(deliveries: Sequence[hub.Delivery], settings: Settings) -> Made:
    """Each person once, with all that is said of them together: Mailchimp refuses an address twice."""
    rows: dict[str, Row] = {}
    verdicts: dict[str, hub.DeliveryError] = {}
    for delivery in deliveries:
        email = known_as(delivery)
        if email is None:
            verdicts[delivery.id] = hub.Skip(NOBODY)
            continue
        row = rows.setdefault(email, Row(email, []))
        row.deliveries.append(delivery)
        row.merge_fields |= merge_fields(delivery, settings)
    return list(rows.values()), verdicts


def known_as(delivery: hub.Delivery) -> str | None:
    """The address by which Mailchimp knows the person; None where we have none."""
    email = (delivery.identifier("email") or "").strip().lower()
    return email or None


def place(email: str, settings: Settings) -> str:
    """The path of a member: the audience, and the hash of the address in lower case."""
    known = md5(email.lower().encode(), usedforsecurity=False).hexdigest()
    return f"/lists/{settings.list_id}/members/{known}"


def upsert(row: Row, settings: Settings, *, expect: tuple[int, ...] = ()) -> hub.Request:
    """Adds or updates one person; the status of somebody who is there already does not change."""
    return hub.Request(
        "PUT",
        place(row.email, settings),
        query={"skip_merge_validation": "true"},
        json=row.said(status_if_new=settings.status_if_new),
        expect=expect,
    )


def merge_fields(delivery: hub.Delivery, settings: Settings) -> dict[str, Any]:
    """Traits as merge fields: those that the settings name, and all that a sync tells."""
    traits = delivery.traits or delivery.event.traits
    named = settings.tags_by_trait
    told = delivery.event.source == "hub" and delivery.event.type == "identify"
    found: dict[str, Any] = {}
    for trait, said in traits.items():
        tag = named.get(trait) or (_tag(trait) if told else "")
        value = _value(said)
        if tag and value is not None:
            found.setdefault(tag, value)
    return found


def _tag(name: str) -> str:
    said = _ODD.sub("_", name.upper()).strip("_")[:LONGEST_TAG]
    return said if said[:1].isalpha() and said != "EMAIL" else ""


def _value(said: Any) -> Any:
    """A value as a merge field takes it; None where there is none."""
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, int | float):
        return said
    if isinstance(said, str):
        return said[:LONGEST_VALUE]
    if isinstance(said, Mapping):
        return _address(said)
    if isinstance(said, list):
        parts = [str(one) for one in said if isinstance(one, str | int | float)]
        return ", ".join(parts)[:LONGEST_VALUE] if parts else None
    return None


def _address(said: Mapping[str, Any]) -> dict[str, str] | None:
    """An address, as far as it is whole: Mailchimp refuses one without street, city, state or code."""
    found = {}
    for theirs, ours in _ADDRESS.items():
        value = next((said[name] for name in ours if said.get(name)), None)
        if isinstance(value, str | int) and not isinstance(value, bool):
            found[theirs] = str(value)[:LONGEST_VALUE]
    return found if all(name in found for name in _NEEDED) else None
