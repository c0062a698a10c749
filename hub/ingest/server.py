"""The gateway's server: listening sockets, orderly ends, and a pulse that health is read from."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from hub.ingest.app import Gateway
from hub.ingest.protocol import Connection
from hub.ingest.watch import Bounds, Watch
from hub.telemetry import Health, log, names, watch_process

_BACKLOG = 2048
_FIRST_PASSED = 3
"""The number of the first socket that systemd hands over."""
LONGEST_ADDRESS = 100
PULSE_SECONDS = 0.5
LAG_SECONDS = 0.25
RESTART_SECONDS = 1.0


def listening_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that listens: one that systemd passed on, else a new one.

    `shared` lets several processes listen at the same address (SO_REUSEPORT): the next hub opens its
    socket before the last one has closed its own. Raises OSError where the address is taken or wrong.
    """
    passed = _passed()
    if passed is not None:
        return passed
    family, _, _, _, address = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _passed() -> socket.socket | None:
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or not int(os.environ.get("LISTEN_FDS", "0")):
        return None
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    return socket.socket(fileno=_FIRST_PASSED)


def command_socket(path: Path) -> socket.socket:
    """The unix socket for commands, for its owner only; one that a killed hub left is replaced."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_RDONLY)
    # A socket's address has room for about a hundred bytes; a folder may lie deeper than that.
    near = Path(f"/proc/self/fd/{folder}") / path.name
    mask = os.umask(0o177)
    try:
        listening.bind(str(near if len(os.fsencode(path)) > LONGEST_ADDRESS else path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(mask)
        os.close(folder)
    listening.listen(_BACKLOG)
    return listening


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers: the daemon decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Server:
    """Serves a gateway on sockets that somebody else has opened."""

    def __init__(
        self,
        gateway: Gateway,
        sockets: Sequence[socket.socket],
        *,
        bounds: Bounds | None = None,
        patience: float = 8.0,
    ) -> None:
        hub = gateway.config.hub
        watch_process(gateway.metrics, "gateway")
        self._gateway = gateway
        self._sockets = list(sockets)
        self._patience = patience
        self.watch = Watch(
            (bounds or Bounds(per_address=hub.per_address)).fitting(),
            gateway.metrics,
            exempt=lambda address: gateway.senders.is_trusted(address),
        )

    async def serve(self, stop: asyncio.Event) -> None:
        """Serves until `stop` is set; requests under way are answered, for `patience` seconds at most."""
        # uvicorn closes what it is given; the supervisor's own copies stay open, so that nobody is refused.
        sockets = [listening.dup() for listening in self._sockets]
        server = _Uvicorn(self._config())
        tasks = [
            asyncio.create_task(self._for_ever("deadlines", self.watch.keep)),
            asyncio.create_task(self._for_ever("pulse", self._pulse)),
            asyncio.create_task(_end(server, stop)),
        ]
        try:
            await server.serve(sockets=sockets)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _config(self) -> uvicorn.Config:
        connection: Any = functools.partial(Connection, watch=self.watch)
        return uvicorn.Config(
            self._gateway,
            http=connection,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=max(1, round(self._patience)),
        )

    async def _for_ever(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Starts a background task again when it fails; health says so until it has run for a while."""
        health, task = self._gateway.health, f"task {name}"
        while True:
            began = asyncio.create_task(_calm(health, task))
            try:
                await work()
            except Exception as bug:
                log.bug("task ended", bug, task=name)
                health.report(task, "failing", "it failed and is started again")
                await asyncio.sleep(RESTART_SECONDS)
            finally:
                began.cancel()

    async def _pulse(self) -> None:
        """Says twice a second that the loop runs, and how late."""
        loop = asyncio.get_running_loop()
        lag = self._gateway.metrics.spread(names.LOOP_LAG_SECONDS)
        lagging = False
        while True:
            due = loop.time() + PULSE_SECONDS
            await asyncio.sleep(PULSE_SECONDS)
            late = max(0.0, loop.time() - due)
            lag.add(late)
            if late > LAG_SECONDS and not lagging:
                log.warning("loop lagging", seconds=round(late, 3))
            lagging = late > LAG_SECONDS
            self._gateway.health.report("gateway")
            self._gateway.writing.is_short()
            await self._gateway.writing.probe()


async def _calm(health: Health, task: str) -> None:
    await asyncio.sleep(RESTART_SECONDS)
    health.report(task)


async def _end(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
