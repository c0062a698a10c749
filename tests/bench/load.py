"""The load generator: a process of its own, so that it costs the measured one nothing.

    python -m tests.bench.load '{"port": 8080, "events": 10000, "batch": 100, "connections": 4}'

Without `rate` every connection sends its next request when the last one is answered. With `rate` (events a
second, for `seconds`) requests leave when they are due, whatever was answered so far, and an event counts
from that moment on, even if it must wait for a free connection. Refused requests (429, 503) are sent again.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
import time
from array import array
from collections import Counter, deque
from dataclasses import dataclass
from typing import cast

import uvloop

from tests.bench.figures import percentile
from tests.bench.traffic import Shop, requests

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
AGAIN = 0.05
"""Seconds until a refused request is tried again."""


@dataclass(frozen=True)
class Plan:
    """What to send, where, and how fast."""

    port: int
    events: int = 0
    batch: int = 1
    connections: int = 4
    rate: float = 0
    seconds: float = 0
    seed: int = 1
    people: int = 200_000
    host: str = "127.0.0.1"
    patience: float = 60


def now() -> int:
    """The present in microseconds: what the sinks compare with."""
    return time.time_ns() // 1000


class Line(asyncio.Protocol):
    """One connection, with one request under way at most."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._got = b""
        self.request = b""
        self.sent_at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._load.free(self)

    def send(self, request: bytes) -> None:
        """Sends a request; its answer goes to the load."""
        self.request, self.sent_at = request, now()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got = got = self._got + data
        end = got.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(got, 0, end)
        if len(got) >= end + 4 + (int(length[1]) if length else 0):
            self._got = b""
            self._load.answered(self, int(got[9:12]))

    def connection_lost(self, _: Exception | None) -> None:
        self._load.lost(self)

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()


class Load:
    """All connections of one run."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._supply = requests(Shop(seed=plan.seed, people=plan.people), plan.batch, plan.host)
        next(self._supply)
        self._left = (plan.events or int(plan.rate * plan.seconds)) // plan.batch
        self._under_way = 0
        self._due: deque[bytes] = deque()
        self._idle: list[Line] = []
        self._lines: list[Line] = []
        self._done = asyncio.Event()
        self.requests = self._left
        self.answers: Counter[int] = Counter()
        self.took = array("q")
        self.started_at = self.ended_at = 0

    async def run(self) -> None:
        """Until everything is answered."""
        loop = asyncio.get_running_loop()
        self.started_at = now()
        for _ in range(self._plan.connections):
            _, line = await loop.create_connection(lambda: Line(self), self._plan.host, self._plan.port)
            self._lines.append(line)
        async with asyncio.timeout(self._plan.patience):
            if self._plan.rate:
                await self._pace()
            await self._done.wait()
        for line in self._lines:
            line.close()

    def free(self, line: Line) -> None:
        """A connection has nothing to do."""
        if self._due:
            self._dispatch(line, self._due.popleft())
        elif self._left and not self._plan.rate:
            self._left -= 1
            self._dispatch(line, self._supply.send(now()))
        else:
            self._idle.append(line)

    def answered(self, line: Line, status: int) -> None:
        """An answer came."""
        self.answers[status] += 1
        self._under_way -= 1
        if status in (429, 503):
            asyncio.get_running_loop().call_later(AGAIN, self._offer, line.request)
            self._under_way += 1
        else:
            self.took.append(now() - line.sent_at)
        self.free(line)
        if not self._under_way and not self._left and not self._due:
            self.ended_at = now()
            self._done.set()

    def lost(self, line: Line) -> None:
        """A connection ended; one that had nothing to do may, where another is left."""
        if line in self._idle and len(self._idle) > 1:
            self._idle.remove(line)
        elif not self._done.is_set():
            sys.exit("a connection was lost")

    def _dispatch(self, line: Line, request: bytes) -> None:
        self._under_way += 1
        line.send(request)

    def _offer(self, request: bytes) -> None:
        self._under_way -= 1
        if self._idle:
            self._dispatch(self._idle.pop(), request)
        else:
            self._due.append(request)

    async def _pace(self) -> None:
        between = self._plan.batch / self._plan.rate
        start = time.monotonic()
        total = self._left
        for number in range(total):
            wait = start + number * between - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self._left -= 1
            self._under_way += 1
            self._offer(self._supply.send(now()))


def main() -> None:
    load = Load(Plan(**json.loads(sys.argv[1])))
    uvloop.run(load.run())
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "started_at": load.started_at,
                "ended_at": load.ended_at,
                "requests": load.requests,
                "answers": load.answers,
                "p50_ms": percentile(load.took, 50) / 1000,
                "p99_ms": percentile(load.took, 99) / 1000,
                "cpu": used.ru_utime + used.ru_stime,
            }
        )
    )


if __name__ == "__main__":
    main()
