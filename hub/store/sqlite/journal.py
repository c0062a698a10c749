"""The journal in SQLite: accepted entries in order, the quarantine, raw bodies by day."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import apsw

from hub.event import Instant, moment
from hub.store.port import Draft, Entry, Kind, Quarantined, Refused
from hub.store.sqlite.connection import check, connect, migrate, row, rows, store_errors, transaction
from hub.store.sqlite.group import GroupCommit

FILE = "journal.db"
RAW_DAYS = 30
READING = 4 * 1024 * 1024
"""About how many bytes of entries are read in one go: read as events, they take many times as much."""

_SCHEMA = (
    """
    CREATE TABLE entry (                      -- accepted entries, in order
        seq INTEGER PRIMARY KEY,
        received_at INTEGER NOT NULL,         -- strictly increasing
        kind INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE INDEX entry_control ON entry (kind, seq) WHERE kind <> 0;
    CREATE TABLE quarantine (                 -- bad events; their bodies are among the raw ones
        seq INTEGER PRIMARY KEY,
        received_at INTEGER NOT NULL,
        source TEXT NOT NULL,
        reason TEXT NOT NULL
    );
    CREATE TABLE cursor (                     -- how far other logs and polled systems were read
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
)
_RAW_SCHEMA = (
    """
    CREATE TABLE raw (                        -- bodies as they were sent
        quarantined INTEGER NOT NULL,         -- 0: of the entry `seq`, 1: of the bad event `seq`
        seq INTEGER NOT NULL,
        received_at INTEGER NOT NULL,         -- of a write that failed later, this fits no entry
        body BLOB NOT NULL,
        PRIMARY KEY (quarantined, seq)
    ) WITHOUT ROWID;
    """,
)


class Batch(NamedTuple):
    """What one request brings."""

    drafts: Sequence[Draft]
    refused: Sequence[Refused] = ()
    cursors: Mapping[str, str] = {}


class SqliteJournal:
    """Reads the journal; any number of these, in any process.

    `readonly=False` for the engine, whose horizon takes the write lock for an instant.
    """

    def __init__(self, folder: Path, *, readonly: bool = True) -> None:
        self._folder = folder
        self._db = connect(folder / FILE, readonly=readonly)
        (check if readonly else migrate)(self._db, _SCHEMA, folder / FILE)

    def read(self, after: int, until: Instant | None, limit: int) -> list[Entry]:
        """Entries behind `after`, received by `until`, in order; fewer than `limit` where they are large."""
        found: list[Entry] = []
        left = READING
        with store_errors():
            for seq, at, kind, body in self._db.execute(
                "SELECT seq, received_at, kind, body FROM entry"
                " WHERE seq > ? AND received_at <= ? ORDER BY seq LIMIT ?",
                (after, _FOREVER if until is None else until, limit),
            ):
                found.append(Entry(seq, at, _KINDS[kind], body))
                left -= len(body)
                if left <= 0:
                    break
        return found

    def waiting(self, after: int) -> bool:
        """Whether anything stands behind `after`."""
        return row(self._db, "SELECT 1 FROM entry WHERE seq > ? LIMIT 1", (after,)) is not None

    def get(self, seqs: Collection[int]) -> dict[int, Entry]:
        """These entries."""
        wanted = list(seqs)
        found: dict[int, Entry] = {}
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            marks = ",".join("?" * len(part))
            found.update((entry.seq, entry) for entry in self._entries(f"WHERE seq IN ({marks})", part))
        return found

    def controls(self, after: int, limit: int) -> list[Entry]:
        """Entries behind `after` that are no events."""
        # By kind, so that the small index is used: by number alone it walks over every event since.
        return self._entries(
            f"WHERE kind <> 0 AND kind IN ({_CONTROLS}) AND seq > ? ORDER BY seq LIMIT ?", (after, limit)
        )

    def latest(self, kind: Kind) -> Entry | None:
        """The newest entry of a kind."""
        newest = self._entries("WHERE kind <> 0 AND kind = ? ORDER BY seq DESC LIMIT 1", (int(kind),))
        return newest[0] if newest else None

    def end(self) -> tuple[int, Instant]:
        """The newest entry's number and received time; zeros where there is none."""
        newest = row(self._db, "SELECT seq, received_at FROM entry ORDER BY seq DESC LIMIT 1")
        return (newest[0], newest[1]) if newest else (0, 0)

    def horizon(self, now: Callable[[], Instant]) -> Instant:
        """An instant by which nothing can arrive any more.

        The write lock is held while the clock is read: whoever writes next gets a later time.
        """
        with transaction(self._db):
            return max(now(), self.end()[1] + 1) - 1

    def first_since(self, since: Instant) -> int:
        """The number of the first entry received since then, or one behind the end."""
        low, high = 1, self.end()[0] + 1
        while low < high:
            middle = (low + high) // 2
            next_one = self._entries("WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,))
            if next_one and next_one[0].received_at < since:
                low = middle + 1
            else:
                high = middle
        return low

    def count(self, kind: Kind, until: int) -> int:
        """How many entries of a kind there are, up to a number."""
        counted = row(self._db, "SELECT count(*) FROM entry WHERE kind = ? AND seq <= ?", (int(kind), until))
        return int(counted[0]) if counted else 0

    def quarantine(self, since: Instant, after: int, limit: int) -> list[Quarantined]:
        """Bad events received since then, behind `after`, in order."""
        kept = rows(
            self._db,
            "SELECT seq, received_at, source, reason FROM quarantine"
            " WHERE seq > ? AND received_at >= ? ORDER BY seq LIMIT ?",
            (after, since, limit),
        )
        return [
            Quarantined(seq, at, source, reason, self._raw_body(at, True, seq) or b"")
            for seq, at, source, reason in kept
        ]

    def quarantined(self) -> int:
        """How many bad events are kept."""
        counted = row(self._db, "SELECT count(*) FROM quarantine")
        return int(counted[0]) if counted else 0

    def last_quarantined(self) -> int:
        """The number of the newest bad event; 0 where there is none."""
        newest = row(self._db, "SELECT max(seq) FROM quarantine")
        return int(newest[0] or 0) if newest else 0

    def raw(self, entry: Entry) -> bytes | None:
        """The body that brought an entry, as it was sent; None where none is kept."""
        return self._raw_body(entry.received_at, False, entry.seq)

    def cursor(self, name: str) -> str | None:
        """How far another log or a polled system was read."""
        kept = row(self._db, "SELECT value FROM cursor WHERE name = ?", (name,))
        return kept[0] if kept else None

    def _entries(self, where: str, values: Sequence[int]) -> list[Entry]:
        found = rows(self._db, f"SELECT seq, received_at, kind, body FROM entry {where}", values)
        return [Entry(seq, at, _KINDS[kind], body) for seq, at, kind, body in found]

    def close(self) -> None:
        self._db.close()

    def _raw_body(self, received_at: Instant, quarantined: bool, seq: int) -> bytes | None:
        path = _raw_path(self._folder, received_at)
        if not path.exists():
            return None
        day = connect(path, readonly=True)
        try:
            kept = row(
                day,
                "SELECT body FROM raw WHERE quarantined = ? AND seq = ? AND received_at = ?",
                (quarantined, seq, received_at),
            )
        finally:
            day.close()
        return kept[0] if kept else None


class SqliteJournalWriter:
    """Writes the journal: one in the whole house, in a thread of its own, in groups.

    `floor` is an instant that the engine has already closed: nothing is received before it.
    """

    def __init__(
        self,
        folder: Path,
        now: Callable[[], Instant],
        *,
        floor: Instant = 0,
        committed: Callable[[], None] | None = None,
        durable: bool = True,
    ) -> None:
        self._now = now
        self._folder = folder
        self._durable = durable
        self._db = connect(folder / FILE, durable=durable)
        migrate(self._db, _SCHEMA, folder / FILE)
        self._raw: tuple[Path, apsw.Connection] | None = None
        self._forgot_on = ""
        self._last = max(
            floor, self._newest("entry", "received_at"), self._newest("quarantine", "received_at")
        )
        self._forget_raw(now())
        self.group: GroupCommit[Batch] = GroupCommit(self.write, committed=committed, name="journal")

    async def append(
        self,
        drafts: Sequence[Draft],
        refused: Sequence[Refused] = (),
        cursors: Mapping[str, str] | None = None,
    ) -> None:
        """Returns when all of it is durable; raises StoreUnavailable or TooFast."""
        batch = Batch(drafts, refused, cursors or {})
        await self.group.commit(batch, weight=len(drafts) + len(refused) or 1)

    def write(self, batches: Sequence[Batch]) -> None:
        """Makes these batches durable in one transaction; raises StoreUnavailable and leaves nothing."""
        with transaction(self._db), store_errors():
            # Stamped under the write lock: the engine's horizon relies on it.
            at = max(self._now(), self._last + 1)
            # Never stamped again, even if this fails: what looks unwritten may have been written.
            self._last = at + sum(len(batch.drafts) + len(batch.refused) for batch in batches) - 1
            self._write(batches, at)
        self._forget_raw(at)

    def _write(self, batches: Sequence[Batch], at: Instant) -> None:
        seq, bad_seq = self._newest("entry", "seq"), self._newest("quarantine", "seq")
        entries, bad = [], []
        cursors: list[tuple[str, str]] = []
        raws: dict[Path, list[tuple[int, int, Instant, bytes]]] = {}
        for drafts, refused, moved in batches:
            for kind, body, raw in drafts:
                seq += 1
                entries.append((seq, at, int(kind), body))
                if raw is not None:
                    raws.setdefault(_raw_path(self._folder, at), []).append((0, seq, at, raw))
                at += 1
            for source, reason, body in refused:
                bad_seq += 1
                bad.append((bad_seq, at, source, reason))
                raws.setdefault(_raw_path(self._folder, at), []).append((1, bad_seq, at, body))
                at += 1
            cursors.extend(moved.items())
        for path, bodies in raws.items():
            self._keep_raw(path, bodies)
        self._db.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", entries)
        self._db.executemany("INSERT INTO quarantine VALUES (?, ?, ?, ?)", bad)
        self._db.executemany("INSERT OR REPLACE INTO cursor VALUES (?, ?)", cursors)

    def close(self) -> None:
        """Writes what waits and closes; safe to call twice."""
        self.group.close()
        self._db.close()
        if self._raw is not None:
            self._raw[1].close()
            self._raw = None

    def _keep_raw(self, path: Path, bodies: list[tuple[int, int, Instant, bytes]]) -> None:
        # Kept before the entries: after a crash between the two a body without an entry is left. No entry
        # was received when it was, and the next one of its number that brings a body replaces it.
        day = self._day(path)
        with transaction(day), store_errors():
            day.executemany("INSERT OR REPLACE INTO raw VALUES (?, ?, ?, ?)", bodies)

    def _day(self, path: Path) -> apsw.Connection:
        if self._raw is not None and self._raw[0] == path:
            return self._raw[1]
        if self._raw is not None:
            self._raw[1].close()
        path.parent.mkdir(mode=0o700, exist_ok=True)
        day = connect(path, durable=self._durable)
        migrate(day, _RAW_SCHEMA, path)
        self._raw = (path, day)
        return day

    def _forget_raw(self, at: Instant) -> None:
        """Bodies of more than `RAW_DAYS` days ago go, once a day; a file that resists, at the next chance."""
        day = f"{moment(at):%Y-%m-%d}"
        if day == self._forgot_on:
            return
        oldest = _raw_path(self._folder, at - RAW_DAYS * _DAY).name
        with contextlib.suppress(OSError):
            for old in sorted((self._folder / "raw").glob("????-??-??.db")):
                if old.name < oldest:
                    for part in _files_of(old):
                        part.unlink(missing_ok=True)
            self._forgot_on = day

    def _newest(self, table: str, column: str) -> int:
        newest = row(self._db, f"SELECT {column} FROM {table} ORDER BY seq DESC LIMIT 1")
        return int(newest[0]) if newest else 0


_FOREVER = (1 << 63) - 1
_DAY = 86_400_000_000
_KINDS = tuple(Kind)
_CONTROLS = ", ".join(str(int(kind)) for kind in Kind if kind is not Kind.EVENT)


def _raw_path(folder: Path, at: Instant) -> Path:
    return folder / "raw" / f"{moment(at):%Y-%m-%d}.db"


def _files_of(database: Path) -> list[Path]:
    return [database, database.with_name(database.name + "-wal"), database.with_name(database.name + "-shm")]
