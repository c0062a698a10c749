"""What we keep, and in which order it may change: the port that every store implements.

Three stores, each with one writer:

* the **journal** (gateway): accepted entries in order, quarantine, raw bodies;
* the **state** (engine): people, identifiers, timers, outbox, the fate of each entry, the position;
* the **deliveries** (delivery): how far each lane is, what waits, what is dead.

Every implementation groups: one transaction carries many entries. Instants are microseconds (`Instant`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

import msgspec

from hub.event import Identifier, Instant, Message, PersonId, Profile

OUTCOMES = "outcomes"
"""The journal's cursor of how far deliveries' outcomes are in it."""


class Kind(IntEnum):
    """What a journal entry is."""

    EVENT = 0
    COMMAND = 1
    OUTCOME = 2
    CONFIG = 3


class Draft(NamedTuple):
    """An entry on its way into the journal; `body` is JSON."""

    kind: Kind
    body: bytes
    raw: bytes | None = None
    """The body as the sender sent it, kept apart by day (webhooks)."""


class Refused(NamedTuple):
    """A bad event on its way into quarantine."""

    source: str
    reason: str
    body: bytes


class Entry(NamedTuple):
    """One entry of the journal."""

    seq: int
    received_at: Instant
    kind: Kind
    body: bytes


class Quarantined(NamedTuple):
    """A bad event, kept with its reason."""

    seq: int
    received_at: Instant
    source: str
    reason: str
    body: bytes


class JournalReader(Protocol):
    """Reads accepted entries; safe in any process while the gateway writes."""

    def read(self, after: int, until: Instant | None, limit: int) -> list[Entry]:
        """Entries behind `after`, received by `until`, in order; fewer than `limit` where they are large."""
        ...

    def waiting(self, after: int) -> bool:
        """Whether anything stands behind `after`."""
        ...

    def get(self, seqs: Collection[int]) -> dict[int, Entry]:
        """These entries."""
        ...

    def controls(self, after: int, limit: int) -> list[Entry]:
        """Entries behind `after` that are no events."""
        ...

    def latest(self, kind: Kind) -> Entry | None:
        """The newest entry of a kind."""
        ...

    def horizon(self, now: Callable[[], Instant]) -> Instant:
        """The present less 1 µs, taken under the write lock: nothing can arrive by then any more."""
        ...

    def cursor(self, name: str) -> str | None:
        """How far another log or a polled system was read."""
        ...

    def quarantine(self, since: Instant, after: int, limit: int) -> list[Quarantined]:
        """Bad events received since then, behind `after`, in order."""
        ...

    def close(self) -> None: ...


class JournalWriter(Protocol):
    """Writes the journal; one in the whole house."""

    async def append(
        self,
        drafts: Sequence[Draft],
        refused: Sequence[Refused] = (),
        cursors: Mapping[str, str] | None = None,
    ) -> None:
        """Returns when all of it is durable, in one transaction; received times are strictly increasing.

        `cursors` say how far other logs and polled systems were read; they move with the entries.
        Raises StoreUnavailable where it is not written, TooFast where too much waits.
        """
        ...

    def close(self) -> None: ...


class Fate(IntEnum):
    """What became of an entry."""

    PROCESSED = 1
    DUPLICATE = 2
    POISON = 3


class FateRow(NamedTuple):
    """What became of one entry, whose it is, and the entry before (of a duplicate: the original)."""

    entry: int
    fate: Fate
    person: PersonId | None
    previous: int | None


class Decision(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Why a rule fired or did not, or why a message went or did not; kept to be asked."""

    at: Instant
    rule: str
    version: str
    """A hash of the rule's text as it was."""
    outcome: str
    """fired, skipped, sent or dropped."""
    person: PersonId
    reason: str = ""
    due: Instant = 0
    key: str = ""
    message: str = ""
    """Of a message its name: the rule's, or `rule/channel` where the rule sends several."""
    channel: str = ""
    delivery: str = ""
    """Of a message its id."""
    template: str = ""
    variables: dict[str, Any] = {}
    events: tuple[str, ...] = ()
    """The ids of the events that were used."""


class MergeRow(NamedTuple):
    """Two people who became one, and the entry that showed it."""

    id: int
    entry: int
    survivor: PersonId
    merged: PersonId


class ReviewRow(NamedTuple):
    """Two people who may be one, but were left alone, and the entry that showed it."""

    id: int
    entry: int
    person: PersonId
    other: PersonId


class Poisoned(NamedTuple):
    """An entry, or a person's timer, that could not be processed, and why."""

    entry: int | None
    person: PersonId | None
    traceback: str


class Sync(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a sync tells of a person: traits as they are when it is sent, the rest as it was when decided."""

    id: str
    name: str
    """The `[sync.NAME]`."""
    at: Instant
    traits: dict[str, str] = {}
    """Field → trait."""
    values: dict[str, Any] = {}
    """Field → what was calculated."""


class Planned(NamedTuple):
    """One row of the outbox: an event and the set of routes that it takes."""

    seq: int
    entry: int
    """The journal entry of the event."""
    person: PersonId | None
    routes: int
    identifiers: tuple[Identifier, ...]
    """The person's identifiers at planning that the event itself does not carry."""
    message: Message | None = None
    """What a rule wants to say; None for an event that takes routes."""
    sync: Sync | None = None
    """What a sync wants to tell; the entry is then the person's newest."""


class Leg(NamedTuple):
    """One delivery of a set of routes."""

    sink: str
    action: str
    lane: str
    """The class: `message`, `forward` or `sync`."""
    route: str


class StateReader(Protocol):
    """Reads committed state; safe in any process while the engine writes."""

    def position(self) -> int:
        """The newest journal entry that was applied."""
        ...

    def route_sets(self) -> Mapping[int, tuple[Leg, ...]]:
        """Every set of routes that a row of the outbox may name."""
        ...

    def outbox(self, after: int, routes: Collection[int], limit: int) -> list[Planned]:
        """Rows behind `after` that take one of these sets, in order."""
        ...

    def outbox_rows(self, seqs: Collection[int]) -> dict[int, Planned]:
        """These rows."""
        ...

    def outbox_counts(self, after: int = 0, until: int | None = None) -> Mapping[int, int]:
        """How many rows take each set of routes, behind a row, up to another."""
        ...

    def outbox_end(self) -> int:
        """The newest row's number; 0 where there is none."""
        ...

    def profiles(self, people: Collection[PersonId]) -> dict[PersonId, Profile]:
        """Profiles by the id asked for; a merged person's is the survivor's."""
        ...

    def close(self) -> None: ...


class Standing(IntEnum):
    """How a delivery stands."""

    WAITING = 0
    DELIVERED = 1
    DEAD = 2
    SKIPPED = 3


class Kept(NamedTuple):
    """A delivery with a row of its own, because its lane's position no longer stands for it.

    `batch` is the number of the request that it travels in, where that request is tried again as a whole.
    """

    sink: str
    lane: str
    seq: int
    """The row of the outbox."""
    action: str
    entry: int
    person: PersonId | None
    standing: Standing
    batch: int
    attempts: int
    failures: int
    first_at: Instant
    retry_at: Instant
    at: Instant
    """When it came to stand as it does."""
    id: str
    """The delivery's id; empty while it was never tried."""
    reason: str


class LaneRow(NamedTuple):
    """How far one class of one sink is, and how its deliveries up to there ended."""

    position: int
    delivered: int
    dead: int
    skipped: int


class Settlement(NamedTuple):
    """What changed in one class of one sink; all of it is written in one transaction.

    The counts are added to the lane's, `rows` replace those of the same outbox row and action.
    """

    sink: str
    lane: str
    position: int
    delivered: int
    dead: int
    skipped: int
    rows: Sequence[Kept] = ()
    outcomes: Sequence[bytes] = ()


class Outcome(NamedTuple):
    """How a delivery ended, for whoever waits to hear it; numbers increase."""

    number: int
    body: bytes


class DeliveriesReader(Protocol):
    """Reads what became of the deliveries; safe in any process while delivery writes."""

    def lanes(self) -> Mapping[tuple[str, str], LaneRow]:
        """Every lane by (sink, class)."""
        ...

    def memory(self, sink: str) -> bytes | None:
        """What a sink's lane must know after a restart: use of its limits, pauses."""
        ...

    def command_position(self) -> int:
        """The newest journal entry whose command was carried out."""
        ...

    def heads(self, sink: str, lane: str, *, ordered: bool = True) -> list[Kept]:
        """Waiting rows that go next: of each person the first, with all that travel in its request.

        Of a sink that keeps no order: all waiting rows.
        """
        ...

    def held(self, sink: str, lane: str, person: PersonId, limit: int) -> list[Kept]:
        """A person's waiting rows, in order."""
        ...

    def dead(self, sink: str | None, before: tuple[Instant, str] | None, limit: int) -> list[Kept]:
        """Dead letters, the newest first; `before` is (at, id) of the last one of the page before."""
        ...

    def find(self, ids: Collection[str]) -> list[Kept]:
        """The rows of these deliveries; one that simply arrived has none."""
        ...

    def rows(self, sink: str, lane: str, after: int, until: int) -> list[Kept]:
        """Rows of the outbox rows behind `after`, up to `until`, in order."""
        ...

    def waiting(self) -> Mapping[tuple[str, str], int]:
        """How many rows wait in each lane; those behind its position are in the outbox alone."""
        ...

    def outcomes(self, after: int, limit: int) -> list[Outcome]:
        """Outcomes behind a number, in order."""
        ...

    def close(self) -> None: ...


class DeliveriesWriter(Protocol):
    """Writes what became of the deliveries; one in the whole house, used by one thread at a time."""

    def settle(
        self, number: int, settlements: Sequence[Settlement], memories: Mapping[str, bytes], command: int = 0
    ) -> None:
        """Writes all of it in one transaction; the same number again changes nothing.

        So a write whose end nobody heard can be tried again. `command` is the newest journal entry whose
        command this carries out.
        """
        ...

    def number(self) -> int:
        """The number of the newest settlement."""
        ...

    def prune(self, before: Instant, limit: int) -> int:
        """Removes rows that ended before then; says how many."""
        ...

    def prune_outcomes(self, until: int) -> None:
        """Removes outcomes that the journal has."""
        ...

    def close(self) -> None: ...
