"""Where a request carries its write key."""

from __future__ import annotations

import re
from base64 import b64decode
from functools import lru_cache
from urllib.parse import unquote

import msgspec

import hub

from . import pixel

_WRITE_KEY = b'"writeKey"'
_VALUE = re.compile(rb'\s*:\s*"([^"\\]{1,512})"')


class _Envelope(msgspec.Struct):
    writeKey: str | None = None


_envelope = msgspec.json.Decoder(_Envelope)


def find(inbound: hub.Inbound) -> str | None:
    """The write key of the Authorization header, else of the body, else of the address."""
    header = inbound.header("authorization")
    key = _from_header(header) if header else None
    if key is None and inbound.path.startswith("/beacon/"):
        # A beacon's key is in its address; what its events say of keys is theirs.
        key = _from_address(inbound)
    if key is None and inbound.body:
        key = _from_body(inbound)
    return key if key is not None else _from_address(inbound)


@lru_cache(maxsize=1024)
def _from_header(header: str) -> str | None:
    scheme, _, rest = header.strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest or None
    if scheme.lower() != "basic":
        return None
    try:
        name = b64decode(rest + "=" * (-len(rest) % 4)).decode("utf-8").partition(":")[0]
    except ValueError:
        return None
    return name or None


def _from_body(inbound: hub.Inbound) -> str | None:
    """The `writeKey` at the body's first level.

    Where the word stands only once, it is that one, and the body need not be parsed for it.
    """
    body = inbound.body
    at = body.rfind(_WRITE_KEY)
    if at < 0:
        return None
    found = _VALUE.match(body, at + len(_WRITE_KEY))
    if found is not None and body.find(_WRITE_KEY, 0, at) < 0:
        return found[1].decode("utf-8", "replace")
    try:
        return _envelope.decode(body).writeKey or None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _around_the_events(inbound)


def _around_the_events(inbound: hub.Inbound) -> str | None:
    """The key of a body that holds a bad event, or one that is none."""
    try:
        key = inbound.items("batch").envelope.get("writeKey")
    except hub.BadPayload:
        return None
    return key if isinstance(key, str) and key else None


def _from_address(inbound: hub.Inbound) -> str | None:
    parts = inbound.path.strip("/").split("/")
    if len(parts) == 4 and parts[1] == "projects":
        return unquote(parts[2]) or None
    query = inbound.query if inbound.query_string else {}
    key = query.get("writeKey")
    if key is None and "data" in query and len(parts) == 3 and parts[1] == "pixel":
        said = pixel.message(inbound).get("writeKey")
        key = said if isinstance(said, str) else None
    return key or None
