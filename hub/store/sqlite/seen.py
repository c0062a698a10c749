"""Exact dedup that stays flat: 64-bit keyed hashes in a few generations by age.

A hash only says where to look: whether it is the same thing is asked of the journal, so two different
ids with one hash are told apart. A whole generation is dropped when the last of it is too old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from hashlib import blake2b

import apsw

from hub.event import Instant
from hub.store.sqlite.connection import row, rows
from hub.store.sqlite.state import parts

WINDOW = timedelta(days=30) // timedelta(microseconds=1)
"""How long the same thing told again is a duplicate."""
GENERATION = timedelta(days=5) // timedelta(microseconds=1)

_MASK = (1 << 63) - 1


class Seen:
    """What was seen, and by which entry; changes are written with the engine's transaction."""

    _generations: list[int]
    _fresh: dict[int, dict[int, int]]
    _known: dict[int, dict[int, int]]
    _looked: set[int]
    _met: set[int]

    def __init__(self, connection: apsw.Connection, key: bytes) -> None:
        self._db = connection
        self._key = key
        self.load()

    def load(self) -> None:
        """Reads which generations there are; forgets what was not written."""
        self._generations = [number for (number,) in rows(self._db, "SELECT number FROM generation")]
        self._forget()

    def hash(self, text: str) -> int:
        """Where to look for a key. Keyed, so that nobody outside can choose ids that meet."""
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key).digest()
        return int.from_bytes(digest, "big") & _MASK

    def prefetch(self, hashes: Iterable[int]) -> None:
        """Looks all of these up, in one question per generation."""
        self._looked = set(hashes)
        wanted = sorted(self._looked)
        for number in self._generations:
            known = self._known[number] = {}
            for part in parts(wanted):
                marks = ",".join("?" * len(part))
                known.update(
                    rows(self._db, f"SELECT hash, entry FROM seen_{number} WHERE hash IN ({marks})", part)
                )
            self._met.update(known)

    def find(self, key: int, same: Callable[[int], bool]) -> int | None:
        """The entry that was the same thing, as `same` says of an entry; None where it is new."""
        if key in self._looked and key not in self._met:
            return None
        for number in {*self._generations, *self._fresh}:
            probe = key
            while (entry := self._entry(number, probe)) is not None:
                if same(entry):
                    return entry
                probe = (probe + 1) & _MASK
        return None

    def remember(self, key: int, entry: int, received_at: Instant) -> None:
        """This entry was the first to say it."""
        number = received_at // GENERATION
        while self._entry(number, key) is not None:
            key = (key + 1) & _MASK
        self._fresh.setdefault(number, {})[key] = entry
        self._met.add(key)

    def write(self) -> None:
        """Writes what is new and drops what is too old, inside the caller's transaction."""
        for number, fresh in self._fresh.items():
            if number not in self._generations:
                self._db.execute(f"CREATE TABLE seen_{number} (hash INTEGER PRIMARY KEY, entry INTEGER)")
                self._db.execute("INSERT INTO generation VALUES (?)", (number,))
                self._generations.append(number)
            self._db.executemany(f"INSERT INTO seen_{number} VALUES (?, ?)", sorted(fresh.items()))
        if self._fresh:
            newest = max(self._fresh)
            for number in [one for one in self._generations if (newest - one - 1) * GENERATION > WINDOW]:
                self._db.execute(f"DROP TABLE seen_{number}")
                self._db.execute("DELETE FROM generation WHERE number = ?", (number,))
                self._generations.remove(number)
        self._forget()

    def _forget(self) -> None:
        self._fresh, self._known = {}, {}
        self._looked, self._met = set(), set()

    def _entry(self, number: int, key: int) -> int | None:
        """What stands at a place of a generation. Each generation is probed by itself: it goes as a whole."""
        fresh = self._fresh.get(number)
        if fresh is not None and key in fresh:
            return fresh[key]
        if key in self._looked:
            return self._known.get(number, {}).get(key)
        if number not in self._generations:
            return None
        kept = row(self._db, f"SELECT entry FROM seen_{number} WHERE hash = ?", (key,))
        return kept[0] if kept else None
