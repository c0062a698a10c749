"""A webhook source, and requests as its senders make them."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode

import hub
from connectors.webhook.settings import Settings
from connectors.webhook.source import WebhookSource

NINE = 1_795_255_200_000_000
"""2026-11-21T10:00:00Z, the hub's clock here."""
NINE_SECONDS = NINE // 1_000_000
KEY = b"0123456789abcdef01234567"
WHSEC = "whsec_" + b64encode(KEY).decode()
OTHER_WHSEC = "whsec_" + b64encode(KEY[::-1]).decode()

PARTNER = {
    "id": "data.id",
    "name": "type",
    "time": "timestamp",
    "identifiers": {"email": "data.email"},
    "properties": "data",
}
ORDER = {
    "type": "order.completed",
    "timestamp": "2026-11-21T09:59:00Z",
    "data": {"id": "o-1", "email": "Ann@Example.com", "orderId": "77", "revenue": 12.5},
}


def partner(**options) -> WebhookSource:
    source = WebhookSource(Settings(**options), "partner")
    source.public_url = "https://hub.example.com"
    return source


def post(body=b"", *, method="POST", query="", at=NINE, trust="secret", **headers) -> hub.Inbound:
    """A request; header names are written with underscores."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return hub.Inbound(method, "/in/partner", named, query, sent, at, "192.0.2.1", None, trust)


def told(source, inbound) -> tuple[list[hub.Event], list[str]]:
    """The events of a request, and the reasons of the bad ones."""
    heard = list(source.receive(inbound))
    bad = [one.reason for one in heard if isinstance(one, hub.BadEvent)]
    return [one for one in heard if isinstance(one, hub.Event)], bad


def event(body, **options) -> hub.Event:
    """The only event of a request."""
    inbound = body if isinstance(body, hub.Inbound) else post(body)
    [one], bad = told(partner(**options), inbound)
    assert bad == []
    return one


def reason(body, **options) -> str:
    """Why the only event of a request is bad."""
    inbound = body if isinstance(body, hub.Inbound) else post(body)
    events, [bad] = told(partner(**options), inbound)
    assert events == []
    return bad


def standard(body: bytes, *, id="msg_1", at=NINE_SECONDS, keys=(KEY,), prefix="webhook") -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    signed = f"{id}.{at}.".encode() + body
    signatures = [f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}" for key in keys]
    return {
        f"{prefix}-id": id,
        f"{prefix}-timestamp": str(at),
        f"{prefix}-signature": " ".join(signatures),
    }
