"""How many connections there may be, and how long each may take: the gateway's patience."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from hub.telemetry import Metrics, names


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a client may cost us before it has shown a key. Sizes in bytes, times in seconds."""

    headers: int = 100
    head: int = 16 * 1024
    url: int = 8 * 1024
    ahead: int = 64
    """Requests that a connection may send before their answers."""
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    body_rate: int = 1024
    """Bytes a second, on average, once a body is `body_grace` old."""
    body_grace: float = 5.0
    idle_seconds: float = 30.0
    linger_seconds: float = 5.0
    """How long a refused client may go on sending what nobody reads, so that it hears why."""
    per_address: int = 1024
    connections: int = 10_000
    """Of all addresses together; `fitting` lowers it to what the process may open."""

    def fitting(self) -> Bounds:
        """These bounds within the limit of open files, some of which the stores and sinks need."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return replace(self, connections=max(32, min(self.connections, files - 128)))


class Watched(Protocol):
    """A connection as the watch sees it."""

    def look(self, now: float) -> None:
        """Ends what has taken too long."""
        ...


class Watch:
    """Counts connections by address and looks after all of them, a few times in the shortest deadline.

    One round over all connections costs less than a timer for each request: nothing is armed or
    cancelled while requests come and go.
    """

    def __init__(
        self, bounds: Bounds, metrics: Metrics, exempt: Callable[[str], bool] = lambda _: False
    ) -> None:
        self.bounds = bounds
        self.metrics = metrics
        self._exempt = exempt
        self._open: dict[Watched, str] = {}
        self._of_address: dict[str, int] = {}
        self._gauge = metrics.cell(names.CONNECTIONS_OPEN)

    def enter(self, connection: Watched, address: str) -> tuple[int, str] | None:
        """None where one more connection is welcome; else the status and the reason of the refusal."""
        of = self._of_address.get(address, 0)
        if len(self._open) >= self.bounds.connections and address:
            self.cut("connections")
            return 503, "too many connections"
        if of >= self.bounds.per_address and address and not self._exempt(address):
            self.cut("per_address")
            return 429, "too many connections from this address"
        self._of_address[address] = of + 1
        self._open[connection] = address
        self._gauge.n = len(self._open)
        return None

    def leave(self, connection: Watched) -> None:
        """It is closed; safe to call for one that never came in."""
        address = self._open.pop(connection, None)
        if address is None:
            return
        left = self._of_address[address] - 1
        if left:
            self._of_address[address] = left
        else:
            del self._of_address[address]
        self._gauge.n = len(self._open)

    def cut(self, reason: str) -> None:
        """Counts a connection that was cut short."""
        self.metrics.count(names.CONNECTIONS_REFUSED, reason)

    async def keep(self) -> None:
        """Looks after all connections until it is cancelled."""
        loop = asyncio.get_running_loop()
        bounds = self.bounds
        shortest = min(bounds.head_seconds, bounds.body_seconds, bounds.idle_seconds, bounds.linger_seconds)
        pause = min(1.0, shortest / 4)
        while True:
            await asyncio.sleep(pause)
            now = loop.time()
            for connection in list(self._open):
                connection.look(now)
