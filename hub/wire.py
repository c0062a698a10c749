"""HTTP as plain values: what came in, what goes out, what was answered. No sockets here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from hub.errors import BadPayload
from hub.event import Instant, Trust

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Inbound:
    """The raw request that a source received.

    `headers` have lower-case names; `body` is the body as sent, after gzip was undone; `key` is the key
    that named the source, where one did; `trust` is what that key proves.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query_string: str = ""
    body: bytes = b""
    received_at: Instant = 0
    address: str = ""
    key: str | None = None
    trust: Trust = "public"

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """A header by its lower-case name; None where it is absent."""
        return self.headers.get(name)

    def json(self) -> Any:
        """The body as JSON, whatever its content type says; raises BadPayload."""
        try:
            return _decode(self.body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
            raise BadPayload(f"the body is not JSON: {type(fault).__name__}") from None


@dataclass(frozen=True, slots=True)
class Request:
    """One request that a sink wants to make; the hub sends it.

    `path` is put behind the sink's `base_url`; a whole `https://…` address is taken as it is. At most one
    of `json`, `form` and `content` is given; `json` may be anything that msgspec encodes. An answer that is
    not 2xx raises the default error for its status where the request was yielded, unless its status is in
    `expect`: then the action reads it itself.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None
    content: bytes | None = None
    expect: tuple[int, ...] = ()

    def body(self) -> tuple[bytes, str | None]:
        """The body and its content type, as they are sent."""
        if self.json is not None:
            return msgspec.json.encode(self.json), "application/json"
        if self.form is not None:
            from urllib.parse import urlencode

            pairs = self.form.items() if isinstance(self.form, Mapping) else self.form
            return urlencode(list(pairs)).encode(), "application/x-www-form-urlencoded"
        return self.content or b"", None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: a vendor's to one of our requests, or ours to an inbound one.

    A vendor's body is read to 64 KB at most; `truncated` says that there was more.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncated: bool = False

    def json(self) -> Any:
        """The body as JSON; None where it is none: a stranger's answer is not trusted to be well-formed."""
        try:
            return _decode(self.body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None

    def header(self, name: str) -> str | None:
        """A header by its lower-case name; None where it is absent."""
        return self.headers.get(name)


