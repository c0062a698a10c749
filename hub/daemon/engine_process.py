"""The engine in a process of its own: no loop, no threads, one cycle after the other."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path

from hub.clock import Clock
from hub.daemon.pipes import Wires
from hub.errors import StoreUnavailable
from hub.pipeline import Engine
from hub.store.sqlite.journal import SqliteJournal
from hub.store.sqlite.work import SqliteState
from hub.telemetry import Metrics, log, names, watch_process

POLL = 0.1
"""Seconds after which the engine looks even if nobody rang."""
TELL = 1.0
RETRY = 0.5


class EngineProcess:
    """Runs cycles until SIGTERM, tells its counters once a second, goes on when a store comes back."""

    def __init__(self, folder: Path, clock: Clock, wires: Wires) -> None:
        self._folder = folder
        self._clock = clock
        self._wires = wires
        self._metrics = Metrics()
        watch_process(self._metrics, "engine")
        self._reason = ""
        self._stopping = False
        self._told_at = 0.0

    def run(self) -> int:
        """Until SIGTERM; what was begun is finished."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        journal = self._journal = SqliteJournal(self._folder, readonly=False)
        state = SqliteState(self._folder)
        engine = Engine(
            journal, state, metrics=self._metrics, committed=self._wires.outbox.ring, poisoned=self._poisoned
        )
        os.write(self._wires.ready.into, b"e")
        while not self._stopping:
            self._turn(engine, state)
        state.close()
        journal.close()
        return 0

    def _turn(self, engine: Engine, state: SqliteState) -> None:
        pause = POLL
        try:
            worked = engine.cycle(self._clock.now)
            self._available(state)
            pause = 0.0 if worked else self._until_next(state)
        except StoreUnavailable as fault:
            self._unavailable(fault)
            pause = RETRY
        if time.monotonic() - self._told_at >= TELL:
            # While a store is away the figures stay as they were; that it is away is told all the same.
            with contextlib.suppress(StoreUnavailable):
                self._measure(state)
            self._tell()
        # Looking at the pipe costs nothing, and the end of the supervisor must be noticed under load too.
        woken = self._wires.journal.wait(pause, self._wires.life.out)
        if self._wires.life.out in woken:
            self._stopping = True
        self._wires.journal.drain()

    def _until_next(self, state: SqliteState) -> float:
        """Seconds until somebody is to be woken, so that timers are decided to the millisecond."""
        next_wake = state.next_wake()
        if next_wake is None:
            return POLL
        return min(POLL, max(0.0, (next_wake - self._clock.now()) / 1e6))

    def _measure(self, state: SqliteState) -> None:
        """How far the engine is behind, in entries and in seconds."""
        behind = self._journal.read(state.position, None, 1)
        age = (self._clock.now() - behind[0].received_at) / 1e6 if behind else 0.0
        self._metrics.set(names.ENGINE_BEHIND, self._journal.end()[0] - state.position)
        self._metrics.set(names.ENGINE_BEHIND_SECONDS, age)

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        report = {"status": "degraded" if self._reason else "ok", "reason": self._reason}
        self._wires.told.send(json.dumps({"health": report, "metrics": self._metrics.snapshot()}).encode())

    def _available(self, state: SqliteState) -> None:
        if self._reason.startswith("store"):
            log.info("journal available", role="engine")
            self._reason = ""
        if not self._reason and (poisoned := state.poisoned()):
            self._reason = f"{poisoned} set aside as poison; see 'hub audit'"

    def _unavailable(self, fault: StoreUnavailable) -> None:
        if not self._reason.startswith("store"):
            log.error("journal unavailable", role="engine", reason=fault.reason)
        self._reason = f"store: {fault.reason}"

    def _poisoned(self, place: str) -> None:
        self._metrics.count(names.ENTRIES_POISONED)
        self._reason = ""
        log.error("entry poisoned", place=place)

    def _stop(self, *_: object) -> None:
        self._stopping = True
        self._wires.journal.ring()
