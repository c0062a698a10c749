"""The sink klaviyo takes the examination that every connector takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from klaviyo_house import CONTRACT, refused
from vendor_house import NINE, delivery, happened

from connectors.klaviyo import Klaviyo
from hub.connector import Delivery
from hub.testing import SinkConformance
from hub.testing.contracts import contracts
from hub.testing.vendors.klaviyo import Klaviyo as Vendor
from hub.testing.vendors.standin import StandIn
from hub.wire import Request, Response

SET = "profiles and their consent are set: a repeat changes nothing"
ROWS = {
    "/api/event-bulk-create-jobs": "/data/attributes/events-bulk-create/data",
    "/api/profile-bulk-import-jobs": "/data/attributes/profiles/data",
    "/api/profile-subscription-bulk-create-jobs": "/data/attributes/profiles/data",
    "/api/profile-subscription-bulk-delete-jobs": "/data/attributes/profiles/data",
}
"""Where the rows of each job stand, as its errors point at them."""


class TestKlaviyo(SinkConformance):
    connector = Klaviyo
    settings = {"api_key": "pk_test_0123", "list_id": "Y6nRLr"}
    contract = CONTRACT
    exempt = {
        "delivery_id_travels:profile": SET,
        "delivery_id_travels:subscribe": SET,
        "delivery_id_travels:unsubscribe": SET,
        "delivery_id_travels:forget": "who is deleted stays so: a repeat changes nothing",
    }
    verdicts = {
        ("track", 409): ("delivered", "the vendor has an event of this unique_id already"),
        ("subscribe", 404): ("credentials", "the id of the list is a setting"),
    }

    def answer(self, request: Request) -> Response:
        found = [{"type": "profile", "id": "01H", "attributes": {"email": None, "phone_number": None}}]
        return (
            Response(200, {}, json.dumps({"data": found}).encode())
            if request.method == "GET"
            else Response(202)
        )

    def partial(self, request: Request, place: int) -> Response | None:
        rows = ROWS.get(request.path)
        return refused(400, ("invalid", f"{rows}/{place}/attributes")) if rows else None

    def stand_in(self) -> StandIn:
        return Vendor(limited=False)

    def effects(self, stand_in: StandIn) -> int:
        assert isinstance(stand_in, Vendor)
        consent = sum(len(one.subscriptions) + len(one.lists) for one in stand_in.profiles)
        return len(stand_in.profiles) + len(stand_in.events) + consent

    def recorded(self) -> Iterator[tuple[str, Delivery, dict[str, Any]]]:
        """What the library sends, but for its defaults spelled out, and with the ids and amounts of ours."""
        folder = contracts()
        if folder is None:
            return
        said = json.loads((folder / "klaviyo/sdk-requests.json").read_text())["requests"]
        event, profile, _, subscription = said
        who = {"email": "a@example.com", "user_id": "u1"}
        properties = {"order_id": "o1", "revenue": 10.5, "currency": "EUR"}
        bought = delivery(happened("Order Completed", properties, who={**who, "phone": "+15005550006"}))
        ours = event["body"]["data"]["attributes"]
        ours |= {"properties": properties, "unique_id": bought.id, "time": "2026-11-21T10:00:00.000Z"}
        assert bought.event.time == NINE and ours.pop("backfill") is False
        yield "track", bought, _parts(event)
        known = happened("", type="identify", who=who)
        yield "profile", delivery(known, traits={"first_name": "A", "plan": "pro"}), _parts(profile)
        assert subscription["body"]["data"]["attributes"].pop("historical_import") is False
        agreed = happened("Form Submitted", who={"email": "a@example.com"})
        yield "subscribe", delivery(agreed), _parts(subscription)


def _parts(request: dict[str, Any]) -> dict[str, Any]:
    return {"method": request["method"], "url": request["url"], "json": request["body"]}
