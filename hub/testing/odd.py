"""The odd things that strangers send: whole bodies, headers, parameters and fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from hub.event import Event
from hub.schema import fold
from hub.testing.checking import told
from hub.wire import Inbound

HOSTILE_BODIES: tuple[bytes, ...] = (
    b"",
    b" ",
    b"\x00",
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf{}",
    b"null",
    b"true",
    b"0",
    b"1e999",
    b"NaN",
    b'"text"',
    b"[]",
    b"[[]]",
    b"[null, 1, {}]",
    b"{}",
    b'{"a": 1',
    b'{"": ""}',
    b'{"a": "\\ud800"}',
    b'{"a": "\\u0000"}',
    b'{"batch": []}',
    b'{"batch": {}}',
    b'{"batch": [null, {}, [], "x"]}',
    b"[" * 20_000,
    b'{"a":' * 20_000,
    b"9" * 5_000,
    b'{"n": ' + b"9" * 5_000 + b"}",
    b"a=b&c=%ff&=&&d",
    b"%" * 2_000,
    b"<xml/>",
    "ä".encode("latin-1"),
)
"""Bodies that no sender should send."""

ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**30,
    1.5e308,
    "",
    " ",
    "\x00",
    "ä" * 300,
    "x" * 20_000,
    "2026-13-45T99:99:99Z",
    [],
    [None],
    {},
    {"": None},
)
"""What may stand in a field instead of what should."""

ODD_TEXTS: tuple[str, ...] = (
    "",
    " ",
    "\x00",
    "\udcff",
    "ä",
    "-1",
    "9" * 5_000,
    "null",
    "🛠",
    "%ff",
    "a=b,c=d",
)
"""What may stand in a header or a parameter."""

_MOST_PLACES = 250
Place = tuple[str | int, ...]


def odd_headers(inbound: Inbound) -> Iterator[tuple[str, Inbound]]:
    """The request without each of its headers, and with odd ones; each with what was done."""
    for name in inbound.headers:
        rest = {other: value for other, value in inbound.headers.items() if other != name}
        yield f"header {name} missing", replace(inbound, headers=rest)
        for odd in map(_as_headers_come, ODD_TEXTS):
            yield f"header {name} is {odd[:20]!r}", replace(inbound, headers={**rest, name: odd})


def _as_headers_come(text: str) -> str:
    # Headers are read as Latin-1, whatever their bytes meant.
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def odd_parameters(inbound: Inbound) -> Iterator[tuple[str, Inbound]]:
    """The request without each parameter of its address or form, and with odd ones."""
    form = "form-urlencoded" in inbound.headers.get("content-type", "")
    body = inbound.body.decode("utf-8", "replace") if form else ""
    for done, written in _odd_pairs(inbound.query_string):
        yield f"query {done}", replace(inbound, query_string=written)
    for done, written in _odd_pairs(body):
        yield f"form {done}", replace(inbound, body=written.encode())


def _odd_pairs(text: str) -> Iterator[tuple[str, str]]:
    pairs = parse_qsl(text, keep_blank_values=True)
    for place, (name, _) in enumerate(pairs):
        before, behind = pairs[:place], pairs[place + 1 :]
        yield f"{name} missing", urlencode([*before, *behind])
        for odd in ODD_TEXTS:
            changed = [*before, (name, odd), *behind]
            yield f"{name} is {odd[:20]!r}", urlencode(changed, errors="replace")


def odd_fields(inbound: Inbound) -> Iterator[tuple[str, Inbound]]:
    """The request without each field of its JSON body, and with odd ones."""
    try:
        body = msgspec.json.decode(inbound.body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return
    for place in list(_places(body))[:_MOST_PLACES]:
        where = "/".join(map(str, place))
        yield f"field {where} missing", replace(inbound, body=_written(body, place, _GONE))
        for odd in ODD_VALUES:
            yield f"field {where} is {odd!r:.20}", replace(inbound, body=_written(body, place, odd))


_GONE = object()


def _places(body: Any, at: Place = ()) -> Iterator[Place]:
    inside = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in inside:
        yield (*at, key)
        yield from _places(value, (*at, key))


def _written(body: Any, place: Place, value: Any) -> bytes:
    return msgspec.json.encode(_changed(body, place, value))


def _changed(body: Any, place: Place, value: Any) -> Any:
    key, rest = place[0], place[1:]
    copy: Any = dict(body) if isinstance(body, dict) else list(body)
    if rest:
        copy[key] = _changed(body[key], rest, value)
    elif value is _GONE:
        del copy[key]
    else:
        copy[key] = value
    return copy


def odd_event(event: Any) -> Iterator[str]:
    """What an event has that none should have."""
    if not isinstance(event, Event):
        yield f"yields {type(event).__name__}, which is neither a hub.Event nor a hub.BadEvent"
        return
    try:
        again = msgspec.json.decode(msgspec.json.encode(event), type=Event)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as fault:
        yield f"an event cannot be kept: {told(fault)}"
        return
    if not again.name or fold(again.name) != again.name:
        yield f"the event's name {again.name[:40]!r} is not folded; make events with hub.normalise"
