"""A store that fails, or that did it and says that it failed: nothing is lost, nothing is done twice."""

from __future__ import annotations

import random
from contextlib import suppress

import apsw
import msgspec
import pytest

from hub.clock import DrivenClock
from hub.errors import StoreUnavailable
from hub.event import Event, Identifier
from hub.pipeline import Engine
from hub.store.port import Draft, Fate, Kind, Settlement
from hub.store.sqlite.deliveries import SqliteDeliveries, SqliteDeliveriesWriter
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState


class Shaky:
    """A connection of which some commits fail: before they are done, or after, unheard."""

    def __init__(self, real: apsw.Connection, rng: random.Random) -> None:
        self._real = real
        self._rng = rng

    def __getattr__(self, name):
        return getattr(self._real, name)

    def execute(self, sql, *values):
        if sql == "BEGIN IMMEDIATE" and self._rng.random() < 0.1:
            raise apsw.BusyError("database is locked")
        if sql != "COMMIT":
            return self._real.execute(sql, *values)
        lot = self._rng.random()
        if lot < 0.1:
            raise apsw.FullError("database or disk is full")
        done = self._real.execute(sql, *values)
        if lot > 0.9:
            raise apsw.IOError("no answer")
        return done


def shaken(store, rng: random.Random):
    store._db = Shaky(store._db, rng)
    if hasattr(store, "seen"):
        store.seen._db = store._db
    return store


def batch(number: int) -> Batch:
    known = (Identifier("user_id", "ann"),)
    events = [
        Event(id=f"{number}-{n}", type="track", name="product_viewed", source="site", identifiers=known)
        for n in range(3)
    ]
    return Batch([Draft(Kind.EVENT, msgspec.json.encode(event)) for event in events])


def until_done(attempt, *said) -> None:
    for _ in range(1000):
        with suppress(StoreUnavailable):
            attempt(*said)
            return
    raise AssertionError("it never worked")


@pytest.mark.parametrize("tens", range(10))
def test_senders_who_try_again_lose_nothing_and_count_once(tmp_path, tens):
    for seed in range(10 * tens, 10 * tens + 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        rng, clock = random.Random(seed), DrivenClock()
        writer = shaken(SqliteJournalWriter(folder, clock.now, durable=False), rng)
        journal = SqliteJournal(folder, readonly=False)
        state = shaken(SqliteState(folder, durable=False), rng)
        engine = Engine(journal, state, most=rng.choice([1, 2, 500]))
        for number in range(12):
            until_done(writer.write, [batch(number)])
            clock.forward(seconds=rng.random())
            until_done(engine.cycle, clock.now)
        clock.forward(seconds=1)
        until_done(engine.cycle, clock.now)

        assert_exact(folder, journal)
        for one in (writer, journal, state):
            one.close()


def assert_exact(folder, journal: SqliteJournal) -> None:
    times = [entry.received_at for entry in journal.read(0, None, 10_000)]
    reader = SqliteStateReader(folder)
    fates = reader.fate_counts(1 << 60)
    [ann] = reader.all_profiles()
    reader.close()

    assert times == sorted(set(times))
    assert fates[Fate.PROCESSED] == 36
    assert sum(fates.values()) == len(times)
    assert ann.counters == {"product_viewed": 36}


@pytest.mark.parametrize("tens", range(10))
def test_a_settlement_that_is_tried_again_counts_once(tmp_path, tens):
    for seed in range(10 * tens, 10 * tens + 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        store = shaken(SqliteDeliveriesWriter(folder, durable=False), random.Random(seed))
        for number in range(1, 31):
            said = Settlement("a", "forward", number, 2, 1, 0, outcomes=[b"%d" % number])
            until_done(store.settle, number, [said], {})
        store.close()
        kept = SqliteDeliveries(folder)

        assert kept.lanes()["a", "forward"] == (30, 60, 30, 0)
        assert [int(outcome.body) for outcome in kept.outcomes(0, 100)] == list(range(1, 31))
        kept.close()
