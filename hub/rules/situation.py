"""What an `if` or a variable sees: a person, their past, the match, and their wall clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache, partial
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.catalogue import EVENT_ALIASES
from hub.errors import RuleFault
from hub.event import Event, Instant, Profile, moment
from hub.rules import values
from hub.rules.aggregates import AGGREGATES
from hub.rules.conditions import Places, Read, event_reader
from hub.rules.definitions import Key, span_of
from hub.rules.selection import compile_selection, proven
from hub.rules.tokens import nearest
from hub.rules.tree import Aggregate, Path
from hub.schema import snake

Known: TypeAlias = tuple[Event, Instant]
"""An event of a person, and since when it is known to be theirs: its arrival, or that of a merge."""
History: TypeAlias = Callable[[], Iterable[Known]]
"""A person's past events, those that arrived last first."""

_NOT_YET = frozenset({"segment", "armed", "journey", "pool"})
_LOCAL = ("time", "hour", "weekday", "date")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass
class Situation:
    """One match of one person, at the instant at which something is asked about it."""

    profile: Profile
    history: History
    now: Instant
    timezone: str
    """For people without one of their own."""
    moment: Instant = 0
    """When the match was due."""
    trigger: Event | None = None
    """The last event of the match."""
    events: Mapping[str, Event] = field(default_factory=dict)
    """The match's events by the names of their steps."""
    by: Key | None = None
    key: str = ""

    def since(self, start: Instant) -> Iterator[Event]:
        """The person's events after an instant, up to now, in the order of their arrival backwards."""
        for event, _ in self.history():
            if event.received_at <= start:
                # Nothing happens after it is told, so all that follow are older still.
                return
            if start < event.time <= self.now:
                yield event

    @property
    def local(self) -> datetime:
        """The person's wall clock."""
        return moment(self.now).astimezone(zone_of(self.profile, self.timezone))


def zone_of(profile: Profile, otherwise: str) -> tzinfo:
    """A person's time zone: their trait where it is a known one, else the one for people without."""
    own = profile.trait("timezone")
    found = _zone(own) if type(own) is str else None
    return found or _zone(otherwise) or UTC


@lru_cache(maxsize=1_024)
def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_zone(name: str) -> bool:
    """Is this the name of a time zone?"""
    return _zone(name) is not None


class SituationScope:
    """The `if` of a rule: `person`, `trigger`, `local`, and aggregates over the person's past."""

    def __init__(
        self,
        steps: Iterable[str],
        places: Places,
        *,
        keyed: bool,
        protected: frozenset[str] = frozenset(),
    ) -> None:
        self._protected = protected
        self._steps = frozenset(steps)
        self._places = places
        self._keyed = keyed

    def path(self, path: Path) -> Read:
        """Looks where the first name says."""
        first, *rest = path.parts
        if first == "person" and rest:
            return partial(_of_person, tuple(rest), tuple(map(snake, rest)))
        if first == "trigger" and rest:
            return self._of_trigger(rest)
        if first == "local" and len(rest) == 1 and rest[0] in _LOCAL:
            return partial(_of_clock, rest[0])
        raise RuleFault(path.character, self._unknown(path))

    def _unknown(self, path: Path) -> str:
        first = path.parts[0]
        if first in _NOT_YET:
            return f"'{path}': {first}.… is not there yet; leave it out"
        if first == "local":
            return f"'{path}' is not known; write one of {', '.join(f'local.{name}' for name in _LOCAL)}"
        if first in ("person", "trigger"):
            return f"'{path}' alone is no value; write which one, as in {first}.country"
        hint = nearest(first, ("person", "trigger", "local"))
        return f"'{path}' is not known here{hint or f'; write person.{path} or trigger.{path}'}"

    def _of_trigger(self, parts: list[str]) -> Read:
        if len(parts) > 1:
            for step in (parts[0], EVENT_ALIASES.get(parts[0], parts[0])):
                if step in self._steps:
                    return partial(_of_step, step, event_reader(tuple(parts[1:])))
        return partial(_of_last, event_reader(tuple(parts)))

    def aggregate(self, aggregate: Aggregate) -> Read:
        """Asks the events that the aggregate selects, inside its window."""
        if aggregate.same and not self._keyed:
            raise RuleFault(aggregate.character, "'same' needs a rule with 'by', which says what must agree")
        matches = proven(compile_selection(aggregate.events, self._places), self._protected).matches
        window = span_of(aggregate.window) if isinstance(aggregate.window, timedelta) else aggregate.window
        read = event_reader(aggregate.property) if aggregate.property else None
        answer = AGGREGATES[aggregate.function]

        def ask(situation: Situation) -> Any:
            start = _start(window, situation)
            found = (event for event in situation.since(start) if matches(event))
            if aggregate.same:
                found = (event for event in found if situation.by and situation.key in situation.by.of(event))
            return answer(found, read, situation.now)

        return ask


def _start(window: int | str, situation: Situation) -> Instant:
    if isinstance(window, int):
        return situation.now - window
    return situation.moment if window == "start" else -1


def _of_person(parts: tuple[str, ...], kept: tuple[str, ...], situation: Situation) -> Any:
    found = _trait(situation.profile, parts)
    return _trait(situation.profile, kept) if found is None and kept != parts else found


def _trait(profile: Profile, parts: tuple[str, ...]) -> Any:
    value, further = profile.trait(parts[0]), parts[1:]
    if value is None and further:
        # Traits such as consent.email.marketing are kept under their whole name.
        return profile.trait(".".join(parts))
    return values.follow(value, further)


def _of_last(read: Read, situation: Situation) -> Any:
    return None if situation.trigger is None else read(situation.trigger)


def _of_step(step: str, read: Read, situation: Situation) -> Any:
    event = situation.events.get(step)
    return None if event is None else read(event)


def _of_clock(part: str, situation: Situation) -> Any:
    local = situation.local
    match part:
        case "time":
            return local.strftime("%H:%M")
        case "hour":
            return local.hour
        case "weekday":
            return _WEEKDAYS[local.weekday()]
        case _:
            return local.date().isoformat()
