"""Outcomes come back in by the journal: one path for everything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from hub.errors import StoreUnavailable, TooFast
from hub.store.port import Draft, JournalWriter, Kind

CURSOR = "outcomes"
MOST = 500
PAUSE = 0.5


class Outcomes(Protocol):
    """Where delivery keeps how deliveries ended, numbered."""

    def outcomes(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Outcomes behind a number, in order: their numbers and their bodies."""
        ...


async def carry(outcomes: Outcomes, journal: JournalWriter, cursor: int) -> None:
    """Appends outcomes to the journal for ever; the cursor moves in the same transaction.

    So none is told twice and none is lost, though the two stores never commit together.
    """
    while True:
        try:
            found = outcomes.outcomes(cursor, MOST)
            if found:
                drafts = [Draft(Kind.OUTCOME, body) for _, body in found]
                await journal.append(drafts, cursors={CURSOR: str(found[-1][0])})
                cursor = found[-1][0]
                continue
        except (StoreUnavailable, TooFast):
            pass  # The journal says so itself; what is not carried yet is carried later.
        await asyncio.sleep(PAUSE)
