"""The gateway and delivery in one process: they share a loop, and nothing but the logs."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from hub.clock import WallClock
from hub.config import Config
from hub.daemon.configuration import Configuration, ReloadRefused
from hub.daemon.outcomes import carry
from hub.daemon.pipes import Wires
from hub.delivery import DeliveryRole
from hub.delivery.verdicts import verdict
from hub.errors import ConfigRefused, HubError
from hub.event import Instant
from hub.ingest import Gateway, Polling, Server
from hub.store.port import OUTCOMES
from hub.store.sqlite.deliveries import SqliteDeliveries, SqliteDeliveriesWriter
from hub.store.sqlite.journal import SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.state import SqliteStateReader
from hub.telemetry import Health, Metrics, log
from hub.transport import Client, Guard

BEAT = 0.1
FOLLOW = 0.5
MARGIN = 1.5
"""Seconds of the orderly stop that are left to close everything."""


class Serving:
    """Runs the roles of one process until it is told to stop."""

    def __init__(
        self,
        configuration: Configuration,
        roles: Sequence[str],
        clock: WallClock,
        wires: Wires,
        *,
        sockets: Sequence[socket.socket],
        token: str,
        started_at: Instant,
    ) -> None:
        self._configuration = configuration
        self._roles = roles
        self._clock = clock
        self._wires = wires
        self._sockets = sockets
        self._token = token
        self._started_at = started_at
        self._reloading = asyncio.Lock()
        self._metrics = Metrics()
        self._health = Health(clock)
        self._stop = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._gateway: Gateway | None = None
        self._delivery: DeliveryRole | None = None
        self._polling: Polling | None = None
        self._client: Client | None = None
        self._journal: SqliteJournalWriter | None = None
        self._closing: list[Callable[[], object]] = []

    @property
    def _config(self) -> Config:
        return self._configuration.config

    async def run(self) -> int:
        """Until SIGTERM, or the end of the supervisor; what is in flight is finished."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._keep("reload", self._reload_by_signal))
        loop.add_reader(self._wires.life.out, self._stop.set)
        try:
            await self._start(loop)
            os.write(self._wires.ready.into, b"g" if "gateway" in self._roles else b"d")
            await self._stop.wait()
        finally:
            await self._end()
        return 0

    # ---------------------------------------------------------------- starting

    async def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._catch_up()
        self._health.expect(*self._roles)
        self._keep("beat", self._beat)
        if "gateway" in self._roles:
            await self._start_gateway(loop)
        if "delivery" in self._roles:
            self._start_delivery(loop)

    def _catch_up(self) -> None:
        """Where this process is started again, what was reloaded meanwhile stays in force."""
        journal = SqliteJournal(self._config.hub.data_dir)
        try:
            newer = self._configuration.newer(journal, since=self._started_at)
        finally:
            journal.close()
        if newer is not None:
            self._configuration.config = newer

    async def _start_gateway(self, loop: asyncio.AbstractEventLoop) -> None:
        folder = self._config.hub.data_dir
        self._journal = SqliteJournalWriter(
            folder, self._clock.now, floor=_closed_until(folder), committed=self._wires.journal.ring
        )
        self._closing.append(self._journal.close)
        await self._configuration.write_down(self._journal)
        self._gateway = Gateway(
            self._config,
            self._journal,
            self._clock,
            self._metrics,
            health=self._health,
            token=self._token,
            reload=self._reload,
            status=self._status,
        )
        self._start_polling()
        loop.add_reader(self._wires.told.out, self._hear_engine)
        server = Server(self._gateway, self._sockets)
        self._keep("server", lambda: server.serve(self._stop))
        outcomes = SqliteDeliveries(folder)
        self._closing.append(outcomes.close)
        journal = self._journal
        self._keep("outcomes", lambda: carry(outcomes, journal, lambda: _carried(folder)))

    def _start_polling(self) -> None:
        assert self._gateway is not None
        reader = SqliteJournal(self._config.hub.data_dir)
        self._closing.append(reader.close)
        self._client = Client("", Guard(self._config.hub.allow_private))
        self._polling = Polling(
            self._gateway.writing,
            self._metrics,
            self._health,
            send=self._client.send,
            judge=lambda response: verdict(response, self._clock.now()),
            cursor=reader.cursor,
        )
        self._polling.replace(self._config)

    def _start_delivery(self, loop: asyncio.AbstractEventLoop) -> None:
        folder = self._config.hub.data_dir
        journal, state, kept = SqliteJournal(folder), SqliteStateReader(folder), SqliteDeliveries(folder)
        self._closing += [journal.close, state.close, kept.close]
        delivery = self._delivery = DeliveryRole(
            self._config,
            journal=journal,
            state=state,
            kept=kept,
            store=SqliteDeliveriesWriter(folder),
            clock=self._clock,
            metrics=self._metrics,
            rng=random.Random(),
            report=self._health.report,
        )
        loop.add_reader(self._wires.outbox.out, self._notify)
        self._keep("delivery", lambda: delivery.run(self._stop))
        if "gateway" not in self._roles:
            self._keep("configuration", lambda: self._follow(journal, delivery))

    # ---------------------------------------------------------------- running

    def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Runs a background task; one that fails is told, and started again after a second."""

        async def again() -> None:
            while True:
                try:
                    await work()
                    return
                except Exception as bug:
                    self._health.report(f"task {name}", "degraded", f"failed: {type(bug).__name__}")
                    log.bug("task ended", bug, task=name)
                    await asyncio.sleep(1)
                    self._health.report(f"task {name}")

        self._tasks[name] = asyncio.create_task(again(), name=name)

    async def _beat(self) -> None:
        """Looks ten times a second for what nobody rang about, and says that the loop runs."""
        while True:
            if self._delivery is not None:
                self._delivery.notify()
            if "gateway" in self._roles:
                self._clock.steer()
            await asyncio.sleep(BEAT)

    def _notify(self) -> None:
        self._wires.outbox.drain()
        if self._delivery is not None:
            self._delivery.notify()

    def _hear_engine(self) -> None:
        for message in self._wires.told.receive()[-1:]:
            told = json.loads(message)
            self._health.report("engine", told["health"]["status"], told["health"]["reason"])
            self._metrics.merge("engine", told["metrics"])

    def _status(self) -> dict[str, object]:
        return {
            "roles": list(self._roles),
            "version": self._config.version,
            **self._health.verdict()._asdict(),
        }

    # ---------------------------------------------------------------- reloading

    async def _reload(self) -> None:
        assert self._journal is not None and self._gateway is not None and self._polling is not None
        # One after the other: the last one that is read is the last one that is written and applied.
        async with self._reloading:
            config = self._configuration.read_again()
            await self._configuration.write_down(self._journal, config)
            self._configuration.config = config
            self._gateway.replace(config)
            self._polling.replace(config)
            if self._delivery is not None:
                await self._delivery.replace(config)
            log.info("config applied", version=config.version)

    async def _follow(self, journal: SqliteJournal, delivery: DeliveryRole) -> None:
        """A gateway elsewhere puts configurations in force; they come by the journal."""
        while True:
            newer = self._configuration.newer(journal)
            if newer is not None:
                await delivery.replace(newer)
                self._configuration.config = newer
                log.info("config applied", version=newer.version)
            await asyncio.sleep(FOLLOW)

    async def _reload_by_signal(self) -> None:
        if self._gateway is None:
            return  # It comes by the journal, when the gateway has put it in force.
        try:
            await self._gateway.reload()
        except (ConfigRefused, ReloadRefused) as fault:
            log.error("config refused", faults=str(fault).splitlines())
        except HubError as fault:
            log.error("config refused", faults=[fault.reason])

    # ---------------------------------------------------------------- ending

    async def _end(self) -> None:
        self._stop.set()
        drain = max(0.5, self._config.hub.drain.total_seconds() - MARGIN)
        ending = [self._tasks["server"]] if "server" in self._tasks else []
        if "delivery" in self._tasks:
            ending.append(self._tasks["delivery"])
        if ending:
            await asyncio.wait(ending, timeout=drain)
        if self._polling is not None:
            await self._polling.stop()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
        for close in reversed(self._closing):
            close()


def _closed_until(folder: Path) -> int:
    """The instant that the engine has closed: the journal stamps nothing before it."""
    state = SqliteStateReader(folder)
    try:
        return state.horizon()
    finally:
        state.close()


def _carried(folder: Path) -> int:
    """How far outcomes stand in the journal."""
    journal = SqliteJournal(folder)
    try:
        return int(journal.cursor(OUTCOMES) or 0)
    finally:
        journal.close()


def serve(make: Callable[[], Serving]) -> int:
    """Runs a process of roles on the fastest loop there is."""
    # A short switch interval: the journal's thread must not wait for a long turn of the loop.
    sys.setswitchinterval(0.0005)
    runner: asyncio.Runner
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_run(make))


async def _run(make: Callable[[], Serving]) -> int:
    return await make().run()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
