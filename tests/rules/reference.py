"""What rules mean, written down as plainly as can be: slow, without memory, over the whole past.

Every question is answered from all events that are known, by trying all chains of them. Nothing of the
engine's own way of following events is used, only the trees of the language and compiled selectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hub.event import Event, Profile
from hub.rules import Situation
from hub.rules.condition_grammar import Names, read_condition
from hub.rules.conditions import Compiler
from hub.rules.definitions import Key, span_of, texts
from hub.rules.pattern_grammar import read_pattern, read_repeat
from hub.rules.selection import compile_selection
from hub.rules.situation import SituationScope
from hub.rules.tree import Happens, Selection, Sequence, Waits

SECOND = 1_000_000
END = float("inf")
Position = tuple[int, float]
Known = list[tuple[Event, int]]


@dataclass(frozen=True)
class Moment:
    position: Position
    first: Position
    known_at: int
    events: tuple[Event, ...]

    @property
    def time(self) -> int:
        return self.position[0]


@dataclass(frozen=True)
class Match:
    position: Position
    due: int
    decidable_at: int
    events: tuple[Event, ...]


@dataclass
class Rule:
    name: str
    order: int
    table: dict[str, Any]
    activated_at: int
    by: Key | None
    edited_at: int = 0

    def __post_init__(self) -> None:
        self.pattern = read_pattern(self.table["when"])
        self.grace = self.table["grace"] * SECOND
        self.fresh = self.table["fresh"] * SECOND
        self.priority = self.table.get("priority", 0)
        self.restart = self.table.get("restart", True)
        self.repeat = read_repeat(self.table["repeat"])
        scope = SituationScope([], {}, keyed=self.by is not None)
        text = self.table.get("if", "true")
        self.condition = Compiler(scope, {}).test(read_condition(text, Names()))

    @property
    def means(self) -> Any:
        """What an edit of the pattern changes."""
        return self.pattern, self.table.get("by"), self.restart

    def keys(self, event: Event) -> tuple[str, ...]:
        return ("",) if self.by is None else self.by.of(event)


def position(event: Event) -> Position:
    return event.time, event.received_at


def selects(selection: Selection) -> Callable[[Event], bool]:
    return compile_selection(selection, {}).matches


def chains(
    rule: Rule, steps: list[Happens], known: Known, key: str, mark: Position, limit: int | None
) -> Any:
    """Every chain of all these steps, one for each last moment: the one whose first event is latest."""
    positive = [(e, at) for e, at in known if position(e) > mark and key in rule.keys(e)]
    breaking = [e for e, _ in known if key in rule.keys(e) or not rule.keys(e)]
    found: list[tuple[Moment, ...]] = [()]
    for step in steps:
        longer = [(*chain, m) for chain in found for m in moments(step, positive, breaking, chain)]
        if limit is not None:
            longer = [chain for chain in longer if chain[-1].time - chain[0].first[0] <= limit]
        best: dict[Position, tuple[Moment, ...]] = {}
        for chain in longer:
            last = chain[-1].position
            if last not in best or rank(chain) > rank(best[last]):
                best[last] = chain
        found = list(best.values())
    return sorted(found, key=lambda chain: chain[-1].position)


def rank(chain: tuple[Moment, ...]) -> Any:
    return chain[0].first, [moment.position for moment in reversed(chain)]


def moments(
    step: Happens, positive: Known, breaking: list[Event], chain: tuple[Moment, ...]
) -> Iterator[Moment]:
    """The moments of one step behind a chain of the steps before."""
    before = chain[-1] if chain else None
    asks = selects(step.selection)
    chosen = [(e, at) for e, at in positive if asks(e) and (before is None or position(e) > before.position)]
    for place in range(step.times - 1, len(chosen)):
        counted = chosen[place - step.times + 1 : place + 1]
        last = counted[-1][0]
        if step.times > 1 and any(e.time <= last.time - span_of(step.window) for e, _ in counted):
            continue
        if before and step.within is not None and last.time - before.time > span_of(step.within):
            continue
        start = before.position if before else position(counted[0][0])
        if step.without is not None:
            spoils = selects(step.without)
            if any(spoils(x) and start < position(x) <= position(last) for x in breaking):
                continue
        known_at = max(at for _, at in counted)
        yield Moment(position(last), position(counted[0][0]), known_at, (last,))


def matches(rule: Rule, place: int, known: Known, key: str, mark: Position) -> list[Match]:
    """All matches of one branch after the mark, as if the first were not going to use anything up."""
    branch = rule.pattern.branches[place]
    assert isinstance(branch, Sequence)
    steps = [step for step in branch.steps if isinstance(step, Happens)]
    limit = None if branch.all_within is None else span_of(branch.all_within)
    ends = chains(rule, steps, known, key, mark, limit)
    last = branch.steps[-1]
    found = []
    for chain in waiting(rule, last, ends, known, key) if isinstance(last, Waits) else ends:
        events = tuple(event for moment in chain for event in moment.events)
        known_at = max(moment.known_at for moment in chain)
        end = chain[-1]
        if isinstance(last, Waits):
            due = end.time + span_of(last.within)
            found.append(Match((due, END), due, max(due, known_at) + rule.grace, events))
        else:
            found.append(Match(end.position, end.time, known_at, events))
    return sorted(found, key=lambda match: match.position)


def waiting(rule: Rule, wait: Waits, ends: Any, known: Known, key: str) -> Iterator[Any]:
    """The chains whose wait lasts to its end."""
    asks = selects(wait.selection)
    breakers = [e for e, _ in known if asks(e) and (key in rule.keys(e) or not rule.keys(e))]
    open_until: Position = (0, 0)
    for chain in ends:
        start, due = chain[-1].position, chain[-1].time + span_of(wait.within)
        broken = [position(x) for x in breakers if start < position(x) and x.time <= due]
        restarted = any(start < other[-1].position and other[-1].time <= due for other in ends)
        if not rule.restart:
            if start < open_until:
                continue
            open_until = min(broken, default=(due, END))
        if not broken and not (rule.restart and restarted):
            yield chain


@dataclass
class Person:
    """Everything that is known and was decided of one person."""

    profile: Profile
    known: Known = field(default_factory=list)
    marks: dict[tuple[str, int, str], Position] = field(default_factory=dict)
    fired: set[tuple[str, str, int]] = field(default_factory=set)
    waited_for: dict[str, set[str]] = field(default_factory=dict)
    """By rule, the starts at which it was waiting when it was edited."""

    def adopt(self, before: list[Rule], now: list[Rule]) -> None:
        """Other rules hold: marks stay for the branches and keys that there still are."""
        places = {rule.name: len(rule.pattern.branches) for rule in now}
        whole = {rule.name for rule in now if rule.by is None}
        for rule in before:
            self.waited_for[rule.name] = set(self.starts(rule))
        self.marks = {
            (name, place, key): mark
            for (name, place, key), mark in self.marks.items()
            if place < places.get(name, 0) and not (key and name in whole)
        }

    def starts(self, rule: Rule) -> Iterator[str]:
        """The last events of all matches that are not decided."""
        past = sorted(self.known, key=lambda pair: position(pair[0]))
        for place in range(len(rule.pattern.branches)):
            for key in {key for event, _ in past for key in rule.keys(event)}:
                mark = self.marks.get((rule.name, place, key), (0, 0))
                while found := matches(rule, place, past, key, mark):
                    yield found[0].events[-1].id
                    mark = found[0].position

    def heads(self, rules: list[Rule], *, waits: bool) -> Iterator[tuple[Any, Rule, int, str, Match]]:
        """The first undecided match of every branch and key."""
        past = sorted(self.known, key=lambda pair: position(pair[0]))
        for rule in rules:
            for place, branch in enumerate(rule.pattern.branches):
                assert isinstance(branch, Sequence)
                if isinstance(branch.steps[-1], Waits) and not waits:
                    continue
                for key in sorted({key for event, _ in past for key in rule.keys(event)}):
                    mark = self.marks.get((rule.name, place, key), (0, 0))
                    for match in matches(rule, place, past, key, mark)[:1]:
                        yield (match.due, -rule.priority, rule.order, key, place), rule, place, key, match

    def next_at(self, rules: list[Rule]) -> int | None:
        return min((match.decidable_at for *_, match in self.heads(rules, waits=True)), default=None)

    def settle(self, rules: list[Rule], now: int, *, waits: bool) -> Iterator[tuple[Any, ...]]:
        """Decides one by one what can be decided by now."""
        while True:
            ready = [head for head in self.heads(rules, waits=waits) if head[-1].decidable_at <= now]
            if not ready:
                return
            _, rule, place, key, match = min(ready, key=lambda head: head[0])
            outcome = self.judge(rule, key, match, now)
            self.marks[rule.name, place, key] = match.position
            if outcome == "fires":
                self.fired.add((rule.name, per(rule, match), match.due))
            yield now, rule.name, place, key, match.due, outcome, tuple(e.id for e in match.events)

    def judge(self, rule: Rule, key: str, match: Match, now: int) -> str:
        if match.events[-1].historical:
            return "historical"
        if match.due < rule.activated_at:
            return "before_activation"
        if match.due < rule.edited_at and match.events[-1].id not in self.waited_for.get(rule.name, ()):
            return "before_edit"
        if now - match.due > rule.fresh:
            return "stale"
        situation = Situation(
            self.profile,
            lambda: sorted(self.known, key=lambda pair: -pair[0].received_at),
            now,
            "UTC",
            match.due,
            match.events[-1],
            {},
            rule.by,
            key,
        )
        if not rule.condition(situation):
            return "guard_false"
        every = rule.repeat.every
        for name, value, due in self.fired:
            near = every is None or abs(match.due - due) < span_of(every)
            if near and (name, value) == (rule.name, per(rule, match)):
                return "repeat"
        return "fires"


def per(rule: Rule, match: Match) -> str:
    if rule.repeat.per is None:
        return ""
    [name] = rule.repeat.per.parts
    return "\n".join(texts(match.events[-1].properties.get(name)))
