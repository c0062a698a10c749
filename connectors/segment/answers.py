"""What client libraries ask for besides sending: settings, and a picture."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import hub

_INTEGRATIONS = {"segment": "Segment.io", "customerio": "Customer.io Data Pipelines"}
_ALLOWED = "access-control-allow-origin"
_NO_HEADERS: Mapping[str, str] = {}
_PICTURE = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def settings(inbound: hub.Inbound, *, public_url: str, library: str) -> hub.Response:
    """What a browser library loads first: where to send, and under which key.

    There is exactly one integration: for a second one the library would fetch code from its vendor.
    """
    where = urlsplit(public_url)
    host = where.netloc + where.path.rstrip("/") if where.netloc else inbound.header("host") or ""
    integration = {
        "apiKey": inbound.key or "",
        "apiHost": f"{host}/v1",
        "protocol": where.scheme or "http",
    }
    # Any page may read it, also where a cache between us and the browser keeps one answer for all.
    return _json(200, {"integrations": {_INTEGRATIONS[library]: integration}}, {_ALLOWED: "*"})


def source_config(label: str, key: str) -> hub.Response:
    """What RudderStack's browser library loads first; without `config` it would never send anything."""
    source = {
        "id": label,
        "name": label,
        "writeKey": key,
        "enabled": True,
        "workspaceId": "hub",
        "config": {},
        "connections": [],
        "destinations": [],
        "dataplanes": {},
    }
    return _json(200, {"source": source})


def picture() -> hub.Response:
    """One transparent pixel."""
    return hub.Response(200, {"content-type": "image/gif", "cache-control": "no-store"}, _PICTURE)


def dropped() -> hub.Response:
    """Taken and thrown away: a library's metrics about itself."""
    return _json(200, {"success": True})


def not_found() -> hub.Response:
    """There is nothing at this address."""
    return _json(404, {"success": False, "message": "not found"})


def _json(status: int, body: Any, headers: Mapping[str, str] = _NO_HEADERS) -> hub.Response:
    return hub.Response(status, {"content-type": "application/json", **headers}, json.dumps(body).encode())
