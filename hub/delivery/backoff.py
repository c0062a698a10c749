"""How long to wait before the next attempt, and how long it has been."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hub.event import Instant

SECOND = 1_000_000
HOUR = 3600 * SECOND

Pause = tuple[Instant, Instant]
"""From when until when nothing could be tried."""


def backoff(failures: int, rng: Random, *, base: int = SECOND, most: int = HOUR) -> int:
    """Microseconds to wait after so many failures: full jitter under a ceiling that doubles."""
    ceiling = min(most, base << min(max(failures - 1, 0), 40))
    return rng.randrange(ceiling + 1)


def waited(since: Instant, now: Instant, pauses: Sequence[Pause]) -> int:
    """How long a delivery was tried in vain; pauses for credentials do not count."""
    paused = sum(max(0, min(end, now) - max(start, since)) for start, end in pauses)
    return now - since - paused
