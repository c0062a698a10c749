"""The sink mailchimp takes the examination that every connector takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from hashlib import md5
from typing import Any

from mailchimp_house import batch, member
from vendor_house import delivery, happened

from connectors.mailchimp import Mailchimp
from hub.connector import Delivery
from hub.testing import SinkConformance
from hub.testing.contracts import contracts
from hub.testing.vendors.mailchimp import Mailchimp as Vendor
from hub.testing.vendors.standin import StandIn
from hub.wire import Request, Response

FROM_SETTINGS = "the audience's id is a setting"
NOT_THERE = "whom the vendor does not know has nothing to lose"
ADDED = "somebody who is not there is added, and an audience that is not there is a setting"
SET = "what somebody is to be is set: a repeat changes nothing"
LIST = "/lists/a6b5da1054"


class TestMailchimp(SinkConformance):
    connector = Mailchimp
    settings = {
        "api_key": "0123456789abc-us1",
        "list_id": "a6b5da1054",
        "status_if_new": "subscribed",
        "tag": "vip",
        "journey": "12/34",
    }
    contract = "mailchimp/marketing-3.0.json"
    exempt = {
        "delivery_id_travels:profile": SET,
        "delivery_id_travels:subscribe": SET,
        "delivery_id_travels:unsubscribe": SET,
        "delivery_id_travels:add": SET,
        "delivery_id_travels:remove": SET,
        "delivery_id_travels:forget": SET,
        "delivery_id_travels:start": "a trigger has no field but the address",
        "a_repeat_has_one_effect": "Mailchimp has no key against repeats of events and journeys",
    }
    verdicts = {
        ("profile", 404): ("credentials", FROM_SETTINGS),
        ("subscribe", 404): ("credentials", FROM_SETTINGS),
        ("unsubscribe", 404): ("credentials", FROM_SETTINGS),
        ("track", 404): ("credentials", ADDED),
        ("add", 404): ("credentials", ADDED),
        ("start", 404): ("credentials", ADDED),
        ("remove", 404): ("delivered", NOT_THERE),
        ("forget", 404): ("delivered", NOT_THERE),
    }

    def answer(self, request: Request) -> Response:
        if request.method == "PUT":
            return member("subscribed")
        return batch() if request.path == LIST else Response(204)

    def partial(self, request: Request, place: int) -> Response | None:
        if request.path != LIST:
            return None
        email = request.json["members"][place]["email_address"]
        return batch({"email_address": email, "error": "It is not right.", "error_code": "ERROR_GENERIC"})

    def stand_in(self) -> StandIn:
        return Vendor(limited=False)

    def effects(self, stand_in: StandIn) -> int:
        assert isinstance(stand_in, Vendor)
        kept = (stand_in.members, stand_in.events, stand_in.triggered, stand_in.forgotten)
        return sum(map(len, kept)) + sum(len(one.tags) for one in stand_in.members)

    def recorded(self) -> Iterator[tuple[str, Delivery, dict[str, Any]]]:
        """What the library sends, with what we add: fields that a form misses, and the delivery's id.

        The library is given the hash of an address as it is; here it is the one of the address in the body.
        """
        folder = contracts()
        if folder is None:
            return
        said = json.loads((folder / "mailchimp/sdk-requests.json").read_text())["requests"]
        upsert, event, tags, _, _ = said
        who = {"email": "a@example.com"}
        upsert["url"] += "?skip_merge_validation=true"
        known = delivery(happened("", type="identify", who=who), traits={"first_name": "A"})
        yield "profile", known, _parts(upsert)
        bought = delivery(happened("Order Completed", {"order_id": "o1"}, who=who))
        event["body"]["properties"]["delivery"] = bought.id
        yield "track", bought, _parts(event)
        yield "add", delivery(happened("Order Completed", who=who)), _parts(tags)


def _parts(request: dict[str, Any]) -> dict[str, Any]:
    url = re.sub("members/[0-9a-f]{32}", f"members/{md5(b'a@example.com').hexdigest()}", request["url"])
    return {"method": request["method"], "url": url, "json": request["body"]}
