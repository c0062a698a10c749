"""One request and its answer on their way between a connection and the application."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Protocol

from uvicorn.protocols.http.flow_control import FlowControl

from hub.ingest.answers import problem

_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class Road(Protocol):
    """What an exchange needs of its connection."""

    transport: asyncio.Transport
    flow: FlowControl
    loop: asyncio.AbstractEventLoop

    def answered(self, exchange: Exchange) -> None:
        """The answer is written to its end."""
        ...

    def part(self) -> None:
        """Closes when the client has read the answer."""
        ...


class Exchange:
    """One request and its answer, as ASGI sees them."""

    __slots__ = (
        "_waiting",
        "body",
        "connection",
        "disconnected",
        "expects",
        "keep_alive",
        "more_body",
        "response_complete",
        "response_started",
        "scope",
        "start",
    )

    def __init__(self, connection: Road, scope: dict[str, Any], *, keep_alive: bool, expects: bool) -> None:
        self.connection = connection
        self.scope = scope
        self.keep_alive = keep_alive
        self.expects = expects
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False
        self.start: bytes = b""
        self._waiting: asyncio.Future[None] | None = None

    async def run(self, app: Any) -> None:
        """Lets the app answer; a bug in it is answered 500 and told once by its own log."""
        try:
            await app(self.scope, self.receive, self.send)
        finally:
            if not self.response_complete and not self.disconnected:
                if not self.response_started:
                    head, body = problem(500, "internal error")
                    self.connection.transport.write(
                        head_bytes(500, [*head, (b"connection", b"close")]) + body
                    )
                self.disconnected = True
                self.connection.transport.close()

    def wake(self) -> None:
        """More of the body is here, or its end."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def leave(self) -> None:
        """The client is gone, or was refused."""
        self.disconnected = True
        self.wake()

    async def receive(self) -> dict[str, Any]:
        """The next part of the body."""
        if self.expects:
            self.expects = False
            self.connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not self.body and self.more_body and not self.disconnected:
            self.connection.flow.resume_reading()
            self._waiting = self.connection.loop.create_future()
            await self._waiting
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Any) -> None:
        """The answer's head, then its body in one part or several."""
        if self.disconnected:
            return
        connection = self.connection
        if connection.flow.write_paused:
            await connection.flow.drain()
        if message["type"] == "http.response.start":
            self._begin(message["status"], list(message.get("headers", ())))
            return
        body = message.get("body", b"")
        if self.scope["method"] == "HEAD":
            body = b""
        connection.transport.write(self.start + body if self.start else body)
        self.start = b""
        if not message.get("more_body", False):
            self._end()

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        # Without a length the end of the connection is the end of the body.
        named = {name for name, _ in headers}
        if b"connection" in named or (b"content-length" not in named and status not in (204, 304)):
            self.keep_alive = False
        if not self.keep_alive and b"connection" not in named:
            headers.append((b"connection", b"close"))
        self.response_started = True
        self.expects = False
        self.start = head_bytes(status, headers)

    def _end(self) -> None:
        self.response_complete = True
        self.connection.answered(self)


def head_bytes(status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The head of an answer as it goes over the wire; a line break in a header is refused."""
    parts = [_STATUS.get(status) or f"HTTP/1.1 {status} \r\n".encode()]
    for name, value in headers:
        if b"\n" in value or b"\r" in value or b"\n" in name:
            raise ValueError("a header holds a line break")
        parts += (name, b": ", value, b"\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def refusal_bytes(status: int, reason: str, *, after: int | None = None) -> bytes:
    """A whole refusal, after which the connection is closed."""
    head, body = problem(status, reason, after)
    return head_bytes(status, [*head, (b"connection", b"close")]) + body
