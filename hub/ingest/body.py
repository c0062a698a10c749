"""Bodies read in steps: never more than the limit in memory, whatever was packed into them."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from hub.errors import BadPayload, InboundError, TooFast, TooLarge

Receive = Callable[[], Awaitable[Any]]

SMALL = 64 * 1024
_STEP = 256 * 1024


class UnknownEncoding(InboundError):
    """The body is packed in a way that we do not undo."""

    status = 415


class Gone(Exception):
    """The client left before its request was whole; there is nobody to answer."""


class Budget:
    """How much of large bodies may be in memory at once; one address gets half of it at most.

    Small bodies are not counted: the cap on connections bounds them.
    """

    def __init__(self, total: int = 48 * 1024 * 1024) -> None:
        self._total = total
        self._used = 0
        self._of_address: dict[str, int] = {}

    @contextmanager
    def hold(self, address: str) -> Iterator[Held]:
        """What a request takes while it lasts."""
        held = Held(self, address)
        try:
            yield held
        finally:
            held.release()

    def take(self, size: int, address: str) -> None:
        """Raises TooFast where it does not fit."""
        of = self._of_address.get(address, 0) + size
        if self._used + size > self._total or of > self._total // 2:
            raise TooFast("too many large requests at once", after=timedelta(seconds=2))
        self._used += size
        self._of_address[address] = of

    def give(self, size: int, address: str) -> None:
        """Puts back what was taken."""
        self._used -= size
        left = self._of_address[address] - size
        if left:
            self._of_address[address] = left
        else:
            del self._of_address[address]


class Held:
    """One request's part of the budget."""

    __slots__ = ("_address", "_budget", "size")

    def __init__(self, budget: Budget, address: str) -> None:
        self._budget = budget
        self._address = address
        self.size = 0

    def grow(self, to: int) -> None:
        """Takes what is missing up to this size."""
        more = to - self.size
        if more > 0 and to > SMALL:
            self._budget.take(more, self._address)
            self.size = to

    def release(self) -> None:
        """Puts all of it back; safe to call twice."""
        if self.size:
            self._budget.give(self.size, self._address)
            self.size = 0


async def read(receive: Receive, headers: Mapping[str, str], limit: int, held: Held) -> bytes:
    """The body, with gzip undone.

    Raises TooLarge (on the header where it says so), UnknownEncoding, BadPayload, TooFast, and Gone.
    """
    packed = _is_packed(headers.get("content-encoding", ""))
    if int(headers.get("content-length", "0")) > limit:
        raise _too_large(limit)
    message = await receive()
    if message["type"] != "http.request":
        raise Gone
    first: bytes = message["body"]
    if not message["more_body"] and not packed:
        if len(first) > limit:
            raise _too_large(limit)
        return first
    pieces = _Inflated(limit, held) if packed else _Plain(limit, held)
    await pieces.add(first)
    while message["more_body"]:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        await pieces.add(message["body"])
    return pieces.whole()


def _is_packed(encoding: str) -> bool:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return False
    if encoding in ("gzip", "x-gzip"):
        return True
    raise UnknownEncoding("the only content encoding is gzip, once")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"a request has at most {limit} bytes")


class _Plain:
    def __init__(self, limit: int, held: Held) -> None:
        self._limit = limit
        self._held = held
        self._body = bytearray()

    async def add(self, piece: bytes) -> None:
        self._grow(piece)

    def _grow(self, piece: bytes) -> None:
        size = len(self._body) + len(piece)
        if size > self._limit:
            raise _too_large(self._limit)
        self._held.grow(size)
        self._body += piece

    def whole(self) -> bytes:
        body, self._body = bytes(self._body), bytearray()
        return body


class _Inflated(_Plain):
    def __init__(self, limit: int, held: Held) -> None:
        super().__init__(limit, held)
        self._gzip = zlib.decompressobj(31)
        self._packed = 0

    async def add(self, piece: bytes) -> None:
        self._packed += len(piece)
        if self._packed > self._limit:
            raise _too_large(self._limit)
        while piece:
            if self._gzip.eof:
                raise BadPayload("something follows the end of the gzip body")
            try:
                self._grow(self._gzip.decompress(piece, _STEP))
            except zlib.error:
                raise BadPayload("the body is not gzip") from None
            piece = self._gzip.unconsumed_tail or self._gzip.unused_data
            if piece:
                await asyncio.sleep(0)

    def whole(self) -> bytes:
        if not self._gzip.eof:
            raise BadPayload("the gzip body is cut short")
        return super().whole()
