"""Group commit: what gathers while one transaction is written goes into the next, together.

A thread of its own does the writing, so that a slow disk never stops the loop. There is no deliberate
wait: alone, an item is written at once; under load, groups form by themselves.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from hub.errors import StoreUnavailable, TooFast

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

MOST = 500


class GroupCommit(Generic[T]):
    """Writes items in groups; `commit` returns when its item is durable.

    `apply` gets the items of a group and makes all of them durable in one transaction, or raises and
    leaves nothing behind. It runs in the thread. `committed` is called there after each group.
    """

    def __init__(
        self,
        apply: Callable[[Sequence[T]], None],
        *,
        committed: Callable[[], None] | None = None,
        waiting: int = 20_000,
        name: str = "writer",
    ) -> None:
        self._apply = apply
        self._committed = committed
        self._most_waiting = waiting
        self._waiting = 0
        self._queue: deque[tuple[T, int, asyncio.Future[None], asyncio.AbstractEventLoop]] = deque()
        self._ready = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How much weight is not durable yet."""
        return self._waiting

    async def commit(self, item: T, *, weight: int = 1) -> None:
        """Returns when the item is durable.

        Raises StoreUnavailable where it cannot be, TooFast where too much waits.
        """
        if self._waiting and self._waiting + weight > self._most_waiting:
            raise TooFast("more is arriving than can be written")
        # Readers share this package, and a loop costs them a tenth of a second to import.
        import asyncio

        loop = asyncio.get_running_loop()
        done = loop.create_future()
        with self._ready:
            if self._closing:
                raise StoreUnavailable("the store is closing")
            self._waiting += weight
            self._queue.append((item, weight, done, loop))
            self._ready.notify()
        await done

    def close(self) -> None:
        """Writes what waits, then ends the thread."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next():
            fault: StoreUnavailable | None = None
            try:
                self._apply([item for item, *_ in group])
            except StoreUnavailable as unavailable:
                fault = unavailable
            except Exception as bug:
                fault = StoreUnavailable(f"the writer failed: {type(bug).__name__}: {bug}")
            with self._ready:
                self._waiting -= sum(weight for _, weight, _, _ in group)
            self._tell(group, fault)
            if fault is None and self._committed is not None:
                self._committed()

    def _next(self) -> list[tuple[T, int, asyncio.Future[None], asyncio.AbstractEventLoop]]:
        with self._ready:
            while not self._queue and not self._closing:
                self._ready.wait()
            group, weight = [], 0
            while self._queue and weight < MOST:
                group.append(self._queue.popleft())
                weight += group[-1][1]
            return group

    @staticmethod
    def _tell(
        group: list[tuple[T, int, asyncio.Future[None], asyncio.AbstractEventLoop]],
        fault: StoreUnavailable | None,
    ) -> None:
        def settle(told: Sequence[asyncio.Future[None]]) -> None:
            for done in told:
                if done.done():
                    continue
                if fault is None:
                    done.set_result(None)
                else:
                    done.set_exception(fault)

        for loop in {loop for *_, loop in group}:
            told = [done for _, _, done, theirs in group if theirs is loop]
            # A loop that has ended has nobody left who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, told)
