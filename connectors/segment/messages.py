"""Segment's messages, singly and in batches, as events.

The typed decoding is the fast road that nearly every request takes. A request that it does not take is read
item by item, so that a bad one costs only itself.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from math import isinf
from typing import Any

import msgspec

import hub

CALLS = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias"}
"""The short names of the calls in the addresses of browser libraries."""

MOST_SHARED = 32 * 1024
"""Bytes of what a batch says of all its messages: each of them repeats it."""

LARGE = 128 * 1024
"""Requests of more bytes are read item by item, and no item that is too long for an event."""

_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class Message(msgspec.Struct, rename="camel", omit_defaults=True):
    """One message; nothing is believed of its fields before `hub.normalise` has looked at them."""

    type: Any = None
    event: Any = None
    name: Any = None
    category: Any = None
    message_id: Any = None
    user_id: Any = None
    anonymous_id: Any = None
    group_id: Any = None
    previous_id: Any = None
    timestamp: Any = None
    original_timestamp: Any = None
    sent_at: Any = None
    properties: Any = None
    traits: Any = None
    context: Any = None
    integrations: Any = None
    historical: Any = None


class Batch(msgspec.Struct, rename="camel"):
    """Many messages, and what is said of all of them."""

    batch: list[Message]
    sent_at: Any = None
    timestamp: Any = None
    context: Any = None
    integrations: Any = None


def _number(text: str) -> float:
    # The parser's own way takes a hundred times as long for numbers near the ends of the range.
    value = float(text)
    if isinf(value):
        raise ValueError("a number is out of range")
    return value


_batch = msgspec.json.Decoder(Batch, float_hook=_number)
_message = msgspec.json.Decoder(Message, float_hook=_number)
_anything = msgspec.json.Decoder(float_hook=_number)


def _parse(item: bytes | msgspec.Raw) -> Any:
    try:
        return _message.decode(item)
    except msgspec.ValidationError:
        return _anything.decode(item)


class Reading:
    """What a request says of all its messages: when it was sent, by which browser, what its key proves."""

    def __init__(
        self, inbound: hub.Inbound, categories: Mapping[str, str], *, forwarded: bool = False
    ) -> None:
        self._categories = categories
        self._historical = inbound.trust == "secret"
        # Segment has corrected the times of what it forwards; its own clock is not the sender's.
        self._forwarded = forwarded
        self._anonymous_id = _plain(inbound.header("anonymousid"))
        self._sent_at: Any = inbound.header("sentat")
        self._timestamp: Any = None
        self._context: Any = None
        self._integrations: Any = None
        self._too_much = False

    def around(
        self, sent_at: Any, timestamp: Any, context: Any, integrations: Any, *, too_much: bool = False
    ) -> None:
        """Takes in what a batch says of all its messages."""
        self._sent_at = self._sent_at or sent_at
        self._timestamp = timestamp
        self._context = context or None
        self._integrations = integrations or None
        self._too_much = too_much
        if self._context or self._integrations:
            self._too_much |= len(_written((self._context, self._integrations))) > MOST_SHARED

    def event(self, message: Message, call: str = "") -> hub.Event | hub.BadEvent:
        """The event, or a BadEvent with the message in it."""
        try:
            if self._too_much:
                raise hub.BadEvent(f"what a batch says of all its messages has at most {MOST_SHARED} bytes")
            return self._event(message, call)
        except hub.BadEvent as bad:
            return hub.BadEvent(bad.reason, body=_written(message))

    def _event(self, message: Message, call: str) -> hub.Event:
        type = call or message.type or ("track" if message.event else None)
        if type.__class__ is not str:
            raise hub.BadEvent("the message has no type")
        track = type == "track"
        if self._forwarded:
            occurred_at, sent_at = message.timestamp or message.original_timestamp, None
        else:
            occurred_at = message.original_timestamp or message.timestamp or self._timestamp
            sent_at = self._sent_at or message.sent_at
        return hub.normalise(
            type=type,
            id=message.message_id,
            name=message.event if track else message.name,
            occurred_at=occurred_at,
            sent_at=sent_at,
            identifiers=self._identifiers(message, type),
            properties=message.properties if track else _properties(message, type),
            context=self._context_of(message),
            traits=None if track else _traits(message, type),
            categories=self._categories,
            historical=message.historical is True and self._historical,
            parsed=True,
        )

    def _identifiers(self, message: Message, type: str) -> tuple[tuple[str, Any], ...]:
        anonymous_id = message.anonymous_id or self._anonymous_id
        if type != "alias":
            return ("user_id", message.user_id), ("anonymous_id", anonymous_id)
        # The id before is an anonymous one by the spec; an e-mail address in its place is that too.
        before = message.previous_id
        named = before if isinstance(before, str) and "@" in before else None
        return (
            ("user_id", message.user_id),
            ("anonymous_id", anonymous_id),
            ("anonymous_id", before),
            ("email", named),
        )

    def _context_of(self, message: Message) -> Any:
        context = message.context
        if self._context is not None and isinstance(self._context, dict):
            context = {**self._context, **context} if isinstance(context, dict) else context or self._context
        choice = message.integrations or self._integrations
        if choice and isinstance(choice, dict) and (context is None or isinstance(context, dict)):
            # Which other systems the sender allows: there is no better place for it than its context.
            context = {**(context or {}), "integrations": choice}
        return context


def _properties(message: Message, type: str) -> Any:
    """Properties, with what these calls say beside them."""
    sent = message.properties
    if sent and not isinstance(sent, dict):
        return sent
    if type in ("page", "screen"):
        more = {"category": message.category}
    elif type == "group":
        more = {"group_id": message.group_id}
    elif type == "alias":
        more = {"previous_id": message.previous_id}
    else:
        return sent
    return {key: value for key, value in more.items() if value is not None} | (sent or {})


def _traits(message: Message, type: str) -> Any:
    """Traits; RudderStack's libraries say those of an identify call in its context, or in both places."""
    traits = message.traits
    if type != "identify" or not isinstance(message.context, dict):
        return traits
    other = message.context.get("traits")
    if not other or not isinstance(other, dict):
        return traits
    return {**other, **traits} if isinstance(traits, dict) else traits or other


def from_batch(
    inbound: hub.Inbound, categories: Mapping[str, str], *, max_event: int, forwarded: bool = False
) -> Iterator[hub.Event | hub.BadEvent]:
    """The events of a batch, a list, or one message that says its type."""
    reading = Reading(inbound, categories, forwarded=forwarded)
    if len(inbound.body) > LARGE:
        yield from _from_items(inbound, reading, max_event)
        return
    try:
        batch = _batch.decode(inbound.text())
    except _UNREADABLE:
        yield from _from_items(inbound, reading, max_event)
        return
    reading.around(batch.sent_at, batch.timestamp, batch.context, batch.integrations)
    for message in batch.batch:
        yield reading.event(message)


def _from_items(inbound: hub.Inbound, reading: Reading, max_event: int) -> Iterator[hub.Event | hub.BadEvent]:
    found = inbound.items(
        "batch", max_event=max_event, parse=_parse if len(inbound.body) > LARGE else _anything.decode
    )
    around = found.envelope
    reading.around(
        *(around.get(key) for key in ("sentAt", "timestamp", "context", "integrations")),
        too_much=not found.too_long.isdisjoint(("context", "integrations")),
    )
    for item in found.items:
        yield item if isinstance(item, hub.BadEvent) else _from_item(item, reading)


def _from_item(item: Any, reading: Reading, call: str = "") -> hub.Event | hub.BadEvent:
    if isinstance(item, Message):
        return reading.event(item, call)
    if not isinstance(item, dict):
        return hub.BadEvent("the message is no object", body=_written(item))
    return reading.event(msgspec.convert(item, Message), call)


def from_single(
    inbound: hub.Inbound, call: str, categories: Mapping[str, str], *, max_event: int
) -> Iterable[hub.Event | hub.BadEvent]:
    """The event of one message, whose call the address names."""
    if len(inbound.body) > LARGE:
        return [
            item if isinstance(item, hub.BadEvent) else _from_item(item, Reading(inbound, categories), call)
            for item in inbound.items("", max_event=max_event).items
        ]
    try:
        message = _message.decode(inbound.text())
    except _UNREADABLE:
        raise hub.BadPayload('the body is no message in JSON, as {"userId": …, "event": …}') from None
    return (Reading(inbound, categories).event(message, call),)


def from_object(
    said: dict[str, Any], call: str, inbound: hub.Inbound, categories: Mapping[str, str]
) -> hub.Event | hub.BadEvent:
    """The event of a message that was read elsewhere."""
    return _from_item(said, Reading(inbound, categories), call)


def _plain(header: str | None) -> str | None:
    """RudderStack's anonymous id, which travels in base64."""
    if header is None or len(header) > 1024:
        return None
    try:
        return b64decode(header + "=" * (-len(header) % 4)).decode("utf-8")
    except ValueError:
        return None


def _written(item: Any) -> bytes:
    try:
        return msgspec.json.encode(item)
    except (*_UNREADABLE, TypeError, OverflowError):
        return b""
