"""Rules as they are followed: compiled once, asked for every event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from hashlib import blake2b
from typing import Any

import msgspec

from hub.event import Event, Instant
from hub.rules.conditions import Read, Test, event_reader
from hub.rules.selection import Matches, Selector
from hub.rules.tree import Repeat

Span = int
"""A length of time in microseconds."""

_MICROSECOND = timedelta(microseconds=1)
_MOST_BRANCHES = 100


def span_of(duration: timedelta) -> Span:
    """A duration as whole microseconds."""
    return duration // _MICROSECOND


class Age(msgspec.Struct, frozen=True, array_like=True):
    """Since when a rule is in force, and its pattern as it is; kept over restarts and reloads."""

    activated_at: Instant
    edited_at: Instant
    """When its pattern was last changed; `activated_at` where it never was."""
    pattern: str
    """What the pattern, `by` and `restart` say, as a hash."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One positive step: an event, or `times` of them within `window`."""

    matches: Matches
    called: str | None
    times: int
    window: Span
    within: Span | None
    without: Matches | None


@dataclass(frozen=True, eq=False)
class Alternative:
    """One branch of a rule's pattern: steps one after the other, and perhaps a wait behind them."""

    id: int
    """A hash of the rule's name and the branch's place in it; memories use it."""
    rule: Rule = field(repr=False)
    place: int
    steps: tuple[Occurrence, ...]
    all_within: Span | None
    breaks: Matches | None
    """What breaks the final wait; None: there is no wait."""
    broken_by: tuple[str, ...]
    """The names of such events."""
    wait: Span
    names: frozenset[str] | None
    """Names of events that can be a step or break something; None: any."""
    begins: Selector
    demands: Mapping[str, tuple[str, str]]
    """For a name that can begin it, the property and the text it must have, where there is one."""
    reach: Span
    """How long a match can take from its first event to its end."""

    def concerns(self, event: Event) -> bool:
        """Can this event be a step of it, or break it?"""
        if self.names is not None and event.name not in self.names:
            return False
        for asks in self._asked:  # noqa: SIM110  a generator would cost more than what it asks
            if asks(event):
                return True
        return False

    @cached_property
    def _asked(self) -> tuple[Matches, ...]:
        withouts = [step.without for step in self.steps]
        found = [*(step.matches for step in self.steps), *withouts, self.breaks]
        return tuple(matches for matches in found if matches is not None)


@dataclass(frozen=True, eq=False)
class Key:
    """What events must agree on: a path, or one for each event name."""

    reads: Mapping[str, Read]
    everywhere: Read | None
    """For events of all other names."""

    def of(self, event: Event) -> tuple[str, ...]:
        """The keys that an event carries, as text; none where it lacks them."""
        read = self.reads.get(event.name) or self.everywhere
        return () if read is None else texts(read(event))


def texts(value: Any) -> tuple[str, ...]:
    """A value as the texts by which keys are compared; a list gives one for each of its values."""
    if type(value) is str:
        return (value,)
    if type(value) is list:
        return tuple(dict.fromkeys(text for each in value if type(each) is not list for text in texts(each)))
    if type(value) is bool:
        return ("true" if value else "false",)
    if type(value) is float and value.is_integer():
        return (str(int(value)),)
    return (str(value),) if type(value) in (int, float) else ()


@dataclass(frozen=True, slots=True)
class Send:
    """A message that a firing creates."""

    channel: str
    template: str
    via: str
    purpose: str
    expires: Span
    variables: Mapping[str, Read]
    """Each is read from a Situation, when the message is sent."""
    needs: tuple[str, ...]
    fallback: str


@dataclass(eq=False)
class Rule:
    """What should follow what, for one name under `[rules]`."""

    name: str
    id: int
    order: int
    """Its place in the file."""
    age: Age
    priority: float
    condition: Test | None
    """The rule's `if`, asked of a Situation."""
    by: Key | None
    repeat: Repeat
    restart: bool
    grace: Span
    fresh: Span
    sends: tuple[Send, ...]
    alternatives: tuple[Alternative, ...] = ()

    @cached_property
    def repeat_span(self) -> Span | None:
        """How far apart two firings must be; None: there is only one, ever."""
        return None if self.repeat.every is None else span_of(self.repeat.every)

    @cached_property
    def per(self) -> Read | None:
        """The property of the last event for whose values `repeat` counts apart."""
        return None if self.repeat.per is None else event_reader(self.repeat.per.parts)

    @cached_property
    def branches_ever(self) -> frozenset[int]:
        """The ids of its branches, and of those that it may have had before an edit."""
        return frozenset(
            id_of(self.name, str(place)) for place in range(max(_MOST_BRANCHES, len(self.alternatives)))
        )

    @cached_property
    def reach(self) -> Span:
        """How long any of its matches can take."""
        return max(alternative.reach for alternative in self.alternatives)


@dataclass(slots=True)
class _Beginnings:
    """Alternatives that an event of one name can begin: all of those, and some by a property's value."""

    always: list[Alternative] = field(default_factory=list)
    by_value: dict[str, dict[str, list[Alternative]]] = field(default_factory=dict)

    def add(self, alternative: Alternative, demanded: tuple[str, str] | None) -> None:
        """Puts an alternative where `find` looks for it."""
        if demanded is None:
            self.always.append(alternative)
        else:
            prop, value = demanded
            self.by_value.setdefault(prop, {}).setdefault(value, []).append(alternative)

    def find(self, event: Event) -> Iterable[Alternative]:
        """The alternatives that this event may begin."""
        if not self.by_value:
            return self.always
        found = list(self.always)
        for prop, by_value in self.by_value.items():
            value = _bare(event, prop)
            if type(value) is str and value in by_value:
                found += by_value[value]
        return found


def _bare(event: Event, prop: str) -> Any:
    found = event.properties.get(prop)
    return event.context.get(prop) if found is None else found


@dataclass(frozen=True, eq=False)
class Definitions:
    """Everything that is to be followed, from one configuration."""

    loaded_at: Instant
    rules: tuple[Rule, ...]
    timezone: str
    """For people without one of their own."""
    consent: str
    """Assumed where nothing is recorded."""

    @cached_property
    def ages(self) -> dict[str, Age]:
        """Each rule's age, to be handed to the next `compile`."""
        return {rule.name: rule.age for rule in self.rules}

    @cached_property
    def alternatives(self) -> dict[int, Alternative]:
        """All alternatives by their id."""
        return {alternative.id: alternative for rule in self.rules for alternative in rule.alternatives}

    @cached_property
    def reach(self) -> Span:
        """How far back the history of a person matters to patterns."""
        return max((rule.reach + rule.fresh for rule in self.rules), default=0)

    def sooner_than(self, former: Definitions) -> Span:
        """By how much, at most, a wait that is open already is decided sooner than under those before."""
        graces = {rule.name: rule.grace for rule in self.rules}
        cuts = [rule.grace - graces[rule.name] for rule in former.rules if rule.name in graces]
        return max([0, *cuts])

    @cached_property
    def _beginnings(self) -> dict[str, _Beginnings]:
        index: dict[str, _Beginnings] = {}
        for alternative in self.alternatives.values():
            for name in alternative.begins.names or ():
                index.setdefault(name, _Beginnings()).add(alternative, alternative.demands.get(name))
        return index

    @cached_property
    def _begun_by_any(self) -> tuple[Alternative, ...]:
        return tuple(each for each in self.alternatives.values() if each.begins.names is None)

    @cached_property
    def _concerned(self) -> dict[str, dict[int, Alternative]]:
        names = {name for each in self.alternatives.values() for name in each.names or ()}
        return {
            name: {
                each.id: each
                for each in self.alternatives.values()
                if each.names is None or name in each.names
            }
            for name in names
        }

    @cached_property
    def _concerned_by_any(self) -> dict[int, Alternative]:
        return {each.id: each for each in self.alternatives.values() if each.names is None}

    def begun_by(self, event: Event) -> Iterable[Alternative]:
        """The alternatives that an event may begin."""
        beginnings = self._beginnings.get(event.name)
        found = () if beginnings is None else beginnings.find(event)
        return [*found, *self._begun_by_any] if self._begun_by_any else found

    def concerned_by(self, event: Event) -> Mapping[int, Alternative]:
        """The alternatives, by their ids, of which an event of this name may be any step, or a breaker."""
        return self._concerned.get(event.name, self._concerned_by_any)

    def listens(self, event: Event) -> bool:
        """Is there anything an event of this name could do?"""
        return event.name in self._concerned or bool(self._concerned_by_any)


def id_of(*words: str) -> int:
    """A short number for a name, the same in every process."""
    return int.from_bytes(blake2b("\0".join(words).encode(), digest_size=4).digest())
