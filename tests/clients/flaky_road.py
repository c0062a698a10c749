"""A bad road between client libraries and the hub: a small HTTP proxy that injects faults.

It answers 500 without asking the hub, and it breaks connections (with a reset) before the hub has heard the
request or after it has stored it. No message meets more than two faults in a row; all kinds of faults are met
at the very beginning, and each comes about as often as each other one. Only requests that carry messages are
disturbed.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import socket
import struct
import threading
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

FAULTS = ("500", "reset before", "reset after")
_PLACES = re.compile(rb'"messageId"\s*:\s*"([^"]+)"')


@dataclass(frozen=True)
class Heard:
    """One HTTP message, as it was written."""

    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode("latin-1")

    def header(self, name: str) -> str:
        found = re.search(rf"(?im)^{name}:\s*(.*?)\s*$".encode(), self.head)
        return found[1].decode("latin-1") if found else ""

    def message_ids(self) -> list[str]:
        body = gzip.decompress(self.body) if self.body.startswith(b"\x1f\x8b") else self.body
        return [found.decode() for found in _PLACES.findall(body)]


class FlakyRoad:
    """Listens at `url` and passes on to `upstream`; `faults` counts what it did."""

    def __init__(self, *, seed: int, share: float = 0.35) -> None:
        self.faults: Counter[str] = Counter()
        self.upstream = 0
        self._random = random.Random(seed)
        self._share = share
        self._in_a_row: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with closing(caller), suppress(OSError, ValueError):
            reader = caller.makefile("rb")
            while (request := _read(reader)) is not None:
                if not self._pass(caller, request):
                    return

    def _pass(self, caller: socket.socket, request: Heard) -> bool:
        """Passes one request on, or does it harm; False where the connection is over."""
        fault = self._fault(request)
        if fault == "500":
            caller.sendall(_refusal(request))
            return True
        if fault == "reset before":
            return _reset(caller)
        answer = _forward(self.upstream, request)
        if fault == "reset after":
            return _reset(caller)
        caller.sendall(answer.head + answer.body)
        return request.header("connection").lower() != "close"

    def _fault(self, request: Heard) -> str | None:
        ids = request.message_ids() if request.method == "POST" else []
        with self._lock:
            allowed = bool(ids) and all(self._in_a_row[key] < 2 for key in ids)
            met_all = len(self.faults) == len(FAULTS)
            if not allowed or (met_all and self._random.random() > self._share):
                for key in ids:
                    self._in_a_row[key] = 0
                return None
            for key in ids:
                self._in_a_row[key] += 1
            rarest = min(FAULTS, key=lambda fault: (self.faults[fault], self._random.random()))
            self.faults[rarest] += 1
            return rarest


def _read(reader: Any) -> Heard | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline(65_536)
        if not line:
            return None
        head += line
    if re.search(rb"(?im)^transfer-encoding:.*chunked", head):
        body = b"".join(_chunks(reader))
        head = re.sub(rb"(?im)^transfer-encoding:.*\r\n", b"content-length: %d\r\n" % len(body), head)
        return Heard(head, body)
    length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
    return Heard(head, reader.read(int(length[1])) if length else b"")


def _chunks(reader: Any) -> Any:
    while size := int(reader.readline().split(b";")[0], 16):
        yield reader.read(size)
        reader.readline()
    reader.readline()


def _forward(port: int, request: Heard) -> Heard:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as hub:
        hub.sendall(re.sub(rb"(?im)^connection:.*\r\n", b"", request.head) + request.body)
        answer = _read(hub.makefile("rb"))
    if answer is None:
        raise OSError("the hub did not answer")
    return answer


def _refusal(request: Heard) -> bytes:
    body = json.dumps({"success": False}).encode()
    origin = request.header("origin")
    allow = (
        f"access-control-allow-origin: {origin}\r\naccess-control-allow-credentials: true\r\n"
        if origin
        else ""
    )
    kind = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return f"HTTP/1.1 500 Internal Server Error\r\n{allow}{kind}\r\n".encode() + body


def _reset(caller: socket.socket) -> bool:
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False
