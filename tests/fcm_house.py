"""Deliveries for FCM, and what the vendor's contract says of the requests that come of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import vendor_house
from vendor_house import NINE

import hub
from connectors.fcm import Fcm, Settings
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Rehearsal
from hub.testing.vendors.fcm.tokens import Tokens
from hub.wire import Request, Response

CONTRACT = "fcm/fcm-v1.openapi.json"
TOKEN_URI = "https://oauth2.googleapis.com/token"
SENDING = "/v1/projects/my-project/messages:send"
WORDS = {"title": "Your cart", "text": "It is waiting"}
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
ACCOUNT = Tokens("my-project", lambda: NINE / 1_000_000).account(TOKEN_URI)

Answer = Callable[[Request], Response]


def fcm(**settings: Any) -> Fcm:
    return Fcm(Settings(**{"service_account": hub.Secret(ACCOUNT), **settings}), "app")


def happened(
    name: str = "Product Added",
    properties: Mapping[str, Any] = {},
    *,
    devices: Iterable[str] = ("device-1",),
    **more: Any,
) -> hub.Event:
    """An event of somebody with these devices."""
    who = [("user_id", "u1"), *(("device_token", one) for one in devices)]
    return vendor_house.happened(name, properties, who=who, **more)


def wanted(words: Mapping[str, str] = WORDS, **variables: Any) -> hub.Message:
    """What a rule wants to say by push."""
    return vendor_house.wanted("push", words, variables)


def delivery(
    message: hub.Message | None = None, number: int = 1, *, event: hub.Event | None = None, **more: Any
) -> hub.Delivery:
    return vendor_house.delivery(event or happened(), number, message=message or wanted(), **more)


def google(answer: Answer | None = None) -> Answer:
    """Gives tokens, and takes messages unless `answer` says something else."""
    given = iter(range(1, 1000))

    def said(request: Request) -> Response:
        if request.path == TOKEN_URI:
            return Response(
                200, {}, json.dumps({"access_token": f"ya29.{next(given)}", "expires_in": 3599}).encode()
            )
        return (
            answer(request) if answer is not None else Response(200, {}, b'{"name": "projects/p/messages/1"}')
        )

    return said


@cache
def _kept(**settings: Any) -> Fcm:
    """A sink that keeps its token from test to test: to sign for one takes a while."""
    return fcm(**settings)


async def asked(*deliveries: hub.Delivery, **settings: Any) -> list[Request]:
    """The requests for these deliveries without those for tokens, each held against the contract."""
    rehearsal = Rehearsal(_kept(**settings), google(), now_at=NINE)
    for one in deliveries:
        assert await rehearsal.play("send", [one]) == {}
    sent = [request for request in rehearsal.requests if request.path != TOKEN_URI]
    for request in sent:
        assert faults(request) == []
    return sent


def faults(request: Request) -> list[Any]:
    contract = Contract.of(CONTRACT) if contracts() else None
    if contract is None:
        return []
    body, content_type = request.body()
    headers = {**request.headers, **({"content-type": content_type} if content_type else {})}
    return contract.faults(request.method, request.path, headers, body)


def refused(status: int, word: str, code: str = "", **headers: str) -> Response:
    """An answer in the vendor's shape."""
    error: dict[str, Any] = {"code": status, "message": "about device-1", "status": word}
    if code:
        error["details"] = [{"@type": FCM_ERROR, "errorCode": code}]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, json.dumps({"error": error}).encode())


UNREGISTERED = refused(404, "NOT_FOUND", "UNREGISTERED")
TAKEN = Response(200, {}, b'{"name": "projects/p/messages/1"}')


async def said(message: hub.Message | None = None, *, event: hub.Event | None = None, **settings: Any) -> Any:
    """The message of the one request."""
    [request] = await asked(delivery(message, event=event), **settings)
    return request.json["message"]


def two(*devices: str) -> hub.Delivery:
    """A delivery to somebody with several devices."""
    return delivery(event=happened(devices=devices or ("device-1", "device-2")))


def sent_to(rehearsal: Rehearsal) -> list[str]:
    """The devices that were asked for, in order."""
    return [r.json["message"]["token"] for r in rehearsal.requests if r.path != TOKEN_URI]
