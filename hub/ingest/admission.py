"""From a request to what goes into the journal: accepted events, and bad ones with their reason."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter

import msgspec

from hub.errors import BadEvent, InboundError
from hub.event import Event
from hub.ingest.bugs import Bugs
from hub.ingest.intake import Intake
from hub.store.port import Draft, Kind, Refused
from hub.telemetry import names
from hub.wire import Inbound

SLICE_SECONDS = 0.005
_encode = msgspec.json.Encoder().encode


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
        """What the source makes of the request; raises an InboundError where the whole of it is no good."""
        taking = _Taking(intake, inbound, self._bugs)
        while not taking.slice():  # noqa: ASYNC110 (others get their turn; there is nothing to wait for)
            await asyncio.sleep(0)
        admitted = taking.admitted
        if keep_raw and admitted.drafts:
            admitted.drafts[0] = admitted.drafts[0]._replace(raw=inbound.body)
        return admitted


class _Taking:
    """One request on its way through its source."""

    def __init__(self, intake: Intake, inbound: Inbound, bugs: Bugs) -> None:
        self.admitted = Admitted()
        self._intake = intake
        self._inbound = inbound
        self._bugs = bugs
        self._said: Iterator[Event | BadEvent] | None = None
        self._whole_kept = False

    def slice(self) -> bool:
        """Works for a few milliseconds; True when all is done."""
        try:
            if self._said is None:
                self._said = iter(self._intake.source.receive(self._inbound))
            return self._take(self._said)
        except InboundError:
            raise
        except BadEvent as bad:
            self._quarantine(bad.reason, bad.body)
        except MemoryError:
            raise
        except Exception as bug:
            # A bug of ours must not cost the sender its events: the request is kept as a whole.
            self._bugs.met(self._intake.source.name, bug)
            self._quarantine("connector failed", b"")
        return True

    def _take(self, said: Iterator[Event | BadEvent]) -> bool:
        until = perf_counter() + SLICE_SECONDS
        for count, one in enumerate(said, 1):
            if isinstance(one, BadEvent):
                self._quarantine(one.reason, one.body)
            else:
                self._accept(one)
            if not count & 15 and perf_counter() > until:
                return False
        return True

    def _accept(self, event: Event) -> None:
        intake = self._intake
        event.source = intake.label
        if self._inbound.trust != "secret":
            event.trust = "public"
        if event.trust != "secret":
            event.historical = False
        if not event.id:
            event.id = os.urandom(16).hex()
        for transform in intake.transforms:
            try:
                changed = transform.change(event)
            except Exception as bug:
                self._bugs.met(transform.name, bug, said="transform failed")
                self._quarantine(f"the transform {transform.label} failed", self._text(event))
                return
            if changed is None:
                intake.metrics.count(names.EVENTS_DROPPED, intake.label, transform.label)
                return
            event = changed
        try:
            body = _encode(event)
        except (ValueError, OverflowError, RecursionError, TypeError, msgspec.MsgspecError) as fault:
            self._quarantine(f"it cannot be written as JSON: {type(fault).__name__}", b"")
            return
        if len(body) > intake.max_event and _size_as_sent(event) > intake.max_event:
            self._quarantine(f"an event has at most {intake.max_event} bytes", body)
            return
        self.admitted.drafts.append(Draft(Kind.EVENT, body))

    def _quarantine(self, reason: str, body: bytes) -> None:
        if not body and not self._whole_kept:
            # Once a request: a thousand bad events must not store it a thousand times.
            self._whole_kept = True
            body = self._inbound.body
        self.admitted.refused.append(Refused(self._intake.label, reason, body))

    @staticmethod
    def _text(event: Event) -> bytes:
        try:
            return _encode(event)
        except (ValueError, OverflowError, RecursionError, TypeError, msgspec.MsgspecError):
            return b""


def _size_as_sent(event: Event) -> int:
    """About what the sender sent: without what we derived from it."""
    return len(_encode(msgspec.structs.replace(event, context={}, name_as_sent="", source="")))
