"""The shapes of HubSpot's answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from hub.testing.vendors.hubspot.checking import Detail, Refused
from hub.testing.vendors.hubspot.keeping import Contact
from hub.wire import Response


def shown(contact: Contact, names: Iterable[str]) -> dict[str, Any]:
    """A contact with these properties, and those that every answer has."""
    at = iso()
    told = {name: contact.properties[name] for name in names if name in contact.properties}
    own = {"createdate": at, "hs_object_id": contact.id, "lastmodifieddate": at}
    return {
        "id": contact.id,
        "properties": {**own, **told},
        "createdAt": at,
        "updatedAt": at,
        "archived": False,
    }


def partial(refused: Refused, trace: str | None, *, ids: Collection[str] = ()) -> dict[str, Any]:
    """An entry of a partly fine answer's errors."""
    context = {"objectWriteTraceId": [trace]} if trace else {}
    return {
        "status": "error",
        "category": refused.category,
        "message": refused.message,
        "context": {**context, **({"ids": list(ids)} if ids else {})},
        "links": {},
        "errors": [detail(one) for one in refused.details],
    }


def detail(one: Detail) -> dict[str, Any]:
    """One thing that is wrong with a record."""
    return {"message": one.what, "code": one.code, "context": {"propertyName": [one.name]}}


def subscription(known: str, holds: bool) -> dict[str, Any]:
    """What holds for an address and a subscription type."""
    return {
        "id": known,
        "name": f"Subscription {known}",
        "description": "",
        "status": "SUBSCRIBED" if holds else "NOT_SUBSCRIBED",
        "sourceOfStatus": "SUBSCRIPTION_STATUS",
    }


def iso() -> str:
    """Now, as answers write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def as_json(status: int, said: Any) -> Response:
    """An answer in JSON."""
    return Response(status, {"content-type": "application/json"}, msgspec.json.encode(said))
