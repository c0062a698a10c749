"""Sinks at the far side, in a process of this test: each keeps what it was sent and misbehaves as told."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FarSide:
    """An HTTP server on loopback; `arrived` has every object in the order in which it came."""

    def __init__(self, verdict: Callable[[], str] = lambda: "take") -> None:
        self.arrived: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        side = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                lot = verdict()
                if lot in ("take", "reset"):
                    side._take(json.loads(body))
                if lot == "reset":
                    # Processed, and nobody hears of it.
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send_response({"fail": 500, "refuse": 400}.get(lot, 200))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

            def handle(self) -> None:
                try:
                    super().handle()
                except (OSError, ValueError):
                    self.close_connection = True

            def finish(self) -> None:
                try:
                    super().finish()
                except (OSError, ValueError):
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def _take(self, body: Any) -> None:
        with self._lock:
            self.arrived.extend(body if isinstance(body, list) else [body])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def unlucky(seed: int, share: float, lot: str) -> Callable[[], str]:
    """This share of requests meets the lot; the others are taken."""
    rng, lock = random.Random(seed), threading.Lock()

    def draw() -> str:
        with lock:
            return lot if rng.random() < share else "take"

    return draw
