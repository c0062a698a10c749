"""The engine's transaction: read ahead for all its entries, changed in memory, written once.

People and identifiers that were read lately stay in memory between transactions: the engine is the only
writer, so what it remembers is true as long as it commits; after a rollback everything is read again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import msgspec

from hub.event import Identifier, Instant, Message, PersonId, Profile
from hub.store.port import Decision, Fate, Leg, Sync
from hub.store.sqlite.connection import row, rows, store_errors, transaction
from hub.store.sqlite.seen import Seen
from hub.store.sqlite.state import create, parts

PEOPLE_KEPT = 50_000
IDENTIFIERS_KEPT = 200_000

_OUTCOME = "INSERT OR IGNORE INTO outcome VALUES (?, ?, ?, ?)"

_encode = msgspec.json.Encoder().encode
_profile = msgspec.json.Decoder(Profile).decode


class Memory(Protocol):
    """What rules remember of a person, as they think of it."""

    def packed(self) -> bytes:
        """The same, as it is kept."""
        ...


Packed = bytes | Memory
"""A memory as it was read, or as rules have left it."""


class SqliteState:
    """The state, for the engine alone.

        with state.transaction() as work:
            work.prefetch(identifiers, keys)
            …
            work.position = entry.seq

    What an exception leaves half done is forgotten: the state is as it was before the transaction.
    """

    def __init__(self, folder: Path, *, durable: bool = True, dedup_key: bytes | None = None) -> None:
        self._db = create(folder, durable=durable)
        self.seen = Seen(self._db, self._dedup_key(dedup_key))
        self._load()

    @property
    def position(self) -> int:
        """The newest entry that was applied."""
        self._refresh()
        return self._position

    @property
    def horizon(self) -> Instant:
        """The instant of the newest cycle."""
        self._refresh()
        return self._horizon

    @property
    def configuration(self) -> int:
        """The journal entry of the configuration in force; 0 before the first."""
        self._refresh()
        return self._configuration

    @property
    def ages(self) -> str:
        """Since when each rule is in force, as JSON."""
        self._refresh()
        return self._ages

    @contextmanager
    def transaction(self) -> Iterator[Work]:
        """One transaction; commits at the end, or leaves nothing."""
        self._refresh()
        work = Work(self)
        try:
            yield work
            with transaction(self._db), store_errors():
                work.write()
        except BaseException:
            # What is remembered may be wrong, and nobody knows whether the commit was done.
            self._stale = True
            raise
        self._position, self._horizon = work.position, work.horizon
        self._configuration, self._ages = work.configuration, work.ages
        self._forget_people()
        _forget_oldest(self.owners, IDENTIFIERS_KEPT)
        _forget_oldest(self.into, IDENTIFIERS_KEPT)

    def due(self, by: Instant, limit: int) -> list[PersonId]:
        """People who are to be woken by an instant, the earliest first."""
        found = rows(
            self._db,
            "SELECT person FROM timer WHERE wake_at <= ? ORDER BY wake_at, person LIMIT ?",
            (by, limit),
        )
        return [person for (person,) in found]

    def poisoned(self) -> int:
        """How many entries and timers were set aside."""
        counted = row(self._db, "SELECT count(*) FROM poison")
        return int(counted[0]) if counted else 0

    def next_wake(self) -> Instant | None:
        """When somebody is to be woken next."""
        kept = row(self._db, "SELECT min(wake_at) FROM timer")
        return kept[0] if kept else None

    def close(self) -> None:
        self._db.close()

    def _dedup_key(self, wanted: bytes | None) -> bytes:
        """Made once, with the state: everything that follows from it stays the same for ever."""
        with transaction(self._db):
            self._db.execute(
                "INSERT OR IGNORE INTO meta VALUES ('dedup_key', ?)", (wanted or os.urandom(16),)
            )
        kept = row(self._db, "SELECT value FROM meta WHERE name = 'dedup_key'")
        return bytes(kept[0]) if kept else b""

    def _forget_people(self) -> None:
        if len(self.people) > PEOPLE_KEPT:
            for person in list(islice(self.people, len(self.people) - PEOPLE_KEPT)):
                del self.people[person]
                self.memories.pop(person, None)

    def _refresh(self) -> None:
        if self._stale:
            self._load()

    def _load(self) -> None:
        meta: dict[str, Any] = dict(rows(self._db, "SELECT name, value FROM meta"))
        self._position = int(meta.get("position", 0))
        self._horizon = int(meta.get("horizon", 0))
        self._configuration = int(meta.get("configuration", 0))
        self._ages = str(meta.get("ages", "{}"))
        self.owners: dict[str, PersonId] = {}
        self.into: dict[PersonId, PersonId] = {}
        self.people: dict[PersonId, Profile] = {}
        self.memories: dict[PersonId, Packed] = {}
        self.route_sets: dict[str, int] = {
            legs: number for number, legs in rows(self._db, "SELECT id, legs FROM route_set")
        }
        newest = row(self._db, "SELECT max(seq) FROM outbox")
        self.outbox_end = int(newest[0] or 0) if newest else 0
        self.seen.load()
        self._stale = False


class Work:
    """What one transaction reads and changes."""

    def __init__(self, state: SqliteState) -> None:
        self._state = state
        self._db = state._db
        self._people, self._owners, self._into = state.people, state.owners, state.into
        self._memories = state.memories
        self.seen = state.seen
        self.position = state.position
        self.horizon = state.horizon
        self.configuration = state.configuration
        self.ages = state.ages
        self._dirty: set[PersonId] = set()
        self._moved: dict[str, PersonId | None] = {}
        self._merged: list[tuple[int, PersonId, PersonId]] = []
        self._gone: dict[PersonId, tuple[Instant, bytes]] = {}
        self._fates: dict[int, int | None] = {}
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._timers: dict[PersonId, Instant] = {}
        self._ended: set[PersonId] = set()
        self._outbox_end = state.outbox_end
        self.tally: dict[tuple[str, ...], int] = {}
        """What there is to count once the transaction is committed: a metric's name and its labels."""

    # ---------------------------------------------------------------- reading

    def prefetch(self, names: Collection[str]) -> None:
        """Reads whose these identifiers (`kind:value`) are, and what is known of those people."""
        unknown = [name for name in names if name not in self._owners and name not in self._moved]
        for part in parts(unknown):
            self._owners.update(
                rows(
                    self._db,
                    f"SELECT name, person FROM identifier WHERE name IN ({','.join('?' * len(part))})",
                    part,
                )
            )
        self.prefetch_people({self._owners[name] for name in names if name in self._owners})

    def owner(self, identifier: Identifier) -> PersonId | None:
        """Whose an identifier is."""
        part = self._owners.get(f"{identifier.kind}:{identifier.value}")
        return None if part is None else self._into.get(part, part)

    def part(self, identifier: Identifier) -> PersonId | None:
        """The part of a person that an identifier came with."""
        return self._owners.get(f"{identifier.kind}:{identifier.value}")

    def profile(self, person: PersonId) -> Profile:
        """What is known of a person, to be changed in place; say `changed` afterwards."""
        known = self._people.get(person)
        if known is None:
            self.prefetch_people({person})
            known = self._people[self._into.get(person, person)]
        return known

    def memory(self, person: PersonId) -> Packed:
        """What rules remember of a person; empty where there is nothing. Ask for the profile first."""
        return self._memories.get(person, b"")

    def chain(self, head: int, limit: int) -> list[int]:
        """A part's entries from its head backwards, `limit` at most."""
        found: list[int] = []
        entry: int | None = head
        while entry is not None and len(found) < limit and entry in self._fates:
            found.append(entry)
            entry = self._fates[entry]
        if entry is None or len(found) >= limit:
            return found
        further = rows(
            self._db,
            "WITH RECURSIVE back (entry, previous, n) AS ("
            " SELECT entry, previous, 1 FROM fate WHERE entry = ?1"
            " UNION ALL SELECT fate.entry, fate.previous, n + 1 FROM back JOIN fate"
            " ON fate.entry = back.previous WHERE n < ?2) SELECT entry FROM back",
            (entry, limit - len(found)),
        )
        return found + [number for (number,) in further]

    def prefetch_people(self, people: Collection[PersonId]) -> None:
        """Reads what is known of these people, and what rules remember of them."""
        into, known = self._into, self._people
        missing = [one for one in people if one not in into and one not in known]
        missing += [into[one] for one in people if one in into and into[one] not in known]
        while missing:
            further: list[PersonId] = []
            for part in parts(missing):
                marks = ",".join("?" * len(part))
                found = rows(
                    self._db, f"SELECT id, merged_into, body, memory FROM person WHERE id IN ({marks})", part
                )
                for person, merged_into, body, memory in found:
                    if merged_into is None:
                        known[person] = _profile(body)
                        if memory is not None:
                            self._memories[person] = memory
                    else:
                        into[person] = merged_into
                        if merged_into not in known:
                            further.append(merged_into)
            missing = further

    # ---------------------------------------------------------------- changing

    def create(self, source: str, event_id: str) -> Profile:
        """A new person, named after the event that showed them first."""
        digest = blake2b(f"{source}\0{event_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        person = PersonId(int.from_bytes(digest, "big") >> 1 or 1)
        # Two first events with one hash are two people all the same.
        while person in self._people or person in self._into or self._exists(person):
            person = PersonId((person + 1) & ((1 << 63) - 1) or 1)
        profile = self._people[person] = Profile(id=person)
        self._dirty.add(person)
        return profile

    def changed(self, person: PersonId) -> None:
        """The profile was changed and is written with this transaction."""
        self._dirty.add(person)

    def assign(self, identifier: Identifier, person: PersonId) -> None:
        """An identifier points at this person from now on."""
        name = f"{identifier.kind}:{identifier.value}"
        self._owners[name] = person
        self._moved[name] = person

    def release(self, identifier: Identifier) -> None:
        """An identifier points at nobody from now on."""
        name = f"{identifier.kind}:{identifier.value}"
        self._owners.pop(name, None)
        self._moved[name] = None

    def merge(self, entry: int, survivor: PersonId, merged: PersonId) -> None:
        """`merged` is part of `survivor` from now on; its profile stays as it was, for an unmerge."""
        profile = self.profile(merged)
        self._gone[merged] = (profile.seen_at, _encode(profile))
        del self._people[merged]
        self._memories.pop(merged, None)
        self._dirty.discard(merged)
        for part in (merged, *profile.heads):
            self._into[part] = survivor
        self._merged.append((entry, survivor, merged))
        for waking in self._wakes(merged):
            self.wake(survivor, waking)
        self.wake(merged, None)

    def review(self, entry: int, person: PersonId, other: PersonId) -> None:
        """The two may be one; people will decide. A case that is open already is no second one."""
        # Each further event of the two shows it again: a shared address would fill the table.
        self._add(
            "INSERT OR IGNORE INTO review (entry, person, other) VALUES (?, ?, ?)", (entry, person, other)
        )

    def settle(self, entry: int, fate: Fate, person: PersonId | None, previous: int | None) -> None:
        """What became of an entry."""
        self._add("INSERT INTO fate VALUES (?, ?, ?, ?)", (entry, int(fate), person, previous))
        if person is not None:
            self._fates[entry] = previous

    def set_aside(self, traceback: str, *, entry: int | None = None, person: PersonId | None = None) -> None:
        """An entry or a person's timer that could not be processed is kept with its traceback."""
        self._add(
            "INSERT INTO poison (entry, person, traceback) VALUES (?, ?, ?)", (entry, person, traceback)
        )

    def plan(
        self,
        entry: int,
        person: PersonId | None,
        legs: str,
        *,
        more: Iterable[Identifier] = (),
        message: Message | None = None,
        sync: Sync | None = None,
    ) -> None:
        """Deliveries are decided: one row, with the person's identifiers beyond the event's own."""
        routes = self._state.route_sets.get(legs)
        if routes is None:
            routes = self._state.route_sets[legs] = len(self._state.route_sets) + 1
            self._add("INSERT INTO route_set VALUES (?, ?)", (routes, legs))
        self._outbox_end += 1
        identifiers = tuple(more)
        frozen = _encode(identifiers) if identifiers else None
        said = None if message is None else _encode(message)
        told = None if sync is None else _encode(sync)
        self._add(
            "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._outbox_end, entry, person, routes, frozen, said, told),
        )

    def outcome(self, delivery: str, entry: int, event: int | None, person: PersonId | None) -> None:
        """How a delivery ended; told twice it changes nothing."""
        self._add(_OUTCOME, (delivery, entry, event, person))

    def knows_outcome(self, delivery: str) -> bool:
        """Whether it was told before how this delivery ended."""
        if any(values[0] == delivery for values in self._rows.get(_OUTCOME, ())):
            return True
        return row(self._db, "SELECT 1 FROM outcome WHERE delivery = ?", (delivery,)) is not None

    def survivor(self, person: PersonId) -> Profile:
        """The profile of a person, or of whom the person is part of by now."""
        self.prefetch_people({person})
        return self.profile(self._into.get(person, person))

    def remember(self, person: PersonId, memory: Memory) -> None:
        """What rules remember of a person from now on; it is packed once, when the transaction is written."""
        self._memories[person] = memory
        self._dirty.add(person)

    def decided(self, decision: Decision) -> None:
        """A decision is kept, to be asked."""
        self._add(
            "INSERT INTO decision (at, person, body) VALUES (?, ?, ?)",
            (decision.at, decision.person, _encode(decision)),
        )

    def wake_recent(self, since: Instant, at: Instant) -> None:
        """Everybody who was seen since then is looked at, at an instant; for changed definitions."""
        self._add(
            "INSERT INTO timer SELECT id, ?2 FROM person WHERE merged_into IS NULL AND seen_at >= ?1"
            " ON CONFLICT (person) DO UPDATE SET wake_at = min(wake_at, excluded.wake_at)",
            (since, at),
        )

    def wake_sooner(self, by: int, at: Instant) -> None:
        """Everybody who waits is looked at so much earlier, but not before an instant."""
        self._add("UPDATE timer SET wake_at = min(wake_at, max(?2, wake_at - ?1))", (by, at))

    def wake(self, person: PersonId, at: Instant | None) -> None:
        """When to look at this person again: kept where it is earlier than what is kept; None ends it."""
        if at is None:
            self._ended.add(person)
            self._timers.pop(person, None)
            return
        kept = self._timers.get(person)
        if kept is None or at < kept:
            self._timers[person] = at

    def write(self) -> None:
        """Writes everything, inside the caller's transaction."""
        write = self._db.executemany
        write(
            "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?, ?)",
            [(one, self._into[one], *gone, None) for one, gone in sorted(self._gone.items())]
            + [self._person_row(one) for one in sorted(self._dirty)],
        )
        for entry, survivor, merged in self._merged:
            self._db.execute("UPDATE person SET merged_into = ? WHERE merged_into = ?", (survivor, merged))
            self._db.execute(
                "INSERT INTO merge (entry, survivor, merged) VALUES (?, ?, ?)", (entry, survivor, merged)
            )
        moved = sorted(self._moved.items())
        kept = [(name, person) for name, person in moved if person is not None]
        write("INSERT OR REPLACE INTO identifier VALUES (?, ?)", kept)
        write("DELETE FROM identifier WHERE name = ?", [(name,) for name, person in moved if person is None])
        for sql, values in self._rows.items():
            write(sql, values)
        write("DELETE FROM timer WHERE person = ?", [(one,) for one in self._ended])
        write(
            "INSERT INTO timer VALUES (?, ?) ON CONFLICT (person)"
            " DO UPDATE SET wake_at = excluded.wake_at WHERE excluded.wake_at < wake_at",
            list(self._timers.items()),
        )
        self.seen.write()
        write(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            [
                ("position", self.position),
                ("horizon", self.horizon),
                ("configuration", self.configuration),
                ("ages", self.ages),
            ],
        )
        self._state.outbox_end = self._outbox_end

    def _person_row(self, person: PersonId) -> tuple[Any, ...]:
        profile = self._people[person]
        memory = self._memories.get(person)
        packed = memory if memory is None or isinstance(memory, bytes) else memory.packed()
        return person, None, profile.seen_at, _encode(profile), packed

    def count(self, *metric: str) -> None:
        """Counts one, if the transaction commits."""
        self.tally[metric] = self.tally.get(metric, 0) + 1

    def _add(self, sql: str, values: tuple[Any, ...]) -> None:
        kept = self._rows.get(sql)
        if kept is None:
            self._rows[sql] = [values]
        else:
            kept.append(values)

    def _exists(self, person: PersonId) -> bool:
        return row(self._db, "SELECT 1 FROM person WHERE id = ?", (person,)) is not None

    def _wakes(self, person: PersonId) -> list[Instant]:
        """When this person is to be looked at: as this transaction says, and as it was kept before."""
        wakes = [self._timers[person]] if person in self._timers else []
        if person not in self._ended:
            wakes += [at for (at,) in rows(self._db, "SELECT wake_at FROM timer WHERE person = ?", (person,))]
        return wakes


def legs_text(legs: Sequence[Leg]) -> str:
    """A set of deliveries in the one form under which it is interned."""
    return json.dumps(sorted(legs), separators=(",", ":"), ensure_ascii=False)


def _forget_oldest(kept: dict[Any, Any], most: int) -> None:
    if len(kept) > most:
        for key in list(islice(kept, len(kept) - most)):
            del kept[key]
