"""Whether there is room on the disk to write down what comes in."""

from __future__ import annotations

import shutil
from pathlib import Path

from hub.clock import Clock
from hub.event import Instant

_ASKED_AGAIN = 1_000_000


class Room:
    """Free space of the data folder against its limit: so many bytes, or 5 % of the disk if that is less."""

    def __init__(self, folder: Path, limit: int, clock: Clock) -> None:
        self._folder = folder
        self._limit = limit
        self._clock = clock
        self._asked: Instant | None = None
        self._short = False

    def is_short(self) -> bool:
        """Asks the disk once a second at most."""
        now = self._clock.now()
        if self._asked is None or now - self._asked >= _ASKED_AGAIN:
            self._asked = now
            self._short = self._look()
        return self._short

    def _look(self) -> bool:
        try:
            disk = shutil.disk_usage(self._folder)
        except OSError:
            return False
        return disk.free < min(self._limit, disk.total // 20)
