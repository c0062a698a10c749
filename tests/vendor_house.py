"""What the tests of all vendors' sinks start from: somebody, something that happened, and its delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pytest

import hub
from hub.testing.contracts import contracts

NINE = 1_795_255_200_000_000
MINUTE = 60_000_000
ANN = {"user_id": "u1", "email": "ann@example.com", "phone": "+15005550006", "anonymous_id": "a1"}
MESSAGE = hub.Message(
    id="5f" * 16,
    rule="cart_left",
    channel="email",
    purpose="marketing",
    template="cart_reminder",
    variables={"name": "Monopoly", "value": 19.0},
    created_at=NINE,
    expires_at=NINE + 1,
)
"""What a rule wants to say."""

BREAKING: list[dict[str, Any]] = [
    {"products": []},
    {"products": None},
    {"products": {"product_id": "p1"}},
    {"products": ["p1", 7, None, [], {}, {"name": 3, "category": {"a": 1}}]},
    {"revenue": "19.90", "total": "free", "price": [], "currency": 7},
    {"value": 1e300, "currency": "EURO"},
    {"value": -5, "currency": ""},
    {"product_id": 7, "sku": None, "category": ["Games"], "name": "n" * 300},
    {"n" * 300: "n" * 300, "注文": 1, "": 2},
    {"$value": 3, "deep": {"a": [{"b": None}]}},
]
"""Properties that break mappings."""

needs_contracts = pytest.mark.skipif(contracts() is None, reason="HUB_SHARED names no folder of contracts")


def happened(
    name: str,
    properties: Mapping[str, Any] = {},
    *,
    who: Mapping[str, str] | Iterable[tuple[str, str]] = ANN,
    type: str = "track",
    id: str = "e1",
    **more: Any,
) -> hub.Event:
    """An event as a source and the journal make it."""
    event = hub.normalise(type=type, id=id, name=name, identifiers=who, properties=properties, **more)
    event.time = event.received_at = NINE
    return event


def consent(
    channel: str = "email", purpose: str = "marketing", state: str = "granted", **more: Any
) -> hub.Event:
    """Somebody says what they want."""
    said = {"channel": channel, "purpose": purpose, "state": state}
    return happened("consent_changed", said, **more)


def wanted(channel: str, words: Mapping[str, str], variables: Mapping[str, Any]) -> hub.Message:
    """What a rule wants to say by a channel, for ten minutes."""
    until = NINE + 10 * MINUTE
    more = {"words": dict(words), "variables": dict(variables), "expires_at": until}
    return msgspec.structs.replace(MESSAGE, channel=channel, **more)


def known(number: int) -> str:
    """A delivery's id."""
    return f"{number:032x}"


def delivery(event: hub.Event, number: int = 1, **more: Any) -> hub.Delivery:
    """A delivery under an id that a test can name."""
    return hub.Delivery(known(number), event, person=f"{number:016x}", **more)
