"""Writes down what became of deliveries: all lanes together, what gathers while the last commit runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from hub.clock import Clock
from hub.delivery.house import Report
from hub.errors import StoreUnavailable
from hub.event import Instant
from hub.store.port import DeliveriesWriter, Settlement
from hub.telemetry import log

AGAIN_SECONDS = 1.0


class Settles(Protocol):
    """A lane, as far as writing is concerned."""

    stuck: bool
    """What became of its deliveries cannot be written: nothing more goes out."""

    def wake(self) -> None: ...
    def collect(self, now: Instant) -> tuple[list[Settlement], bytes | None]: ...
    def committed(self) -> None: ...


class Settler:
    """The one who writes. Where it cannot, all stand still: nothing is sent whose end nobody keeps."""

    def __init__(self, writer: DeliveriesWriter, clock: Clock, report: Report) -> None:
        self._writer = writer
        self._clock = clock
        self._report = report
        self._lanes: dict[str, Settles] = {}
        self._dirty: set[str] = set()
        self._wake = asyncio.Event()
        self._written = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="deliveries")
        self._number = writer.number()

    def join(self, sink: str, lane: Settles) -> None:
        """From now on this lane's settlements are written."""
        self._lanes[sink] = lane

    def leave(self, sink: str) -> None:
        """This lane has ended."""
        self._lanes.pop(sink, None)
        self._dirty.discard(sink)

    def settle(self, sink: str) -> None:
        """Something of this sink is to be written, soon."""
        self._dirty.add(sink)
        self._wake.set()

    @property
    def behind(self) -> bool:
        """Whether something is not written yet."""
        return bool(self._dirty) or self._written.locked()

    async def run(self) -> None:
        """Until cancelled: writes whatever there is to write."""
        while True:
            await self._wake.wait()
            await self.flush()

    async def flush(self) -> None:
        """Returns when all that was to be written is written."""
        async with self._written:
            while self._dirty:
                self._wake.clear()
                await self._write_all()

    async def command(self, entry: int, settlements: Sequence[Settlement]) -> None:
        """Writes what a command changes, and that it was carried out."""
        async with self._written:
            await self._write(settlements, {}, entry)

    async def aside(self, work: Callable[[], int | None]) -> int | None:
        """Does something with the store in the writing thread, between settlements."""
        async with self._written:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown()

    async def _write_all(self) -> None:
        sinks, self._dirty = self._dirty, set()
        lanes = {sink: self._lanes[sink] for sink in sinks if sink in self._lanes}
        settlements: list[Settlement] = []
        memories: dict[str, bytes] = {}
        now = self._clock.now()
        for sink, lane in lanes.items():
            changed, memory = lane.collect(now)
            settlements += changed
            if memory is not None:
                memories[sink] = memory
        if not settlements and not memories:
            return
        await self._write(settlements, memories, 0)
        for lane in lanes.values():
            lane.committed()

    async def _write(
        self, settlements: Sequence[Settlement], memories: Mapping[str, bytes], command: int
    ) -> None:
        self._number += 1
        number, stuck = self._number, False
        loop = asyncio.get_running_loop()
        while True:
            try:
                # The same number again changes nothing: a commit whose end nobody heard may be repeated.
                await loop.run_in_executor(
                    self._thread, self._writer.settle, number, settlements, memories, command
                )
            except StoreUnavailable as fault:
                if not stuck:
                    self._stand(True, str(fault))
                stuck = True
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                break
        if stuck:
            self._stand(False, "")

    def _stand(self, still: bool, reason: str) -> None:
        for lane in self._lanes.values():
            lane.stuck = still
            lane.wake()
        if still:
            log.error("deliveries unavailable", reason=reason)
            self._report("deliveries", "degraded", f"what became of deliveries cannot be written: {reason}")
        else:
            log.info("deliveries available")
            self._report("deliveries", "ok", "")
