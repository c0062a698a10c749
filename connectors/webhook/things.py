"""What a request holds: bodies, lists of them and CloudEvents, each as something to read an event from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import msgspec

import hub

from . import cloud_events
from .cloud_events import CloudEvent
from .paths import Path, Steps, find

_IDS = ("webhook-id", "svix-id")
_CLOUD = "application/cloudevents"
_UNTOLD = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that no path leads to: they hold secrets."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What one event is read from.

    `inside` is searched for what the event says, one place after the other: the item, what stands around
    it, the request. `outside` is searched for what the event is, its name and time: a CloudEvent says that
    around its data. `body` is the item's own text, where the request holds others besides.
    """

    id: str
    inside: tuple[Any, ...]
    outside: tuple[Any, ...]
    cloud: dict[str, Any] | None = None
    body: bytes = field(default=b"", repr=False)

    def find(self, steps: Steps) -> Any:
        """What the event says there; without steps all that it says."""
        return _first(self.inside, steps) if steps else self.inside[0]

    def find_outside(self, steps: Steps) -> Any:
        """What is said there of the event."""
        return _first(self.outside, steps)


def _first(places: tuple[Any, ...], steps: Steps) -> Any:
    for place in places:
        found = find(place, steps)
        if found is not None:
            return found
    return None


def things(inbound: hub.Inbound, items: Path | None) -> Iterator[Thing | hub.BadEvent]:
    """What a request holds, a BadEvent for each part of it that cannot be read; raises BadPayload."""
    words = {"header": _headers(inbound), "query": _query(inbound)}
    told = cloud_events.from_headers(inbound)
    if told is not None:
        yield from _parted(_of_cloud(told, words), items)
        return
    request = _Request(inbound, items, words)
    yield from request.torn() if request.is_torn else request.whole()


class _Request:
    """A request without CloudEvent headers."""

    def __init__(self, inbound: hub.Inbound, items: Path | None, words: dict[str, Any]) -> None:
        self._inbound = inbound
        self._items = items
        self._words = words
        self._cloud = (inbound.header("content-type") or "").strip().lower().startswith(_CLOUD)
        given = next((given for name in _IDS if (given := inbound.header(name))), None)
        # A sender that repeats a request sends the same bytes.
        self._id = _text(given) if given else blake2b(inbound.body, digest_size=16).hexdigest()
        self._body: Any = None
        try:
            self._body = inbound.json()
            self.is_torn = False
        except hub.BadPayload:
            self.is_torn = True

    def whole(self) -> Iterator[Thing | hub.BadEvent]:
        if isinstance(self._body, list):
            for number, body in enumerate(self._body, 1):
                yield from self._things(body, f"{self._id}/{number}", several=True)
        elif isinstance(self._body, dict):
            yield from self._things(self._body, self._id)
        else:
            raise hub.BadPayload("the body is neither an object nor a list")

    def torn(self) -> Iterator[Thing | hub.BadEvent]:
        """One bad item in a list makes the whole of it unreadable; its neighbours are kept."""
        steps = self._items.steps if self._items is not None else ()
        cut = self._inbound.items(steps[0] if len(steps) == 1 else "")
        listed = self._inbound.text().lstrip().startswith(b"[")
        for number, one in enumerate(cut.items, 1):
            if isinstance(one, hub.BadEvent):
                yield one
            elif listed:
                yield from self._things(one, f"{self._id}/{number}", several=True)
            else:
                around = (cut.envelope, self._words)
                yield _item(one, Thing(self._id, around, around), number)

    def _things(self, body: Any, id: str, *, several: bool = False) -> Iterator[Thing | hub.BadEvent]:
        text = msgspec.json.encode(body) if several else b""
        if not isinstance(body, dict):
            yield hub.BadEvent("the event is no object", body=text)
            return
        if not self._cloud and not cloud_events.is_structured(body):
            thing = Thing(id, (body, self._words), (body, self._words))
        else:
            try:
                thing = _of_cloud(cloud_events.from_object(body), self._words)
            except hub.BadEvent as bad:
                yield hub.BadEvent(bad.reason, body=text)
                return
        yield from _parted(replace(thing, body=text), self._items)


def _of_cloud(told: CloudEvent, words: dict[str, Any]) -> Thing:
    around = {**told.attributes, "data": told.data}
    words = {**words, "ce": told.attributes}
    return Thing(told.id, (told.data, around, words), (around, told.data, words), told.attributes)


def _parted(thing: Thing, items: Path | None) -> Iterator[Thing | hub.BadEvent]:
    """The items of a thing, where the settings say that it has some; else the thing."""
    if items is None:
        yield thing
        return
    found = thing.find(items.steps)
    if not isinstance(found, list):
        yield hub.BadEvent(f"there is no list of events at '{items.text}'", body=thing.body)
        return
    for number, one in enumerate(found, 1):
        yield _item(one, thing, number)


def _item(one: Any, around: Thing, number: int) -> Thing | hub.BadEvent:
    body = msgspec.json.encode(one)
    if not isinstance(one, dict):
        return hub.BadEvent("the event is no object", body=body)
    return replace(
        around,
        id=f"{around.id}/{number}",
        inside=(one, *around.inside),
        outside=(one, *around.outside),
        body=body,
    )


def _headers(inbound: hub.Inbound) -> dict[str, str]:
    return {name: _text(value) for name, value in inbound.headers.items() if name not in _UNTOLD}


def _query(inbound: hub.Inbound) -> dict[str, str]:
    query = inbound.query if inbound.query_string else {}
    return {name: value.replace("\0", "") for name, value in query.items()}


def _text(header: str) -> str:
    return header.encode("latin-1", "replace").decode("utf-8", "replace").replace("\0", "")
