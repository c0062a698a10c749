"""A cycle of the engine that is stopped in the middle, and what an entry that is no good leaves behind."""

from __future__ import annotations

import msgspec
import pytest

from hub.clock import DrivenClock
from hub.errors import StoreUnavailable
from hub.event import Event, Identifier
from hub.pipeline import Engine
from hub.store.port import Draft, Fate, Kind
from hub.store.sqlite import work
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState


class House:
    """Tell entries, let the engine run, look at what became of them."""

    def __init__(self, folder) -> None:
        self.clock = DrivenClock()
        self.poisoned: list[str] = []
        self.writer = SqliteJournalWriter(folder, self.clock.now, durable=False)
        self.journal = SqliteJournal(folder, readonly=False)
        self.state = SqliteState(folder, durable=False)
        self.reader = SqliteStateReader(folder)
        self.engine = Engine(self.journal, self.state, poisoned=self.poisoned.append)

    def tell(self, *drafts: Draft) -> None:
        self.writer.write([Batch(drafts)])

    def run(self) -> None:
        self.clock.forward(seconds=0.001)
        while self.engine.cycle(self.clock.now):
            pass

    def told(self, *drafts: Draft) -> list[Fate]:
        self.tell(*drafts)
        self.run()
        return self.fates()

    def fates(self) -> list[Fate]:
        found = self.reader.fates(range(1, 10_000))
        return [found[entry].fate for entry in sorted(found)]

    def profile(self, user: str):
        owner = self.reader.owners([Identifier("user_id", user)])[Identifier("user_id", user)]
        return self.reader.profiles([owner])[owner]

    def planned(self) -> list[str]:
        sets = self.reader.route_sets()
        rows = self.reader.outbox(0, list(sets), 1000)
        return [leg.sink for row in rows for leg in sets[row.routes]]

    def close(self) -> None:
        for one in (self.writer, self.journal, self.state, self.reader):
            one.close()


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.close()


def event(id: str, name: str = "product_viewed", *, user: str = "ann", **fields) -> Draft:
    known = (Identifier("user_id", user),)
    fields.setdefault("source", "site")
    one = Event(id=id, type="track", name=name, identifiers=known, **fields)
    return Draft(Kind.EVENT, msgspec.json.encode(one))


def order(id: str, number: str = "o1", *, proven: bool, source: str = "site") -> Draft:
    trust = "secret" if proven else "public"
    return event(id, "order_completed", source=source, trust=trust, properties={"order_id": number})


def configuration(sink: str) -> Draft:
    route = {"name": "all", "sink": sink, "lane": "forward", "actions": {"track": "send"}, "when": None}
    body = {"plan": {"routes": [route | {"from": None}]}, "tables": {}, "order": {}}
    return Draft(Kind.CONFIG, msgspec.json.encode(body))


# ------------------------------------------------------------------ told twice


@pytest.mark.parametrize(
    ("first", "second", "fate"),
    [
        (True, True, Fate.DUPLICATE),
        (True, False, Fate.DUPLICATE),
        (False, True, Fate.PROCESSED),
    ],
    ids=["proven twice", "a claim of what was proven", "a proof of what was claimed"],
)
def test_an_order_happens_once_across_sources_and_only_proof_stands_for_it(house, first, second, fate):
    told = house.told(order("m1", proven=first), order("m2", proven=second, source="shop"))

    assert told == [Fate.PROCESSED, fate]


def test_different_orders_are_different(house):
    assert house.told(order("m1", proven=True), order("m2", "o2", proven=True)) == [Fate.PROCESSED] * 2


# ------------------------------------------------------------------ poison


def test_a_poison_entry_is_set_aside_with_its_traceback_and_the_rest_goes_on(house):
    fates = house.told(event("m1"), Draft(Kind.EVENT, b'{"id": 5}'), event("m2"))

    assert fates == [Fate.PROCESSED, Fate.POISON, Fate.PROCESSED]
    [poison] = house.reader.poisoned()
    assert poison.entry == 2
    assert "ValidationError" in poison.traceback
    assert [line.split(":")[0] for line in house.poisoned] == ["entry 2"]


def test_a_poison_configuration_is_set_aside_and_the_one_before_holds(house):
    house.told(configuration("a"), Draft(Kind.CONFIG, b"{"), event("m1"))

    assert house.planned() == ["a"]
    assert house.state.poisoned() == 1


# ------------------------------------------------------------------ configurations


def test_a_configuration_is_known_after_a_restart(house):
    house.told(configuration("a"))
    house.engine = Engine(house.journal, house.state)
    house.told(event("m1"))

    assert house.planned() == ["a"]


# ------------------------------------------------------------------ cycles and faults


def test_nothing_to_do_is_nothing_done_also_when_a_timer_is_due_just_now(house):
    house.told(event("m1"))
    with house.state.transaction() as changing:
        changing.wake(house.profile("ann").id, house.clock.now())

    assert house.engine.cycle(house.clock.now) is False
    house.clock.forward(seconds=1e-6)
    assert house.engine.cycle(house.clock.now) is True


def test_a_store_that_fails_in_the_middle_of_a_cycle_leaves_the_cycle_to_be_finished(house, monkeypatch):
    house.tell(event("m1"))
    house.clock.forward(seconds=1)
    with monkeypatch.context() as patch:
        patch.setattr(work.Work, "write", _unavailable)
        with pytest.raises(StoreUnavailable):
            house.engine.cycle(house.clock.now)
    began = house.clock.now() - 1
    house.clock.forward(hours=1)
    house.tell(event("m2"))
    house.engine.cycle(house.clock.now)

    assert house.state.horizon == began
    assert house.fates() == [Fate.PROCESSED]
    house.run()
    assert house.fates() == [Fate.PROCESSED] * 2


def test_a_commit_whose_end_nobody_heard_is_not_done_twice(house, monkeypatch):
    real = work.Work.write

    def write_then_fail(self):
        real(self)
        self._db.execute("COMMIT")
        raise StoreUnavailable("no answer")

    house.tell(configuration("a"))
    house.tell(event("m1"))
    house.clock.forward(seconds=1)
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(work.Work, "write", write_then_fail)
            with pytest.raises(StoreUnavailable):
                house.engine.cycle(house.clock.now)
    house.run()

    assert house.fates() == [Fate.PROCESSED]
    assert house.planned() == ["a"]
    assert house.profile("ann").counters == {"product_viewed": 1}


def _unavailable(self) -> None:
    raise StoreUnavailable("the disk is full")
