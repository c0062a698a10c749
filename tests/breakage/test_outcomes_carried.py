"""Outcomes come into the journal once each, also where nobody heard that they were written."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from hub.clock import DrivenClock
from hub.daemon import outcomes
from hub.errors import StoreUnavailable
from hub.store.port import OUTCOMES, Draft, Kind, Refused
from hub.store.sqlite.journal import SqliteJournal, SqliteJournalWriter


class Numbered:
    """Three outcomes, as delivery keeps them."""

    def outcomes(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        return [(number, b"{}") for number in range(after + 1, 4)]


class Unheard:
    """A journal that writes the first time and cannot say so."""

    def __init__(self, journal: SqliteJournalWriter) -> None:
        self._journal = journal
        self.times = 0

    async def append(
        self,
        drafts: Sequence[Draft],
        refused: Sequence[Refused] = (),
        cursors: Mapping[str, str] | None = None,
    ) -> None:
        await self._journal.append(drafts, refused, cursors)
        self.times += 1
        if self.times == 1:
            raise StoreUnavailable("the disk went away behind the commit")

    def close(self) -> None:
        self._journal.close()


async def test_a_write_that_nobody_heard_of_tells_no_outcome_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "PAUSE", 0)
    writer = SqliteJournalWriter(tmp_path, DrivenClock().now)
    reader = SqliteJournal(tmp_path)
    looked = asyncio.Event()

    def carried() -> int:
        kept = int(reader.cursor(OUTCOMES) or 0)
        if kept:
            looked.set()
        return kept

    carrying = asyncio.create_task(outcomes.carry(Numbered(), Unheard(writer), carried))
    await asyncio.wait_for(looked.wait(), 10)
    carrying.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await carrying
    writer.close()

    assert [entry.kind for entry in reader.read(0, None, 100)] == [Kind.OUTCOME] * 3
    reader.close()
