"""Deliveries for Twilio, and what the vendor's contract says of the requests that come of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import vendor_house
from vendor_house import NINE

import hub
from connectors.twilio import Settings, Twilio
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Rehearsal
from hub.wire import Request, Response

CONTRACT = "twilio/messages-2010-04-01.json"
ACCOUNT = "AC" + "a" * 32
SERVICE = "MG" + "b" * 32
CONTENT = "HX" + "c" * 32
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
ANN = {"user_id": "u1", "phone": "+15005550006"}
WORDS = {"text": "Your cart is waiting"}


def twilio(**settings: Any) -> Twilio:
    said = {"account_sid": ACCOUNT, "auth_token": hub.Secret("token"), "sender": "+15005550001", **settings}
    return Twilio(Settings(**{name: value for name, value in said.items() if value is not None}), "texts")


def texts(**settings: Any) -> dict[str, Any]:
    """A sink's options."""
    return {"account_sid": ACCOUNT, "auth_token": "token", "sender": "+15005550001", **settings}


def happened(
    name: str = "Product Added",
    properties: Mapping[str, Any] = {},
    *,
    who: Mapping[str, str] = ANN,
    **more: Any,
) -> hub.Event:
    """An event of somebody with a telephone."""
    return vendor_house.happened(name, properties, who=who, **more)


def wanted(words: Mapping[str, str] = WORDS, **variables: Any) -> hub.Message:
    """What a rule wants to say by text message."""
    return vendor_house.wanted("sms", words, variables)


def delivery(
    message: hub.Message | None = None, number: int = 1, *, event: hub.Event | None = None, **more: Any
) -> hub.Delivery:
    return vendor_house.delivery(event or happened(), number, message=message or wanted(), **more)


async def asked(*deliveries: hub.Delivery, **settings: Any) -> list[Request]:
    """The requests for these deliveries, each held against the contract where there is one."""
    rehearsal = Rehearsal(twilio(**settings), now_at=NINE)
    for one in deliveries:
        await rehearsal.play("send", [one])
    for request in rehearsal.requests:
        assert faults(request) == []
    return rehearsal.requests


def faults(request: Request) -> list[Any]:
    contract = Contract.of(CONTRACT) if contracts() else None
    if contract is None:
        return []
    body, content_type = request.body()
    headers = {**request.headers, **({"content-type": content_type} if content_type else {})}
    return contract.faults(request.method, request.path, headers, body)


def refused(status: int, code: int, **headers: str) -> Response:
    """An answer in the vendor's shape."""
    said = {"code": code, "message": "about +15005550006", "more_info": "https://…", "status": status}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, json.dumps(said).encode())


async def form(
    message: hub.Message | None = None,
    *,
    event: hub.Event | None = None,
    identifiers: tuple[hub.Identifier, ...] = (),
    **settings: Any,
) -> Any:
    """What the one request for this message says."""
    [request] = await asked(delivery(message, event=event, identifiers=identifiers), **settings)
    return request.form
