"""Three cheap receivers in one process: they count distinct events and how long each took to arrive.

The first line on stdout names the ports. After that each line on stdin is a command, answered by a line:
`{"reset": true}` forgets everything, `{"wait": events, "seconds": patience}` answers when every sink has so
many, or when patience ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import resource
import sys
import time
from array import array
from functools import partial
from typing import Any, cast

import uvloop

from tests.bench.figures import percentile

SINKS = 3
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_EVENT = re.compile(rb'"bench": ?"(\d{10})-(\d{16})"')
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
_MOST = 2_000_000


class Tally:
    """What one sink has received."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        """Nothing has come yet."""
        self._seen = bytearray(_MOST)
        self.distinct = self.repeated = self.requests = 0
        self.last_at = self._wanted = 0
        self.took = array("q")

    def receive(self, body: bytes) -> None:
        """A request came."""
        at = time.time_ns() // 1000
        self.requests += 1
        for number, sent in _EVENT.findall(body):
            place = int(number)
            if self._seen[place]:
                self.repeated += 1
                continue
            self._seen[place] = 1
            self.distinct += 1
            self.took.append(at - int(sent))
        self.last_at = at
        if self._wanted and self.distinct >= self._wanted:
            self._reached.set()

    async def has(self, events: int) -> None:
        """Returns when so many distinct events have come."""
        self._wanted = events
        self._reached.clear()
        if self.distinct < events:
            await self._reached.wait()

    def told(self) -> dict[str, Any]:
        """The tally as figures."""
        return {
            "events": self.distinct,
            "repeated": self.repeated,
            "requests": self.requests,
            "last_at": self.last_at,
            "p50_ms": percentile(self.took, 50) / 1000,
            "p99_ms": percentile(self.took, 99) / 1000,
            "max_ms": max(self.took, default=0) / 1000,
        }


class Receiver(asyncio.Protocol):
    """One connection to a sink."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._parts: list[bytes] = []
        self._have = self._need = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._have += len(data)
        if not self._need:
            got = b"".join(self._parts)
            end = got.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(got, 0, end)
            self._need = end + 4 + (int(length[1]) if length else 0)
        if self._have >= self._need:
            self._tally.receive(b"".join(self._parts))
            self._parts, self._have, self._need = [], 0, 0
            self._transport.write(_ANSWER)


async def _obey(tallies: list[Tally]) -> None:
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        command = json.loads(line)
        if "reset" in command:
            for tally in tallies:
                tally.reset()
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(command["seconds"]):
                    for tally in tallies:
                        await tally.has(command["wait"])
        used = resource.getrusage(resource.RUSAGE_SELF)
        answer = {"sinks": [tally.told() for tally in tallies], "cpu": used.ru_utime + used.ru_stime}
        print(json.dumps(answer), flush=True)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    tallies = [Tally() for _ in range(SINKS)]
    ports = []
    for tally in tallies:
        server = await loop.create_server(partial(Receiver, tally), "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps(ports), flush=True)
    await _obey(tallies)


if __name__ == "__main__":
    uvloop.run(_serve())
