"""Now and later: the one place that reads a clock."""

from __future__ import annotations

import time
from typing import Protocol

from hub.event import Instant


class Clock(Protocol):
    """What the house asks for the time."""

    def now(self) -> Instant:
        """The present, in microseconds since 1970; never runs backwards."""
        ...


def _boot() -> int:
    # CLOCK_BOOTTIME goes on while the machine sleeps; macOS knows it under another name.
    which = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(which) // 1000


class WallClock:
    """The wall clock at the start, carried on by the boot-time clock.

    A step of the wall clock (an administrator, NTP) moves nothing at once: the clock is slewed towards the
    wall by at most 500 µs a second, so that intervals stay true. All roles share one anchor: make it
    before the fork.
    """

    SLEW = 500e-6

    def __init__(self) -> None:
        self._wall = time.time_ns() // 1000
        self._boot = _boot()
        self._correction = 0.0
        self._slewed_at = self._boot

    def now(self) -> Instant:
        boot = _boot()
        if boot - self._slewed_at >= 1_000_000:
            self._slew(boot)
        return self._wall + (boot - self._boot) + int(self._correction)

    def _slew(self, boot: int) -> None:
        steered = self._wall + (boot - self._boot) + self._correction
        gap = time.time_ns() // 1000 - steered
        most = (boot - self._slewed_at) * self.SLEW
        self._correction += max(-most, min(most, gap))
        self._slewed_at = boot


class DrivenClock:
    """A clock that stands still until it is told to go on; for tests and the demo."""

    def __init__(self, now: Instant = 1_700_000_000_000_000) -> None:
        self._now = now

    def now(self) -> Instant:
        return self._now

    def forward(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> Instant:
        """Moves on and returns the new present."""
        self._now += int((seconds + 60 * minutes + 3600 * hours) * 1_000_000)
        return self._now

    def set(self, now: Instant) -> None:
        """Moves on to an instant; earlier ones are ignored."""
        self._now = max(self._now, now)
