"""The shared clock: it never runs backwards, however long its own reading takes."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from hub import clock as clocks
from hub.clock import WallClock


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is so busy that a millisecond passes between any two readings; its wall runs ahead."""
    boot, wall = count(1_000_000, 1000), count(1_700_000_000_000_000, 60_000_000)
    monkeypatch.setattr(clocks, "_boot", lambda: next(boot))
    monkeypatch.setattr(clocks, "_wall", lambda: next(wall))


def test_steering_takes_nothing_from_the_clock(slow: None, tmp_path: Path) -> None:
    clock = WallClock(tmp_path / "clock")

    before = clock.now()
    clock.steer()

    # Two readings have passed: the one of the steering, and this one.
    assert clock.now() - before == 2000


def test_a_role_that_starts_beside_others_takes_nothing_from_their_clock(slow: None, tmp_path: Path) -> None:
    clock = WallClock(tmp_path / "clock", floor=1_700_003_600_000_000)

    before = clock.now()
    WallClock(tmp_path / "clock")

    assert clock.now() - before == 2000
