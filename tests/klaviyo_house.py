"""Deliveries for Klaviyo, and what the vendor's contract says of the requests that come of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vendor_house import delivery, happened

import hub
from connectors.klaviyo import Klaviyo, Settings
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Rehearsal
from hub.wire import Request, Response

CONTRACT = "klaviyo/klaviyo-2026-07-15.json"


def klaviyo(**settings: Any) -> Klaviyo:
    return Klaviyo(Settings(api_key=hub.Secret("pk_test"), **settings), "news")


def several(count: int) -> list[hub.Delivery]:
    """Deliveries of as many people."""
    return [
        delivery(happened("Product Added", {"product_id": "p1"}, who={"user_id": f"u{n}"}), n)
        for n in range(1, count + 1)
    ]


async def asked(action: str, deliveries: Sequence[hub.Delivery], **settings: Any) -> list[Request]:
    """The requests of an action, each held against the contract where there is one."""
    rehearsal = Rehearsal(klaviyo(**settings))
    await rehearsal.play(action, deliveries)
    for request in rehearsal.requests:
        assert faults(request) == []
    return rehearsal.requests


def faults(request: Request) -> list[str]:
    contract = Contract.of(CONTRACT) if contracts() else None
    if contract is None:
        return []
    body, _ = request.body()
    return contract.faults(request.method, request.path, request.headers, body)


def refused(status: int, *errors: tuple[str, str]) -> Response:
    """An answer in the vendor's shape; each error is its code and its pointer."""
    said = [
        {
            "id": "01",
            "status": status,
            "code": code,
            "title": "Invalid input.",
            "detail": "ann@example.com is not right",
            "source": {"pointer": pointer},
        }
        for code, pointer in errors
    ]
    return Response(status, {}, json.dumps({"errors": said}).encode())


HEADERS = {
    "authorization": "Klaviyo-API-Key pk_test",
    "revision": "2026-07-15",
    "accept": "application/vnd.api+json",
    "content-type": "application/vnd.api+json",
}


async def attributes(*deliveries: hub.Delivery, action: str = "track", **settings: Any) -> Any:
    """The attributes of the one request for these deliveries."""
    [request] = await asked(action, deliveries, **settings)
    return request.json["data"]["attributes"]
