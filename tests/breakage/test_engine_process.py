"""The engine's process lives on while a store is away."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.clock import DrivenClock
from hub.daemon.engine_process import EngineProcess
from hub.daemon.pipes import Wires
from hub.errors import StoreUnavailable
from hub.store.sqlite.journal import SqliteJournal


@pytest.fixture
def own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_engine_that_cannot_look_how_far_behind_it_is_goes_on_and_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_signals: None
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("the disk went away")

    monkeypatch.setattr(SqliteJournal, "read", away)
    wires = Wires()
    # The supervisor is gone: the engine takes one turn and ends.
    os.close(wires.life.into)

    assert EngineProcess(tmp_path, DrivenClock(), wires).run() == 0
    assert len(wires.told.receive()) == 1
