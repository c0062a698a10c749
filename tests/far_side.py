"""A receiver on 127.0.0.1 that follows a script."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Heard:
    """One request as it reached a far side."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def items(self) -> list[Any]:
        """The webhook objects of this request, one or many."""
        said = self.json
        return said if isinstance(said, list) else [said]


Script = Callable[[Heard], Any]
"""What goes back: bytes, None for a reset, or a coroutine that says which."""


def answer(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """An answer as bytes; header names with _ for -."""
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class FarSide:
    """A receiver on 127.0.0.1; `script` decides each answer (bytes, None for a reset, or a coroutine)."""

    def __init__(self) -> None:
        self.script: Script = lambda heard: OK
        self.heard: list[Heard] = []
        self.accepted: list[Any] = []
        """The webhook objects that were answered with a 2xx, in order."""
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 26)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Down: connections are refused until `start`."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()
            self._server = None

    def ids(self) -> list[str]:
        """The deliveries of all accepted objects, in order."""
        return [item["data"]["delivery"] for item in self.accepted]

    def numbers(self, person: str | None = None) -> list[int]:
        """`n` of the events accepted, of one person or of all."""
        return [
            item["data"]["properties"]["n"]
            for item in self.accepted
            if person is None or item["data"]["properties"]["who"] == person
        ]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            while True:
                heard = await _hear(reader)
                self.heard.append(heard)
                said = self.script(heard)
                if asyncio.iscoroutine(said):
                    said = await said
                if said is None:
                    _reset(writer)
                    return
                if said.startswith(b"HTTP/1.1 2"):
                    self.accepted += heard.items
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._open.discard(writer)
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _hear(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(method, path, headers, body)
