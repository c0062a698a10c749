"""A house on a driven clock: the real stores and the real engine in a folder that nobody keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hub.clock import DrivenClock
from hub.event import Instant
from hub.pipeline import Definitions, Engine
from hub.store.port import Draft, Kind
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState

DEDUP_KEY = bytes(16)
"""Nobody outside chooses the ids here, and the same file gives the same answer every time."""


class VirtualHouse:
    """Accepts entries at instants of its caller's choice; the engine runs whenever time moves.

    `settled` is called whenever the engine has applied everything up to the clock's instant, so that what
    it decided can go out before time goes on.
    """

    def __init__(self, folder: Path, *, start: Instant, settled: Callable[[], None] = lambda: None) -> None:
        self.clock = DrivenClock(start)
        self._settled = settled
        self._writer = SqliteJournalWriter(folder, self.clock.now, durable=False)
        self._state = SqliteState(folder, durable=False, dedup_key=DEDUP_KEY)
        self.journal = SqliteJournal(folder, readonly=False)
        self.state = SqliteStateReader(folder)
        self._engine = Engine(self.journal, self._state)

    @property
    def definitions(self) -> Definitions:
        """What the engine works by now."""
        return self._engine.definitions

    def accept(self, drafts: Sequence[Draft], at: Instant, *, cursors: Mapping[str, str] = {}) -> None:
        """Entries are accepted at an instant (or now, where that is over), after everything due before it."""
        self.forward(at - 1)
        self.clock.set(at)
        self._writer.write([Batch(drafts, cursors=cursors)])
        self._run()

    def accept_down(self, drafts: Sequence[Draft], at: Instant) -> None:
        """Entries are accepted while the engine does not run."""
        self.clock.set(at)
        self._writer.write([Batch(drafts)])

    def configure(self, resolved: bytes, at: Instant) -> None:
        """A configuration is in force from an instant on."""
        self.accept([Draft(Kind.CONFIG, resolved)], at)

    def next_wake(self) -> Instant | None:
        """When somebody is to be looked at next."""
        return self._state.next_wake()

    def forward(self, until: Instant) -> None:
        """Time passes; whoever is due on the way is woken at that very instant."""
        while (wake := self.next_wake()) is not None and wake <= until:
            # The engine's instant is the present less 1 µs.
            self.clock.set(wake + 1)
            self._run()
        self.clock.set(until)

    def resume(self, at: Instant) -> None:
        """The engine runs again: everything that was accepted meanwhile comes before what is due."""
        self.clock.set(at + 1)
        self._run()
        self.forward(at)

    def longest(self) -> Instant:
        """How long after its last event something may still be decided."""
        waits = [rule.reach + rule.grace for rule in self.definitions.rules.rules]
        return max([*waits, *(sync.every for sync in self.definitions.syncs)], default=0)

    def close(self) -> None:
        """Closes the stores."""
        self._writer.close()
        self.journal.close()
        self.state.close()
        self._state.close()

    def _run(self) -> None:
        while self._engine.cycle(self.clock.now):
            self._settled()
