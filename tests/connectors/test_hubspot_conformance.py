"""The sink hubspot takes the examination that every connector takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hubspot_house import READ, UPSERT, answered, contact, contract_of, error, partly
from vendor_house import NINE, delivery, happened

from connectors.hubspot import HubSpot
from hub.connector import Delivery
from hub.testing import SinkConformance
from hub.testing.checking import left_open
from hub.testing.contracts import contracts
from hub.testing.runs import headers
from hub.testing.vendors.hubspot import HubSpot as Vendor
from hub.testing.vendors.standin import StandIn
from hub.wire import Request, Response

FROM_SETTINGS = "the id of a list or a subscription type is a setting"
FOUND = "the vendor has an event of this uuid already"


class TestHubSpot(SinkConformance):
    connector = HubSpot
    settings = {
        "token": "pat-eu1-0123456789",
        "portal_id": "123",
        "list_id": "12",
        "subscriptions": {"marketing": "71"},
        "traits": {"plan": "subscription_plan"},
    }
    exempt = {
        "delivery_id_travels:add": "a membership is set: a repeat changes nothing",
        "delivery_id_travels:remove": "a membership is taken away once: a repeat changes nothing",
        "delivery_id_travels:subscribe": "consent is set: a repeat changes nothing",
        "delivery_id_travels:unsubscribe": "consent is set: a repeat changes nothing",
        "delivery_id_travels:forget": "who is deleted stays so: a repeat changes nothing",
    }
    verdicts = {
        ("track", 409): ("delivered", FOUND),
        ("start", 409): ("delivered", FOUND),
        ("forget", 404): ("delivered", "whom the vendor does not know is forgotten"),
        ("subscribe", 404): ("credentials", FROM_SETTINGS),
        ("unsubscribe", 404): ("credentials", FROM_SETTINGS),
    }

    def faults(self, request: Request) -> list[str]:
        """HubSpot has a document for each of its parts, all for the same host."""
        if not contracts():
            left_open("HUB_SHARED names no folder of contracts")
        contract = contract_of(request.path)
        assert contract is not None
        raw, _ = request.body()
        wrong = contract.faults(request.method, request.path, headers(request), raw)
        return [f"{fault.where}: {fault.what}" for fault in wrong]

    def answer(self, request: Request) -> Response:
        if request.path in (READ, UPSERT):
            said = request.json["inputs"]
            return answered(200, results=[_contact(number, one) for number, one in enumerate(said, 101)])
        if "/memberships/" in request.path:
            return answered(200, recordsIdsAdded=[], recordIdsRemoved=[], recordIdsMissing=[])
        return Response(204)

    def partial(self, request: Request, place: int) -> Response | None:
        if request.path != UPSERT:
            return None
        said = request.json["inputs"]
        fine = [_contact(number, one) for number, one in enumerate(said) if number != place]
        return partly(fine, [error(objectWriteTraceId=[said[place]["objectWriteTraceId"]])])

    def stand_in(self) -> StandIn:
        return Vendor(limited=False, properties=["subscription_plan"])

    def effects(self, stand_in: StandIn) -> int:
        assert isinstance(stand_in, Vendor)
        kept = (stand_in.contacts, stand_in.events, stand_in.members("12"), stand_in.blocked)
        return sum(len(one) for one in (*kept, *stand_in.subscribed.values()))

    def recorded(self) -> Iterator[tuple[str, Delivery, dict[str, Any]]]:
        """What the library sends, with what we add: ids that tell a repeat, and whose address it is."""
        folder = contracts()
        if folder is None:
            return
        upsert, event, _ = json.loads((folder / "hubspot/sdk-requests.json").read_text())["requests"]
        who = {"email": "a@example.com"}
        happening = delivery(happened("Order Completed", {"order_id": "o1"}, who=who))
        [said] = upsert["body"]["inputs"]
        said |= {"objectWriteTraceId": happening.id, "properties": {**said["properties"], **who}}
        known = delivery(happened("", type="identify", who=who), traits={"first_name": "A"})
        yield "profile", known, _parts(upsert)
        event["body"] |= {"uuid": happening.id, "occurredAt": "2026-11-21T10:00:00.000Z"}
        assert happening.event.time == NINE
        yield "track", happening, _parts(event)


def _parts(request: dict[str, Any]) -> dict[str, Any]:
    return {"method": request["method"], "url": request["url"], "json": request["body"]}


def _contact(number: int, said: dict[str, Any]) -> dict[str, Any]:
    trace = said.get("objectWriteTraceId")
    more = {"objectWriteTraceId": trace} if trace else {}
    return contact(number, properties={"email": said["id"]}, **more)
