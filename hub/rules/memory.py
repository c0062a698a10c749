"""What rules remember of a person: where each pattern stands, and what has fired.

Everything is kept small, because there is one for each person: arrays without names, lengths of time
instead of instants, and references to events by the instant of their arrival.
"""

from __future__ import annotations

import msgspec

from hub.event import Instant
from hub.rules.definitions import Span

ALWAYS = -1
"""As the arrival of a position: after every event of that time."""

Position = tuple[Instant, float]
"""When something happened, and when it arrived: what "before" and "after" compare."""


class End(msgspec.Struct, frozen=True, array_like=True):
    """Where a chain of steps stands after one of them."""

    at: Instant
    """When the step's last event happened."""
    lag: Span = 0
    """How much later that event arrived."""
    span: Span = 0
    """How long ago the chain's first event was, then."""
    late: Span = 0
    """How much later than that event the last of the chain's events was known."""
    earlier: tuple[Instant, ...] = ()
    """The events of the steps before, by their arrival."""

    @property
    def arrival(self) -> Instant:
        """When the last event arrived; it names the event."""
        return self.at + self.lag

    @property
    def known_at(self) -> Instant:
        """When the last of the chain's events was known."""
        return self.at + self.lag + self.late

    @property
    def first_at(self) -> Instant:
        """When the chain's first event happened."""
        return self.at - self.span


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """One of several events that a step counts, with the chain that it would continue."""

    at: Instant
    unknown: Span
    """How much later it was known."""
    after: End | None
    """The step before; None for the first step."""


class State(msgspec.Struct, array_like=True):
    """Where one alternative stands, for one key of one person."""

    alternative: int
    key: str = ""
    mark_at: Instant = 0
    mark_lag: Span = 0
    """The mark: only what comes after it counts; `ALWAYS` is the end of a wait."""
    ends: list[End | None] = []
    """For each step but the last, the latest chain that ends with it."""
    counted: list[list[Counted]] = []
    """For each step, the events it counts."""
    wait: End | None = None
    """The chain whose wait is open."""
    pending: list[End] = []
    """Matches that lie before what is known since, and are not decided yet, in order."""
    kept: list[Instant] = []
    """Starts at which the person was waiting when the pattern was edited."""

    @property
    def mark(self) -> Position:
        """Where the mark is."""
        return self.mark_at, float("inf") if self.mark_lag == ALWAYS else self.mark_at + self.mark_lag

    @property
    def touched_at(self) -> Instant:
        """When something of it last happened, or was decided."""
        ends = [end.at for end in (*self.ends, *self.pending, self.wait) if end is not None]
        return max(self.mark_at, *ends, *(each[-1].at for each in self.counted if each), 0)

    def copy(self) -> State:
        """Another one that can be changed."""
        return State(
            self.alternative,
            self.key,
            self.mark_at,
            self.mark_lag,
            self.ends.copy(),
            [list(each) for each in self.counted],
            self.wait,
            self.pending.copy(),
            self.kept,
        )

    def clear(self) -> None:
        """Forgets all chains, as after a match; pending matches stay."""
        self.ends = []
        self.counted = []
        self.wait = None


class Fired(msgspec.Struct, frozen=True, array_like=True):
    """When a rule fired for a person (and a value), as far as `repeat` needs it."""

    rule: int
    per: str
    dues: tuple[Instant, ...]


class Memory(msgspec.Struct, array_like=True):
    """All that rules remember of one person."""

    loaded_at: Instant = 0
    """Which definitions it was computed under."""
    newest_at: Instant = 0
    newest_lag: Span = 0
    """The position of the newest event that any definition listens to."""
    wake_at: Instant = 0
    """When to look again; 0: not at all. It may be too early, never too late."""
    states: list[State] = []
    fired: list[Fired] = []

    @property
    def newest(self) -> Position:
        """Where the newest event is."""
        return self.newest_at, self.newest_at + self.newest_lag

    def packed(self) -> bytes:
        """As the stores keep it."""
        return pack(self)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Memory)


def pack(memory: Memory) -> bytes:
    """A memory as the stores keep it."""
    return _encoder.encode(memory)


def unpack(packed: bytes) -> Memory:
    """A memory as it was packed."""
    return _decoder.decode(packed)
