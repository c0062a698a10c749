"""From a request to what goes into the journal: accepted events, and bad ones with their reason."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from math import inf
from time import perf_counter

import msgspec

from hub.errors import BadEvent, InboundError, TooLarge
from hub.event import Event, Trust
from hub.ingest.bugs import Bugs
from hub.ingest.intake import Intake, Origin
from hub.store.port import Draft, Kind, Refused
from hub.telemetry import names
from hub.wire import Inbound

SLICE_SECONDS = 0.005
LARGE = 128 * 1024
MOST_EVENTS = 50_000
"""Events of one request; ten megabytes of the smallest ones would be a gigabyte once they are taken apart."""
MOST_REFUSED = 10_000
"""Bad events of one request that are kept each with its reason; of more the request is kept, once."""
GROWTH = 16
"""How many times its own size a request's events may have together, above `FREE` bytes: what is said once of
all of them is repeated in each, and a few kilobytes could become gigabytes."""
FREE = 4 * 1024 * 1024
KEPT = 64 * 1024
"""Bytes of bad events that are kept beyond what the request itself has; then it is kept, once."""
_encode = msgspec.json.Encoder().encode
_UNWRITABLE = (ValueError, TypeError, OverflowError, RecursionError, msgspec.MsgspecError)


@dataclass(slots=True)
class Admitted:
    """What one request brings, not durable yet."""

    drafts: list[Draft] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class Admission:
    """Takes a request apart, event by event; a bad one never costs its neighbours.

    Long requests are worked on in slices, so that the loop is never held for long.
    """

    def __init__(self, bugs: Bugs) -> None:
        self._bugs = bugs

    async def admit(self, intake: Intake, inbound: Inbound, *, keep_raw: bool = False) -> Admitted:
        """What the source makes of a request; raises an InboundError where the whole of it is no good."""
        taking = _Taking(
            intake,
            partial(intake.source.receive, inbound),
            self._bugs,
            trust=inbound.trust,
            whole=inbound.body,
        )
        admitted = taking.admitted if taking.slice() else await taking.finish()
        if keep_raw and admitted.drafts:
            admitted.drafts[0] = admitted.drafts[0]._replace(raw=inbound.body)
        return admitted

    async def admit_page(self, origin: Origin, events: Iterable[Event | BadEvent]) -> Admitted:
        """What a page of a polled system brings; it counts as proven, since we asked for it."""
        return await _Taking(origin, lambda: events, self._bugs, trust="secret", whole=b"").finish()


class _Taking:
    """The events of one request on their way through their source."""

    def __init__(
        self,
        origin: Origin,
        say: Callable[[], Iterable[Event | BadEvent]],
        bugs: Bugs,
        *,
        trust: Trust,
        whole: bytes,
    ) -> None:
        self.admitted = Admitted()
        self._origin = origin
        self._say = say
        self._bugs = bugs
        self._trust = trust
        self._whole = whole
        # Without a body it is a page of a polled system, or says all it has in its address.
        self._room: float = GROWTH * len(whole) + FREE if whole else inf
        self._to_keep: float = len(whole) + KEPT if whole else inf
        self._said: Iterator[Event | BadEvent] | None = None
        self._crowded = False

    async def finish(self) -> Admitted:
        """Works in slices until all is taken."""
        while not self.slice():  # noqa: ASYNC110 (others get their turn; there is nothing to wait for)
            await asyncio.sleep(0)
        return self.admitted

    def slice(self) -> bool:
        """Works for a few milliseconds; True when all is taken."""
        try:
            if self._said is None:
                self._said = iter(self._say())
            return self._take(self._said)
        except (InboundError, MemoryError):
            raise
        except BadEvent as bad:
            self._quarantine(bad.reason, bad.body)
        except Exception as bug:
            # A bug of ours must not cost the sender its events: the request is kept as a whole.
            self._bugs.met(self._origin.connector, bug)
            self._quarantine("connector failed", b"")
        return True

    def _take(self, said: Iterator[Event | BadEvent]) -> bool:
        until = perf_counter() + SLICE_SECONDS
        # Events of a large request may be large themselves: the clock is asked after each.
        seldom = 0 if len(self._whole) > LARGE else 15
        for count, one in enumerate(said, 1):
            if isinstance(one, BadEvent):
                self._quarantine(one.reason, one.body)
            else:
                self._accept(one)
            if not count & seldom and perf_counter() > until:
                return False
        return True

    def _accept(self, event: Event) -> None:
        origin = self._origin
        event.source = origin.label
        if self._trust != "secret":
            event.trust = "public"
        if event.trust != "secret":
            event.historical = False
        if not event.id:
            event.id = os.urandom(16).hex()
        if origin.transforms:
            changed = self._change(event)
            if changed is None:
                return
            event = changed
        try:
            body = _encode(event)
        except _UNWRITABLE as fault:
            self._quarantine(f"it cannot be written as JSON: {type(fault).__name__}", b"")
            return
        self._room -= len(body)
        if self._room < 0:
            raise TooLarge("what the request says of all its events is too much, repeated in each of them")
        if len(body) > origin.max_event and _size_as_sent(event) > origin.max_event:
            self._quarantine(f"an event has at most {origin.max_event} bytes", body)
            return
        if len(self.admitted.drafts) >= MOST_EVENTS:
            raise TooLarge(f"a request has at most {MOST_EVENTS} events")
        self.admitted.drafts.append(Draft(Kind.EVENT, body))

    def _change(self, event: Event) -> Event | None:
        for transform in self._origin.transforms:
            try:
                changed = transform.change(event)
            except Exception as bug:
                self._bugs.met(transform.name, bug, said="transform failed")
                self._quarantine(f"the transform {transform.label} failed", _text(event))
                return None
            if changed is None:
                self._origin.metrics.count(names.EVENTS_DROPPED, self._origin.label, transform.label)
                return None
            event = changed
        return event

    def _quarantine(self, reason: str, body: bytes) -> None:
        if len(self.admitted.refused) >= MOST_REFUSED:
            if self._crowded:
                return
            self._crowded = True
            reason, body = f"more than {MOST_REFUSED} bad events in one request", b""
        if not body or len(body) > self._to_keep:
            # Once a request: a thousand bad events must not store it, or what they share, a thousand times.
            body, self._whole = self._whole, b""
        else:
            self._to_keep -= len(body)
        self.admitted.refused.append(Refused(self._origin.label, reason, body))


def _text(event: Event) -> bytes:
    try:
        return _encode(event)
    except _UNWRITABLE:
        return b""


def _size_as_sent(event: Event) -> int:
    """About what the sender sent: without what we derived from it."""
    return len(_encode(msgspec.structs.replace(event, context={}, name_as_sent="", source="")))
