"""What a command may change while no hub runs: the stores themselves, under the same locks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hub.clock import WallClock
from hub.config import Config
from hub.daemon.locks import ROLES, Locks, made
from hub.pipeline import Engine
from hub.store.port import Draft, Kind, Refused
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.work import SqliteState


class House:
    """The stores of a hub that does not run; every change goes through the journal, as ever."""

    def __init__(self, config: Config) -> None:
        self.config = config
        folder = config.hub.data_dir
        self._state = SqliteState(folder)
        self._journal = SqliteJournal(folder, readonly=False)
        floor = max(self._state.horizon, self._journal.end()[1]) + 1
        self.clock = WallClock(floor=floor)
        self._writer = SqliteJournalWriter(folder, self.clock.now, floor=self._state.horizon)
        newest = self._journal.latest(Kind.CONFIG)
        if newest is None or newest.body != config.resolved:
            self.write([Draft(Kind.CONFIG, config.resolved)])

    def write(self, drafts: Sequence[Draft], refused: Sequence[Refused] = ()) -> None:
        """Makes entries durable; raises StoreUnavailable."""
        self._writer.write([Batch(drafts, refused)])

    def apply(self) -> None:
        """Lets the engine apply everything that stands in the journal."""
        engine = Engine(self._journal, self._state)
        while engine.cycle(self.clock.now):
            pass

    def close(self) -> None:
        self._writer.close()
        self._journal.close()
        self._state.close()


@contextmanager
def offline(config: Config, *, patience: float = 1.0) -> Iterator[House]:
    """The stores, for as long as nobody else has them; raises StoreUnavailable where somebody has."""
    locks = Locks(made(config.hub.data_dir), ROLES)
    locks.take(patience=patience)
    house = None
    try:
        house = House(config)
        yield house
    finally:
        if house is not None:
            house.close()
        locks.release()
