"""The stand-in for Mailchimp is as strict as the vendor, keeps what it takes, and fails when told to."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import RemoteDisconnected
from typing import Any

import on_the_wire
import pytest
from mailchimp_house import CONTRACT, LIST, consent, mailchimp, people, place
from vendor_house import delivery, happened

import hub
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Rehearsal
from hub.testing.runs import address
from hub.testing.vendors.mailchimp import Mailchimp
from hub.wire import Request, Response

HEADERS = {
    "authorization": f"Basic {b64encode(b'hub:0123abc-us6').decode()}",
    "content-type": "application/json",
}
ANN = {"email_address": "ann@example.com", "status_if_new": "subscribed"}
EVENT = {"name": "order_completed", "properties": {"order_id": "o1"}, "occurred_at": "2026-11-21T10:00:00Z"}
TAGS = {"tags": [{"name": "vip", "status": "active"}]}
TRIGGER = "/customer-journeys/journeys/12/steps/34/actions/trigger"


@pytest.fixture
def vendor() -> Iterator[Mailchimp]:
    with Mailchimp(keys=["0123abc-us6"], lists=["a6b5da1054"], journeys=["12/34"]) as vendor:
        yield vendor


def sent(vendor: Mailchimp, method: str, path: str, body: Any = None, **headers: str) -> Response:
    """A request with the vendor's headers, and these."""
    raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    said = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return on_the_wire.sent(vendor, method, f"/3.0{path}", raw, said)


async def told(vendor: Mailchimp, action: str, *deliveries: hub.Delivery, **settings: Any) -> Any:
    """What the sink makes of the stand-in's answers."""

    def answer(request: Request) -> Response:
        body, _ = request.body()
        return sent(vendor, request.method, address(request, ""), body or None, **request.headers)

    return await Rehearsal(mailchimp(**settings), answer).play(action, deliveries)


def person(**traits: Any) -> hub.Delivery:
    return delivery(happened("", type="identify"), traits=traits)


async def test_a_member_is_kept_and_changes(vendor: Mailchimp):
    await told(vendor, "profile", person(first_name="Ann", locale="de_DE"))
    await told(vendor, "profile", person(last_name="Smith"))

    [kept] = vendor.members
    assert (kept.email, kept.status, kept.language) == ("ann@example.com", "transactional", "de")
    assert kept.merge_fields == {"FNAME": "Ann", "LNAME": "Smith"}


async def test_people_who_are_new_and_people_who_are_there_arrive_together(vendor: Mailchimp):
    await told(vendor, "subscribe", delivery(consent()))
    assert await told(vendor, "profile", *people("ann", "bob", "cat")) == {}

    assert [(one.email, one.status) for one in vendor.members] == [
        ("ann@example.com", "subscribed"),
        ("bob@example.com", "transactional"),
        ("cat@example.com", "transactional"),
    ]
    assert {one.merge_fields["FNAME"] for one in vendor.members} == {"Ann", "Bob", "Cat"}
    assert [one.method for one in vendor.heard] == ["PUT", "POST", "PUT"]


@pytest.mark.parametrize("who", [["ann"], ["ann", "bob"]])
async def test_who_left_by_themselves_is_told_of_but_never_brought_back(vendor: Mailchimp, who: list[str]):
    await told(vendor, "subscribe", delivery(consent()))
    vendor.leave("ann@example.com")
    assert await told(vendor, "profile", *people(*who), status_if_new="subscribed") == {}
    again = await told(vendor, "subscribe", *people(*who, event=consent()))

    kept = vendor.member("ann@example.com")
    assert kept is not None
    assert (kept.status, kept.merge_fields) == ("unsubscribed", {"FNAME": "Ann"})
    assert [type(fault) for fault in again.values()] == [hub.GiveUp]


@pytest.mark.parametrize("who", [["ann"], ["ann", "bob"]])
async def test_who_left_and_agrees_again_is_asked_by_mailchimp(vendor: Mailchimp, who: list[str]):
    await told(vendor, "subscribe", delivery(consent()))
    vendor.leave("ann@example.com")
    assert await told(vendor, "subscribe", *people(*who, event=consent()), confirmation="again") == {}

    kept = vendor.member("ann@example.com")
    assert kept is not None
    assert kept.status == "pending"


async def test_people_come_and_go(vendor: Mailchimp):
    await told(vendor, "subscribe", *people("ann", "bob", event=consent()))
    assert {one.status for one in vendor.members} == {"subscribed"}
    assert {one.timestamp_opt for one in vendor.members} == {"2026-11-21T10:00:00Z"}

    await told(vendor, "unsubscribe", *people("ann", "bob", "cat", event=consent("denied")))
    assert [one.status for one in vendor.members] == ["unsubscribed"] * 3


async def test_an_event_is_kept_with_whom_it_happened_to(vendor: Mailchimp):
    bought = happened("Order Completed", {"order_id": "o1", "revenue": 19.9})
    await told(vendor, "track", delivery(bought, traits={"first_name": "Ann"}))

    [kept] = vendor.events
    assert (kept.email, kept.name, kept.is_syncing) == ("ann@example.com", "order_completed", False)
    assert kept.properties["revenue"] == "19.9"
    assert vendor.members[0].merge_fields == {"FNAME": "Ann"}
    assert vendor.answered == [404, 200, 204]


async def test_a_repeated_event_is_a_second_one(vendor: Mailchimp):
    for _ in range(2):
        await told(vendor, "track", delivery(happened("Order Completed")))

    assert len(vendor.events) == 2


async def test_tags_come_and_go(vendor: Mailchimp):
    entered = delivery(happened("segment_entered", {"segment": "vip"}))
    await told(vendor, "add", entered)
    assert list(vendor.members[0].tags) == ["vip"]

    await told(vendor, "remove", entered)
    assert list(vendor.members[0].tags) == []


async def test_a_journey_starts_for_a_member(vendor: Mailchimp):
    await told(vendor, "start", delivery(happened("Account Created")), journey="12/34")

    [started] = vendor.triggered
    assert (started.email, started.journey, started.step) == ("ann@example.com", "12", "34")


async def test_a_journey_that_is_not_there_is_a_dead_letter(vendor: Mailchimp):
    with pytest.raises(hub.GiveUp, match="no such step"):
        await told(vendor, "start", delivery(happened("Account Created")), journey="12/35")


async def test_who_is_deleted_for_good_never_comes_back(vendor: Mailchimp):
    await told(vendor, "track", delivery(happened("Order Completed")))
    await told(vendor, "forget", person())
    await told(vendor, "forget", person())
    assert (vendor.members, vendor.events) == ([], [])
    assert len(vendor.forgotten) == 1

    [alone] = (await told(vendor, "profile", person())).values()
    together = await told(vendor, "profile", *people("ann", "bob"))
    assert isinstance(alone, hub.Skip)
    assert [type(fault) for fault in together.values()] == [hub.Skip]
    assert [one.email for one in vendor.members] == ["bob@example.com"]


async def test_exactly_the_refused_ones_of_a_batch_do_not_arrive(vendor: Mailchimp):
    vendor.reject(lambda said: said.get("email_address") in ("bob@example.com", "dan@example.com"))
    found = await told(vendor, "profile", *people("ann", "bob", "cat", "dan"))

    assert [str(fault) for fault in found.values()] == ["answered 200: ERROR_GENERIC at FNAME"] * 2
    assert [one.email for one in vendor.members] == ["ann@example.com", "cat@example.com"]
    assert vendor.answered == [200]


async def test_five_hundred_members_fit_into_a_request_and_its_answer_is_read(vendor: Mailchimp):
    names = [f"p{n}" for n in range(500)]
    assert await told(vendor, "subscribe", *people(*names, event=consent())) == {}

    assert len(vendor.members) == 500
    assert len(vendor.heard) == 1


async def test_required_fields_of_a_form_are_not_missed():
    with Mailchimp(required=["FNAME"]) as vendor:
        assert await told(vendor, "profile", person()) == {}
        answer = sent(vendor, "PUT", place("ann"), ANN)

    assert answer.status == 400
    assert answer.json()["errors"][0]["field"] == "FNAME"


async def test_an_audience_that_is_not_there_pauses_the_sink(vendor: Mailchimp):
    [alone] = (await told(vendor, "profile", person(), list_id="gone")).values()
    assert isinstance(alone, hub.CredentialsRejected)

    with pytest.raises(hub.CredentialsRejected, match="no audience gone"):
        await told(vendor, "profile", *people("ann", "bob"), list_id="gone")
    with pytest.raises(hub.CredentialsRejected, match="no audience gone"):
        await told(vendor, "track", delivery(happened("Order Completed")), list_id="gone")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("", {**ANN, "status_if_new": "active"}, "status_if_new"),
        ("", {"email_address": "ann@example.com"}, ""),
        ("", {**ANN, "email_address": "bob@example.com"}, "email_address"),
        ("", {**ANN, "merge_fields": {"ADDRESS": {"city": "Berlin"}}}, "ADDRESS"),
        ("", {**ANN, "merge_fields": {"BIRTHDAY": "1990-02-28"}}, "BIRTHDAY"),
        ("", {**ANN, "merge_fields": {"FNAME": "ä" * 128}}, "FNAME"),
        ("", {**ANN, "merge_fields": {"FNAME": ["a"]}}, "FNAME"),
        ("", {**ANN, "merge_fields": {"first name": "a"}}, "first name"),
        ("", {**ANN, "timestamp_opt": "yesterday"}, "timestamp_opt"),
        ("/events", {**EVENT, "name": "x"}, "name"),
        ("/events", {**EVENT, "name": "x" * 31}, "name"),
        ("/events", {**EVENT, "properties": {"a": 7}}, "properties"),
        ("/events", {**EVENT, "occurred_at": "yesterday"}, "occurred_at"),
        ("/tags", {"tags": []}, "tags"),
        ("/tags", {"tags": [{"name": "", "status": "active"}]}, "name"),
        ("/tags", {"tags": [{"name": "vip", "status": "on"}]}, "status"),
    ],
)
def test_what_the_vendor_would_refuse_is_refused_at_its_place(
    vendor: Mailchimp, path: str, body: Any, field: str
):
    if path:
        sent(vendor, "PUT", place("ann"), ANN)
    answer = sent(vendor, "POST" if path else "PUT", place("ann", path), body)

    assert (answer.status, answer.json()["title"]) == (400, "Invalid Resource")
    assert answer.header("content-type") == "application/problem+json; charset=utf-8"
    assert any(field in one["field"] for one in answer.json()["errors"])
    assert vendor.events == []


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("PUT", place("ann"), ANN, {"authorization": HEADERS["authorization"][:-4]}, 401),
        ("PUT", place("ann"), ANN, {"authorization": "Bearer 0123abc-us6"}, 401),
        ("PUT", place("ann"), ANN, {"authorization": "Basic ä"}, 401),
        ("PUT", place("ann"), b"{", {}, 400),
        ("PUT", place("ann"), b"[]", {}, 400),
        ("PUT", place("ann"), {**ANN, "email_address": "ann"}, {}, 400),
        ("PUT", f"/lists/gone/members/{place('ann')[-32:]}", ANN, {}, 404),
        ("POST", LIST, {"members": "ann"}, {}, 400),
        ("POST", LIST, {"members": [{**ANN}] * 501}, {}, 400),
        ("POST", place("ann", "/events"), EVENT, {}, 404),
        ("POST", place("ann", "/tags"), TAGS, {}, 404),
        ("POST", TRIGGER, {"email_address": "ann@example.com"}, {}, 404),
        ("POST", TRIGGER, {"email_address": "ann"}, {}, 400),
        ("PATCH", place("ann"), ANN, {}, 404),
    ],
)
def test_requests_that_are_not_for_it_are_refused(
    vendor: Mailchimp, method: str, path: str, body: Any, headers: Any, status: int
):
    assert sent(vendor, method, path, body, **headers).status == status
    assert vendor.members == []


def test_a_batch_says_of_each_member_what_became_of_them(vendor: Mailchimp):
    sent(vendor, "PUT", place("ann"), ANN)
    bob = {"email_address": "bob@example.com", "status": "subscribed"}
    members = [{**bob, "email_address": "ann@example.com"}, bob, bob, {"email_address": "cat@example.com"}]
    said = sent(vendor, "POST", LIST, {"members": members, "update_existing": False}).json()

    assert [one["email_address"] for one in said["new_members"]] == ["bob@example.com"]
    assert [(one["email_address"], one["error_code"]) for one in said["errors"]] == [
        ("ann@example.com", "ERROR_CONTACT_EXISTS"),
        ("bob@example.com", "ERROR_GENERIC"),
        ("cat@example.com", "ERROR_GENERIC"),
    ]
    assert (said["total_created"], said["total_updated"], said["error_count"]) == (1, 0, 3)


@pytest.mark.skipif(contracts() is None, reason="HUB_SHARED names no folder of contracts")
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/ping", None, 200),
        ("GET", LIST, None, 200),
        ("GET", f"{LIST}/members", None, 200),
        ("GET", place("ann"), None, 200),
        ("GET", place("ann", "/events"), None, 200),
        ("PUT", place("ann"), ANN, 200),
        ("PUT", place("ann"), {**ANN, "status": "on"}, 400),
        ("POST", LIST, {"members": [{"email_address": "bob@example.com", "status": "pending"}]}, 200),
        ("POST", place("ann", "/events"), EVENT, 204),
        ("POST", place("ann", "/tags"), TAGS, 204),
        ("POST", place("ann", "/actions/delete-permanent"), None, 204),
    ],
)
def test_its_answers_pass_the_vendors_contract_too(
    vendor: Mailchimp, method: str, path: str, body: Any, status: int
):
    contract = Contract.of(CONTRACT)
    sent(vendor, "PUT", place("ann"), ANN)
    sent(vendor, "POST", place("ann", "/events"), EVENT)
    sent(vendor, "POST", place("ann", "/tags"), TAGS)
    answer = sent(vendor, method, path, body)

    assert answer.status == status
    assert contract is not None
    # The contract describes problems as either kind of JSON; the check reads only the one.
    answer.headers["content-type"] = "application/json"
    assert contract.answer_faults(method, path, answer) == []


@pytest.mark.parametrize(("limited", "refused"), [(True, 2), (False, 0)])
def test_more_than_ten_requests_at_once_are_too_many(limited: bool, refused: int):
    with Mailchimp(limited=limited) as vendor:
        vendor.slow(0.3)
        with ThreadPoolExecutor(12) as pool:
            found = list(pool.map(lambda _: sent(vendor, "GET", "/ping"), range(12)))
        vendor.well()
        last = sent(vendor, "GET", "/ping")

    full = [one for one in found if one.status == 429]
    assert len(full) == refused
    assert all(one.json()["title"] == "Too Many Requests" for one in full)
    assert all(one.header("retry-after") is None for one in full)
    assert last.status == 200


def test_it_is_full_down_and_broken_for_as_long_as_it_is_told(vendor: Mailchimp):
    vendor.full(after=7, times=1)
    full = sent(vendor, "GET", "/ping")
    vendor.down(403, times=1)
    closed = sent(vendor, "GET", "/ping")
    vendor.down(503)
    down = [sent(vendor, "GET", "/ping") for _ in range(2)]
    vendor.broken(times=1)
    with pytest.raises((ConnectionResetError, RemoteDisconnected)):
        sent(vendor, "GET", "/ping")

    assert (full.status, full.json()["title"]) == (429, "Too Many Requests")
    assert (closed.status, closed.body) == (403, b"")
    assert [one.json()["status"] for one in down] == [503, 503]
    assert sent(vendor, "GET", "/ping").status == 200


def test_it_comes_back_at_the_same_place(vendor: Mailchimp):
    vendor.stop()
    with pytest.raises(ConnectionRefusedError):
        sent(vendor, "GET", "/ping")
    vendor.start()

    assert sent(vendor, "GET", "/ping").status == 200
    vendor.stop()
    vendor.stop()


def test_what_it_keeps_can_be_asked_for(vendor: Mailchimp):
    sent(vendor, "PUT", place("ann"), ANN)
    sent(vendor, "POST", place("ann", "/events"), EVENT)

    [kept] = sent(vendor, "GET", f"{LIST}/members").json()["members"]
    [event] = sent(vendor, "GET", place("ann", "/events")).json()["events"]
    assert (kept["email_address"], kept["status"]) == ("ann@example.com", "subscribed")
    assert event == {**EVENT}
    assert sent(vendor, "GET", place("ann")).json()["id"] == place("ann")[-32:]
