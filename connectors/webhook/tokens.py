"""Tokens: a word that only the sender and we know, sent with each request."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence

import hub


def tokens(inbound: hub.Inbound, *, header: str, parameter: str) -> list[str]:
    """The tokens that a request gives: in its Authorization or another header, in its address."""
    given = []
    if parameter:
        given.append(inbound.query.get(parameter))
    if header.lower() != "authorization":
        given.append(inbound.header(header.lower()))
    else:
        given.extend(_authorization(inbound.header("authorization") or ""))
    return [token for token in given if token]


def _authorization(header: str) -> Iterable[str]:
    scheme, _, rest = header.strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        yield rest
    elif scheme.lower() == "basic":
        # Senders that know only a name and a password in the address write the token as one of them.
        name, _, password = _basic(rest).decode("utf-8", "replace").partition(":")
        yield from (name, password)


def is_token(given: Sequence[str], known: Sequence[str]) -> bool:
    """Whether one of these is one of ours; each is compared with each, whichever fits."""
    return bool(
        sum(
            hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
            for one in given
            for other in known
        )
    )


def _basic(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
