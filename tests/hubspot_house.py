"""Deliveries for HubSpot, and what the vendor's contracts say of the requests that come of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vendor_house import delivery, happened

import hub
from connectors.hubspot import HubSpot, Settings
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Rehearsal
from hub.wire import Request, Response

CONTRACTS = {
    "/crm/v3/objects/contacts": "hubspot/contacts.json",
    "/crm/v3/lists": "hubspot/lists.json",
    "/events/v3/send": "hubspot/events-send.json",
    "/communication-preferences/v3": "hubspot/communication-preferences.json",
}
UPSERT = "/crm/v3/objects/contacts/batch/upsert"
READ = "/crm/v3/objects/contacts/batch/read"


def hubspot(**settings: Any) -> HubSpot:
    return HubSpot(Settings(**{"token": hub.Secret("pat-test"), "portal_id": "123", **settings}), "crm")


def identified(who: str = "ann", **more: Any) -> hub.Event:
    """Somebody says who they are."""
    return happened("", type="identify", who={"email": f"{who}@example.com"}, **more)


def people(*who: str, **traits: Any) -> list[hub.Delivery]:
    """A delivery of traits for each of them."""
    return [delivery(identified(one), n, traits={"plan": one, **traits}) for n, one in enumerate(who, 1)]


def several(count: int) -> list[hub.Delivery]:
    """Events of as many people."""
    return [
        delivery(happened("Product Added", {"product_id": "p1"}, who={"email": f"p{n}@example.com"}), n)
        for n in range(1, count + 1)
    ]


async def asked(action: str, deliveries: Sequence[hub.Delivery], **settings: Any) -> list[Request]:
    """The requests of an action, each held against the contract where there is one."""
    rehearsal = Rehearsal(hubspot(**settings))
    await rehearsal.play(action, deliveries)
    for request in rehearsal.requests:
        assert faults(request) == []
    return rehearsal.requests


def contract_of(path: str) -> Contract | None:
    """The contract that a path stands in; None without contracts."""
    [name] = [name for start, name in CONTRACTS.items() if path.startswith(start)]
    return Contract.of(name) if contracts() else None


def faults(request: Request) -> list[Any]:
    contract = contract_of(request.path)
    if contract is None:
        return []
    body, _ = request.body()
    return contract.faults(request.method, request.path, request.headers, body)


def answered(code: int, /, **said: Any) -> Response:
    """An answer in JSON."""
    return Response(code, {"content-type": "application/json"}, json.dumps(said).encode())


def refused(
    status: int, category: str = "VALIDATION_ERROR", *errors: Any, message: str = "ann@example.com"
) -> Response:
    """A refusal in the vendor's shape; each error is its code and the property that it speaks of."""
    said = [
        {"message": "ann@example.com is not right", "code": code, "context": {"propertyName": [name]}}
        for code, name in errors
    ]
    return answered(
        status, status="error", message=message, correlationId="c-1", category=category, errors=said
    )


def contact(number: int, **more: Any) -> dict[str, Any]:
    """A contact in an answer; `number` is its record id."""
    at = "2026-11-21T10:00:00Z"
    return {"id": str(number), "createdAt": at, "updatedAt": at, "properties": {}, **more}


def partly(results: Sequence[Any], errors: Sequence[Any]) -> Response:
    """An answer that some are taken and some are not."""
    at = "2026-11-21T10:00:00Z"
    return answered(
        207,
        status="COMPLETE",
        results=results,
        errors=errors,
        numErrors=len(errors),
        startedAt=at,
        completedAt=at,
    )


def error(
    category: str = "VALIDATION_ERROR", *, code: str = "INVALID_EMAIL", **context: Any
) -> dict[str, Any]:
    """One entry of a partly fine answer's errors."""
    detail = {"message": "ann@example.com is not right", "code": code}
    return {
        "status": "error",
        "category": category,
        "message": "ann@example.com is not right",
        "context": context,
        "links": {},
        "errors": [detail] if code else [],
    }


HEADERS = {
    "authorization": "Bearer pat-test",
    "accept": "application/json",
    "content-type": "application/json",
}


def answering(*answers: Response, **settings: Any) -> Rehearsal:
    """A sink whose vendor answers so, one after the other."""
    left = list(answers)
    return Rehearsal(hubspot(**settings), lambda request: left.pop(0))


async def verdict_of(
    answer: Response,
    action: str = "profile",
    deliveries: Sequence[hub.Delivery] | None = None,
    **settings: Any,
) -> hub.DeliveryError:
    """What a lone delivery hears."""
    rehearsal = answering(answer, **settings)
    [said] = (await rehearsal.play(action, deliveries or people("ann"))).values()
    return said


def remembered(*emails: str) -> Response:
    """An answer that these contacts are there, under 101, 102 …"""
    results = [contact(n, properties={"email": one}) for n, one in enumerate(emails, 101)]
    return answered(200, status="COMPLETE", results=results)


MEMBERS = answered(200, recordsIdsAdded=[], recordIdsRemoved=[], recordIdsMissing=[])
TYPES = {"marketing": "71", "news": "72"}
