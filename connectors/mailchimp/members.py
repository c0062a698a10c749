"""Who it is, and what is known of them, as a member of an audience."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any

import hub

from .settings import Settings
from .values import merge_field, merge_tag

NOBODY = "no e-mail address, by which Mailchimp knows people"

_USUAL = {"first_name": "FNAME", "last_name": "LNAME"}
"""Our trait → the merge tag that every audience has from the start."""
_SAID_ELSEWHERE = frozenset({"email", "id", "locale"})
"""Traits that travel as the member's address or language."""
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_][A-Za-z]{2})?", re.ASCII)


@dataclass(slots=True)
class Row:
    """One member in a request, and the deliveries that stand on it."""

    email: str
    """In lower case, as Mailchimp tells members apart."""
    said: dict[str, Any]
    """The member's own fields, without address and status."""
    deliveries: list[hub.Delivery] = field(default_factory=list)


Made = tuple[list[Row], dict[str, hub.DeliveryError]]
"""The rows of a request, and the deliveries that have no part in it."""


def rows(deliveries: Sequence[hub.Delivery], settings: Settings) -> Made:
    """Each person's row once, with all that is said of them together: two syncs may tell of one."""
    found: dict[str, Row] = {}
    skipped: dict[str, hub.DeliveryError] = {}
    for delivery in deliveries:
        email = known_as(delivery)
        if email is None:
            skipped[delivery.id] = hub.Skip(NOBODY)
            continue
        row = found.setdefault(email, Row(email, {}))
        row.deliveries.append(delivery)
        said = described(delivery, settings)
        fields = {**row.said.get("merge_fields", {}), **said.get("merge_fields", {})}
        row.said |= {**said, **({"merge_fields": fields} if fields else {})}
    return list(found.values()), skipped


def known_as(delivery: hub.Delivery) -> str | None:
    """The address by which Mailchimp knows the person; None where we have none."""
    email = (delivery.identifier("email") or "").strip().lower()
    return email or None


def described(delivery: hub.Delivery, settings: Settings) -> dict[str, Any]:
    """Traits as a member's merge fields and language; a trait without a value changes nothing."""
    traits = delivery.traits or delivery.event.traits
    fields: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for trait, said in traits.items():
        named = settings.merge_fields.get(trait) or _USUAL.get(trait)
        tag = named or _other_tag(trait, delivery, settings)
        value = merge_field(tag, said) if tag else None
        if value is not None:
            (fields if named else others).setdefault(tag, value)
    fields = {**others, **fields}
    known: dict[str, Any] = {"merge_fields": fields} if fields else {}
    locale = traits.get("locale")
    language = _LANGUAGE.fullmatch(locale) if isinstance(locale, str) else None
    return {**known, "language": language[1]} if language is not None else known


def member_path(email: str, settings: Settings) -> str:
    """Where a member stands: by the MD5 of the address in lower case."""
    known = md5(email.encode(), usedforsecurity=False).hexdigest()
    return f"{list_path(settings)}/members/{known}"


def list_path(settings: Settings) -> str:
    """Where the audience stands."""
    return f"/lists/{settings.list_id}"


def _other_tag(trait: str, delivery: hub.Delivery, settings: Settings) -> str:
    """The merge tag made of a trait's name; empty where the trait stays at home."""
    wanted = settings.other_traits or _is_sync(delivery)
    apart = trait in _SAID_ELSEWHERE or trait == "consent" or trait.startswith("consent.")
    return merge_tag(trait) if wanted and not apart else ""


def _is_sync(delivery: hub.Delivery) -> bool:
    """`[sync]` tells what it names and nothing else, so that all of it is wanted."""
    return delivery.event.source == "hub" and delivery.event.type == "identify"
