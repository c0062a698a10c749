"""A stand-in for HubSpot, and what it is sent beside what the sink sends."""

from __future__ import annotations

import json
from typing import Any

import on_the_wire
from hubspot_house import hubspot

import hub
from hub.testing.rehearsal import Rehearsal
from hub.testing.vendors.hubspot import HubSpot
from hub.wire import Request, Response

HEADERS = {"authorization": "Bearer pat-test", "content-type": "application/json"}
ADDED = "pe123_product_added"


def opened() -> HubSpot:
    """A stand-in with one token, and one of each thing that an account defines."""
    return HubSpot(
        tokens=["pat-test"],
        properties=["plan"],
        unique=["shop_id"],
        definitions={ADDED: {"product_id", "page_url"}},
        lists=["12"],
        subscriptions=["71"],
    )


def sent(vendor: HubSpot, method: str, path: str, body: Any = None, **headers: str) -> Response:
    """A request with the vendor's headers, and these."""
    raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    said = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return on_the_wire.sent(vendor, method, path, raw, said)


async def told(vendor: HubSpot, action: str, *deliveries: hub.Delivery, **settings: Any) -> Any:
    """What the sink makes of the stand-in's answers."""

    def answer(request: Request) -> Response:
        body, _ = request.body()
        return sent(vendor, request.method, request.path, body or None, **request.headers)

    return await Rehearsal(hubspot(**settings), answer).play(action, deliveries)


def upsert(*inputs: dict[str, Any]) -> dict[str, Any]:
    return {"inputs": list(inputs)}


def one(email: str = "ann@example.com", **properties: Any) -> dict[str, Any]:
    return {"id": email, "idProperty": "email", "properties": {"email": email, **properties}}


def shop(number: str, **properties: Any) -> dict[str, Any]:
    """A contact that is known by a property of its own."""
    return {
        "id": number,
        "idProperty": "shop_id",
        "objectWriteTraceId": f"t-{number}",
        "properties": properties,
    }


def event(**said: Any) -> dict[str, Any]:
    return {"eventName": ADDED, "email": "ann@example.com", "properties": {}, **said}


def codes(answer: Response) -> list[str]:
    return [error["code"] for error in answer.json().get("errors", [])]
