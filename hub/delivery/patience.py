"""When trying ends: after so long in vain, or when it was due for so long while its sink was down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hub.delivery.backoff import HOUR, waited
from hub.delivery.gate import Gate
from hub.delivery.reading import Desk
from hub.delivery.work import Job
from hub.errors import StoreUnavailable
from hub.event import Instant

LONGEST = 72 * HOUR
"""A delivery is tried for so long since it was first due; pauses for credentials do not count."""
SPENT = "tried in vain for 72 h"


class Patience:
    """How long the deliveries of one sink were tried."""

    def __init__(self, gate: Gate, desk: Desk) -> None:
        self._gate = gate
        self._desk = desk

    def is_spent(self, now: Instant) -> bool:
        """Whether nothing has arrived at the sink for so long."""
        since = self._gate.down_since
        return since > 0 and self._is_long(since, now)

    def overdue(self, jobs: Sequence[Job], now: Instant) -> list[Job]:
        """Those whose events came in so long ago; raises StoreUnavailable."""
        times = self._desk.received(jobs)
        return [job for job, at in zip(jobs, times, strict=True) if self._is_long(at, now)]

    def parted(self, jobs: Sequence[Job], now: Instant) -> tuple[list[Job], list[Job]]:
        """Those that are tried again, and those that were tried for long enough."""
        old = {id(job) for job in jobs if self._is_long(job.first_at, now)}
        if self.is_spent(now):
            with suppress(StoreUnavailable):  # Asked again after the next attempt.
                old |= {id(job) for job in self.overdue(jobs, now)}
        return [job for job in jobs if id(job) not in old], [job for job in jobs if id(job) in old]

    def _is_long(self, since: Instant, now: Instant) -> bool:
        return waited(since, now, self._gate.pauses) >= LONGEST
