"""Profile fields to a sink as they change, over every kind of restart and merge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_house import START, SmallHouse

from hub.clock import DrivenClock
from hub.config import read
from hub.event import Event, Identifier
from hub.pipeline import Engine
from hub.plugins import discover
from hub.store.port import Draft, Kind
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState

TABLES = """
[sinks.crm]
connector = "klaviyo"
api_key   = { file = "key" }

[sync.crm]
to     = "crm"
fields = { lifecycle = "person.lifecycle", orders = "count(order_completed)", score = "person.score" }
every  = "1h"
"""
House = Callable[..., SmallHouse]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    (tmp_path / "key").write_text("pk")
    houses: list[SmallHouse] = []

    def build(tables: str = TABLES) -> SmallHouse:
        houses.append(SmallHouse(tmp_path, tables))
        return houses[0]

    yield build
    for one in houses:
        one.close()


def told(house: SmallHouse) -> list[tuple[int, dict[str, Any]]]:
    """Minutes since the beginning, and what was calculated then."""
    return [((at - START) // 60_000_000, sync.values) for at, sync, _ in house.syncs()]


def ann(house: SmallHouse, **traits: Any) -> None:
    house.tell("identify", user_id="ann", traits=traits)


def test_the_first_change_goes_at_once_and_further_ones_at_the_end_of_the_hour(house: House):
    home = house()
    ann(home, lifecycle="lead")
    home.forward(minutes=10)
    ann(home, lifecycle="customer")
    home.forward(minutes=10)
    ann(home, lifecycle="champion")
    home.forward(minutes=200)

    assert [minute for minute, _ in told(home)] == [0, 60]
    assert [sync.traits for _, sync, _ in home.syncs()] == [{"lifecycle": "lifecycle", "score": "score"}] * 2


def test_the_end_of_the_hour_is_exact(house: House):
    home = house()
    ann(home, lifecycle="lead")
    first = home.syncs()[0][0]
    home.forward(minutes=59)
    ann(home, lifecycle="customer")
    home.forward(minutes=10)

    assert home.syncs()[1][0] == first + 3_600_000_000


def test_nothing_goes_where_nothing_changed(house: House):
    home = house()
    ann(home, lifecycle="lead")
    ann(home, lifecycle="lead", city="Berlin")
    home.tell("Page Viewed", user_id="ann")
    home.forward(minutes=200)
    ann(home, lifecycle="lead")
    home.forward(minutes=200)

    assert len(told(home)) == 1


def test_a_change_that_is_taken_back_in_time_says_nothing(house: House):
    home = house()
    ann(home, lifecycle="lead")
    ann(home, lifecycle="customer")
    ann(home, lifecycle="lead")
    home.forward(minutes=200)

    assert len(told(home)) == 1


def test_who_has_none_of_the_fields_is_not_told_of(house: House):
    home = house(TABLES.replace('orders = "count(order_completed)", ', ""))
    home.tell("Page Viewed", user_id="ann")
    home.forward(minutes=200)

    assert told(home) == []


def test_what_is_calculated_is_told_too(house: House):
    home = house()
    home.tell("Order Completed", user_id="ann", properties={"order_id": "1"})
    home.forward(minutes=90)
    home.tell("Order Completed", user_id="ann", properties={"order_id": "2"})

    assert told(home) == [(0, {"orders": 1}), (90, {"orders": 2})]


def test_a_new_address_is_told_as_a_change_is(house: House):
    home = house()
    ann(home, lifecycle="lead")
    home.forward(minutes=90)
    home.tell("identify", user_id="ann", email="ann@example.com")

    assert [names for _, _, names in home.syncs()] == [
        ["user_id:ann"],
        ["user_id:ann", "email:ann@example.com"],
    ]


def test_two_who_became_one_are_told_anew(house: House):
    home = house()
    ann(home, lifecycle="lead")
    home.tell("identify", user_id="anna", traits={"lifecycle": "lead"})
    home.forward(minutes=90)
    home.merge("ann", "anna")
    home.forward(minutes=1)

    assert len(home.syncs()) == 3
    assert home.syncs()[2][2] == ["user_id:ann", "user_id:anna"]


def test_a_restart_in_between_loses_and_repeats_nothing(house: House):
    home = house()
    ann(home, lifecycle="lead")
    home.restart()
    ann(home, lifecycle="customer")
    home.restart()
    home.forward(minutes=30)
    home.restart()
    home.forward(minutes=100)
    home.restart()
    home.forward(minutes=100)

    assert [minute for minute, _ in told(home)] == [0, 60]


def test_rules_wait_as_they_did_beside_a_sync(house: House):
    rule = """
[channels]
email = "crm.track"
[settings]
consent = "granted"
grace = "1s"
[rules.cart]
when = "product_added then not order_completed within {wait}"
send = {{ channel = "email" }}
"""
    home = house(TABLES + rule.format(wait="90m"))
    ann(home, lifecycle="lead")
    home.tell("Product Added", user_id="ann")
    home.tell("identify", user_id="ann", email="ann@example.com")
    ann(home, lifecycle="customer")
    home.forward(minutes=200)

    assert [minute for minute, _ in told(home)] == [0, 60]
    assert [(one.at - START) // 60_000_000 for one in home.decisions()] == [90, 90]


def test_a_field_that_is_added_goes_out_with_the_next_event(house: House):
    home = house()
    ann(home, lifecycle="lead", plan="pro")
    home.configure(TABLES.replace("fields = {", 'fields = { plan = "person.plan",'))
    home.forward(minutes=90)
    home.tell("Page Viewed", user_id="ann")

    assert [sync.traits for _, sync, _ in home.syncs()][1]["plan"] == "plan"
    assert len(home.syncs()) == 2


def test_without_a_sync_nothing_is_kept_of_anybody(house: House):
    home = house("")
    ann(home, lifecycle="lead")

    assert [person.synced for person in home.people()] == [{}]


def test_a_sync_that_is_gone_tells_nothing_more(house: House):
    home = house()
    ann(home, lifecycle="lead")
    ann(home, lifecycle="customer")
    home.configure(TABLES.partition("[sync")[0])
    home.forward(minutes=200)

    assert len(home.syncs()) == 1
    assert home.poisoned() == []


@given(
    st.lists(
        st.tuples(st.sampled_from(["ann", "bob"]), st.sampled_from("abc"), st.integers(0, 50)), max_size=12
    ),
    st.integers(1, 4),
)
@settings(max_examples=25, deadline=None)
def test_any_split_into_transactions_tells_the_same(changes: list[tuple[str, str, int]], most: int):
    whole = tell_all(changes, 500)

    assert tell_all(changes, most) == whole


def tell_all(changes: list[tuple[str, str, int]], most: int) -> list[tuple[Any, ...]]:
    """What was planned, where so many entries make a transaction; the engine is late by some entries."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        home = LateHouse(folder, most)
        for number, (who, stage, minutes) in enumerate(changes):
            known = (Identifier("user_id", who),)
            said = Event(
                id=str(number), type="identify", name="traits_updated", source="site", identifiers=known
            )
            said.traits, said.trust = {"lifecycle": stage}, "secret"
            home.accept(Draft(Kind.EVENT, msgspec.json.encode(said)))
            if minutes > 25:
                home.forward(minutes)
        home.forward(200)
        return home.told()


class LateHouse:
    """The journal and an engine that only runs when time passes."""

    def __init__(self, folder: Path, most: int) -> None:
        (folder / "key").write_text("pk")
        (folder / "plugins.toml").write_text(TABLES)
        resolved = read(folder / "plugins.toml", discover, environ={}).resolved
        self._clock = DrivenClock(START)
        self._writer = SqliteJournalWriter(folder, self._clock.now, durable=False)
        self._journal = SqliteJournal(folder, readonly=False)
        self._state = SqliteState(folder, durable=False, dedup_key=bytes(16))
        self._reader = SqliteStateReader(folder)
        self._engine = Engine(self._journal, self._state, most=most)
        self.accept(Draft(Kind.CONFIG, resolved))

    def accept(self, draft: Draft) -> None:
        self._writer.write([Batch([draft])])

    def forward(self, minutes: int) -> None:
        until = self._clock.now() + minutes * 60_000_000
        self._run()
        while (wake := self._state.next_wake()) is not None and wake <= until:
            self._clock.set(wake + 1)
            self._run()
        self._clock.set(until)

    def _run(self) -> None:
        self._clock.set(self._clock.now() + 1000)
        while self._engine.cycle(self._clock.now):
            pass

    def told(self) -> list[tuple[Any, ...]]:
        rows = self._reader.outbox(0, list(self._reader.route_sets()), 1000)
        for store in (self._writer, self._journal, self._state, self._reader):
            store.close()
        return [(row.seq, row.person, row.sync) for row in rows]
