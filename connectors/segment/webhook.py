"""Segment's own webhook destination: signed events that Segment has already taken in.

The signature covers the body of one event; of several (a list) only the first one's bytes. The others then
count as claims.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Mapping

import msgspec

import hub

from .messages import from_batch

_raw_items = msgspec.json.Decoder(list[msgspec.Raw])
_OPENING = re.compile(r"\s*\[\s*")
# Reads over what is no proper JSON, and makes nothing of numbers.
_lenient = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)


def is_signed(inbound: hub.Inbound) -> bool:
    """The request carries Segment's signature, right or wrong."""
    return inbound.header("x-signature") is not None


def check(inbound: hub.Inbound, secret: str) -> None:
    """Raises BadSignature where the signature is not that of this body."""
    given = (inbound.header("x-signature") or "").strip().lower().encode("utf-8", "replace")
    right = hmac.new(secret.encode(), _signed(inbound.body), "sha1").hexdigest().encode()
    if not hmac.compare_digest(given, right):
        raise hub.BadSignature("X-Signature does not fit this body and our secret")


def _signed(body: bytes) -> bytes:
    if not body.lstrip().startswith(b"["):
        return body
    try:
        items = _raw_items.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _first_item(body)
    return bytes(items[0]) if items else body


def _first_item(body: bytes) -> bytes:
    """The first item's bytes, where another item is no JSON: it must not cost those beside it."""
    text = body.decode("latin-1")  # a character for each byte, so that places are the same
    opening = _OPENING.match(text)
    start = opening.end() if opening is not None else 0
    try:
        _, end = _lenient.raw_decode(text, start)
    except (ValueError, RecursionError):
        return body
    return body[start:end]


def receive(
    inbound: hub.Inbound, categories: Mapping[str, str], *, max_event: int
) -> Iterable[hub.Event | hub.BadEvent]:
    """The events; their times were corrected by Segment, so that its own clock says nothing more."""
    several = inbound.body.lstrip().startswith(b"[")
    for number, one in enumerate(from_batch(inbound, categories, max_event=max_event, forwarded=True)):
        if number and several and isinstance(one, hub.Event):
            one.trust = "public"
            one.historical = False
        yield one
