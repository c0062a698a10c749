"""What every connector is tried with: events of each sort, and deliveries of them as the hub plans them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hub.catalogue import example
from hub.connector import Delivery
from hub.event import Event, Identifier, Instant, Message
from hub.schema import normalise

NOW: Instant = 1_795_255_200_000_000
"""The hub's clock in an examination: 2026-11-21T10:00:00Z."""

ANN = {"user_id": "u1", "email": "ann@example.com", "phone": "+15005550006", "anonymous_id": "a1"}
TRAITS = {"first_name": "Ann", "last_name": "Example", "plan": "pro", "orders": 3, "vip": True}
PERSONAL = ("ann@example.com", "+15005550006", "5005550006")
"""What must not stand in a reason, a log or an error."""


def event(type: str, name: str = "", id: str = "e1", **said: Any) -> Event:
    """An event as a source and the journal make it."""
    who = said.pop("who", ANN)
    made = normalise(type=type, id=id, name=name, identifiers=who, occurred_at=NOW - 5_000_000, **said)
    made.source, made.time, made.received_at = "site", NOW - 5_000_000, NOW
    return made


def events() -> dict[str, Event]:
    """An event of each sort that sinks and transforms meet."""
    order = {**example("order_completed"), "currency": "EUR"}
    context = {"page": {"url": "https://shop.example/cart", "path": "/cart"}, "ip": "192.0.2.1"}
    return {
        "order_completed": event("track", "Order Completed", properties=order, context=context),
        "product_added_by_a_visitor": event(
            "track", "Product Added", properties=example("product_added"), who={"anonymous_id": "a1"}
        ),
        "traits_updated": event("identify", traits=TRAITS),
        "page_viewed": event("page", properties={"url": "https://shop.example/", "title": "Shop"}),
        "consent_granted": event("track", "Consent Changed", properties=_consent("granted")),
        "unsubscribed": event("track", "Unsubscribed", properties={"list_id": "l1"}),
        "a_name_of_its_own": event("track", "Sprocket Ölled 🛠", properties={"a": {"b": [1, None, "ä"]}}),
        "historical": event("track", "Order Completed", properties=order, historical=True),
        "nobody": event("track", "Product Updated", properties={"product_id": "p1"}, who={}),
    }


def _consent(state: str) -> dict[str, str]:
    return {"channel": "email", "purpose": "marketing", "state": state}


def deliveries() -> dict[str, Delivery]:
    """A delivery of each sort: of every sample event, and of a rule's message by each channel."""
    found = {name: _delivery(number, one) for number, (name, one) in enumerate(events().items(), 1)}
    cause = events()["product_added_by_a_visitor"]
    for number, channel in enumerate(("email", "sms", "push"), 101):
        planned = _delivery(number, replace_event(cause, _identifiers(ANN)))
        found[f"message_by_{channel}"] = replace(planned, message=message(channel))
    return found


def message(channel: str) -> Message:
    """What a rule wants to say by a channel."""
    words = {"subject": "Your cart", "text": "Monopoly is waiting for you."}
    return Message(
        id="5f" * 16,
        rule="cart_left",
        channel=channel,
        purpose="marketing",
        template="cart_reminder",
        words=words if channel == "email" else {"text": words["text"]},
        variables={"name": "Monopoly", "value": 19.0},
        created_at=NOW - 1_000_000,
        expires_at=NOW + 86_400_000_000,
    )


def replace_event(one: Event, identifiers: tuple[Identifier, ...]) -> Event:
    """The same event of somebody else."""
    import msgspec

    return msgspec.structs.replace(one, identifiers=identifiers)


def _identifiers(who: Mapping[str, str]) -> tuple[Identifier, ...]:
    return tuple(Identifier(kind, value) for kind, value in who.items())


def _delivery(number: int, one: Event) -> Delivery:
    known = bool(one.identifiers)
    return Delivery(
        f"{number:032x}",
        one,
        person=f"{number:016x}" if known else None,
        identifiers=one.identifiers,
        traits=TRAITS if known else {},
    )


def several(one: Delivery, count: int) -> list[Delivery]:
    """The same for as many people, each with identifiers of their own."""
    made = []
    for number in range(1, count + 1):
        who = {"user_id": f"u{number}", "email": f"p{number}@example.com", "phone": f"+1500555{number:04d}"}
        ids = _identifiers(who)
        other = _with_id(replace_event(one.event, ids), f"e{number}")
        made.append(replace(one, id=f"{number:032x}", event=other, person=f"{number:016x}", identifiers=ids))
    return made


def _with_id(one: Event, id: str) -> Event:
    import msgspec

    return msgspec.structs.replace(one, id=id)
