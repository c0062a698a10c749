"""A vendor on 127.0.0.1, in a thread of its own: what all stand-ins have in common.

    with Klaviyo() as klaviyo:
        …                       # a hub sends to klaviyo.url
        klaviyo.full(times=3)   # the next three requests are too many

A stand-in may be slow, full, down, or break connections, until it is told to be `well`, or so many times.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from hub.wire import Response

LONGEST_HEAD = 1 << 20
SECOND, MINUTE = 1.0, 60.0

Now = Callable[[], float]
"""Seconds, from any start."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        return Response(200, body=self.body).json()


@dataclass(slots=True)
class _Trouble:
    """An answer that is given instead of the right one; None breaks the connection."""

    answer: Response | None
    times: int | None


class Window:
    """Whether one more request is welcome: so many in a second, so many in a minute."""

    def __init__(self, burst: int, steady: int, now: Now) -> None:
        self.steady = steady
        self._most = ((SECOND, burst), (MINUTE, steady))
        self._now = now
        self._taken: deque[float] = deque()

    def wait(self) -> float:
        """Seconds until one more is welcome; 0 is now."""
        now = self._now()
        while self._taken and self._taken[0] <= now - MINUTE:
            self._taken.popleft()
        waits = [0.0]
        for length, most in self._most:
            recent = [at for at in self._taken if at > now - length]
            if len(recent) >= most:
                waits.append(recent[-most] + length - now)
        return max(waits)

    def take(self) -> None:
        """One request is answered."""
        self._taken.append(self._now())

    @property
    def remaining(self) -> int:
        """How many are welcome in this minute."""
        return max(0, self.steady - len(self._taken))

    @property
    def reset(self) -> int:
        """Seconds until the minute of the oldest request is over."""
        return max(1, round(self._taken[0] + MINUTE - self._now())) if self._taken else 1


class StandIn:
    """Listens on a port of its own; `answer` is what the vendor would say.

    `now` is the clock of its limits; a hub on a driven clock lends it that one. `start` and `stop` may be
    called in turn: between them connections are refused, and the port stays the same.
    """

    def __init__(self, *, port: int = 0, now: Now = time.monotonic) -> None:
        self.port = port
        self.now = now
        self.heard: list[Heard] = []
        """Every request, in the order of arrival."""
        self.answered: list[int] = []
        """The statuses that went back, in their order."""
        self._delay = 0.0
        self._trouble: _Trouble | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._open: set[asyncio.Task[None]] = set()

    def answer(self, heard: Heard) -> Response:
        """What the vendor says to a request."""
        raise NotImplementedError

    # How it is

    def well(self) -> None:
        """Answers as the vendor does."""
        self._delay, self._trouble = 0.0, None

    def slow(self, seconds: float) -> None:
        """Takes so long for every answer."""
        self._delay = seconds

    def full(self, *, after: int = 1, times: int | None = None) -> None:
        """Says that it is too much, and after how many seconds to come again."""
        self._trouble = _Trouble(Response(429, {"retry-after": str(after)}), times)

    def down(self, status: int = 500, *, times: int | None = None) -> None:
        """Answers with a status of its own trouble."""
        self._trouble = _Trouble(Response(status), times)

    def broken(self, *, times: int | None = None) -> None:
        """Resets connections instead of answering."""
        self._trouble = _Trouble(None, times)

    # Where it is

    @property
    def url(self) -> str:
        """Where it listens: the `base_url` of a sink."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listens; returns when it does."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="stand-in", daemon=True)
        self._thread.start()
        ready.wait()
        if self._loop is None:
            raise OSError(f"port {self.port} cannot be had")

    def stop(self) -> None:
        """Listens no more; safe to call twice."""
        loop, thread = self._loop, self._thread
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
        self._loop = self._thread = None

    def _run(self, ready: threading.Event) -> None:
        loop = asyncio.new_event_loop()
        try:
            listening = asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=LONGEST_HEAD)
            server = loop.run_until_complete(listening)
            self.port = server.sockets[0].getsockname()[1]
            self._loop = loop
            ready.set()
            loop.run_forever()
            server.close()
            loop.run_until_complete(self._hang_up())
        except OSError:
            # `start` says so, in the thread that asked.
            return
        finally:
            loop.close()
            ready.set()

    async def _hang_up(self) -> None:
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError, ValueError):
            # Gone, told to go, or no HTTP.
            writer.transport.abort()
        finally:
            self._open.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        heard = await _read(reader)
        self.heard.append(heard)
        if self._delay:
            await asyncio.sleep(self._delay)
        answer = self._said(heard)
        if answer is None:
            _reset(writer)
            return False
        self.answered.append(answer.status)
        writer.write(_written(answer))
        await writer.drain()
        return heard.headers.get("connection", "").lower() != "close"

    def _said(self, heard: Heard) -> Response | None:
        trouble = self._trouble
        if trouble is None:
            return self.answer(heard)
        if trouble.times is not None:
            trouble.times -= 1
            if trouble.times <= 0:
                self._trouble = None
        return None if trouble.answer is None else self.troubled(trouble.answer)

    def troubled(self, answer: Response) -> Response:
        """An answer of trouble in the vendor's shape."""
        return answer


async def _read(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    lines = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in lines}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Heard(method, path, headers, await _chunks(reader))
    return Heard(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while length := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += await reader.readexactly(length)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body


def _written(answer: Response) -> bytes:
    headers = {"content-length": str(len(answer.body)), **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} Answered", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + answer.body


def _reset(writer: asyncio.StreamWriter) -> None:
    # Lingering for no time sends RST instead of FIN.
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
