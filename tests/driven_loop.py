"""An event loop on a driven clock: waiting costs nothing, and the same start gives the same run.

Where nothing is ready, time goes on to the next timer at once. What would run in a thread runs in its place.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable
from typing import Any

from hub.clock import DrivenClock

SECOND = 1_000_000


class _Driven(selectors.SelectSelector):
    """Waits by moving the clock."""

    def __init__(self, clock: DrivenClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits for something that nobody will do")
        if timeout > 0:
            self._clock.set(self._clock.now() + math.ceil(timeout * SECOND))
        return super().select(0)


class DrivenLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is the clock's."""

    def __init__(self, clock: DrivenClock) -> None:
        self._driven = clock
        self._start = clock.now()
        super().__init__(_Driven(clock))

    def time(self) -> float:
        return (self._driven.now() - self._start) / SECOND

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        done: asyncio.Future[Any] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as fault:
            done.set_exception(fault)
        return done
