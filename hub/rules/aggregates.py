"""What a person's past adds up to: count, sum, the last of them, how long ago.

Each function is given the events in the order of their arrival backwards; where the order matters to
the answer, they are put into that in which they happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, TypeAlias

from hub.event import Event, Instant
from hub.rules.conditions import Read
from hub.rules.definitions import texts
from hub.rules.values import calculate, equal, is_number

Answer: TypeAlias = Callable[[Iterable[Event], Read | None, Instant], Any]


def _position(event: Event) -> tuple[Instant, Instant]:
    return event.time, event.received_at


def _whole(events: Iterable[Event], read: Read | None) -> list[Any]:
    """The values of the events in the order in which they happened, without the missing ones."""
    assert read is not None, "the grammar asks for a property"
    found = [read(event) for event in sorted(events, key=_position)]
    return [value for value in found if value is not None]


def _spread(events: Iterable[Event], read: Read | None) -> list[Any]:
    """The same, with lists spread out."""
    spread: list[Any] = []
    for value in _whole(events, read):
        spread += [each for each in value if each is not None] if type(value) is list else [value]
    return spread


def _numbers(events: Iterable[Event], read: Read | None) -> list[Any]:
    return [value for value in _spread(events, read) if is_number(value)]


def _count(events: Iterable[Event], read: Read | None, now: Instant) -> int:
    return sum(1 for _ in events)


def _did(events: Iterable[Event], read: Read | None, now: Instant) -> bool:
    return any(True for _ in events)


def _since(events: Iterable[Event], read: Read | None, now: Instant) -> timedelta | None:
    last = max((event.time for event in events), default=None)
    return None if last is None else timedelta(microseconds=now - last)


def _sum(events: Iterable[Event], read: Read | None, now: Instant) -> Any:
    return _total(_numbers(events, read))


def _avg(events: Iterable[Event], read: Read | None, now: Instant) -> Any:
    found = _numbers(events, read)
    return calculate("/", _total(found), len(found))


def _total(numbers: list[Any]) -> Any:
    """In the order in which they happened, so that decimal numbers always add up to the same."""
    try:
        return sum(numbers)
    except OverflowError:
        # A number of hundreds of digits beside a decimal one: anybody can send it.
        return None


def _comparable(events: Iterable[Event], read: Read | None) -> list[Any]:
    found = _spread(events, read)
    return [value for value in found if is_number(value)] or [value for value in found if type(value) is str]


def _min(events: Iterable[Event], read: Read | None, now: Instant) -> Any:
    return min(_comparable(events, read), default=None)


def _max(events: Iterable[Event], read: Read | None, now: Instant) -> Any:
    return max(_comparable(events, read), default=None)


def _first(events: Iterable[Event], read: Read | None, now: Instant) -> Any:
    return next(iter(_whole(events, read)), None)


def _last(events: Iterable[Event], read: Read | None, now: Instant) -> Any:
    found = _whole(events, read)
    return found[-1] if found else None


def _distinct(events: Iterable[Event], read: Read | None, now: Instant) -> int | None:
    different: list[Any] = []
    seen: set[tuple[type, Any]] = set()
    for value in _spread(events, read):
        if isinstance(value, str | int | float):
            kind = float if is_number(value) else type(value)
            seen.add((kind, value))
        elif not any(equal(value, other) for other in different):
            different.append(value)
    return len(seen) + len(different) or None


def _most_frequent(events: Iterable[Event], read: Read | None, now: Instant) -> Any:
    found = _spread(events, read)
    counts = Counter(text for value in found for text in texts(value))
    if not counts:
        return None
    text = min(counts, key=lambda each: (-counts[each], each))
    return next(value for value in found if texts(value) == (text,))


AGGREGATES: dict[str, Answer] = {
    "count": _count,
    "did": _did,
    "since": _since,
    "sum": _sum,
    "avg": _avg,
    "min": _min,
    "max": _max,
    "first": _first,
    "last": _last,
    "distinct": _distinct,
    "most_frequent": _most_frequent,
}
