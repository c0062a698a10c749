"""What senders hear: JSON, and the headers that browsers need to be let through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from hub.wire import Response

Head = list[tuple[bytes, bytes]]
_encode = msgspec.json.Encoder().encode

JSON = (b"content-type", b"application/json")
_ALLOWED = b"access-control-allow-origin"
PREFLIGHT_SECONDS = "86400"


class Answer(NamedTuple):
    """An answer as it goes out."""

    status: int
    head: Head
    body: bytes


def problem(status: int, reason: str, after: int | None = None) -> tuple[Head, bytes]:
    """The head and body of a refusal; `after` is whole seconds for Retry-After.

    Segment's libraries show `code` and `message` to their users.
    """
    body = _encode({"success": False, "code": str(status), "message": reason})
    head: Head = [JSON, (b"content-length", b"%d" % len(body))]
    if after is not None:
        head.append((b"retry-after", b"%d" % after))
    return head, body


def refusal(status: int, reason: str, after: int | None = None) -> Answer:
    """A refusal as JSON."""
    return Answer(status, *problem(status, reason, after))


def json(value: object, status: int = 200) -> Answer:
    """Any value as JSON."""
    body = _encode(value)
    return Answer(status, [JSON, (b"content-length", b"%d" % len(body))], body)


def accepted(accepted: int, quarantined: int) -> Answer:
    """Written down: what ingest answers once everything is durable."""
    body = b'{"success": true, "accepted": %d, "quarantined": %d}' % (accepted, quarantined)
    return Answer(200, [JSON, (b"content-length", b"%d" % len(body))], body)


def from_response(response: Response) -> Answer:
    """An answer in a source's own form."""
    head: Head = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()
    ]
    if not any(name == b"content-length" for name, _ in head) and response.status not in (204, 304):
        head.append((b"content-length", b"%d" % len(response.body)))
    return Answer(response.status, head, response.body)


def let_read(head: Head, origin: str) -> None:
    """Lets a page of this origin read the answer, unless its source has said already who may."""
    if not any(name == _ALLOWED for name, _ in head):
        head.extend(readable_by(origin))


def readable_by(origin: str) -> Head:
    """Lets a page of this origin read the answer; there is no cookie that it could misuse."""
    return [
        (_ALLOWED, origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"retry-after"),
        (b"vary", b"origin"),
    ]


def preflight(headers: Mapping[str, str]) -> Answer:
    """The answer to a browser that asks first: whatever it wants to send.

    Origin, method and headers are echoed: retries of browser libraries carry headers that no fixed list
    knows, and with a list every event that met one 500 was blocked for ever.
    """
    head: Head = readable_by(headers.get("origin", "*"))
    head += [
        (
            b"access-control-allow-methods",
            headers.get("access-control-request-method", "POST").encode("latin-1"),
        ),
        (b"access-control-max-age", PREFLIGHT_SECONDS.encode()),
    ]
    wanted = headers.get("access-control-request-headers")
    if wanted:
        head.append((b"access-control-allow-headers", wanted.encode("latin-1")))
    return Answer(204, head, b"")


def asks_to_send(headers: Mapping[str, str]) -> bool:
    """Whether a sender of CloudEvents asks if it may send here, before it does."""
    return "webhook-request-origin" in headers


def may_send(headers: Mapping[str, str]) -> Answer:
    """Yes, at any rate: this address is a source's. What it sends must prove itself all the same.

    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection
    """
    head: Head = [
        (b"allow", b"POST"),
        (b"webhook-allowed-origin", headers["webhook-request-origin"].encode("latin-1")),
        (b"webhook-allowed-rate", b"*"),
        (b"content-length", b"0"),
    ]
    return Answer(200, head, b"")
