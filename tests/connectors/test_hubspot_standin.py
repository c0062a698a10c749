"""The stand-in for HubSpot is as strict as the vendor, keeps what it takes, and fails when it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import RemoteDisconnected
from typing import Any

import on_the_wire
import pytest
from hubspot_house import READ, UPSERT, contract_of, hubspot, identified, people, several
from vendor_house import NINE, delivery, happened, known

import hub
from hub.testing.contracts import contracts
from hub.testing.rehearsal import Rehearsal
from hub.testing.vendors.hubspot import HubSpot
from hub.testing.vendors.hubspot.checking import checked_event
from hub.testing.vendors.hubspot.keeping import Contact
from hub.wire import Request, Response

HEADERS = {"authorization": "Bearer pat-test", "content-type": "application/json"}
ADDED = "pe123_product_added"
ACCOUNT = "/account-info/v3/details"


@pytest.fixture
def vendor() -> Iterator[HubSpot]:
    with HubSpot(
        tokens=["pat-test"],
        properties=["plan"],
        unique=["shop_id"],
        definitions={ADDED: {"product_id", "page_url"}},
        lists=["12"],
        subscriptions=["71"],
    ) as vendor:
        yield vendor


def sent(vendor: HubSpot, method: str, path: str, body: Any = None, **headers: str) -> Response:
    """A request with the vendor's headers, and these."""
    raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    said = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return on_the_wire.sent(vendor, method, path, raw, said)


async def told(vendor: HubSpot, action: str, *deliveries: hub.Delivery, **settings: Any) -> Any:
    """What the sink makes of the stand-in's answers."""

    def answer(request: Request) -> Response:
        body, _ = request.body()
        return sent(vendor, request.method, request.path, body or None, **request.headers)

    return await Rehearsal(hubspot(**settings), answer).play(action, deliveries)


def upsert(*inputs: dict[str, Any]) -> dict[str, Any]:
    return {"inputs": list(inputs)}


def one(email: str = "ann@example.com", **properties: Any) -> dict[str, Any]:
    return {"id": email, "idProperty": "email", "properties": {"email": email, **properties}}


def shop(number: str, **properties: Any) -> dict[str, Any]:
    """A contact that is known by a property of its own."""
    return {
        "id": number,
        "idProperty": "shop_id",
        "objectWriteTraceId": f"t-{number}",
        "properties": properties,
    }


def event(**said: Any) -> dict[str, Any]:
    return {"eventName": ADDED, "email": "ann@example.com", "properties": {}, **said}


def codes(answer: Response) -> list[str]:
    return [error["code"] for error in answer.json().get("errors", [])]


# People


async def test_traits_are_kept_and_change(vendor: HubSpot):
    person = identified()
    plan = {"plan": "plan"}
    await told(vendor, "profile", delivery(person, traits={"first_name": "Ann", "plan": "free"}), traits=plan)
    await told(vendor, "profile", delivery(person, traits={"plan": "pro", "company": "Acme"}), traits=plan)

    [contact] = vendor.contacts
    assert contact.properties == {
        "email": "ann@example.com",
        "firstname": "Ann",
        "company": "Acme",
        "plan": "pro",
    }


async def test_many_people_arrive_in_one_request(vendor: HubSpot):
    crowd = people(*(f"p{n}" for n in range(100)))

    assert await told(vendor, "profile", *crowd) == {}
    assert len(vendor.contacts) == 100
    assert vendor.answered == [200]


def test_an_empty_value_clears_a_property(vendor: HubSpot):
    sent(vendor, "POST", UPSERT, upsert(one(plan="pro")))
    sent(vendor, "POST", UPSERT, upsert(one(plan="")))

    assert vendor.contacts[0].properties == {"email": "ann@example.com"}


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        (one(shoe_size="42"), "PROPERTY_DOESNT_EXIST"),
        (one("ann"), "INVALID_EMAIL"),
        (one(email="ann"), "INVALID_EMAIL"),
    ],
)
def test_one_bad_contact_refuses_a_batch_of_addresses(vendor: HubSpot, spoiled: Any, code: str):
    answer = sent(vendor, "POST", UPSERT, upsert(one("bob@example.com"), spoiled))

    assert (answer.status, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert codes(answer) == [code]
    assert f'"error": "{code}"' in answer.json()["message"]
    assert vendor.contacts == []


def test_contacts_known_by_a_property_of_their_own_are_taken_each_for_itself(vendor: HubSpot):
    answer = sent(vendor, "POST", UPSERT, upsert(shop("1"), shop("2", shoe_size="42"), shop("3")))

    [error] = answer.json()["errors"]
    assert answer.status == 207
    assert error["context"] == {"objectWriteTraceId": ["t-2"]}
    assert [one["objectWriteTraceId"] for one in answer.json()["results"]] == ["t-1", "t-3"]
    assert [contact.properties["shop_id"] for contact in vendor.contacts] == ["1", "3"]


async def test_exactly_what_is_refused_in_part_gives_up(vendor: HubSpot):
    crowd = [
        delivery(happened("", type="identify", who={"user_id": f"u{n}"}), n, traits={"plan": f"p{n}"})
        for n in range(1, 7)
    ]
    vendor.reject(lambda properties: properties.get("plan") in ("p4", "p5"))
    verdicts = await told(vendor, "profile", *crowd, unique_property="shop_id", traits={"plan": "plan"})

    assert verdicts.keys() == {known(4), known(5)}
    assert [contact.properties["plan"] for contact in vendor.contacts] == ["p1", "p2", "p3", "p6"]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([one(), one("ANN@example.com")], "Duplicate IDs"),
        ([{**one(), "idProperty": "plan"}], "non-unique"),
        ([one(f"p{n}@example.com") for n in range(101)], "limit of inputs is 100"),
        ([], "required fields"),
    ],
)
def test_batches_have_their_rules(vendor: HubSpot, inputs: Any, words: str):
    answer = sent(vendor, "POST", UPSERT, {"inputs": inputs})

    assert answer.status == 400
    assert words in answer.json()["message"]


def test_any_property_is_taken_where_that_is_said():
    with HubSpot(properties=None) as vendor:
        assert sent(vendor, "POST", UPSERT, upsert(one(shoe_size="42"))).status == 200


async def test_an_address_of_somebody_who_has_another_one_first_leads_to_them(vendor: HubSpot):
    sent(vendor, "POST", UPSERT, upsert(one()))
    vendor.contacts[0].others.add("ann@work.example")
    late = happened("", type="identify", who={"email": "ann@work.example"})

    assert await told(vendor, "profile", delivery(late, traits={"first_name": "Ann"})) == {}
    [contact] = vendor.contacts
    assert contact.properties == {"email": "ann@example.com", "firstname": "Ann"}
    assert vendor.answered == [200, 409, 200]


async def test_an_address_of_another_contact_is_a_conflict(vendor: HubSpot):
    sent(vendor, "POST", UPSERT, upsert(one()))
    person = happened("", type="identify", who={"user_id": "u1", "email": "ann@example.com"})
    [verdict] = (await told(vendor, "profile", delivery(person), unique_property="shop_id")).values()

    assert isinstance(verdict, hub.GiveUp)
    assert "CONFLICT" in verdict.reason


def test_a_contact_that_is_not_there_cannot_be_changed(vendor: HubSpot):
    path = "/crm/v3/objects/contacts/7"

    assert sent(vendor, "PATCH", path, {"properties": {"city": "Berlin"}}).status == 404


def test_a_contact_is_changed_by_the_same_rules(vendor: HubSpot):
    sent(vendor, "POST", UPSERT, upsert(one()))
    path = f"/crm/v3/objects/contacts/{vendor.contacts[0].id}"

    assert codes(sent(vendor, "PATCH", path, {"properties": {"shoe_size": "42"}})) == [
        "PROPERTY_DOESNT_EXIST"
    ]


def test_contacts_are_looked_up_and_those_that_are_missing_are_told(vendor: HubSpot):
    sent(vendor, "POST", UPSERT, upsert(one()))
    said = {"idProperty": "email", "properties": ["email"], "propertiesWithHistory": []}
    wanted = [{"id": "ANN@example.com"}, {"id": "bob@example.com"}]
    answer = sent(vendor, "POST", READ, {**said, "inputs": wanted})

    assert answer.status == 207
    assert [found["properties"]["email"] for found in answer.json()["results"]] == ["ann@example.com"]
    assert answer.json()["errors"][0]["context"] == {"ids": ["bob@example.com"]}


# Events


async def test_events_are_kept_each_once(vendor: HubSpot):
    crowd = several(3)
    for some in (crowd[:1], crowd[:1], crowd):
        assert await told(vendor, "track", *some) == {}

    assert [kept.email for kept in vendor.events] == ["p1@example.com", "p2@example.com", "p3@example.com"]
    assert (vendor.events[0].name, vendor.events[0].properties) == (ADDED, {"product_id": "p1"})
    assert vendor.answered == [204, 204, 204]


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        (event(eventName="pe123_nothing"), "EVENT_DOESNT_EXIST"),
        (event(eventName="product_added"), "EVENT_DOESNT_EXIST"),
        ({"eventName": ADDED}, "MISSING_IDENTIFIER"),
        (event(email="ann"), "INVALID_EMAIL"),
        (event(properties={"colour": "red"}), "PROPERTY_DOESNT_EXIST"),
        (event(properties={"Product-Id": "1"}), "INVALID_NAME"),
        (event(properties={"product_id": "1" * 257}), "INVALID_VALUE"),
        (event(properties={"page_url": "1" * 1025}), "INVALID_VALUE"),
        (event(properties={f"p{n}": "1" for n in range(51)}), "TOO_MANY_PROPERTIES"),
    ],
)
def test_an_event_that_the_vendor_would_refuse_is_refused_alone_and_in_a_batch(
    vendor: HubSpot, spoiled: Any, code: str
):
    alone = sent(vendor, "POST", "/events/v3/send", spoiled)
    batch = sent(vendor, "POST", "/events/v3/send/batch", upsert(event(), spoiled))

    assert (alone.status, batch.status) == (400, 400)
    assert code in codes(alone)
    assert code in codes(batch)
    assert vendor.events == []


@pytest.mark.parametrize("at", ["yesterday", "2026-11-21T10:00:00"])
def test_an_event_happens_at_a_time_with_a_zone(vendor: HubSpot, at: str):
    assert sent(vendor, "POST", "/events/v3/send", event(occurredAt=at)).status == 400
    assert [wrong.code for wrong in checked_event(event(occurredAt=at), None)] == ["INVALID_DATE"]


def test_more_events_than_a_batch_holds_are_refused(vendor: HubSpot):
    assert sent(vendor, "POST", "/events/v3/send/batch", upsert(*[event()] * 501)).status == 400


def test_an_event_is_refused_when_it_is_told_to(vendor: HubSpot):
    vendor.reject(lambda said: said.get("email") == "ann@example.com")

    assert sent(vendor, "POST", "/events/v3/send", event()).status == 400


# Lists, consent and erasure


async def test_people_come_and_go(vendor: HubSpot):
    assert await told(vendor, "add", *people("ann", "bob"), list_id="12") == {}
    assert vendor.members("12") == {"ann@example.com", "bob@example.com"}

    assert await told(vendor, "remove", *people("ann", "cat"), list_id="12") == {}
    assert vendor.members("12") == {"bob@example.com"}


async def test_a_list_that_is_not_there_pauses_the_sink(vendor: HubSpot):
    with pytest.raises(hub.CredentialsRejected, match="no list 13"):
        await told(vendor, "add", *people("ann"), list_id="13")


def test_records_that_are_not_there_are_told(vendor: HubSpot):
    answer = sent(vendor, "PUT", "/crm/v3/lists/12/memberships/add", ["7"])

    assert answer.json() == {"recordsIdsAdded": [], "recordIdsRemoved": [], "recordIdsMissing": ["7"]}


def agreed(state: str) -> hub.Delivery:
    said = {"channel": "email", "purpose": "marketing", "state": state}
    return delivery(happened("consent_changed", said))


async def test_consent_is_kept_and_who_has_opted_out_stays_out(vendor: HubSpot):
    types = {"marketing": "71"}
    for _ in range(2):
        assert await told(vendor, "subscribe", agreed("granted"), subscriptions=types) == {}
    assert vendor.subscribed == {"71": {"ann@example.com"}}
    for _ in range(2):
        assert await told(vendor, "unsubscribe", agreed("denied"), subscriptions=types) == {}
    assert vendor.subscribed == {}

    [verdict] = (await told(vendor, "subscribe", agreed("granted"), subscriptions=types)).values()
    assert isinstance(verdict, hub.GiveUp)
    assert vendor.answered == [200, 400, 200, 400, 400]


async def test_a_subscription_type_that_is_not_there_pauses_the_sink(vendor: HubSpot):
    with pytest.raises(hub.CredentialsRejected, match="no subscription type 72"):
        await told(vendor, "subscribe", agreed("granted"), subscriptions={"marketing": "72"})


async def test_an_account_that_wants_a_legal_basis_gets_one():
    with HubSpot(privacy=True) as vendor:
        types = {"marketing": "71"}
        [verdict] = (await told(vendor, "subscribe", agreed("granted"), subscriptions=types)).values()
        assert isinstance(verdict, hub.GiveUp)

        basis = {"subscriptions": types, "legal_basis": "CONSENT_WITH_NOTICE"}
        assert await told(vendor, "subscribe", agreed("granted"), **basis) == {}


def test_the_status_of_an_address_can_be_asked(vendor: HubSpot):
    path = "/communication-preferences/v3"
    sent(vendor, "POST", f"{path}/subscribe", {"emailAddress": "ann@example.com", "subscriptionId": "71"})
    answer = sent(vendor, "GET", f"{path}/status/email/ann%40example.com")

    assert [one["status"] for one in answer.json()["subscriptionStatuses"]] == ["SUBSCRIBED"]


def test_an_address_that_is_none_cannot_agree(vendor: HubSpot):
    said = {"emailAddress": "ann", "subscriptionId": "71"}

    assert sent(vendor, "POST", "/communication-preferences/v3/subscribe", said).status == 400


async def test_who_is_forgotten_is_gone_from_lists_too_and_blocked(vendor: HubSpot):
    await told(vendor, "add", *people("ann", "bob"), list_id="12")
    assert await told(vendor, "forget", *people("ann")) == {}

    assert vendor.members("12") == {"bob@example.com"}
    assert vendor.blocked == {"ann@example.com"}


async def test_who_is_known_by_a_property_of_their_own_is_forgotten_too(vendor: HubSpot):
    person = happened("", type="identify", who={"user_id": "u1"})
    for action in ("profile", "forget"):
        assert await told(vendor, action, delivery(person), unique_property="shop_id") == {}

    assert vendor.contacts == []


def test_a_record_that_is_not_there_cannot_be_forgotten(vendor: HubSpot):
    assert sent(vendor, "POST", "/crm/v3/objects/contacts/gdpr-delete", {"objectId": "7"}).status == 404


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
