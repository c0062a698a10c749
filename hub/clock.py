"""Now and later: the one place that reads a clock."""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path
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


_DAY = 86_400_000_000


def _wall() -> int:
    return time.time_ns() // 1000


def _shared(path: Path | None, size: int) -> mmap.mmap:
    if path is None:
        return mmap.mmap(-1, size)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(handle, size)
        return mmap.mmap(handle, size)
    finally:
        os.close(handle)


class WallClock:
    """The wall clock at the start, carried on by the boot-time clock.

    A step of the wall clock (an administrator, NTP) moves nothing at once: `steer` slews towards the wall
    by at most `SLEW`, so that intervals stay true and nothing runs backwards. All roles share one anchor,
    kept in `path` (memory that processes share); only one of them steers. A start never goes back behind
    `floor` or behind the anchor of a hub that still runs.
    """

    SLEW_PPM = 500
    # One byte says which of two anchors holds: the other one is written whole before the byte flips, so
    # that neither a reader nor a kill ever meets half of one.
    _ANCHOR = struct.Struct("<qqq")  # boot time, time then, slew in ppm
    _BOOT_ID = slice(56, 92)

    def __init__(self, path: Path | None = None, *, floor: Instant = 0) -> None:
        self._memory = _shared(path, self._BOOT_ID.stop)
        present = _boot()
        start, running = max(_wall(), floor), self._at(present)
        if self._memory[self._BOOT_ID] == _boot_id() and 0 < running - start < _DAY:
            start = running
        self._memory[self._BOOT_ID] = _boot_id()
        self._anchor(present, start, 0)

    def now(self) -> Instant:
        return self._at(_boot())

    def _at(self, present: int) -> Instant:
        boot, then, slew = self._ANCHOR.unpack_from(
            self._memory, 8 + (self._memory[0] & 1) * self._ANCHOR.size
        )
        since = present - boot
        return int(then + since + since * slew // 1_000_000)

    def steer(self) -> None:
        """Slews towards the wall; called about once a second by the process that writes the journal."""
        # Both of one instant: what passes between two readings would be taken from the clock.
        present = _boot()
        now = self._at(present)
        gap = _wall() - now
        self._anchor(present, now, max(-self.SLEW_PPM, min(self.SLEW_PPM, gap)))

    def _anchor(self, boot: int, then: Instant, slew: int) -> None:
        other = 1 - (self._memory[0] & 1)
        self._ANCHOR.pack_into(self._memory, 8 + other * self._ANCHOR.size, boot, then, slew)
        self._memory[0] = other


def _boot_id() -> bytes:
    kept = Path("/proc/sys/kernel/random/boot_id")
    text = kept.read_text().strip() if kept.exists() else ""
    return text.encode().ljust(36)[:36]


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
