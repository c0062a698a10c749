"""The engine: the same thing told twice, poison, configurations and outcomes on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

import hub.pipeline.line as line
from hub.clock import DrivenClock
from hub.event import Event, Identifier, Profile
from hub.pipeline import Engine
from hub.pipeline.following import Follower
from hub.store.port import Draft, Fate, Kind
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.seen import WINDOW, Seen
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState


class World:
    """A journal and an engine on a driven clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = DrivenClock()
        self._writer = SqliteJournalWriter(folder, self.clock.now, durable=False)
        self._journal = SqliteJournal(folder, readonly=False)
        self.state = SqliteState(folder, durable=False)
        self.poisoned: list[str] = []
        self._engine = Engine(self._journal, self.state, poisoned=self.poisoned.append)
        self.reader = SqliteStateReader(folder)

    def tell(self, *drafts: Draft) -> None:
        self.clock.forward(seconds=1)
        self._writer.write([Batch(drafts)])
        self.run()

    def run(self) -> None:
        while self._engine.cycle(self.clock.now):
            pass

    def fates(self) -> dict[Fate, int]:
        return self.reader.fate_counts(1 << 60)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def event(id: str, *, source: str = "site", trust: Any = "secret", name: str = "x", **more: Any) -> Draft:
    identifiers = (Identifier("user_id", more.pop("user", "ann")),)
    said = Event(id=id, type="track", name=name, source=source, trust=trust, identifiers=identifiers, **more)
    return Draft(Kind.EVENT, msgspec.json.encode(said))


def configuration(*, routes: list[str]) -> Draft:
    plan = {
        "routes": [
            {
                "name": to,
                "sink": to,
                "lane": "forward",
                "actions": {"track": "send"},
                "when": None,
                "from": None,
            }
            for to in routes
        ]
    }
    return Draft(Kind.CONFIG, json.dumps({"tables": {}, "order": {}, "plan": plan}).encode())


def test_the_same_message_of_one_source_counts_once_and_of_another_source_again(world: World) -> None:
    world.tell(event("m1"), event("m1"), event("m1", source="shop"))
    world.tell(event("m1"))

    assert world.fates() == {Fate.PROCESSED: 2, Fate.DUPLICATE: 2}


def test_after_thirty_days_to_the_microsecond_it_is_a_new_thing(world: World) -> None:
    world.tell(event("m1"))
    received = world._journal.end()[1]

    world.clock.set(received + WINDOW - 1_000_000)
    world.tell(event("m1"))
    world.clock.set(received + WINDOW)
    world._writer._now = lambda: received + WINDOW + 1
    world.tell(event("m1"))

    assert world.fates() == {Fate.PROCESSED: 2, Fate.DUPLICATE: 1}


def test_ids_whose_hashes_meet_are_told_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Seen, "hash", lambda self, text: len(text) % 3)

    world.tell(*(event(f"m{n}") for n in range(100)))
    world.tell(*(event(f"m{n}") for n in range(50, 150)))

    assert world.fates() == {Fate.PROCESSED: 150, Fate.DUPLICATE: 50}


def test_an_order_is_completed_once_whoever_tells_it(world: World) -> None:
    order = {"name": "order_completed", "properties": {"order_id": "o1"}}
    world.tell(event("claim", trust="public", **order))

    world.tell(event("shop", source="shop", **order))
    world.tell(event("server", **order), event("again", trust="public", **order))

    assert world.fates() == {Fate.PROCESSED: 2, Fate.DUPLICATE: 2}


@pytest.mark.parametrize("order", ["undefined", "NULL", " ", "0", 0, None, True, {}])
def test_orders_without_an_id_are_not_the_same_order(world: World, order: Any) -> None:
    said = {"name": "order_completed", "properties": {"order_id": order}}
    world.tell(event("one", user="ann", **said), event("two", user="bob", **said))

    assert world.fates() == {Fate.PROCESSED: 2}


def test_a_poisoned_entry_is_set_aside_and_the_rest_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = line.learn

    def failing(profile: Profile, said: Event) -> None:
        if said.id == "m5":
            raise KeyError("ann@example.com")
        learn(profile, said)

    monkeypatch.setattr(line, "learn", failing)
    world.tell(*(event(f"m{n}") for n in range(10)))

    assert world.fates() == {Fate.PROCESSED: 9, Fate.POISON: 1}
    [place] = world.poisoned
    assert "ann@example.com" not in place
    assert "ann@example.com" in world.reader.poisoned()[0].traceback
    [profile] = world.reader.all_profiles()
    assert profile.counters == {"x": 9}


def test_a_poisoned_timer_is_set_aside_and_the_others_are_decided(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[int] = []

    def wake(self: Follower, profile: Profile, now: int) -> None:
        if profile.identifiers[0].value == "p2":
            raise ValueError("no")
        woken.append(profile.id)
        self._work.wake(profile.id, None)

    monkeypatch.setattr(Follower, "wake", wake)
    world.tell(*(event(f"m{n}", user=f"p{n}") for n in range(4)))
    with world.state.transaction() as work:
        for profile in list(world.reader.all_profiles()):
            work.wake(profile.id, world.clock.now() + 1000)

    world.clock.forward(seconds=1)
    world.run()

    assert len(set(woken)) == 3
    assert world.state.next_wake() is None
    assert world.state.poisoned() == 1


def test_a_configuration_is_in_force_from_its_place_on(world: World) -> None:
    world.tell(
        event("m1"), configuration(routes=["a"]), event("m2"), configuration(routes=["b"]), event("m3")
    )

    sets = world.reader.route_sets()
    rows = world.reader.outbox(0, list(sets), 10)
    assert [[leg.sink for leg in sets[row.routes]] for row in rows] == [["a"], ["b"]]


def test_an_outcome_that_is_told_twice_is_kept_once(world: World) -> None:
    world.tell(event("m1"))
    [profile] = world.reader.all_profiles()
    said = {"delivery": "d1", "entry": 1, "person": f"{profile.id:016x}", "state": "dead", "reason": "no"}
    outcome = Draft(Kind.OUTCOME, msgspec.json.encode(said))

    world.tell(outcome, outcome)
    world.tell(outcome)

    with apsw.Connection(str(world.folder / "state.db")) as db:
        assert list(db.execute("SELECT delivery, person FROM outcome")) == [("d1", profile.id)]


def test_an_event_of_nobody_is_forwarded_and_makes_no_person(world: World) -> None:
    nobody = Event(id="m1", type="track", name="product_updated", source="shop")
    world.tell(configuration(routes=["a"]), Draft(Kind.EVENT, msgspec.json.encode(nobody)))

    assert list(world.reader.all_profiles()) == []
    assert world.reader.outbox_end() == 1
