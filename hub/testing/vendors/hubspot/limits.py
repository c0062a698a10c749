"""HubSpot's limits: so many requests in ten seconds, so many in a day, so many events in a second."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from hub.testing.vendors.standin import Now

TEN_SECONDS = 10.0
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that is reached: its name, and what is said of it."""

    policy: str
    message: str


class Rolling:
    """At most so many in any stretch of so many seconds."""

    def __init__(self, most: int, length: float, now: Now) -> None:
        self.most = most
        self._length = length
        self._now = now
        self._taken: deque[float] = deque()

    @property
    def remaining(self) -> int:
        """How many more are welcome."""
        while self._taken and self._taken[0] <= self._now() - self._length:
            self._taken.popleft()
        return self.most - len(self._taken)

    def take(self, count: int = 1) -> None:
        """So many are answered."""
        self._taken.extend([self._now()] * count)


class Account:
    """What an account may ask for: all requests together, and the occurrences of events apart."""

    def __init__(self, burst: int, daily: int, now: Now) -> None:
        self.daily = daily
        self._now = now
        self._requests = Rolling(burst, TEN_SECONDS, now)
        self._events = Rolling(1250, 1.0, now)
        self._day = 0.0
        self._today = 0

    def reached(self, events: int) -> Reached | None:
        """The limit that a request would break, which is about so many events; 0 is one about people."""
        self._turn()
        if events:
            if self._events.remaining < events:
                return Reached("SECONDLY", "You have reached your secondly limit.")
            return None
        if self._today >= self.daily:
            return Reached("DAILY", "You have reached your daily limit.")
        if self._requests.remaining < 1:
            return Reached("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.")
        return None

    def take(self, events: int) -> None:
        """A request is answered."""
        if events:
            self._events.take(events)
        else:
            self._requests.take()
            self._today += 1

    @property
    def headers(self) -> dict[str, str]:
        """What each answer says of the limits."""
        return {
            "x-hubspot-ratelimit-max": str(self._requests.most),
            "x-hubspot-ratelimit-remaining": str(self._requests.remaining),
            "x-hubspot-ratelimit-interval-milliseconds": str(int(TEN_SECONDS * 1000)),
            "x-hubspot-ratelimit-daily": str(self.daily),
            "x-hubspot-ratelimit-daily-remaining": str(max(0, self.daily - self._today)),
        }

    def _turn(self) -> None:
        """A new day begins."""
        day = self._now() // DAY
        if day != self._day:
            self._day, self._today = day, 0
