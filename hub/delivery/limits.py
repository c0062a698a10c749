"""How much a vendor takes: requests per time in several windows, requests at once, and what it taught us."""

from __future__ import annotations

from collections import deque
from typing import Any

from hub.connector import Limits
from hub.event import Instant

SECOND = 1_000_000
WINDOWS = (
    ("per_second", SECOND),
    ("per_minute", 60 * SECOND),
    ("per_hour", 3600 * SECOND),
    ("per_day", 86_400 * SECOND),
)
SLICES = 20
"""A window is counted in so many slices: at most 1 part in 20 of a vendor's limit is left unused."""


class Window:
    """Never more than `most` requests in any stretch of `length` microseconds."""

    def __init__(self, most: float, length: int) -> None:
        # Less than one in a window is one in a longer window.
        if most < 1:
            most, length = 1, int(length / most)
        self.most = int(most)
        self._slice = max(1, length // SLICES)
        self._used: deque[list[int]] = deque()
        self._total = 0

    def wait(self, now: Instant) -> int:
        """Microseconds until one more request is welcome; 0 is now."""
        self._forget(now)
        if self._total < self.most:
            return 0
        over = self._total - self.most
        for number, count in self._used:
            over -= count
            if over < 0:
                return max(1, self._gone_at(number) - now)
        return 0

    def use(self, now: Instant, count: int = 1) -> None:
        """A request goes out."""
        number = now // self._slice
        if self._used and self._used[-1][0] >= number:
            self._used[-1][1] += count
        else:
            self._used.append([number, count])
        self._total += count

    def spend(self, now: Instant) -> None:
        """Counts the whole window as used: nobody knows what went out just before a crash."""
        self._forget(now)
        if self._total < self.most:
            self.use(now, self.most - self._total)

    def _gone_at(self, number: int) -> Instant:
        return (number + SLICES + 1) * self._slice

    def _forget(self, now: Instant) -> None:
        while self._used and self._gone_at(self._used[0][0]) <= now:
            self._total -= self._used.popleft()[1]

    def memory(self) -> list[list[int]]:
        """The use that a restart must know of."""
        return [list(used) for used in self._used]

    def recall(self, memory: list[list[int]]) -> None:
        """Takes up the use of before a restart."""
        self._used = deque([int(number), int(count)] for number, count in memory)
        self._total = sum(count for _, count in self._used)


class Learned:
    """A rate that a vendor taught us by refusing: halved when it complains, grown again while it does not."""

    GROW_EVERY = 10 * SECOND
    FORGET_AT = 8.0

    def __init__(self) -> None:
        self._rate = 0.0
        self._first_rate = 0.0
        self._recent: deque[Instant] = deque(maxlen=1000)
        self._next = 0
        self._changed = 0

    def wait(self, now: Instant) -> int:
        """Microseconds until one more request is welcome; 0 is now."""
        self._grow(now)
        return max(0, self._next - now) if self._rate else 0

    def use(self, now: Instant) -> None:
        """A request goes out."""
        self._recent.append(now)
        if self._rate:
            self._next = max(now, self._next) + int(SECOND / self._rate)

    def complained(self, now: Instant) -> None:
        """The vendor said that it was too much."""
        observed = sum(1 for at in self._recent if at > now - SECOND)
        self._rate = max(0.2, (self._rate or max(observed, 1)) / 2)
        self._first_rate = self._first_rate or self._rate
        self._changed = now

    def _grow(self, now: Instant) -> None:
        while self._rate and now - self._changed >= self.GROW_EVERY:
            self._changed += self.GROW_EVERY
            self._rate *= 1.25
            if self._rate > self._first_rate * self.FORGET_AT:
                self._rate = self._first_rate = 0.0


class Limiter:
    """All limits of one vendor's action, or of a whole sink."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.flying = 0
        self._windows = {
            name: Window(getattr(limits, name), length) for name, length in WINDOWS if getattr(limits, name)
        }
        self._learned = Learned()
        self._until: Instant = 0

    def wait(self, now: Instant) -> int:
        """Microseconds until one more request may go; 0 is now. Those in flight are counted apart."""
        waits = [self._until - now, self._learned.wait(now)]
        return max(0, *waits, *(window.wait(now) for window in self._windows.values()))

    @property
    def full(self) -> bool:
        """Whether as many requests are out as the vendor takes at once."""
        return self.flying >= max(1, self.limits.in_flight)

    def use(self, now: Instant) -> None:
        """A request goes out."""
        self._learned.use(now)
        for window in self._windows.values():
            window.use(now)

    def complained(self, now: Instant) -> None:
        """The vendor answered that it was too much."""
        self._learned.complained(now)

    def spent(self, until: Instant) -> None:
        """The vendor answered that its window is used up until then."""
        self._until = max(self._until, until)

    def resume(self) -> None:
        """An operator says that it is worth trying."""
        self._until = 0

    def memory(self) -> dict[str, Any]:
        """The use that a restart must know of."""
        used = {name: window.memory() for name, window in self._windows.items()}
        return {**used, "until": self._until} if self._until else used

    def recall(self, memory: dict[str, Any], now: Instant) -> None:
        """Takes up the use of before a restart, and counts what nobody can know as used."""
        self._until = memory.get("until", 0)
        for name, window in self._windows.items():
            window.recall(memory.get(name, []))
            if name == "per_second":
                window.spend(now)
            else:
                # What was in flight, and what followed it while the last settlement was written.
                window.use(now, 2 * max(1, self.limits.in_flight))
