"""Is it new? The same message id per source, or the same business key, is the same thing told again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from hub.event import Event
from hub.identity.rules import PLACEHOLDERS
from hub.pipeline.reading import Events
from hub.store.sqlite.seen import WINDOW
from hub.store.sqlite.work import Work

ONCE = frozenset({"order_completed", "order_cancelled"})
"""What happens once per order, whoever tells it."""


def message_key(event: Event) -> str:
    """One message of one source."""
    return f"{event.source}\0{event.id}"


def business_key(event: Event) -> str | None:
    """What the event is about, where that can happen only once; None for other events."""
    if event.name not in ONCE:
        return None
    said = event.properties.get("order_id")
    order = str(said) if isinstance(said, str | int) and not isinstance(said, bool) else ""
    # Programs that know no order write `undefined`; the orders of two customers are not the same by that.
    return f"\0{event.name}\0{order}" if order and order.strip().lower() not in PLACEHOLDERS else None


def remembered(event: Event) -> list[str]:
    """The keys under which an event is known from now on."""
    keys = [message_key(event)]
    business = business_key(event)
    # A claim is no proof that the order exists: the shop's own word must still be heard.
    if business is not None and event.trust == "secret":
        keys.append(business)
    return keys


class Recogniser:
    """Recognises what was told before, over a batch of events."""

    def __init__(self, work: Work, kept: Events, events: Mapping[int, Event]) -> None:
        self._seen = work.seen
        self._kept = kept
        self._events = events
        self._keys = {seq: self._keys_of(event) for seq, event in events.items()}
        self._seen.prefetch(number for keys in self._keys.values() for _, number in keys)

    def original(self, seq: int, event: Event) -> int | None:
        """The entry that told the same before; where there is none, this one is remembered."""
        keys = self._keys[seq]
        for text, number in keys:
            entry = self._seen.find(number, partial(self._same, text=text, event=event))
            if entry is not None:
                return entry
        kept = remembered(event)
        for text, number in keys:
            if text in kept:
                self._seen.remember(number, seq, event.received_at)
        return None

    def _keys_of(self, event: Event) -> list[tuple[str, int]]:
        texts = [message_key(event)]
        business = business_key(event)
        if business is not None:
            texts.append(business)
        return [(text, self._seen.hash(text)) for text in texts]

    def _same(self, earlier: int, text: str, event: Event) -> bool:
        """A hash is only a hint: the earlier entry itself is asked."""
        other = self._events.get(earlier) or self._kept.get((earlier,)).get(earlier)
        if other is None or other.received_at < event.received_at - WINDOW:
            return False
        return text in remembered(other)
