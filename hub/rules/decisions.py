"""What a match came to: a firing, or a skip with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from hub.event import Event, Instant
from hub.rules.definitions import Rule
from hub.rules.memory import Memory

Reason: TypeAlias = Literal[
    "historical", "before_activation", "before_edit", "stale", "guard_false", "repeat"
]


@dataclass(frozen=True)
class Firing:
    """A match that was decided to act."""

    rule: Rule
    alternative: int
    """Which branch of the pattern, from 0."""
    key: str
    due: Instant
    at: Instant
    """When it was decided."""
    trigger: Event
    """The last event of the match, or the last before its final wait."""
    events: Mapping[str, Event]
    """The events of the match by the names of their steps."""

    @property
    def identity(self) -> tuple[str, int, str, str, str]:
        """What makes this match another than all others: rule, branch, key, and the last event."""
        return self.rule.name, self.alternative, self.key, self.trigger.source, self.trigger.id


@dataclass(frozen=True)
class Skip:
    """A match that was decided not to act, and why."""

    rule: Rule
    alternative: int
    key: str
    due: Instant
    at: Instant
    reason: Reason
    trigger: Event
    events: Mapping[str, Event]


class Decisions(NamedTuple):
    """What follows from one event or one wake-up."""

    memory: Memory
    decided: tuple[Firing | Skip, ...] = ()
    """One after the other: by due, priority, place in the file and key."""
    contradicted: tuple[str, ...] = ()
    """Rules that had already decided a wait which this event would have broken, had it come in time."""
    dropped: int = 0
    """How many open keys were given up because a rule had too many for one person."""

    @property
    def wake_at(self) -> Instant | None:
        """When to call `wake`; possibly too early, never too late. None: not at all."""
        return self.memory.wake_at or None
