"""Deliveries for Mailchimp, and what the vendor's contract says of the requests that come of them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import md5
from typing import Any

from vendor_house import delivery, happened

import hub
from connectors.mailchimp import Mailchimp, Settings
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Answer, Rehearsal, accepting
from hub.testing.runs import address, headers
from hub.wire import Request, Response

CONTRACT = "mailchimp/marketing-3.0.json"
LIST = "/lists/a6b5da1054"


def mailchimp(**settings: Any) -> Mailchimp:
    said = {"api_key": hub.Secret("0123abc-us6"), "list_id": "a6b5da1054", **settings}
    return Mailchimp(Settings(**said), "letters")


def consent(
    state: str = "granted", channel: str = "email", purpose: str = "marketing", **more: Any
) -> hub.Event:
    """Somebody says what they want."""
    said = {"channel": channel, "purpose": purpose, "state": state}
    return happened("consent_changed", said, **more)


def people(*who: str, event: hub.Event | None = None, **traits: Any) -> list[hub.Delivery]:
    """A delivery for each of them, of traits or of an event of another sort."""
    made = []
    for number, one in enumerate(who, 1):
        said = happened("", type="identify") if event is None else happened(event.name, event.properties)
        said.identifiers = (hub.Identifier("email", f"{one}@example.com"),)
        made.append(delivery(said, number, traits={"first_name": one.title(), **traits}))
    return made


def place(who: str, rest: str = "") -> str:
    """Where a member stands."""
    return f"{LIST}/members/{md5(f'{who}@example.com'.encode()).hexdigest()}{rest}"


async def asked(
    action: str, deliveries: Sequence[hub.Delivery], answer: Answer = accepting, **settings: Any
) -> list[Request]:
    """The requests of an action, each held against the contract where there is one."""
    rehearsal = Rehearsal(mailchimp(**settings), answer)
    await rehearsal.play(action, deliveries)
    for request in rehearsal.requests:
        assert faults(request) == []
    return rehearsal.requests


async def verdicts(
    action: str, deliveries: Sequence[hub.Delivery], answer: Answer = accepting, **settings: Any
) -> dict[str, hub.DeliveryError]:
    """What becomes of each delivery that does not arrive, also where all end alike."""
    try:
        return dict(await Rehearsal(mailchimp(**settings), answer).play(action, deliveries))
    except hub.DeliveryError as fault:
        return {one.id: fault for one in deliveries}


def faults(request: Request) -> list[Any]:
    contract = Contract.of(CONTRACT) if contracts() else None
    if contract is None:
        return []
    body, _ = request.body()
    return contract.faults(request.method, address(request, ""), headers(request), body)


def answers(*said: Response) -> Answer:
    """These answers, one after the other."""
    left = list(said)
    return lambda request: left.pop(0)


def problem(status: int, title: str, detail: str = "ann@example.com", *fields: str) -> Response:
    """A refusal in the vendor's shape."""
    errors = [{"field": name, "message": "ann@example.com is not right"} for name in fields]
    said = {"type": "https://…", "title": title, "status": status, "detail": detail, "instance": "c-1"}
    more = {"errors": errors} if errors else {}
    return Response(
        status, {"content-type": "application/problem+json"}, json.dumps({**said, **more}).encode()
    )


def batch(*errors: Mapping[str, Any], taken: Sequence[str] = (), count: int | None = None) -> Response:
    """The answer to a batch: whom it took, and whom it did not."""
    said = {
        "new_members": [{"email_address": f"{who}@example.com"} for who in taken],
        "updated_members": [],
        "errors": list(errors),
        "total_created": len(taken),
        "total_updated": 0,
        "error_count": len(errors) if count is None else count,
    }
    return Response(200, {}, json.dumps(said).encode())


def untaken(who: str, error: str = "", code: str = "ERROR_GENERIC", field: str = "") -> dict[str, str]:
    """An entry of a batch's errors."""
    email = f"{who}@example.com"
    return {
        "email_address": email,
        "error": f"{email} {error}",
        "error_code": code,
        "field": field,
        "field_message": f"{email} is not right" if field else "",
    }


def there(who: str) -> dict[str, str]:
    """Somebody is in the audience already."""
    return untaken(who, "is already a list member, do you want to update?", "ERROR_CONTACT_EXISTS")


def out(who: str) -> dict[str, str]:
    """Somebody once left, and may not be brought back."""
    return untaken(who, "is in a compliance state due to unsubscribe, bounce, or compliance review")


KEPT_OUT = problem(
    400, "Member In Compliance State", "ann@example.com is in a compliance state and cannot be subscribed."
)
GONE = problem(404, "Resource Not Found", "The requested resource could not be found.")


def member(status: str) -> Response:
    """A member in an answer."""
    return Response(200, {}, json.dumps({"email_address": "ann@example.com", "status": status}).encode())


HEADERS = {
    "authorization": f"Basic {b64encode(b'hub:0123abc-us6').decode()}",
    "accept": "application/json",
    "content-type": "application/json",
}


FORGOTTEN = problem(400, "Forgotten Email Not Subscribed", "ann@example.com was permanently deleted")
FAKE = problem(400, "Invalid Resource", "ann@example.com looks fake or invalid")


def traits_of(**traits: Any) -> hub.Delivery:
    """A delivery of these traits."""
    return delivery(happened("", type="identify"), traits=traits)
