"""HTTP/1.1 as strangers speak it, with limits on size, time and ambiguity.

This stands in the place of uvicorn's own httptools protocol, which waits for ever for a header or a body,
takes a header of a megabyte, and closes on a client that still sends, which then never hears why. llhttp
refuses most of what smuggling needs (both lengths, repeated or odd lengths, bare CR and LF, bad chunk
ends); what it lets pass (a transfer coding other than `chunked`, several hosts or none) is refused here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import IntEnum
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from hub.ingest.exchange import Exchange, refusal_bytes
from hub.ingest.senders import group
from hub.ingest.watch import Watch

_ASGI = {"version": "3.0", "spec_version": "2.3"}
_FRAMING = frozenset({b"host", b"transfer-encoding", b"expect"})
_PROPOSING = frozenset({b"upgrade", b"connection", b"http2-settings"})


class Reading(IntEnum):
    """What the next bytes of a connection are."""

    NOTHING = 0
    HEAD = 1
    BODY = 2
    RUBBISH = 3
    """A refused client's: it is let finish so that it reads the answer, and nobody looks at it."""


class Refusal(Exception):
    """The request cannot be served as it is framed; raised inside the parser's callbacks."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Connection(asyncio.Protocol):
    """One client's connection; made by uvicorn's server for each that is accepted."""

    transport: asyncio.Transport
    flow: FlowControl

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        watch: Watch,
    ) -> None:
        self.app = config.loaded_app
        self.loop = _loop or asyncio.get_running_loop()
        self.state = server_state
        self.watch = watch
        self.bounds = watch.bounds
        self.parser = httptools.HttpRequestParser(self)
        self.reading = Reading.NOTHING
        self.since = 0.0
        self.server: tuple[str, int | None] | None = None
        self.client: tuple[str, int] | None = None
        self.exchange: Exchange | None = None
        """The newest request."""
        self.answering: Exchange | None = None
        """The one that is being answered: the newest, unless the client sends ahead."""
        self.pipeline: deque[Exchange] = deque()
        """Those behind it, up to the newest."""
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_size = self.body_size = self.unfinished = self.hosts = 0
        self.expects = False
        self.proposed = False

    # What the transport tells us.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.flow = FlowControl(transport)
        self.server = get_local_addr(transport)
        self.client = get_remote_addr(transport)
        self.since = self.loop.time()
        self.state.connections.add(self)  # type: ignore[arg-type]
        unwelcome = self.watch.enter(self, group(self.client[0]) if self.client else "")
        if unwelcome is not None:
            self.transport.write(refusal_bytes(*unwelcome, after=1))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.watch.leave(self)
        self.state.connections.discard(self)
        if self.answering is not None:
            self.answering.leave()
        self.pipeline.clear()
        self.flow.resume_writing()
        self.transport.close()

    def eof_received(self) -> bool:
        """The client sends no more; True keeps the road open for an answer that is owed."""
        if not self._busy() or self.reading is Reading.BODY:
            return False
        self._last_answer()
        return True

    def pause_writing(self) -> None:
        self.flow.pause_writing()

    def resume_writing(self) -> None:
        self.flow.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self.reading is Reading.RUBBISH:
            return
        before = self.body_size
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as proposal:
            if self.proposed:
                self._pass_over(data[proposal.args[0] :])
            else:
                self._last_answer()
                self._read_rubbish()
        except httptools.HttpParserError as fault:
            cause = fault.__context__
            if isinstance(cause, Refusal):
                self.refuse(cause.status, cause.reason)
            else:
                self.refuse(400, "this is not HTTP/1.1")
        if self.reading is Reading.HEAD or (self.reading is Reading.BODY and self.body_size == before):
            self._endless(len(data))

    def _pass_over(self, rest: bytes) -> None:
        """Another protocol is proposed (Java's client does so with its first POST); we go on with this one.

        The parser would take what follows for the other protocol, so a new one reads the request without
        the proposal.
        """
        line = b"%s %s HTTP/1.1\r\n" % (self.parser.get_method(), self.url)
        kept = [b"%s: %s\r\n" % header for header in self.headers if header[0] not in _PROPOSING]
        if any(name == b"connection" and b"close" in value.lower() for name, value in self.headers):
            kept.append(b"connection: close\r\n")
        self.proposed = False
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(line + b"".join(kept) + b"\r\n" + rest)

    def _endless(self, size: int) -> None:
        # A header, trailer or chunk extension that does not end: the parser would keep all of it.
        self.unfinished += size
        if self.unfinished > 2 * (self.bounds.head + self.bounds.url):
            self.refuse(431, "the header is too long")

    # What the parser tells us.

    def on_message_begin(self) -> None:
        self.reading = Reading.HEAD
        self.since = self.loop.time()
        self.head_size = self.body_size = self.unfinished = self.hosts = 0
        self.url = b""
        self.expects = False
        self.headers = []

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > self.bounds.url:
            raise Refusal(414, "the address is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.reading is not Reading.HEAD:
            return
        name = name.lower()
        self.head_size += len(name) + len(value) + 4
        if self.head_size > self.bounds.head or len(self.headers) >= self.bounds.headers:
            raise Refusal(431, "the header is too long")
        if name in _FRAMING:
            self._frame(name, value)
        self.headers.append((name, value))

    def _frame(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            self.hosts += 1
        elif name == b"expect":
            self.expects = value.lower() == b"100-continue"
        elif value.lower() != b"chunked":
            raise Refusal(400, "the only transfer coding is chunked")
        elif self.parser.get_http_version() == "1.0":
            raise Refusal(400, "HTTP/1.0 has no transfer coding")

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self.proposed = True
            return
        if self.hosts != 1 and (version == "1.1" or self.hosts):
            raise Refusal(400, "a request names one host")
        if len(self.pipeline) >= self.bounds.ahead:
            raise Refusal(429, "too many requests before their answers")
        self.reading = Reading.BODY
        self.since = self.loop.time()
        exchange = Exchange(
            self,
            self._scope(version),
            keep_alive=version == "1.1" and self.parser.should_keep_alive(),
            expects=self.expects,
        )
        busy, self.exchange = self._busy(), exchange
        if busy:
            self.flow.pause_reading()
            self.pipeline.append(exchange)
        else:
            self._start(exchange)

    def _busy(self) -> bool:
        return self.exchange is not None and not self.exchange.response_complete

    def _scope(self, version: str) -> dict[str, Any]:
        raw, _, query = self.url.partition(b"?")
        if raw[:1] != b"/" or b"#" in self.url:
            try:
                parsed = httptools.parse_url(self.url)
            except httptools.HttpParserInvalidURLError:
                raise Refusal(400, "the address cannot be read") from None
            raw, query = parsed.path or b"/", parsed.query or b""
        path = raw.decode("ascii", "replace")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "method": self.parser.get_method().decode("ascii"),
            "scheme": "http",
            "server": self.server,
            "client": self.client,
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw,
            "query_string": query,
            "headers": self.headers,
        }

    def _start(self, exchange: Exchange) -> None:
        self.answering = exchange
        task = self.loop.create_task(exchange.run(self.app))
        self.state.tasks.add(task)
        task.add_done_callback(self.state.tasks.discard)

    def on_body(self, body: bytes) -> None:
        exchange = self.exchange
        self.body_size += len(body)
        if exchange is None or exchange.response_complete:
            return
        exchange.body += body
        if len(exchange.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        exchange.wake()

    def on_message_complete(self) -> None:
        if self.proposed:
            return
        self.reading = Reading.NOTHING
        self.since = self.loop.time()
        if self.exchange is not None:
            self.exchange.more_body = False
            self.exchange.wake()

    # How exchanges end.

    def answered(self, exchange: Exchange) -> None:
        """An answer is written: the next request waits in the pipeline or has not come yet."""
        self.state.total_requests += 1
        if not exchange.keep_alive:
            self.pipeline.clear()
            self.part()
            return
        if self.reading is Reading.NOTHING:
            self.since = self.loop.time()
        if self.pipeline:
            self._start(self.pipeline.popleft())
        if not self.pipeline:
            self.flow.resume_reading()

    def shutdown(self) -> None:
        """Asked by the server: close when the answers that are owed are given."""
        if self._busy():
            self._last_answer()
        else:
            self.transport.close()

    def _last_answer(self) -> None:
        if self.exchange is not None:
            self.exchange.keep_alive = False

    def refuse(self, status: int, reason: str) -> None:
        """Answers what is no proper request, and lets go of the connection."""
        self.watch.cut(str(status))
        broken = self.exchange if self.reading is Reading.BODY else None
        if self._busy() and (self.pipeline or broken is None):
            # Answers are owed to requests before this one; they are given, and no more.
            if broken is not None:
                self.pipeline.pop()
                self.exchange = self.pipeline[-1] if self.pipeline else self.answering
            self._last_answer()
            self._read_rubbish()
            return
        if broken is not None:
            broken.leave()
            self.exchange = None
        if broken is None or not broken.response_started:
            self.transport.write(refusal_bytes(status, reason))
        self.reading = Reading.BODY
        self.part()

    def part(self) -> None:
        """Closes; a client that is still sending may finish first, or it would not read the answer."""
        if self.transport.is_closing():
            return
        if self.reading is Reading.NOTHING or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self._read_rubbish()

    def _read_rubbish(self) -> None:
        self.reading = Reading.RUBBISH
        self.since = self.loop.time()
        self.flow.resume_reading()

    def look(self, now: float) -> None:
        """Ends what has taken too long."""
        bounds, age = self.bounds, now - self.since
        if self.reading is Reading.BODY:
            self._look_at_body(age)
        elif self.reading is Reading.HEAD:
            if age > bounds.head_seconds:
                self.refuse(408, "the header took too long")
        elif self.reading is Reading.RUBBISH:
            if age > bounds.linger_seconds and not self._busy():
                self.transport.abort()
        elif self.flow.write_paused:
            if age > bounds.body_seconds:
                self.transport.abort()
        elif age > bounds.idle_seconds and not self._busy():
            self.transport.close()

    def _look_at_body(self, age: float) -> None:
        bounds = self.bounds
        if self.flow.read_paused:
            # We are the slow ones: what waits in our buffers is no fault of the client's.
            self.since = self.loop.time() - min(age, bounds.body_grace)
            return
        slow = age > bounds.body_grace and self.body_size < age * bounds.body_rate
        if age > bounds.body_seconds or slow:
            self.refuse(408, "the body took too long")
