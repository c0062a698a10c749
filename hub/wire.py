"""HTTP as plain values: what came in, what goes out, what was answered. No sockets here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, isinf
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from hub.errors import BadEvent, BadPayload
from hub.event import Instant, Trust


def _number(text: str) -> float:
    """A number with a fraction or an exponent.

    The parser's own way takes a hundred times as long for those near the ends of the range, so that ten
    megabytes of 1e308 would hold everybody up for half a minute.
    """
    value = float(text)
    if isinf(value):
        raise ValueError("a number is out of range")
    return value


_decode = msgspec.json.Decoder(float_hook=_number).decode
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
Parse = Callable[[bytes | msgspec.Raw], Any]
_NUL = b"\\u0000"
_TORN_BY_NUL = re.compile(rb"\\u[0-9a-fA-F]{0,3}\\u0000")


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

    def text(self) -> bytes:
        """The body for a JSON parser: without a byte order mark, and without NUL characters in its texts."""
        body = self.body.removeprefix(_BYTE_ORDER_MARK)
        return _without_nul(body) if _NUL in body else body

    def json(self) -> Any:
        """The body as JSON, whatever its content type says; raises BadPayload."""
        try:
            return _decode(self.text())
        except _UNREADABLE as fault:
            raise BadPayload(f"the body is not JSON: {type(fault).__name__}") from None

    def items(self, key: str = "batch", *, max_event: int | None = None, parse: Parse = _decode) -> Items:
        """What the body holds many of, each parsed by itself, so that a bad one costs nobody but itself.

        The body is an object with the list under `key`, or a list, or one item. Raises BadPayload where it
        cannot be told what it is. With `max_event`, the bytes of an event, what is so much longer as it was
        sent that it cannot be one is not read at all: reading ten megabytes of `{}` takes seconds. `parse`
        reads an item that is taken by itself, and raises ValueError where it is none.
        """
        body = self.text()
        longest = None if max_event is None else SPELT_OUT * max_event
        try:
            if longest is not None and len(body) > longest:
                return _large_items(body, key, _Each(longest, parse))
            return _items(_decode(body), key)
        except _UNREADABLE:
            return _torn_items(body, key, _Each(longest, parse))


def _without_nul(body: bytes) -> bytes:
    # Taken out of the middle of another escape, the halves around it would become one.
    gap = b" " if _TORN_BY_NUL.search(body) else b""
    if b"\\" + _NUL not in body:
        return body.replace(_NUL, gap)
    pieces = body.split(_NUL)
    kept = [pieces[0]]
    for before, piece in pairwise(pieces):
        # Behind an odd number of backslashes it is no character, but a backslash and `u0000`.
        is_text = (len(before) - len(before.rstrip(b"\\"))) % 2
        kept += (_NUL if is_text else gap, piece)
    return b"".join(kept)


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a body in their order, a BadEvent for each bad one, and what stands around them."""

    items: Iterable[Any | BadEvent]
    envelope: dict[str, Any] = field(default_factory=dict)
    too_long: frozenset[str] = frozenset()
    """What else stands around them, and is too long to be read."""


def _items(body: Any, key: str) -> Items:
    if isinstance(body, list):
        return Items(body)
    if not isinstance(body, dict):
        raise BadPayload("the body is neither an object nor a list")
    if key not in body:
        return Items([body])
    items = body.pop(key)
    if not isinstance(items, list):
        raise BadPayload(f"{key} is no list")
    return Items(items, body)


SPELT_OUT = 4
"""How many times as long an event may be as it was sent: `\\u0430` is six bytes there and two here."""
_cut_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_cut_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class _Each:
    """How an item is read that is taken by itself."""

    longest: int | None
    parse: Parse

    def of(self, pieces: Iterable[bytes | msgspec.Raw]) -> Iterator[Any | BadEvent]:
        parse, longest = self.parse, inf if self.longest is None else self.longest
        for piece in pieces:
            if memoryview(piece).nbytes > longest:
                yield self.one(piece)
                continue
            try:
                item = parse(piece)
            except _UNREADABLE:
                item = self.one(piece)
            yield item

    def one(self, piece: bytes | msgspec.Raw) -> Any | BadEvent:
        if self.is_too_long(piece):
            return BadEvent(
                f"the event is longer than {self.longest} bytes as it was sent", body=bytes(piece)
            )
        return _piece(piece, self.parse)

    def is_too_long(self, piece: bytes | msgspec.Raw) -> bool:
        return self.longest is not None and memoryview(piece).nbytes > self.longest


def _large_items(body: bytes, key: str, each: _Each) -> Items:
    """The items of a body that is too long to be read as a whole."""
    if body.lstrip().startswith(b"["):
        return Items(each.of(_cut_list(body)))
    around = _cut_object(body)
    if key not in around:
        return Items([each.one(body)])
    items = bytes(around.pop(key))
    if not items.startswith(b"["):
        raise BadPayload(f"{key} is no list")
    return _with_envelope(_cut_list(items), around, each)


def _with_envelope(
    items: Iterable[bytes | msgspec.Raw], around: Mapping[str, bytes | msgspec.Raw], each: _Each
) -> Items:
    too_long = frozenset(name for name, value in around.items() if each.is_too_long(value))
    read = {name: _piece(value) for name, value in around.items() if name not in too_long}
    kept = {name: value for name, value in read.items() if not isinstance(value, BadEvent)}
    return Items(each.of(items), kept, too_long)


# A body that no parser takes as a whole is cut along its brackets and strings. One number that is none, half
# a character or a comma too many in one event makes a whole batch unreadable; here it is cut without being
# understood, in time linear in its length and without recursion.

_STRING = rb'"(?:[^"\\]++|\\.)*+'
# An object or list without brackets inside is one step; a string that never ends reaches to the end of the
# body, so that no byte is looked at again and again. A whole run of them is not one step, for until Python
# 3.11.4 a possessive repetition goes on behind what its last turn read before it failed.
_FLAT = rb'(?:[^{}\[\]"]++|' + _STRING + rb'")*+'
_DEEP = rb"\{" + _FLAT + rb"\}|\[" + _FLAT + rb"\]|" + _STRING + rb'(?:"|\\?\Z)|[\[\]{}]'
_INSIDE = re.compile(_DEEP, re.DOTALL)
_BETWEEN = re.compile(_DEEP + rb"|,", re.DOTALL)
_MEMBER = re.compile(rb"\s*" + _STRING + rb'"\s*:\s*', re.DOTALL)
_CLOSES = {ord("{"): ord("}"), ord("["): ord("]")}
_COMMA = ord(",")
_MOST_STEPS = 500_000


def _torn_items(body: bytes, key: str, each: _Each) -> Items:
    """The items of a body that is no JSON as a whole."""
    body = body.strip()
    if body.startswith(b"["):
        return Items(each.of(_cut(body)))
    if not body.startswith(b"{"):
        raise BadPayload("the body is no JSON: neither an object nor a list")
    around: dict[str, bytes] = {}
    items: bytes | None = None
    for piece in _cut(body):
        found = _MEMBER.match(piece)
        name = _piece(found[0].rstrip().removesuffix(b":")) if found is not None else None
        value = piece[found.end() :] if found is not None else b""
        if name == key and value.startswith(b"["):
            items = value
        elif isinstance(name, str):
            around[name] = value
    if items is None:
        raise BadPayload("the body is not JSON")
    return _with_envelope(_cut(items), around, each)


def _piece(piece: bytes | msgspec.Raw, parse: Parse = _decode) -> Any | BadEvent:
    try:
        return parse(piece)
    except _UNREADABLE as fault:
        return BadEvent(f"the event is not JSON: {type(fault).__name__}", body=bytes(piece))


def _cut(text: bytes) -> list[bytes]:
    """The elements of a list, or the members of an object, each as it was written.

    Raises BadPayload where the text ends before its first bracket is closed.
    """
    cut = []
    start = end = 1
    until = bytearray([_CLOSES[text[0]]])
    for _ in range(_MOST_STEPS):
        token = (_BETWEEN if len(until) == 1 else _INSIDE).search(text, end)
        if token is None:
            break
        at, end = token.span()
        sign = text[at]
        if sign in _CLOSES and end == at + 1:
            until.append(_CLOSES[sign])
        elif sign == until[-1]:
            until.pop()
        if not until or (sign == _COMMA and len(until) == 1):
            cut.append(text[start:at].strip())
            start = end
        if not until:
            break
    if until:
        raise BadPayload("the body is not JSON: its brackets do not close")
    return [piece for piece in cut if piece]


@dataclass(frozen=True, slots=True)
class Request:
    """One request that a sink wants to make; the hub sends it.

    `path` is put behind the sink's `base_url`; a whole `https://…` address is taken as it is. At most one
    of `json`, `form` and `content` is given; `json` may be anything that msgspec encodes. An answer that is
    not 2xx raises the default error for its status where the request was yielded, unless its status is in
    `expect`: then the action reads it itself. `longest_answer` is how many bytes of the answer are read.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None
    content: bytes | None = None
    expect: tuple[int, ...] = ()
    longest_answer: int = 64 * 1024

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

    A vendor's body is read as far as its request asks for; `truncated` says that there was more.
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
