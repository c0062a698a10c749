"""Outcomes come back in by the journal: one path for everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from hub.errors import StoreUnavailable, TooFast
from hub.store.port import OUTCOMES, Draft, JournalWriter, Kind

MOST = 500
PAUSE = 0.5


class Outcomes(Protocol):
    """Where delivery keeps how deliveries ended, numbered."""

    def outcomes(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Outcomes behind a number, in order: their numbers and their bodies."""
        ...


async def carry(outcomes: Outcomes, journal: JournalWriter, carried: Callable[[], int]) -> None:
    """Appends outcomes to the journal for ever; the cursor moves in the same transaction.

    So none is told twice and none is lost, though the two stores never commit together. `carried` reads
    the cursor: at the start, and after a write of which nobody heard whether it was done.
    """
    cursor: int | None = None
    while True:
        try:
            if cursor is None:
                cursor = carried()
            found = outcomes.outcomes(cursor, MOST)
            if found:
                drafts = [Draft(Kind.OUTCOME, body) for _, body in found]
                await journal.append(drafts, cursors={OUTCOMES: str(found[-1][0])})
                cursor = found[-1][0]
                continue
        except (StoreUnavailable, TooFast):
            cursor = None  # The journal says so itself; what is not carried yet is carried later.
        await asyncio.sleep(PAUSE)
