"""One request as the gateway sees it, before anybody has looked into its body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.event import Instant
from hub.ingest.body import Receive
from hub.ingest.senders import Senders
from hub.wire import Inbound

_USUAL = """
    accept accept-encoding accept-language authorization connection content-encoding content-length
    content-type host origin referer sec-fetch-dest sec-fetch-mode sec-fetch-site sec-gpc user-agent
    x-forwarded-for
"""
_NAMES = {name.encode(): name for name in _USUAL.split()}


class Caller:
    """Who asks what; the body is still on its way."""

    __slots__ = ("address", "headers", "method", "path", "query", "receive")

    def __init__(self, scope: Mapping[str, Any], receive: Receive, senders: Senders) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers = _texts(scope["headers"])
        self.receive = receive
        client = scope["client"]
        self.address = senders.address(client[0], self.headers) if client else ""

    def inbound(self, body: bytes, received_at: Instant) -> Inbound:
        """The request as sources see it."""
        return Inbound(
            self.method,
            self.path,
            self.headers,
            self.query.decode("latin-1"),
            body,
            received_at,
            self.address,
        )


def _texts(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    texts = {_NAMES.get(name) or name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    if len(texts) != len(headers):
        # A header that comes several times is one with commas (RFC 9110, 5.2).
        texts.clear()
        for name, value in headers:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            texts[key] = f"{texts[key]}, {text}" if key in texts else text
    return texts
