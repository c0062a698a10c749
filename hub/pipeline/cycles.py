"""The engine: cycles of one instant each, every one of them all or nothing.

A cycle has an instant T, the journal's horizon: everything received by T is applied, then the timers due
by T are decided. T is stored with the cycle's first transaction, so that a crash resumes the same cycle.
Nothing else is read: no clock, no chance. Any split into transactions gives the same decisions.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence

from hub.errors import StoreUnavailable
from hub.event import Instant, PersonId
from hub.pipeline.definitions import Definitions
from hub.pipeline.line import process, wake
from hub.pipeline.reading import Events
from hub.store.port import Entry, Fate, JournalReader, Kind
from hub.store.sqlite.work import SqliteState, Work
from hub.telemetry import Metrics, names, place

MOST = 500
"""Entries in one transaction."""


class Engine:
    """Applies the journal to the state.

    `committed` is called after each transaction, `poisoned` with a one-line description of what was set
    aside. `configure` makes definitions of a configuration's body.
    """

    def __init__(
        self,
        journal: JournalReader,
        state: SqliteState,
        *,
        metrics: Metrics | None = None,
        committed: Callable[[], None] = lambda: None,
        poisoned: Callable[[str], None] = lambda _: None,
        most: int = MOST,
    ) -> None:
        self._journal = journal
        self._kept = Events(journal)
        self._state = state
        self._metrics = metrics or Metrics()
        self._told = committed
        self._poisoned = poisoned
        self._most = most
        self._unfinished = state.horizon
        self._adopt(self._in_force())

    @property
    def definitions(self) -> Definitions:
        """What the engine works by now."""
        return self._definitions

    def cycle(self, now: Callable[[], Instant]) -> bool:
        """One cycle, where there is anything to do; says whether there was.

        The first one after a start, or after a store was unavailable, finishes the cycle that was begun.
        """
        horizon = self._unfinished
        if not horizon:
            if not self._journal.waiting(self._state.position) and not self._is_due(now):
                return False
            horizon = self._journal.horizon(now)
        # Whatever stops it, the next call goes on with the same cycle.
        self._unfinished = horizon
        started = now()
        if self._state.configuration != self._configured:
            self._adopt(self._in_force())
        self._apply_all(horizon)
        self._wake_all(horizon)
        self._unfinished = 0
        self._metrics.observe(names.CYCLE_SECONDS, (now() - started) / 1e6)
        return True

    def _is_due(self, now: Callable[[], Instant]) -> bool:
        next_wake = self._state.next_wake()
        # A cycle's instant is just before the present.
        return next_wake is not None and next_wake < now()

    def _apply_all(self, horizon: Instant) -> None:
        while entries := self._journal.read(self._state.position, horizon, self._most):
            entries = _up_to_configuration(entries)
            try:
                self._apply(entries, horizon)
            except StoreUnavailable:
                raise
            except Exception:
                for entry in entries:
                    self._apply_singly(entry, horizon)

    def _apply(self, entries: Sequence[Entry], horizon: Instant) -> None:
        with self._state.transaction() as work:
            work.horizon = horizon
            definitions = process(entries, work, self._definitions, kept=self._kept)
        self._adopt(definitions)
        self._committed(work)

    def _apply_singly(self, entry: Entry, horizon: Instant) -> None:
        try:
            self._apply([entry], horizon)
        except StoreUnavailable:
            raise
        except Exception as bug:
            self._set_aside(entry, horizon, bug)

    def _set_aside(self, entry: Entry, horizon: Instant, bug: Exception) -> None:
        with self._state.transaction() as work:
            work.horizon, work.position = horizon, entry.seq
            work.set_aside(_story(bug), entry=entry.seq)
            if entry.kind is Kind.EVENT:
                work.settle(entry.seq, Fate.POISON, None, None)
        self._committed(work)
        self._poisoned(f"entry {entry.seq}: {place(bug)}")

    def _wake_all(self, horizon: Instant) -> None:
        while people := self._state.due(horizon, self._most):
            try:
                self._wake(people, horizon)
            except StoreUnavailable:
                raise
            except Exception:
                for person in people:
                    self._wake_singly(person, horizon)

    def _wake(self, people: Sequence[PersonId], horizon: Instant) -> None:
        with self._state.transaction() as work:
            work.horizon = horizon
            wake(people, horizon, work, self._definitions, kept=self._kept)
        self._committed(work)

    def _wake_singly(self, person: PersonId, horizon: Instant) -> None:
        try:
            self._wake([person], horizon)
        except StoreUnavailable:
            raise
        except Exception as bug:
            with self._state.transaction() as work:
                work.horizon = horizon
                work.set_aside(_story(bug), person=person)
                work.wake(person, None)
            self._committed(work)
            self._poisoned(f"a timer: {place(bug)}")

    def _committed(self, work: Work) -> None:
        self._kept.tidy()
        for (metric, *labels), count in work.tally.items():
            self._metrics.count(names.METRICS[metric], *labels, by=count)
        self._told()

    def _adopt(self, definitions: Definitions) -> None:
        # By which entry, too: after a commit whose end nobody heard, the state may be further than we are.
        self._definitions, self._configured = definitions, self._state.configuration

    def _in_force(self) -> Definitions:
        seq = self._state.configuration
        entry = self._journal.get((seq,)).get(seq) if seq else None
        return Definitions.of(entry.body, entry.received_at, self._state.ages) if entry else Definitions()


def _up_to_configuration(entries: list[Entry]) -> list[Entry]:
    """A configuration has a transaction of its own: it looks at everybody as they stand before it."""
    if entries[0].kind is Kind.CONFIG:
        return entries[:1]
    for number, entry in enumerate(entries):
        if entry.kind is Kind.CONFIG:
            return entries[:number]
    return entries


def _story(bug: Exception) -> str:
    return "".join(traceback.format_exception(bug))
