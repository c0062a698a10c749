"""The stand-in for HubSpot turns away what is not for it, has limits, and fails when it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import RemoteDisconnected
from typing import Any

import pytest
from hubspot_house import UPSERT, contract_of
from hubspot_standin_house import event, one, opened, sent, shop, upsert
from vendor_house import NINE

from hub.testing.contracts import contracts
from hub.testing.vendors.hubspot import HubSpot
from hub.testing.vendors.hubspot.keeping import Contact
from hub.wire import Response

ACCOUNT = "/account-info/v3/details"


@pytest.fixture
def vendor() -> Iterator[HubSpot]:
    with opened() as vendor:
        yield vendor


# The door


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        (UPSERT, upsert(one()), {"authorization": "Bearer pat-other"}, 401),
        (UPSERT, upsert(one()), {"authorization": "Basic pat-test"}, 401),
        (UPSERT, upsert(one()), {"content_type": "text/plain"}, 415),
        (UPSERT, b"{", {}, 400),
        (UPSERT, b"7", {}, 400),
        (UPSERT, {}, {}, 400),
        ("/crm/v3/objects/contact", upsert(one()), {}, 404),
    ],
)
def test_requests_that_are_not_for_it_are_refused(
    vendor: HubSpot, path: str, body: Any, headers: Any, status: int
):
    answer = sent(vendor, "POST", path, body, **headers)

    assert answer.status == status
    assert {"category", "correlationId", "message", "status"} <= answer.json().keys()


@pytest.mark.skipif(contracts() is None, reason="HUB_SHARED names no folder of contracts")
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", UPSERT, upsert(one()), 200),
        ("POST", UPSERT, upsert(shop("1"), shop("2", shoe_size="42")), 207),
        ("POST", UPSERT, upsert(one(shoe_size="42")), 400),
        ("POST", UPSERT, upsert(one(plan=42)), 400),
        ("GET", "/crm/v3/objects/contacts", None, 200),
        ("POST", "/events/v3/send", event(), 204),
        ("POST", "/events/v3/send", event(properties={"product_id": 7}), 400),
        ("PUT", "/crm/v3/lists/12/memberships/add", ["7"], 200),
        (
            "POST",
            "/communication-preferences/v3/subscribe",
            {"emailAddress": "ann@example.com", "subscriptionId": "71"},
            200,
        ),
        ("GET", "/communication-preferences/v3/status/email/ann%40example.com", None, 200),
    ],
)
def test_its_answers_pass_the_vendors_contracts_too(
    vendor: HubSpot, method: str, path: str, body: Any, status: int
):
    answer = sent(vendor, method, path, body)
    contract = contract_of(path)

    assert answer.status == status
    assert contract is not None
    if status >= 400:
        # The document leaves out `status`, which every refusal of the vendor's has.
        assert answer.json()["status"] == "error"
        rest = {name: said for name, said in answer.json().items() if name != "status"}
        answer = Response(status, answer.headers, json.dumps(rest).encode())
    assert contract.answer_faults(method, path, answer) == []


# Limits and trouble


def limits(answer: Response) -> dict[str, str]:
    start = "x-hubspot-ratelimit-"
    return {
        name.removeprefix(start): value for name, value in answer.headers.items() if name.startswith(start)
    }


def test_limits_are_told_with_every_answer_and_kept():
    seconds = [NINE / 1_000_000]
    with HubSpot(now=lambda: seconds[0], burst=2, daily=3) as vendor:
        first = sent(vendor, "GET", ACCOUNT)
        sent(vendor, "GET", ACCOUNT)
        burst = sent(vendor, "GET", ACCOUNT)
        seconds[0] += 10
        third = sent(vendor, "GET", ACCOUNT)
        daily = sent(vendor, "GET", ACCOUNT)
        seconds[0] += 86_400
        tomorrow = sent(vendor, "GET", ACCOUNT)

    assert limits(first) == {
        "max": "2",
        "remaining": "1",
        "interval-milliseconds": "10000",
        "daily": "3",
        "daily-remaining": "2",
    }
    assert (burst.status, burst.json()["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    assert (daily.status, daily.json()["policyName"]) == (429, "DAILY")
    assert daily.header("date") == "Sat, 21 Nov 2026 10:00:10 GMT"
    assert (third.status, tomorrow.status) == (200, 200)


def test_events_have_a_limit_of_their_own():
    seconds = [0.0]
    with HubSpot(now=lambda: seconds[0], burst=1) as vendor:
        batch = upsert(*[event()] * 500)
        told = [sent(vendor, "POST", "/events/v3/send/batch", batch).status for _ in range(3)]
        seconds[0] += 1
        told.append(sent(vendor, "POST", "/events/v3/send/batch", batch).status)

    assert told == [204, 204, 429, 204]


def test_a_refused_request_counts_too():
    with HubSpot(burst=1) as vendor:
        first, second = (sent(vendor, "POST", UPSERT, upsert(one(shoe_size="42"))) for _ in range(2))

    assert (first.status, limits(first)["remaining"], second.status) == (400, "0", 429)


def test_it_has_no_limits_where_that_is_said():
    with HubSpot(limited=False, burst=0) as vendor:
        assert limits(sent(vendor, "GET", ACCOUNT)) == {}


def test_it_is_full_down_and_broken_for_as_long_as_it_is_told(vendor: HubSpot):
    vendor.full(after=7, times=1)
    full = sent(vendor, "GET", ACCOUNT)
    vendor.down(503)
    down = [sent(vendor, "GET", ACCOUNT).status for _ in range(2)]
    vendor.broken(times=1)
    with pytest.raises((ConnectionResetError, RemoteDisconnected)):
        sent(vendor, "GET", ACCOUNT)

    assert (full.status, full.header("retry-after")) == (429, "7")
    assert full.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert down == [503, 503]
    assert sent(vendor, "GET", ACCOUNT).status == 200


def test_what_it_keeps_can_be_asked_for(vendor: HubSpot):
    sent(vendor, "POST", UPSERT, upsert(one(plan="pro")))
    [kept] = sent(vendor, "GET", "/crm/v3/objects/contacts?limit=10").json()["results"]

    assert kept["properties"]["plan"] == "pro"
    assert vendor.contacts == [Contact(kept["id"], {"email": "ann@example.com", "plan": "pro"})]
