"""Writing to the journal, and knowing whether it can be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter

from hub.errors import StoreUnavailable, TooFast
from hub.ingest.room import Room
from hub.store.port import Draft, JournalWriter, Refused
from hub.telemetry import Health, Metrics, log, names


class Writing:
    """The gateway's pen: everything that it accepts goes through here.

    A fault is said once when it comes and once when it goes. While there is one, `probe` finds out
    whether it has passed, so that nobody has to risk an event for it.
    """

    def __init__(self, journal: JournalWriter, room: Room, metrics: Metrics, health: Health) -> None:
        self._journal = journal
        self._room = room
        self._metrics = metrics
        self._health = health
        self._seconds = metrics.spread(names.JOURNAL_WRITTEN_SECONDS)
        self._short = False
        self.fault: str | None = None

    async def write(
        self,
        drafts: Sequence[Draft],
        refused: Sequence[Refused] = (),
        cursors: Mapping[str, str] | None = None,
    ) -> None:
        """Returns when all of it is on disk; raises StoreUnavailable or TooFast, and then nothing is."""
        if self.is_short():
            self._metrics.count(names.JOURNAL_REFUSED, "disk")
            raise StoreUnavailable("the disk is nearly full")
        began = perf_counter()
        try:
            await self._journal.append(drafts, refused, cursors)
        except TooFast:
            self._metrics.count(names.JOURNAL_REFUSED, "queue")
            raise
        except StoreUnavailable as fault:
            self._metrics.count(names.JOURNAL_REFUSED, "unavailable")
            self._down(fault)
            raise
        self._seconds.add(perf_counter() - began)
        if self.fault is not None:
            self._up()

    def is_short(self) -> bool:
        """Whether the disk has too little room; says so when it changes."""
        short = self._room.is_short()
        if short is not self._short:
            self._short = short
            if short:
                log.warning("disk short")
                self._health.report("disk", "degraded", "free space is below the limit")
            else:
                log.info("disk enough")
                self._health.report("disk")
        return short

    def obstacle(self) -> str | None:
        """Why nothing can be accepted now; None where it can."""
        if self.is_short():
            return "the disk is nearly full"
        return None if self.fault is None else "the journal cannot be written"

    async def probe(self) -> None:
        """After a fault: whether the journal takes something again."""
        if self.fault is None:
            return
        try:
            await self._journal.append(())
        except (StoreUnavailable, TooFast):
            return
        self._up()

    def _down(self, fault: StoreUnavailable) -> None:
        if self.fault is None:
            log.error("journal unavailable", reason=fault.reason)
        self.fault = fault.reason
        self._health.report("journal", "degraded", "it cannot be written")

    def _up(self) -> None:
        self.fault = None
        log.info("journal available")
        self._health.report("journal")
