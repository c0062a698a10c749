"""One way to open a database: WAL, a full fsync for each commit, files only we can read."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from hub.errors import StoreUnavailable

BUSY_SECONDS: float = 5
NAP = 0.0005


def connect(path: Path, *, readonly: bool = False, durable: bool = True) -> apsw.Connection:
    """Opens (and creates, unless `readonly`) a database; raises StoreUnavailable.

    `durable=False` is for virtual houses in a temporary folder: nothing there outlives the process.
    """
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    try:
        if not readonly and not path.exists():
            path.touch(mode=0o600)
        connection = apsw.Connection(str(path), flags=flags, statementcachesize=200)
        connection.set_busy_handler(_patience(BUSY_SECONDS))
        if not readonly:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        if sys.platform == "darwin" and durable:
            # Without it macOS answers fsync from the drive's cache, and promise 1 would be false.
            connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -16384")
    except (apsw.Error, OSError) as fault:
        raise StoreUnavailable(f"{path} cannot be opened: {fault}") from None
    return connection


def _patience(seconds: float) -> Callable[[int], bool]:
    """Waits for a lock in naps of half a millisecond.

    SQLite's own naps grow to 100 ms: whoever wants the lock for an instant would hardly ever meet one at
    which a busy writer has let go of it.
    """
    until = 0.0

    def nap(tried: int) -> bool:
        nonlocal until
        if tried == 0:
            until = time.monotonic() + seconds
        time.sleep(NAP)
        return time.monotonic() < until

    return nap


def migrate(connection: apsw.Connection, steps: tuple[str, ...], path: Path) -> None:
    """Brings a schema forward, all in one transaction; a database from a later version is refused."""
    if _version(connection, steps, path) == len(steps):
        return
    with transaction(connection):
        version = connection.pragma("user_version")
        for step in steps[version:]:
            connection.execute(step)
        connection.execute(f"PRAGMA user_version = {len(steps)}")


def check(connection: apsw.Connection, steps: tuple[str, ...], path: Path) -> None:
    """Whoever only reads needs the schema of this version: raises StoreUnavailable, with what to do."""
    with store_errors():
        version = _version(connection, steps, path)
    if version == 0:
        raise StoreUnavailable(f"{path} is empty: no hub has run on it yet")
    if version < len(steps):
        raise StoreUnavailable(
            f"{path} was written by an earlier version of hub; 'hub run' brings it forward when it starts"
        )


def _version(connection: apsw.Connection, steps: tuple[str, ...], path: Path) -> int:
    version = int(connection.pragma("user_version"))
    if version > len(steps):
        raise StoreUnavailable(f"{path} was written by a later version of hub; it is left as it is")
    return version


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """All of it or nothing; the write lock is taken at once, so that no reader's view grows old in it."""
    with store_errors():
        connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        with store_errors():
            connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with store_errors():
                connection.execute("ROLLBACK")
        raise


def rows(connection: apsw.Connection, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a question; raises StoreUnavailable."""
    with store_errors():
        found: list[Any] = connection.execute(sql, values).fetchall()
    return found


def row(connection: apsw.Connection, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """The first row of a question, or None; raises StoreUnavailable."""
    with store_errors():
        found: Any = connection.execute(sql, values).fetchone()
    return None if found is None else tuple(found)


@contextmanager
def store_errors() -> Iterator[None]:
    """SQLite's errors as StoreUnavailable: a full disk, a lock, a broken file."""
    try:
        yield
    except apsw.Error as fault:
        raise StoreUnavailable(f"{type(fault).__name__}: {fault}") from fault
