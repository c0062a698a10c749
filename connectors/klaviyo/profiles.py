"""Who it is, and what is known of them, as Klaviyo names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import hub

_E164 = re.compile(r"\+[1-9]\d{6,14}")

_TEXTS = {
    "first_name": ("first_name",),
    "last_name": ("last_name",),
    "title": ("title",),
    "organization": ("organization", "company"),
    "locale": ("locale",),
    "image": ("avatar",),
}
"""Klaviyo's attribute ← our traits, the first one that holds text."""

_PLACES = {
    "address1": ("street", "address1"),
    "address2": ("address2",),
    "city": ("city",),
    "region": ("state", "region"),
    "zip": ("postal_code", "zip"),
    "country": ("country",),
}
"""Klaviyo's part of `location` ← our parts of the trait `address`, or traits of the same name."""

_SAID_ELSEWHERE = ("email", "phone", "id")
"""Traits that travel as identifiers."""


def names(delivery: hub.Delivery, *, anonymous: bool = False) -> dict[str, str]:
    """The identifiers that Klaviyo knows a profile by; `anonymous` ones only where a request takes them."""
    found = {
        "email": delivery.identifier("email"),
        "phone_number": phone(delivery),
        "external_id": delivery.identifier("user_id"),
        "anonymous_id": delivery.identifier("anonymous_id") if anonymous else None,
    }
    return {name: value for name, value in found.items() if value}


def phone(delivery: hub.Delivery) -> str | None:
    """A phone number that Klaviyo takes: E.164 and nothing else."""
    said = delivery.identifier("phone")
    return said if said is not None and is_phone(said) else None


def is_phone(said: str) -> bool:
    """Whether Klaviyo takes this as a phone number."""
    return _E164.fullmatch(said) is not None


def attributes(traits: Mapping[str, Any]) -> dict[str, Any]:
    """Traits as a profile's attributes: Klaviyo's own by its names, all others as `properties`.

    A trait without a value changes nothing at Klaviyo.
    """
    rest = {name: value for name, value in traits.items() if value is not None and _is_property(name)}
    found: dict[str, Any] = {}
    for name, ours in _TEXTS.items():
        for trait in ours:
            text = _text(rest.get(trait))
            if text:
                found[name] = text
                del rest[trait]
                break
    if "locale" in found:
        found["locale"] = found["locale"].replace("_", "-")
    location = _location(rest)
    if location:
        found["location"] = location
    if rest:
        found["properties"] = rest
    return found


def _is_property(name: str) -> bool:
    return name not in _SAID_ELSEWHERE and name != "consent" and not name.startswith("consent.")


def _location(rest: dict[str, Any]) -> dict[str, str]:
    """Takes what says where somebody is out of the other traits."""
    said = rest.get("address")
    address = dict(said) if isinstance(said, Mapping) else {}
    found = {}
    for name, ours in _PLACES.items():
        texts = [_taken(address, part) or _taken(rest, part) for part in ours]
        if any(texts):
            found[name] = next(text for text in texts if text)
    timezone = _taken(rest, "timezone")
    if timezone:
        found["timezone"] = timezone
    if isinstance(said, Mapping):
        rest["address"] = address
        if not any(value is not None for value in address.values()):
            del rest["address"]
    return found


def _taken(said: dict[str, Any], name: str) -> str:
    """The text of this name, which is then no longer there; empty where it is no text, and stays."""
    text = "" if isinstance(said.get(name), Mapping) else _text(said.get(name))
    if text:
        del said[name]
    return text


def _text(said: Any) -> str:
    if isinstance(said, Mapping):
        said = said.get("name")
    if isinstance(said, int) and not isinstance(said, bool):
        return str(said)
    return said.strip() if isinstance(said, str) else ""
