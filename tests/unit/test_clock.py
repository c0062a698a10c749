"""The shared clock: it loses nothing and never runs backwards, however long its own reading takes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from hub import clock as clocks
from hub.clock import WallClock


class Boot:
    """A machine that is so busy that a millisecond passes between any two readings."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self) -> int:
        self.read += 1000
        return self.read


@pytest.fixture
def boot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Boot]:
    boot, wall = Boot(), count(1_700_000_000_000_000, 60_000_000)
    monkeypatch.setattr(clocks, "_boot", boot)
    monkeypatch.setattr(clocks, "_wall", lambda: next(wall))
    yield boot


def test_steering_takes_nothing_from_the_clock(boot: Boot, tmp_path: Path) -> None:
    clock = WallClock(tmp_path / "clock")

    before, began = clock.now(), boot.read
    clock.steer()

    assert clock.now() - before == boot.read - began


def test_a_role_that_starts_beside_others_takes_nothing_from_their_clock(boot: Boot, tmp_path: Path) -> None:
    clock = WallClock(tmp_path / "clock", floor=1_700_003_600_000_000)

    before, began = clock.now(), boot.read
    WallClock(tmp_path / "clock")

    assert clock.now() - before == boot.read - began
