"""One webhook as it came: its topic, its id, its time, and its body read with care."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from math import isfinite
from typing import Any

import hub

Thing = dict[str, Any]

_LARGEST_ID = 10**30
_LARGEST_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Notice:
    """A webhook of Shopify: what happened (`topic`) to which thing (`body`), when, under which id."""

    topic: str
    id: str
    shop: str
    at: str | None
    body: Thing


def read(inbound: hub.Inbound) -> Notice:
    """The notice in a request; raises BadEvent where it holds none."""
    topic = (header(inbound, "topic") or "").strip().lower()
    if not topic:
        raise hub.BadEvent("no X-Shopify-Topic says what this is")
    try:
        body = inbound.json()
    except hub.BadPayload as fault:
        # Shopify would send the same bytes again, and then remove the subscription.
        raise hub.BadEvent(fault.reason) from None
    if not isinstance(body, dict):
        raise hub.BadEvent("the body is no object")
    shop = (header(inbound, "shop-domain") or "").strip().lower()
    return Notice(topic, _id(inbound, topic), shop, _time(inbound, body), body)


def header(inbound: hub.Inbound, name: str) -> str | None:
    """A header of Shopify's, in its older spelling (X-Shopify-…) or its newer one (Shopify-…)."""
    return inbound.header(f"x-shopify-{name}") or inbound.header(f"shopify-{name}")


def _id(inbound: hub.Inbound, topic: str) -> str:
    # One cause goes out under many topics with one Event-Id, so that it names a message only with its topic.
    cause = header(inbound, "event-id")
    if cause:
        return f"{cause}/{topic}"
    return header(inbound, "webhook-id") or _digest(topic, inbound.body)


def _digest(topic: str, body: bytes) -> str:
    return blake2b(topic.encode("utf-8", "replace") + b"\0" + body, digest_size=16).hexdigest()


def _time(inbound: hub.Inbound, body: Thing) -> str | None:
    # `updated_at` comes first: the state in the body is as old as that, however late it is sent.
    return first_time(body.get("updated_at"), header(inbound, "triggered-at"), body.get("created_at"))


def first_time(*said: Any) -> str | None:
    """The first of these that is a time."""
    for text in said:
        if isinstance(text, str) and _is_time(text):
            return text
    return None


def _is_time(text: str) -> bool:
    if text[4:5] != "-":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def thing(value: Any) -> Thing:
    """An object; an empty one where there is none."""
    return value if isinstance(value, dict) else {}


def things(value: Any) -> list[Thing]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """A text that says something, or None."""
    return value.strip() or None if isinstance(value, str) else None


def key(value: Any) -> str | None:
    """An id as text. A number with a fraction or an exponent has lost its last digits: it names nothing."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < _LARGEST_ID else None
    return text(value)


def number(value: Any) -> float | int | None:
    """An amount, which Shopify writes as text or as a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    if not isfinite(amount):
        return None
    return value if isinstance(value, int) and abs(value) < _LARGEST_EXACT else amount


def kept(**values: Any) -> Thing:
    """What is known of these."""
    return {name: value for name, value in values.items() if value is not None and value != []}
