"""Every implementation of the port takes the same suite: a store is named here, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from hub.clock import DrivenClock
from hub.event import Instant
from hub.store.sqlite import connection
from hub.store.sqlite.journal import FILE, SqliteJournal, SqliteJournalWriter


class SqliteJournals:
    """The journal in SQLite, and the faults that a disk and its neighbours can bring."""

    def __init__(self, folder: Path, clock: DrivenClock) -> None:
        self.folder = folder
        self.clock = clock
        self._open: list[SqliteJournal | SqliteJournalWriter] = []

    def writer(
        self,
        now: Callable[[], Instant] | None = None,
        *,
        floor: Instant = 0,
        committed: Callable[[], None] | None = None,
    ) -> SqliteJournalWriter:
        return self._kept(
            SqliteJournalWriter(
                self.folder, now or self.clock.now, floor=floor, committed=committed, durable=False
            )
        )

    def reader(self) -> SqliteJournal:
        return self._kept(SqliteJournal(self.folder))

    def engine_reader(self) -> SqliteJournal:
        return self._kept(SqliteJournal(self.folder, readonly=False))

    @contextmanager
    def full_disk(self, writer: SqliteJournalWriter) -> Iterator[None]:
        """Not one page more fits on the disk."""
        writer._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        writer._db.pragma("max_page_count", writer._db.pragma("page_count"))
        yield
        writer._db.pragma("max_page_count", 1 << 30)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else writes, and takes very long."""
        other = apsw.Connection(str(self.folder / FILE))
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
        other.close()

    def close(self) -> None:
        for one in self._open:
            one.close()

    def _kept(self, one):
        self._open.append(one)
        return one


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock()


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Stores opened from here on wait for a lock only briefly."""
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)


@pytest.fixture(params=[SqliteJournals], ids=["sqlite"])
def journals(request, tmp_path, clock) -> Iterator[SqliteJournals]:
    made = request.param(tmp_path, clock)
    yield made
    made.close()
