"""The stand-in for Klaviyo is as strict as the vendor, keeps what it takes, and fails when it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any
from urllib.parse import quote

import on_the_wire
import pytest
from klaviyo_house import CONTRACT, klaviyo, several
from vendor_house import ANN, delivery, happened

import hub
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Rehearsal
from hub.testing.runs import address
from hub.testing.vendors.klaviyo import Klaviyo
from hub.wire import Request, Response

HEADERS = {
    "authorization": "Klaviyo-API-Key pk_test",
    "revision": "2026-07-15",
    "content-type": "application/vnd.api+json",
}

PERSON = {"type": "profile", "attributes": {"email": "ann@example.com"}}


@pytest.fixture
def vendor() -> Iterator[Klaviyo]:
    with Klaviyo(keys=["pk_test"], lists=["Y6nRLr"], retired=["2020-01-01"]) as vendor:
        yield vendor


def sent(vendor: Klaviyo, method: str, path: str, body: Any = None, **headers: str) -> Response:
    """A request with the vendor's headers, and these."""
    raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    said = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return on_the_wire.sent(vendor, method, path, raw, said)


async def told(vendor: Klaviyo, action: str, *deliveries: hub.Delivery, **settings: Any) -> Any:
    """What the sink makes of the stand-in's answers."""

    def answer(request: Request) -> Response:
        body, _ = request.body()
        return sent(vendor, request.method, address(request, ""), body or None, **request.headers)

    return await Rehearsal(klaviyo(**settings), answer).play(action, deliveries)


def event(**attributes: Any) -> dict[str, Any]:
    said = {
        "metric": {"data": {"type": "metric", "attributes": {"name": "Product Added"}}},
        "properties": {},
        "unique_id": "1",
        "profile": {"data": {"type": "profile", "attributes": {"email": "ann@example.com"}}},
        **attributes,
    }
    return {"data": {"type": "event", "attributes": said}}


def pointers(answer: Response) -> list[str]:
    return [error["source"]["pointer"] for error in answer.json()["errors"]]


async def test_an_event_is_kept_with_its_profile(vendor: Klaviyo):
    properties = {"price": "19.90", "currency": "EUR"}
    await told(vendor, "track", delivery(happened("Product Added", properties)))

    [kept] = vendor.events
    assert (kept.metric, kept.value, kept.value_currency) == ("Product Added", 19.9, "EUR")
    assert kept.profile.names == {
        "email": "ann@example.com",
        "phone_number": "+15005550006",
        "external_id": "u1",
        "anonymous_id": "a1",
    }


async def test_a_visitor_who_says_who_they_are_is_the_same_profile(vendor: Klaviyo):
    await told(vendor, "track", delivery(happened("Product Viewed", who={"anonymous_id": "a1"}), 1))
    await told(vendor, "track", delivery(happened("Order Completed", who=ANN), 2))

    [profile] = vendor.profiles
    assert [kept.profile for kept in vendor.events] == [profile, profile]


async def test_a_repeated_event_is_ignored_alone_and_fails_a_job(vendor: Klaviyo):
    first = several(3)
    assert await told(vendor, "track", first[0]) == {}
    assert await told(vendor, "track", first[0]) == {}
    assert await told(vendor, "track", *first) == {}

    assert len(vendor.events) == 3
    assert vendor.answered == [202, 202, 409, 202]


async def test_events_without_an_id_of_their_own_collapse_within_a_second(vendor: Klaviyo):
    for moment in ("10:00:00.1", "10:00:00.9", "10:00:01.0"):
        sent(vendor, "POST", "/api/events", event(unique_id=None, time=f"2026-11-21T{moment}Z"))

    assert len(vendor.events) == 2


async def test_a_refused_item_of_a_job_is_pointed_at_and_the_rest_arrives(vendor: Klaviyo):
    vendor.reject(lambda attributes: attributes.get("external_id") in ("u4", "u5"))
    verdicts = await told(vendor, "track", *several(6))

    assert verdicts.keys() == {f"{4:032x}", f"{5:032x}"}
    assert {kept.profile.names["external_id"] for kept in vendor.events} == {"u1", "u2", "u3", "u6"}
    assert vendor.answered == [400, 202]


async def test_a_refused_job_leaves_nothing_behind(vendor: Klaviyo):
    vendor.reject(lambda attributes: True)
    await told(vendor, "track", *several(3))

    assert (vendor.events, vendor.profiles) == ([], [])


async def test_traits_are_kept_and_change(vendor: Klaviyo):
    person = happened("", type="identify")
    await told(vendor, "profile", delivery(person, traits={"first_name": "Ann", "plan": "free"}))
    await told(vendor, "profile", delivery(person, traits={"plan": "pro", "company": "Acme"}))

    [profile] = vendor.profiles
    assert profile.attributes == {"first_name": "Ann", "organization": "Acme"}
    assert profile.properties == {"plan": "pro"}
    assert vendor.answered == [201, 200]


async def test_identifiers_of_two_profiles_are_a_conflict(vendor: Klaviyo):
    for number, who in enumerate(({"user_id": "u1"}, {"email": "ann@example.com"}), 1):
        await told(vendor, "profile", delivery(happened("", type="identify", who=who), number))
    both = happened("", type="identify", who={"user_id": "u1", "email": "ann@example.com"})
    [verdict] = (await told(vendor, "profile", delivery(both, 3))).values()

    assert isinstance(verdict, hub.GiveUp)
    assert "different profiles" in verdict.reason


async def test_several_profiles_arrive_together(vendor: Klaviyo):
    people = [
        delivery(happened("", type="identify", who={"user_id": who}), n, traits={"plan": who})
        for n, who in enumerate("abc", 1)
    ]
    assert await told(vendor, "profile", *people) == {}

    assert [profile.properties["plan"] for profile in vendor.profiles] == ["a", "b", "c"]


async def test_people_come_and_go(vendor: Klaviyo):
    consent = {"channel": "email", "purpose": "marketing", "state": "granted"}
    await told(vendor, "subscribe", delivery(happened("consent_changed", consent)), list_id="Y6nRLr")
    assert vendor.subscribed == {"email": {"ann@example.com"}, "sms": set()}
    assert vendor.profiles[0].lists == {"Y6nRLr"}

    await told(vendor, "unsubscribe", delivery(happened("consent_changed", consent | {"state": "denied"})))
    assert vendor.subscribed == {"email": set(), "sms": set()}
    assert vendor.profiles[0].lists == set()


async def test_the_forgotten_are_gone_with_what_happened_to_them(vendor: Klaviyo):
    phone = {"phone": "+15005550007", "user_id": "u1"}
    for number, who in enumerate(({"email": "ann@example.com"}, {"user_id": "u1"}, {"user_id": "ben"}), 1):
        await told(vendor, "track", delivery(happened("Order Completed", who=who), number))
    assert (
        await told(vendor, "forget", delivery(happened("Gone", who={"email": "ann@example.com", **phone})))
        == {}
    )

    [left] = vendor.profiles
    assert left.names == {"external_id": "ben"}
    assert [event.profile for event in vendor.events] == [left]


def test_a_deletion_names_a_profile_once(vendor: Klaviyo):
    twice = {"type": "profile", "attributes": {"email": "ann@example.com", "phone_number": "+15005550006"}}
    job = {"type": "data-privacy-deletion-job", "attributes": {"profile": {"data": twice}}}
    answer = sent(vendor, "POST", "/api/data-privacy-deletion-jobs", {"data": job})

    assert (answer.status, pointers(answer)) == (400, ["/data/attributes/profile/data"])


def test_profiles_are_found_by_what_a_filter_says(vendor: Klaviyo):
    for who in ("ann", "ben"):
        profile = {"type": "profile", "attributes": {"external_id": who}}
        sent(vendor, "POST", "/api/profile-import", {"data": profile})

    def found(filter: str) -> list[str]:
        answer = sent(vendor, "GET", f"/api/profiles?filter={quote(filter)}")
        assert answer.status == 200
        return [one["attributes"]["external_id"] for one in answer.json()["data"]]

    assert found('equals(external_id,"ben")') == ["ben"]
    assert found('any(external_id,["ann","eve"])') == ["ann"]
    assert found('equals(email,"ann")') == []
    assert sent(vendor, "GET", "/api/profiles?filter=like(email)").status == 400


async def test_a_list_that_is_not_there_pauses_the_sink(vendor: Klaviyo):
    consent = {"channel": "email", "purpose": "marketing", "state": "granted"}

    with pytest.raises(hub.CredentialsRejected, match="list_id"):
        await told(vendor, "subscribe", delivery(happened("consent_changed", consent)), list_id="nope")


@pytest.mark.parametrize(
    ("spoiled", "pointer"),
    [
        (event(metric={"data": {"type": "metric", "attributes": {"name": "n" * 128}}}), "/metric/data/"),
        (event(properties={f"p{n}": n for n in range(401)}), "/properties"),
        (event(properties={"deep": [{"text": "x" * 100_001}]}), "/properties"),
        (event(time="1989-12-31T00:00:00Z"), "/time"),
        (event(time="2099-01-01T00:00:00Z"), "/time"),
        (event(value="19.90"), "/value"),
        (event(value_currency="EURO"), "/value_currency"),
        (event(profile={"data": {"type": "profile", "attributes": {}}}), "/profile"),
        (event(profile={"data": {"type": "profile", "attributes": {"email": "ann"}}}), "/email"),
        (
            event(profile={"data": {"type": "profile", "attributes": {"phone_number": "0171"}}}),
            "/phone_number",
        ),
        (event(profile={}), "/profile"),
        ({"data": {}}, "/data"),
        ({}, "/"),
    ],
)
def test_what_the_vendor_would_refuse_is_refused_at_its_place(vendor: Klaviyo, spoiled: Any, pointer: str):
    answer = sent(vendor, "POST", "/api/events", spoiled)

    assert answer.status == 400
    assert any(pointer in found for found in pointers(answer))
    assert vendor.events == []


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/api/events", event(), {"authorization": "Klaviyo-API-Key pk_other"}, 401),
        ("/api/events", event(), {"authorization": "Bearer pk_test"}, 401),
        ("/api/events", event(), {"revision": ""}, 400),
        ("/api/events", event(), {"revision": "2020-01-01"}, 410),
        ("/api/events", event(), {"content_type": "application/json"}, 415),
        ("/api/events", b"{", {}, 400),
        ("/api/events", b"[]", {}, 400),
        ("/api/events", b" " * 5_000_001, {}, 413),
        ("/api/eventz", event(), {}, 404),
    ],
)
def test_requests_that_are_not_for_it_are_refused(
    vendor: Klaviyo, path: str, body: Any, headers: Any, status: int
):
    assert sent(vendor, "POST", path, body, **headers).status == status


@pytest.mark.skipif(contracts() is None, reason="HUB_SHARED names no folder of contracts")
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/accounts", None, 200),
        ("POST", "/api/events", event(), 202),
        ("POST", "/api/events", event(value="much"), 400),
        ("POST", "/api/profile-import", {"data": PERSON}, 201),
        (
            "POST",
            "/api/profile-bulk-import-jobs",
            {"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": [PERSON]}}}},
            202,
        ),
    ],
)
def test_its_answers_pass_the_vendors_contract_too(
    vendor: Klaviyo, method: str, path: str, body: Any, status: int
):
    contract = Contract.of(CONTRACT)
    answer = sent(vendor, method, path, body)

    assert answer.status == status
    assert contract is not None
    assert contract.answer_faults(method, path, answer) == []


def test_a_body_in_chunks_is_read(vendor: Klaviyo):
    connection = HTTPConnection("127.0.0.1", vendor.port, timeout=10)
    raw = json.dumps(event()).encode()
    connection.request("POST", "/api/events", iter([raw[:9], raw[9:]]), HEADERS, encode_chunked=True)

    assert connection.getresponse().status == 202
    connection.close()


def test_limits_are_told_with_every_answer_and_kept():
    seconds = [0.0]
    with Klaviyo(now=lambda: seconds[0]) as vendor:
        first = sent(vendor, "GET", "/api/accounts")
        second = sent(vendor, "GET", "/api/accounts")
        seconds[0] = 1.0
        third = sent(vendor, "GET", "/api/accounts")

    limits = {name: value for name, value in first.headers.items() if name.startswith("ratelimit")}
    assert limits == {"ratelimit-limit": "15", "ratelimit-remaining": "14", "ratelimit-reset": "60"}
    assert (second.status, third.status) == (429, 200)
    assert second.header("retry-after") == "2"
    assert second.header("ratelimit-limit") is None


def test_it_is_full_down_and_broken_for_as_long_as_it_is_told(vendor: Klaviyo):
    vendor.full(after=7, times=1)
    full = sent(vendor, "GET", "/api/accounts")
    vendor.down(503)
    down = [sent(vendor, "GET", "/api/accounts").status for _ in range(2)]
    vendor.broken(times=1)
    with pytest.raises((ConnectionResetError, RemoteDisconnected)):
        sent(vendor, "GET", "/api/accounts")

    assert (full.status, full.header("retry-after")) == (429, "7")
    assert full.json()["errors"][0]["code"] == "throttled"
    assert down == [503, 503]
    assert sent(vendor, "GET", "/api/accounts").status == 200


def test_it_comes_back_at_the_same_place(vendor: Klaviyo):
    vendor.stop()
    with pytest.raises(ConnectionRefusedError):
        sent(vendor, "GET", "/api/accounts")
    vendor.start()

    assert sent(vendor, "GET", "/api/accounts").status == 200
    vendor.stop()
    vendor.stop()


def test_what_it_keeps_can_be_asked_for(vendor: Klaviyo):
    sent(vendor, "POST", "/api/events", event())

    [kept] = sent(vendor, "GET", "/api/events?page[size]=10").json()["data"]
    [profile] = sent(vendor, "GET", "/api/profiles").json()["data"]
    assert (kept["metric"], kept["profile"]) == ("Product Added", profile["id"])
    assert profile["attributes"]["email"] == "ann@example.com"
