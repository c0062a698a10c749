"""The delivery role: a lane per sink, one who writes, and what operators ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

import msgspec

from hub.clock import Clock
from hub.config import Config, SinkBlock
from hub.connector import Action, HttpSink, Limits, Transform, actions
from hub.delivery.backoff import HOUR
from hub.delivery.commands import again, dead_letters, dropped, settlements
from hub.delivery.credentials import client_for
from hub.delivery.house import Aim, House, Report
from hub.delivery.lane import Lane
from hub.delivery.limits import WINDOWS
from hub.delivery.reading import Desk, Transforms
from hub.delivery.run import HttpRunner, Runner, SinkRunner
from hub.delivery.settling import Settler
from hub.errors import StoreUnavailable
from hub.store.port import (
    OUTCOMES,
    DeliveriesReader,
    DeliveriesWriter,
    Entry,
    JournalReader,
    Kept,
    Kind,
    Planned,
    StateReader,
)
from hub.telemetry import Metrics, log, names
from hub.transport import Send
from hub.wire import Request, Response

KEEP_ENDED = 30 * 24 * HOUR
CONTROLS_AT_ONCE = 500
LATE_SECONDS = 5.0
RESTART_SECONDS = 1.0


class DeliveryRole:
    """Carries what was planned to the sinks.

        role = DeliveryRole(config, journal=…, state=…, kept=…, store=…, clock=clock, metrics=metrics,
                            rng=Random(), report=health.report)
        await role.run(stop)

    `journal`, `state` and `kept` are read on the loop; `store` is written in a thread of its own, and closed.
    `notify` is called (on the loop) whenever the engine or the gateway committed something, and each 100 ms
    besides. `send` takes the place of the network, in a preview.
    """

    def __init__(
        self,
        config: Config,
        *,
        journal: JournalReader,
        state: StateReader,
        kept: DeliveriesReader,
        store: DeliveriesWriter,
        clock: Clock,
        metrics: Metrics,
        rng: Random,
        report: Report,
        send: Send | None = None,
    ) -> None:
        self._config = config
        self._journal = journal
        self._state = state
        self._kept = kept
        self._store = store
        self._clock = clock
        self._report = report
        self._send = send
        self._settler = Settler(store, clock, report)
        self._house = House(
            clock,
            rng,
            Desk(journal, state, clock, config.consent),
            state,
            kept,
            metrics,
            report,
            self._settler.settle,
        )
        self._lanes: dict[str, Lane] = {}
        self._built: dict[str, tuple[Any, ...]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._end = 0
        self._sets = 0
        self._heard = kept.command_position()
        self._commanded = asyncio.Event()
        self._pruned_at = clock.now()
        self._replacing = asyncio.Lock()
        self._draining: asyncio.Task[None] | None = None
        metrics.ask(names.DELIVERIES_WAITING, self._waiting)
        metrics.ask(names.SINKS_PAUSED, self._paused)

    async def run(self, stop: asyncio.Event) -> None:
        """Delivers until `stop`; what is out then is given the configured time to finish.

        Where it fails before that it may be run again: what goes on already is left alone.
        """
        if not self._tasks:
            self._start("settling", self._settler.run)
            self._start("commands", self._obey)
        for label in self._config.sinks:
            if label not in self._lanes:
                self._open(label, self._config)
        self.notify()
        await stop.wait()
        await self.drain(self._config.hub.drain.total_seconds())

    def notify(self) -> None:
        """Something was committed, or time passed: looks for what is new and what is due."""
        try:
            end = self._state.outbox_end()
            if end != self._end or not self._sets:
                sets = self._state.route_sets()
                self._end, self._sets = end, len(sets)
                for lane in self._lanes.values():
                    if lane.route(sets, end):
                        lane.wake()
            any(lane.count() for lane in self._lanes.values())
            self._house.desk.freshen()
            if self._journal.controls(self._heard, 1):
                self._commanded.set()
        except StoreUnavailable as fault:
            self._report("delivery", "degraded", f"a store cannot be read: {fault}")
            return
        self._report("delivery", "ok", "")
        now = self._clock.now()
        for lane in self._lanes.values():
            if lane.due_at is not None and lane.due_at <= now:
                lane.due()
        if now - self._pruned_at >= HOUR:
            self._pruned_at = now
            self._start("pruning", self._prune, once=True)

    async def replace(self, config: Config) -> None:
        """A changed configuration: unchanged sinks go on, changed ones start anew, removed ones end.

        A sink that was paused for its credentials, or gone, is tried again.
        """
        async with self._replacing:
            self._config = config
            self._house.desk.assumed = config.consent
            for label in list(self._lanes):
                if label not in config.sinks or self._aim_key(label, config) != self._built[label]:
                    await self._close(label, LATE_SECONDS)
                else:
                    self._lanes[label].resume(early=False)
            for label in config.sinks:
                if label not in self._lanes:
                    self._open(label, config)

    async def drain(self, seconds: float) -> None:
        """Sends nothing more, lets what is out finish for so long, writes what became of it; safe twice."""
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain(seconds))
        await asyncio.shield(self._draining)

    async def _drain(self, seconds: float) -> None:
        await asyncio.gather(*(lane.stop(seconds) for lane in self._lanes.values()))
        try:
            await asyncio.wait_for(self._settler.flush(), LATE_SECONDS)
        except TimeoutError:
            log.error("deliveries unavailable", reason="not everything was written before the end")
        for label in list(self._lanes):
            await self._close(label, 0)
        for name in list(self._tasks):
            await self._end_task(name)
        self._settler.close()
        self._store.close()

    @property
    def idle(self) -> bool:
        """Whether everything that was planned has ended or waits for a later time."""
        return not any(lane.busy() for lane in self._lanes.values()) and not self._settler.behind

    def lane(self, sink: str) -> Lane:
        """One sink's lane, to look at."""
        return self._lanes[sink]

    # Lanes

    def _open(self, label: str, config: Config) -> None:
        try:
            aim = self._aim(config.sinks[label], config)
        except Exception as bug:
            log.bug("connector failed", bug, sink=label)
            self._report(f"sinks.{label}", "degraded", f"it cannot be set up: {type(bug).__name__}")
            return
        lane = Lane(aim, self._house)
        self._built[label] = self._aim_key(label, config)
        self._lanes[label] = lane
        self._settler.join(label, lane)
        lane.route(self._state.route_sets(), self._state.outbox_end())
        self._start(f"sinks.{label}", lane.run)

    async def _close(self, label: str, seconds: float) -> None:
        lane = self._lanes[label]
        await lane.stop(seconds)
        await self._settler.flush()
        await self._end_task(f"sinks.{label}")
        self._settler.leave(label)
        del self._lanes[label], self._built[label]
        self._report(f"sinks.{label}", "ok", "")
        await lane.close()

    def _aim(self, block: SinkBlock, config: Config) -> Aim:
        offered = actions(block.connector)
        runner, send = self._runner(block, config)
        return Aim(
            block.label,
            runner,
            send,
            block.limits,
            apart=frozenset(name for name, mark in offered.items() if mark.limits is not None),
            alone=_alone(offered, block.limits),
            ordered=block.ordered,
            transforms=_transforms(block.label, config),
        )

    def _runner(self, block: SinkBlock, config: Config) -> tuple[Runner, Send]:
        sink = block.connector(block.settings, block.label)
        if not isinstance(sink, HttpSink):
            return SinkRunner(sink), _no_way_out
        sink.allowed = block.limits
        client = client_for(block, sink, config.hub.allow_private)
        return HttpRunner(sink, client.aclose), self._send or client.send

    @staticmethod
    def _aim_key(label: str, config: Config) -> tuple[Any, ...]:
        transforms = [block for block in config.transforms if label in block.sinks]
        return (config.sinks[label], transforms, config.hub.allow_private)

    # Commands

    async def _obey(self) -> None:
        while True:
            await self._commanded.wait()
            self._commanded.clear()
            while entries := self._journal.controls(self._heard, CONTROLS_AT_ONCE):
                for entry in entries:
                    if entry.kind is Kind.COMMAND:
                        await self._carry_out(entry)
                    self._heard = entry.seq

    async def _carry_out(self, entry: Entry) -> None:
        command = msgspec.json.decode(entry.body)
        asked = command.get("command") if isinstance(command, dict) else None
        if asked == "resume":
            for label, lane in self._lanes.items():
                if label == command.get("sink"):
                    lane.resume(early=True)
        elif asked in ("replay", "drop"):
            change = again if asked == "replay" else dropped
            for rows in dead_letters(self._kept, command):
                changed = settlements(rows, change, self._clock.now())
                # Read before it is written: what waits by then must find its way into the lanes.
                outbox = self._state.outbox_rows([row.seq for row in rows]) if asked == "replay" else {}
                await self._settler.command(0, changed)
                if asked == "replay":
                    self._replayed([row for settlement in changed for row in settlement.rows], outbox)
        else:
            return
        await self._settler.command(entry.seq, [])

    def _replayed(self, rows: list[Kept], outbox: dict[int, Planned]) -> None:
        for label, lane in self._lanes.items():
            mine = [row for row in rows if row.sink == label]
            if mine:
                lane.replayed(mine, outbox)

    # Tasks

    def _start(self, name: str, work: Callable[[], Awaitable[None]], *, once: bool = False) -> None:
        self._tasks[name] = asyncio.create_task(self._keep_up(name, work, once=once), name=name)

    async def _keep_up(self, name: str, work: Callable[[], Awaitable[None]], *, once: bool) -> None:
        """A task that fails is started again, and health says so until it runs."""
        while True:
            try:
                await work()
            except StoreUnavailable as fault:
                self._report(name, "degraded", str(fault))
                await asyncio.sleep(RESTART_SECONDS)
                self._report(name, "ok", "")
            except Exception as bug:
                log.bug("task ended", bug, task=name)
                self._report(name, "failing", f"a fault, started again: {type(bug).__name__}")
                await asyncio.sleep(RESTART_SECONDS)
                self._report(name, "ok", "")
            if once:
                return

    async def _end_task(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _prune(self) -> None:
        before = self._clock.now() - KEEP_ENDED
        found: int | None = 1
        while found:
            # In portions, so that settlements are written in between.
            found = await self._settler.aside(lambda: self._store.prune(before, CONTROLS_AT_ONCE))
        told = int(self._journal.cursor(OUTCOMES) or 0)
        await self._settler.aside(lambda: self._store.prune_outcomes(told))

    def _waiting(self) -> dict[tuple[str, ...], float]:
        found: dict[tuple[str, ...], float] = {}
        with suppress(StoreUnavailable):  # Told by `notify`; all other figures are good.
            for label, lane in self._lanes.items():
                found[label,] = float(lane.waiting())
        return found

    def _paused(self) -> dict[tuple[str, ...], float]:
        return {(label,): float(lane.gate.is_shut(self._clock.now())) for label, lane in self._lanes.items()}


async def _no_way_out(_: Request) -> Response:
    raise StoreUnavailable("this sink has a client of its own")


def _alone(offered: Mapping[str, Action], allowed: Mapping[str, Limits]) -> dict[str, Limits]:
    """The limits of single deliveries; where the block lowers a rate, it means all requests together."""
    return {
        name: replace(mark.alone, in_flight=allowed[name].in_flight)
        for name, mark in offered.items()
        if mark.alone is not None and mark.limits is not None and _rates(allowed[name]) == _rates(mark.limits)
    }


def _rates(limits: Limits) -> tuple[float, ...]:
    return tuple(getattr(limits, name) for name, _ in WINDOWS)


def _transforms(sink: str, config: Config) -> Transforms:
    made: list[tuple[str, Transform[Any]]] = []
    for block in config.transforms:
        if sink in block.sinks:
            made.append((block.name, block.connector(block.settings, block.name)))
    return made
