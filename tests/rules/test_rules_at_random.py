"""Rules, followed event by event, decide what they mean when written out over the whole past.

Random rules, histories, orders of arrival, pauses of the engine, merges and splits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import SECOND

import hub.rules as rules
from hub.event import Event, Instant, PersonId, Profile

NAMES = "abc"
selectors = st.sampled_from(["a", "b", "c", "(a or b)", "a[v > 1]", "b[v == 2]", "activity"])


@st.composite
def patterns(draw: Any) -> str:
    if draw(st.integers(0, 9)) == 9:
        return f"idle for {draw(st.integers(1, 12))}s"
    steps = []
    limited = draw(st.booleans())
    for number in range(draw(st.sampled_from([1, 1, 2, 2, 3]))):
        step = draw(selectors)
        if draw(st.integers(0, 4)) == 4:
            step += f" {draw(st.integers(2, 3))} times within {draw(st.integers(3, 30))}s"
        if number and (not limited or draw(st.booleans())):
            step += f" within {draw(st.integers(2, 30))}s"
        if draw(st.integers(0, 6)) == 6:
            step += f" without {draw(selectors)}"
        steps.append(step)
    text = " then ".join(steps)
    if limited:
        text += f", all within {draw(st.integers(5, 40))}s"
    if draw(st.booleans()):
        text += f" then not {draw(selectors)} within {draw(st.integers(1, 12))}s"
    return text


conditions = st.sampled_from(
    ["true"] * 8
    + [
        "trigger.v > 0",
        "did(b, 9s)",
        "not did(c, 20s)",
        "count(a, ever) < 3",
        "sum(a.v, 30s) > 2",
        "since(b) > 4s",
    ]
    + ["did(c, start)", "last(b.v) == 2", "distinct(a.v) >= 2", "max(activity.v, 12s) == first(activity.v)"]
)
bys = st.sampled_from([None, None, "k", {"a": "k", "b": "v", "c": "k"}, {"a": "k", "b": "k", "c": "v"}])


@st.composite
def tables(draw: Any, fresh: int = 1000) -> dict[str, Any]:
    by = draw(bys)
    condition = draw(conditions)
    if by is not None and condition.startswith("did(b, 9s"):
        condition = "did(b, 9s, same)"
    return {
        "when": " or ".join(draw(st.lists(patterns(), min_size=1, max_size=2))),
        "if": condition,
        "by": by,
        "restart": draw(st.booleans()),
        "repeat": draw(st.sampled_from(["always", "always", "6s", "never", "8s per v", "never per k"])),
        "grace": draw(st.integers(0, 4)),
        "fresh": fresh,
        "priority": draw(st.integers(0, 1)),
    }


calm = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass(frozen=True)
class Happened:
    person: int
    name: str
    ago: int
    k: Any
    v: Any
    historical: bool
    wait: int


@dataclass(frozen=True)
class Merged:
    wait: int


@dataclass(frozen=True)
class Split:
    wait: int


@dataclass(frozen=True)
class Edited:
    """Other rules hold from now on."""

    written: list[dict[str, Any]]
    wait: int


@dataclass(frozen=True)
class Slept:
    """The engine does not look at the clock for a while."""

    wait: int


def happenings(late: bool) -> Any:
    ago = st.sampled_from([0, 0, 0, 1, 3, 6, 15]) if late else st.just(0)
    waits = st.sampled_from([0, 1, 1, 2, 3, 5, 9])
    keys = st.sampled_from([None, 1, "1", "2", ["1", "2"], []])
    historical = st.sampled_from([False] * 9 + [True])
    return st.builds(
        Happened, st.integers(0, 1), st.sampled_from(NAMES), ago, keys, st.integers(0, 2), historical, waits
    )


sleeps = st.builds(Slept, st.integers(1, 9))
edits = st.builds(Edited, st.lists(tables(), min_size=0, max_size=2), st.integers(0, 6))
others = st.one_of(st.builds(Merged, st.integers(0, 6)), st.builds(Split, st.integers(0, 6)), sleeps)


class House:
    """Two people, followed by the engine and by the reference side by side."""

    def __init__(self, written: list[dict[str, Any]]) -> None:
        self.definitions, self.reference = rules.compile({}, 1), list[reference.Rule]()
        self.load(written, 1)
        self.now = SECOND * 100
        self.people = [Side(PersonId(number)) for number in range(2)]
        self.merged = False
        self.number = 0

    def load(self, written: list[dict[str, Any]], now: Instant) -> None:
        tables = {f"r{number}": table for number, table in enumerate(written)}
        self.definitions = rules.compile(
            {"rules": {name: as_written(t) for name, t in tables.items()}}, now, self.definitions.ages
        )
        former = {rule.name: rule for rule in self.reference}
        self.reference = [
            reference.Rule(name, order, table, now, self.definitions.rules[order].by)
            for order, (name, table) in enumerate(tables.items())
        ]
        for rule in self.reference:
            if before := former.get(rule.name):
                rule.activated_at = before.activated_at
                rule.edited_at = before.edited_at if before.means == rule.means else now

    def edit(self, written: list[dict[str, Any]]) -> None:
        self.now += 1
        before = {rule.name: rule for rule in self.reference}
        self.load(written, self.now)
        changed = [before[r.name] for r in self.reference if r.name in before and r.edited_at == self.now]
        for side in self.present():
            side.plain.known = side.known
            side.plain.adopt(changed, self.reference)
            side.take(rules.adopt(self.definitions, side.seen(), side.memory, now=self.now))
            side.settle(self)

    def person(self, number: int) -> Side:
        return self.people[0] if self.merged else self.people[number]

    def present(self) -> list[Side]:
        return self.people[:1] if self.merged else self.people

    def forward(self, seconds: int, *, awake: bool = True) -> None:
        until = self.now + seconds * SECOND
        if awake:
            for side in self.present():
                side.wake_until(self, until)
        self.now = until

    def happen(self, told: Happened) -> None:
        self.now += 1
        self.number += 1
        whole = self.now // SECOND * SECOND
        time = min(self.now, whole - told.ago * SECOND) if told.ago else self.now // SECOND * SECOND
        event = Event(
            id=str(self.number),
            type="track",
            name=told.name,
            properties={"k": told.k, "v": told.v},
            historical=told.historical,
            received_at=self.now,
            time=time,
        )
        side = self.person(told.person)
        side.known.append((event, self.now))
        self.people[told.person].own.append((event, self.now))
        side.take(rules.decide(self.definitions, event, side.seen(), side.memory, now=self.now))
        side.settle(self)

    def merge(self) -> None:
        if self.merged:
            return
        self.merged = True
        left, right = self.people
        left.known += [(event, self.now) for event, _ in right.known]
        left.plain.fired |= right.plain.fired
        for place, mark in right.plain.marks.items():
            left.plain.marks[place] = max(mark, left.plain.marks.get(place, (0, 0)))
        left.take(rules.merge(self.definitions, left.seen(), left.memory, right.memory, now=self.now))
        left.settle(self)

    def split(self) -> None:
        if not self.merged:
            return
        self.merged = False
        memory, marks, fired = self.people[0].memory, self.people[0].plain.marks, self.people[0].plain.fired
        for side in self.people:
            side.known = list(side.own)
            side.plain.marks, side.plain.fired = dict(marks), set(fired)
            side.take(rules.recompute(self.definitions, side.seen(), memory, now=self.now))
            side.settle(self)


@dataclass
class Side:
    """One person, twice."""

    id: PersonId
    known: list[tuple[Event, Instant]] = field(default_factory=list)
    own: list[tuple[Event, Instant]] = field(default_factory=list)
    """The events that came under this person's own name."""
    memory: rules.Memory = field(default_factory=rules.Memory)
    decided: list[tuple[Any, ...]] = field(default_factory=list)
    expected: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plain = reference.Person(Profile(id=self.id))

    def seen(self) -> rules.Person:
        return rules.Person(
            self.plain.profile, lambda: sorted(self.known, key=lambda pair: -pair[0].received_at)
        )

    def take(self, decisions: rules.Decisions) -> None:
        self.memory = rules.unpack(rules.pack(decisions.memory))
        for each in decisions.decided:
            outcome = each.reason if isinstance(each, rules.Skip) else "fires"
            trigger = each.trigger.id
            self.decided.append(
                (each.at, each.rule.name, each.alternative, each.key, each.due, outcome, trigger)
            )

    def settle(self, house: House, *, waits: bool = False) -> None:
        self.plain.known = self.known
        for at, name, place, key, due, outcome, ids in self.plain.settle(
            house.reference, house.now, waits=waits
        ):
            self.expected.append((at, name, place, key, due, outcome, ids[-1]))

    def wake_until(self, house: House, until: Instant) -> None:
        self.plain.known = self.known
        while self.memory.wake_at and self.memory.wake_at <= until:
            at = max(self.memory.wake_at, house.now)
            self.take(rules.wake(house.definitions, self.seen(), self.memory, now=at))
        while (at := self.plain.next_at(house.reference)) is not None and at <= until:
            now, house.now = house.now, max(at, house.now)
            self.settle(house, waits=True)
            house.now = now


def as_written(table: dict[str, Any]) -> dict[str, Any]:
    spans = {name: f"{table[name]}s" for name in ("grace", "fresh")}
    return {name: value for name, value in (table | spans).items() if value is not None}


def follow(written: list[dict[str, Any]], happened: list[Any]) -> None:
    house = House(written)
    for each in happened:
        match each:
            case Happened():
                house.happen(each)
            case Merged():
                house.merge()
            case Split():
                house.split()
            case Edited():
                house.edit(each.written)
        house.forward(each.wait, awake=not isinstance(each, Slept))
    house.forward(200)
    for side in house.people:
        assert side.decided == side.expected


# What is older than `fresh` and the reach of a rule is forgotten, so only events in order, whose marks
# carry on what was decided, are compared with a short one.
@calm
@given(
    st.lists(st.one_of(tables(), tables(fresh=8)), min_size=1, max_size=2),
    st.lists(st.one_of(happenings(late=False), sleeps), min_size=6, max_size=14),
)
def test_events_in_order_decide_what_the_rules_mean(written, happened):
    follow(written, happened)


@calm
@given(
    st.lists(tables(), min_size=1, max_size=2),
    st.lists(st.one_of(happenings(late=False), sleeps, edits), min_size=6, max_size=14),
)
def test_edited_rules_decide_what_they_mean_by_then(written, happened):
    follow(written, happened)


@calm
@given(st.lists(tables(), min_size=1, max_size=2), st.lists(happenings(late=True), min_size=6, max_size=14))
def test_late_events_decide_what_the_rules_mean(written, happened):
    follow(written, happened)


@calm
@given(
    st.lists(tables(), min_size=1, max_size=2),
    st.lists(st.one_of(happenings(late=True), happenings(late=False), others), min_size=8, max_size=16),
)
def test_merges_splits_and_pauses_decide_what_the_rules_mean(written, happened):
    follow(written, happened)


@pytest.mark.long
@settings(parent=calm, max_examples=10_000)
@given(
    st.lists(tables(), min_size=1, max_size=3),
    st.lists(st.one_of(happenings(late=True), happenings(late=False), others), min_size=8, max_size=25),
)
def test_many_lives_decide_what_the_rules_mean(written, happened):
    follow(written, happened)
