"""The state in SQLite: people, identifiers, the fate of each entry, the outbox. One file, one writer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

from hub.event import Identifier, Instant, Message, PersonId, Profile
from hub.store.port import Decision, Fate, FateRow, Leg, MergeRow, Planned, Poisoned, ReviewRow, Sync
from hub.store.sqlite.connection import check, connect, migrate, row, rows

FILE = "state.db"

SCHEMA = (
    """
    CREATE TABLE meta (                       -- position, horizon, the configuration in force
        name TEXT PRIMARY KEY,
        value NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE person (                     -- who we know; a merged person keeps its last body
        id INTEGER PRIMARY KEY,
        merged_into INTEGER,
        seen_at INTEGER NOT NULL,             -- when their newest event arrived
        body BLOB NOT NULL,
        memory BLOB                           -- what rules remember
    );
    CREATE INDEX person_merged ON person (merged_into) WHERE merged_into IS NOT NULL;
    CREATE TABLE identifier (                 -- whose an identifier is: the part it came with
        name TEXT PRIMARY KEY,                -- kind:value
        person INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE generation (                 -- dedup by age: one table `seen_N` each
        number INTEGER PRIMARY KEY
    );
    CREATE TABLE fate (                       -- what became of each entry, in order
        entry INTEGER PRIMARY KEY,
        fate INTEGER NOT NULL,
        person INTEGER,                       -- the part it came with
        previous INTEGER                      -- that part's entry before; of a duplicate its original
    );
    CREATE TABLE poison (                     -- entries and timers that could not be processed
        id INTEGER PRIMARY KEY,
        entry INTEGER,
        person INTEGER,
        traceback TEXT NOT NULL
    );
    CREATE TABLE merge (                      -- who became one with whom, and why
        id INTEGER PRIMARY KEY,
        entry INTEGER NOT NULL,
        survivor INTEGER NOT NULL,
        merged INTEGER NOT NULL
    );
    CREATE TABLE review (                     -- who may be one, but was left alone
        id INTEGER PRIMARY KEY,
        entry INTEGER NOT NULL,
        person INTEGER NOT NULL,
        other INTEGER NOT NULL,
        UNIQUE (person, other)
    );
    CREATE TABLE decision (                   -- why something fired, was skipped, sent or dropped
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        person INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE INDEX decision_person ON decision (person, id);
    CREATE TABLE timer (                      -- one lazy wake-up per person
        person INTEGER PRIMARY KEY,
        wake_at INTEGER NOT NULL
    );
    CREATE INDEX timer_due ON timer (wake_at, person);
    CREATE TABLE route_set (                  -- interned: which deliveries an outbox row means
        id INTEGER PRIMARY KEY,
        legs TEXT NOT NULL UNIQUE
    );
    CREATE TABLE outbox (                     -- deliveries decided, in order: one row an event
        seq INTEGER PRIMARY KEY,
        entry INTEGER NOT NULL,
        person INTEGER,
        routes INTEGER NOT NULL,
        identifiers BLOB,                     -- the person's, beyond the event's own
        message BLOB                          -- what a rule wants to say, frozen
    );
    CREATE TABLE outcome (                    -- how deliveries ended, as far as somebody may want to know
        delivery TEXT PRIMARY KEY,
        entry INTEGER NOT NULL,               -- the journal entry that told it
        event INTEGER,                        -- the entry that the delivery was about
        person INTEGER
    ) WITHOUT ROWID;
    """,
    # What a sync wants to tell. SQLite keeps the text of an added column: no comment may stand in it.
    "ALTER TABLE outbox ADD COLUMN sync BLOB",
)

_identifiers = msgspec.json.Decoder(tuple[Identifier, ...]).decode
_profile = msgspec.json.Decoder(Profile).decode
_message = msgspec.json.Decoder(Message).decode
_sync = msgspec.json.Decoder(Sync).decode
_decision = msgspec.json.Decoder(Decision).decode
_legs = msgspec.json.Decoder(tuple[Leg, ...]).decode


class SqliteStateReader:
    """Reads committed state; any number of these, in any process."""

    def __init__(self, folder: Path) -> None:
        self._db = connect(folder / FILE, readonly=True)
        check(self._db, SCHEMA, folder / FILE)

    def position(self) -> int:
        """The newest journal entry that was applied."""
        return int(self._meta("position"))

    def horizon(self) -> Instant:
        """The instant of the newest cycle: nothing received by then is missing once it is finished."""
        return int(self._meta("horizon"))

    def route_sets(self) -> Mapping[int, tuple[Leg, ...]]:
        """Every set of routes that a row of the outbox may name."""
        return {number: _legs(legs) for number, legs in rows(self._db, "SELECT id, legs FROM route_set")}

    def outbox(self, after: int, routes: Collection[int], limit: int) -> list[Planned]:
        """Rows behind `after` that take one of these sets, in order."""
        marks = ",".join("?" * len(routes))
        return self._outbox(
            f"WHERE seq > ? AND routes IN ({marks}) ORDER BY seq LIMIT ?", (after, *sorted(routes), limit)
        )

    def outbox_rows(self, seqs: Collection[int]) -> dict[int, Planned]:
        """These rows."""
        found: dict[int, Planned] = {}
        for part in parts(list(seqs)):
            marks = ",".join("?" * len(part))
            found.update((planned.seq, planned) for planned in self._outbox(f"WHERE seq IN ({marks})", part))
        return found

    def outbox_end(self) -> int:
        """The newest row's number; 0 where there is none."""
        newest = row(self._db, "SELECT max(seq) FROM outbox")
        return int(newest[0] or 0) if newest else 0

    def outbox_counts(self, after: int = 0, until: int | None = None) -> dict[int, int]:
        """How many rows take each set of routes, behind a row, up to another."""
        return dict(
            rows(
                self._db,
                "SELECT routes, count(*) FROM outbox WHERE seq > ? AND seq <= ? GROUP BY routes",
                (after, 1 << 62 if until is None else until),
            )
        )

    def profiles(self, people: Collection[PersonId]) -> dict[PersonId, Profile]:
        """Profiles by the id asked for; a merged person's is the survivor's."""
        found, into = self._people(people)
        survivors = self._people(set(into.values()))[0] if into else {}
        for asked, survivor in into.items():
            found[asked] = survivors[survivor]
        return found

    def survivors(self, people: Collection[PersonId]) -> dict[PersonId, PersonId]:
        """Who these people are now: those that were merged into somebody."""
        return self._people(people)[1]

    def all_profiles(self) -> Iterator[Profile]:
        """Everybody, in the order of their ids; merged-away people are left out."""
        for (body,) in self._db.execute("SELECT body FROM person WHERE merged_into IS NULL ORDER BY id"):
            yield _profile(body)

    def owners(self, identifiers: Iterable[Identifier]) -> dict[Identifier, PersonId]:
        """Who these identifiers point at now."""
        wanted = {str(one): one for one in identifiers}
        found: dict[Identifier, PersonId] = {}
        for part in parts(list(wanted)):
            marks = ",".join("?" * len(part))
            for name, person in rows(
                self._db,
                "SELECT name, coalesce(merged_into, id) FROM identifier JOIN person ON id = person"
                f" WHERE name IN ({marks})",
                part,
            ):
                found[wanted[name]] = person
        return found

    def named(self, value: str) -> list[tuple[Identifier, PersonId]]:
        """Everybody that some identifier of this value points at, whatever its kind."""
        found = rows(
            self._db,
            "SELECT name, coalesce(merged_into, id) FROM identifier JOIN person ON id = person"
            " WHERE substr(name, instr(name, ':') + 1) = ? ORDER BY name",
            (value,),
        )
        return [(Identifier(*name.split(":", 1)), person) for name, person in found]

    def fates(self, entries: Collection[int]) -> dict[int, FateRow]:
        """What became of these entries."""
        found: dict[int, FateRow] = {}
        for part in parts(list(entries)):
            marks = ",".join("?" * len(part))
            for entry, fate, person, previous in rows(
                self._db, f"SELECT entry, fate, person, previous FROM fate WHERE entry IN ({marks})", part
            ):
                found[entry] = FateRow(entry, Fate(fate), person, previous)
        return found

    def fate_counts(self, until: int) -> dict[Fate, int]:
        """How many entries had which fate, up to a number."""
        counted = rows(self._db, "SELECT fate, count(*) FROM fate WHERE entry <= ? GROUP BY fate", (until,))
        return {Fate(fate): count for fate, count in counted}

    def timeline(self, heads: Mapping[PersonId, int], limit: int) -> list[int]:
        """A person's newest entries, newest first, over all of the person's parts."""
        found: set[int] = set()
        for head in heads.values():
            entry: int | None = head
            for _ in range(limit):
                kept = row(self._db, "SELECT previous FROM fate WHERE entry = ?", (entry,))
                if entry is None or kept is None:
                    break
                found.add(entry)
                entry = kept[0]
        return sorted(found, reverse=True)[:limit]

    def merges(self, person: PersonId) -> list[MergeRow]:
        """How a person came to be made of several."""
        found = rows(
            self._db,
            "SELECT id, entry, survivor, merged FROM merge WHERE survivor = ?1 OR merged IN"
            " (SELECT id FROM person WHERE merged_into = ?1) ORDER BY id",
            (person,),
        )
        return [MergeRow(*values) for values in found]

    def reviews(self, person: PersonId) -> list[ReviewRow]:
        """People who may be the same as this one, but were left alone; a merge ends the cases of the two."""
        found = rows(
            self._db,
            "WITH part (id) AS (SELECT id FROM person WHERE id = ?1 OR merged_into = ?1)"
            " SELECT review.id, entry, coalesce(one.merged_into, one.id), coalesce(two.merged_into, two.id)"
            " FROM review JOIN person AS one ON one.id = review.person"
            " JOIN person AS two ON two.id = review.other"
            " WHERE (review.person IN part) <> (review.other IN part) ORDER BY review.id",
            (person,),
        )
        return [ReviewRow(*values) for values in found]

    def decisions(self, people: Collection[PersonId], limit: int) -> list[Decision]:
        """The newest decisions about these people (a person and its parts), newest first."""
        marks = ",".join("?" * len(people))
        found = rows(
            self._db,
            f"SELECT body FROM decision WHERE person IN ({marks}) ORDER BY id DESC LIMIT ?",
            (*people, limit),
        )
        return [_decision(body) for (body,) in found]

    def last_decision(self) -> int:
        """The number of the newest decision; 0 where there is none."""
        newest = row(self._db, "SELECT max(id) FROM decision")
        return int(newest[0] or 0) if newest else 0

    def decisions_since(self, after: int, limit: int) -> list[tuple[int, Decision]]:
        """Decisions behind a number, in order."""
        found = rows(
            self._db, "SELECT id, body FROM decision WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
        )
        return [(number, _decision(body)) for number, body in found]

    def memory(self, person: PersonId) -> bytes | None:
        """What rules remember of a person."""
        kept = row(self._db, "SELECT memory FROM person WHERE id = ?", (person,))
        return kept[0] if kept else None

    def wake_at(self, person: PersonId) -> Instant | None:
        """When a person is looked at again."""
        kept = row(self._db, "SELECT wake_at FROM timer WHERE person = ?", (person,))
        return kept[0] if kept else None

    def configuration(self) -> tuple[int, str]:
        """The journal entry of the configuration in force, and the ages of its rules as JSON."""
        return int(self._meta("configuration")), str(self._meta("ages") or "{}")

    def poisoned(self, limit: int = 100) -> list[Poisoned]:
        """The newest entries and timers that could not be processed."""
        found = rows(
            self._db, "SELECT entry, person, traceback FROM poison ORDER BY id DESC LIMIT ?", (limit,)
        )
        return [Poisoned(*values) for values in found]

    def snapshot(self) -> None:
        """Everything read until `release` is of one instant; keep it short."""
        self._db.execute("BEGIN")
        self.position()

    def release(self) -> None:
        """Ends a snapshot."""
        self._db.execute("ROLLBACK")

    def close(self) -> None:
        self._db.close()

    def _meta(self, name: str) -> Any:
        kept = row(self._db, "SELECT value FROM meta WHERE name = ?", (name,))
        return kept[0] if kept else 0

    def _outbox(self, where: str, values: Sequence[Any]) -> list[Planned]:
        found = rows(
            self._db,
            f"SELECT seq, entry, person, routes, identifiers, message, sync FROM outbox {where}",
            values,
        )
        return [
            Planned(
                seq,
                entry,
                person,
                routes,
                () if more is None else _identifiers(more),
                None if message is None else _message(message),
                None if sync is None else _sync(sync),
            )
            for seq, entry, person, routes, more, message, sync in found
        ]

    def _people(
        self, people: Collection[PersonId]
    ) -> tuple[dict[PersonId, Profile], dict[PersonId, PersonId]]:
        found: dict[PersonId, Profile] = {}
        into: dict[PersonId, PersonId] = {}
        for part in parts(list(people)):
            marks = ",".join("?" * len(part))
            for person, merged_into, body in rows(
                self._db, f"SELECT id, merged_into, body FROM person WHERE id IN ({marks})", part
            ):
                if merged_into is None:
                    found[person] = _profile(body)
                else:
                    into[person] = merged_into
        return found, into


def parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Values in portions that one statement takes."""
    for start in range(0, len(values), 500):
        yield values[start : start + 500]


def create(folder: Path, *, durable: bool = True) -> apsw.Connection:
    """Opens the state for its one writer, made or brought forward where needed."""
    connection = connect(folder / FILE, durable=durable)
    migrate(connection, SCHEMA, folder / FILE)
    return connection
