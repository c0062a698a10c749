"""What became of the deliveries, in SQLite: a position per lane, and rows for what it does not stand for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from hub.event import Instant, PersonId
from hub.store.port import Kept, LaneRow, Outcome, Settlement, Standing
from hub.store.sqlite.connection import check, connect, migrate, row, rows, store_errors, transaction

FILE = "deliveries.db"

_SCHEMA = (
    """
    CREATE TABLE lane (                       -- every delivery up to the position has ended or has a row
        sink TEXT NOT NULL,
        lane TEXT NOT NULL,                   -- message, forward or sync
        position INTEGER NOT NULL,            -- an outbox row
        delivered INTEGER NOT NULL,
        dead INTEGER NOT NULL,
        skipped INTEGER NOT NULL,
        PRIMARY KEY (sink, lane)
    ) WITHOUT ROWID;
    CREATE TABLE exception (                  -- what was passed over, failed, or did not simply arrive
        sink TEXT NOT NULL,
        lane TEXT NOT NULL,
        seq INTEGER NOT NULL,
        action TEXT NOT NULL,
        entry INTEGER NOT NULL,
        person INTEGER,
        standing INTEGER NOT NULL,
        batch INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        first_at INTEGER NOT NULL,
        retry_at INTEGER NOT NULL,
        at INTEGER NOT NULL,
        id TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (sink, lane, seq, action)
    ) WITHOUT ROWID;
    CREATE INDEX exception_waiting ON exception (sink, lane, person, seq) WHERE standing = 0;
    CREATE INDEX exception_dead ON exception (at, id) WHERE standing = 2;
    CREATE INDEX exception_ended ON exception (at) WHERE standing <> 0;
    CREATE INDEX exception_id ON exception (id) WHERE id <> '';
    CREATE TABLE outcome (                    -- on their way into the journal
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        body BLOB NOT NULL
    );
    CREATE TABLE memory (                     -- what a sink's lane must know after a restart
        sink TEXT PRIMARY KEY,
        body BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE mark (                       -- settlement: the newest number; command: the newest entry
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
)

_COLUMNS = ", ".join(Kept._fields)
# A lane goes on, and its counts with it.
_MOVE = """
    INSERT INTO lane VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (sink, lane) DO UPDATE SET position = max(position, excluded.position),
        delivered = delivered + excluded.delivered, dead = dead + excluded.dead,
        skipped = skipped + excluded.skipped
"""
# A row comes, or stands differently now.
_KEEP = f"INSERT OR REPLACE INTO exception ({_COLUMNS}) VALUES ({', '.join('?' * len(Kept._fields))})"
_MARK = "INSERT OR REPLACE INTO mark VALUES (?, ?)"
_REMEMBER = "INSERT OR REPLACE INTO memory VALUES (?, ?)"
_TELL = "INSERT INTO outcome (body) VALUES (?)"


class SqliteDeliveries:
    """Reads what became of the deliveries; any number of these, in any process."""

    def __init__(self, folder: Path, *, readonly: bool = True, durable: bool = True) -> None:
        self._db = connect(folder / FILE, readonly=readonly, durable=durable)
        (check if readonly else migrate)(self._db, _SCHEMA, folder / FILE)

    def lanes(self) -> Mapping[tuple[str, str], LaneRow]:
        """Every lane by (sink, class)."""
        found = rows(self._db, "SELECT sink, lane, position, delivered, dead, skipped FROM lane")
        return {(sink, lane): LaneRow(*counts) for sink, lane, *counts in found}

    def memory(self, sink: str) -> bytes | None:
        """What a sink's lane must know after a restart."""
        kept = row(self._db, "SELECT body FROM memory WHERE sink = ?", (sink,))
        return kept[0] if kept else None

    def command_position(self) -> int:
        """The newest journal entry whose command was carried out."""
        return self._mark("command")

    def number(self) -> int:
        """The number of the newest settlement."""
        return self._mark("settlement")

    def heads(self, sink: str, lane: str, *, ordered: bool = True) -> list[Kept]:
        """Waiting rows that go next: of each person the first, with all that travel in its request.

        Of a sink that keeps no order: all waiting rows.
        """
        return self._kept(
            "WHERE sink = ? AND lane = ? AND standing = 0 AND (? OR person IS NULL OR batch <> 0 OR seq = ("
            " SELECT min(seq) FROM exception AS other WHERE other.sink = exception.sink"
            " AND other.lane = exception.lane AND other.person = exception.person AND other.standing = 0))"
            " ORDER BY seq",
            (sink, lane, not ordered),
        )

    def held(self, sink: str, lane: str, person: PersonId, limit: int) -> list[Kept]:
        """A person's waiting rows, in order."""
        return self._kept(
            "WHERE sink = ? AND lane = ? AND person = ? AND standing = 0 ORDER BY seq LIMIT ?",
            (sink, lane, person, limit),
        )

    def dead(
        self, sink: str | None = None, before: tuple[Instant, str] | None = None, limit: int = 1000
    ) -> list[Kept]:
        """Dead letters, the newest first; `before` is (at, id) of the last one of the page before."""
        at, last = before or (1 << 62, "")
        return self._kept(
            "WHERE standing = 2 AND (at, id) < (?, ?) AND (? IS NULL OR sink = ?)"
            " ORDER BY at DESC, id DESC LIMIT ?",
            (at, last, sink, sink, limit),
        )

    def ended_since(self, after: tuple[Instant, str], limit: int) -> list[Kept]:
        """Rows that ended behind (at, id), in that order."""
        return self._kept(
            "WHERE standing <> 0 AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?", (*after, limit)
        )

    def find(self, ids: Collection[str]) -> list[Kept]:
        """The rows of these deliveries; one that simply arrived has none."""
        wanted = [id for id in ids if id]
        found: list[Kept] = []
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            found += self._kept(f"WHERE id <> '' AND id IN ({','.join('?' * len(part))})", part)
        return found

    def rows(self, sink: str, lane: str, after: int, until: int) -> list[Kept]:
        """Rows of the outbox rows behind `after`, up to `until`, in order."""
        return self._kept(
            "WHERE sink = ? AND lane = ? AND seq > ? AND seq <= ? ORDER BY seq", (sink, lane, after, until)
        )

    def waiting(self) -> Mapping[tuple[str, str], int]:
        """How many rows wait in each lane; those behind its position are in the outbox alone."""
        counted = rows(
            self._db, "SELECT sink, lane, count(*) FROM exception WHERE standing = 0 GROUP BY sink, lane"
        )
        return {(sink, lane): count for sink, lane, count in counted}

    def ended(self) -> Mapping[tuple[str, str, Standing], int]:
        """How many rows ended in each lane, by how they stand."""
        counted = rows(
            self._db,
            "SELECT sink, lane, standing, count(*) FROM exception WHERE standing <> 0 GROUP BY 1, 2, 3",
        )
        return {(sink, lane, Standing(standing)): count for sink, lane, standing, count in counted}

    def ledger(
        self,
    ) -> tuple[
        Mapping[tuple[str, str], LaneRow], Mapping[tuple[str, str], int], Mapping[str, dict[str, int]]
    ]:
        """Of one instant: the lanes, how many rows wait in each, and why each sink's skipped ones were."""
        with store_errors():
            self._db.execute("BEGIN")
            try:
                reasons: dict[str, dict[str, int]] = {}
                for sink, reason, count in rows(
                    self._db,
                    "SELECT sink, reason, count(*) FROM exception WHERE standing = ? GROUP BY sink, reason",
                    (int(Standing.SKIPPED),),
                ):
                    reasons.setdefault(sink, {})[reason] = count
                return self.lanes(), self.waiting(), reasons
            finally:
                self._db.execute("ROLLBACK")

    def outcomes(self, after: int, limit: int) -> list[Outcome]:
        """Outcomes behind a number, in order."""
        found = rows(
            self._db,
            "SELECT number, body FROM outcome WHERE number > ? ORDER BY number LIMIT ?",
            (after, limit),
        )
        return [Outcome(number, body) for number, body in found]

    def close(self) -> None:
        self._db.close()

    def _mark(self, name: str) -> int:
        kept = row(self._db, "SELECT value FROM mark WHERE name = ?", (name,))
        return int(kept[0]) if kept else 0

    def _kept(self, where: str, values: Sequence[Any]) -> list[Kept]:
        found = rows(self._db, f"SELECT {_COLUMNS} FROM exception {where}", values)
        return [Kept(*kept)._replace(standing=Standing(kept[6])) for kept in found]


class SqliteDeliveriesWriter(SqliteDeliveries):
    """Writes what became of the deliveries: one in the whole house."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        super().__init__(folder, readonly=False, durable=durable)

    def settle(
        self, number: int, settlements: Sequence[Settlement], memories: Mapping[str, bytes], command: int = 0
    ) -> None:
        """Writes all of it in one transaction; the same number again changes nothing."""
        with transaction(self._db), store_errors():
            if self.number() >= number:
                return
            self._db.executemany(_MOVE, [settlement[:6] for settlement in settlements])
            kept = [kept for settlement in settlements for kept in settlement.rows]
            if kept:
                self._db.executemany(_KEEP, kept)
            said = [(body,) for settlement in settlements for body in settlement.outcomes]
            if said:
                self._db.executemany(_TELL, said)
            if memories:
                self._db.executemany(_REMEMBER, list(memories.items()))
            if command:
                self._db.execute(_MARK, ("command", command))
            self._db.execute(_MARK, ("settlement", number))

    def prune(self, before: Instant, limit: int = 1000) -> int:
        """Removes rows that ended before then; says how many."""
        with transaction(self._db), store_errors():
            self._db.execute(
                "DELETE FROM exception WHERE (sink, lane, seq, action) IN (SELECT sink, lane, seq, action"
                " FROM exception WHERE standing <> 0 AND at < ? ORDER BY at LIMIT ?)",
                (before, limit),
            )
            return int(self._db.changes())

    def prune_outcomes(self, until: int) -> None:
        """Removes outcomes that the journal has."""
        with transaction(self._db), store_errors():
            self._db.execute("DELETE FROM outcome WHERE number <= ?", (until,))
