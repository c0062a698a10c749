"""What a person is waiting for now: matches that are not decided yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hub.event import Instant
from hub.rules import following
from hub.rules.definitions import Definitions
from hub.rules.memory import Memory


@dataclass(frozen=True, slots=True)
class Waiting:
    """One match that a rule has begun to wait for."""

    rule: str
    key: str
    since: Instant
    """When the event happened that began the wait."""
    due: Instant
    decided_at: Instant
    """When it is decided, unless something breaks it."""
    broken_by: tuple[str, ...]
    """Names of the events that break it, perhaps under conditions."""


def waiting(definitions: Definitions, memory: Memory) -> Iterator[Waiting]:
    """Every open wait of a person, as their memory has it."""
    for state in memory.states:
        alternative = definitions.alternatives.get(state.alternative)
        if alternative is None:
            continue
        for end in [*state.pending, *([state.wait] if state.wait else [])]:
            yield Waiting(
                alternative.rule.name,
                state.key,
                end.at,
                following.due(alternative, end),
                following.decidable_at(alternative, end),
                alternative.broken_by,
            )
