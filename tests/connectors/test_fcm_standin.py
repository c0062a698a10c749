"""The stand-in for FCM is as strict as the vendor, keeps what it takes, and refuses when it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import RemoteDisconnected
from typing import Any

import jwt
import on_the_wire
import pytest
from fcm_house import CONTRACT, NINE, UNREGISTERED, delivery, fcm, happened, wanted
from vendor_house import needs_contracts

import hub
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Rehearsal
from hub.testing.vendors.fcm import Fcm
from hub.testing.vendors.fcm.tokens import GRANT, SCOPE
from hub.wire import Request, Response

NOW = NINE / 1_000_000
SENDING = "/v1/projects/stand-in/messages:send"


class Time:
    """What the stand-in takes for the present."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def vendor(time: Time) -> Iterator[Fcm]:
    with Fcm(wall=time) as vendor:
        yield vendor


def sent(vendor: Fcm, path: str, body: bytes, **headers: str) -> Response:
    """A request with these headers."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return on_the_wire.sent(vendor, "POST", path, body, said)


def assertion(vendor: Fcm, **changed: Any) -> str:
    """What the account of this stand-in signs, unless it is changed."""
    account = json.loads(vendor.service_account)
    claims = {
        "iss": account["client_email"],
        "scope": SCOPE,
        "aud": account["token_uri"],
        "iat": int(NOW),
        "exp": int(NOW) + 3600,
        **changed,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, account["private_key"], algorithm="RS256")


def asked_for_a_token(vendor: Fcm, signed: str, grant: str = GRANT) -> Response:
    form = f"grant_type={grant.replace(':', '%3A')}&assertion={signed}".encode()
    return sent(vendor, "/token", form, content_type="application/x-www-form-urlencoded")


@pytest.fixture
def token(vendor: Fcm) -> str:
    return str(asked_for_a_token(vendor, assertion(vendor)).json()["access_token"])


def posted(vendor: Fcm, token: str, message: Any, path: str = SENDING, **more: Any) -> Response:
    body = json.dumps({"message": message, **more}).encode()
    return sent(vendor, path, body, authorization=f"Bearer {token}", content_type="application/json")


def over(vendor: Fcm) -> Rehearsal:
    """The sink, with this stand-in at the far side."""

    def answer(request: Request) -> Response:
        body, content_type = request.body()
        headers = {**request.headers, "content-type": content_type or ""}
        return sent(vendor, request.path.removeprefix(vendor.url), body, **headers)

    return Rehearsal(fcm(service_account=hub.Secret(vendor.service_account)), answer, now_at=NINE)


GOOD = {"token": "device-1", "notification": {"title": "Hi", "body": "There"}, "data": {"order_id": "o1"}}


# Messages


async def test_a_message_is_kept_as_it_was_meant(vendor: Fcm):
    await over(vendor).play("send", [delivery(wanted(name="Monopoly"))])

    [message] = vendor.messages
    assert (message.token, message.title, message.body) == ("device-1", "Your cart", "It is waiting")
    assert message.data["name"] == "Monopoly"
    assert vendor.answered == [200, 200]


async def test_a_device_without_the_app_is_stale(vendor: Fcm):
    vendor.unregister("device-1")
    rehearsal = over(vendor)
    with pytest.raises(hub.GiveUp, match="stale"):
        await rehearsal.play("send", [delivery()])
    await rehearsal.play("send", [delivery(event=happened(devices=["device-1", "device-2"]))])

    assert [message.token for message in vendor.messages] == ["device-2"]


@pytest.mark.parametrize("code", ["SENDER_ID_MISMATCH", "THIRD_PARTY_AUTH_ERROR", "INVALID_ARGUMENT"])
async def test_a_device_is_refused_as_it_is_told(vendor: Fcm, code: str):
    vendor.refuse("device-1", code)
    with pytest.raises(hub.GiveUp, match=code):
        await over(vendor).play("send", [delivery()])

    assert vendor.messages == []


def test_its_refusals_have_the_vendors_shape(vendor: Fcm, token: str):
    vendor.unregister("device-1")
    said = posted(vendor, token, GOOD).json()["error"]
    known = UNREGISTERED.json()["error"]

    assert said["details"] == known["details"]
    assert (said["code"], said["status"]) == (known["code"], known["status"])


def test_what_is_only_looked_at_is_not_kept(vendor: Fcm, token: str):
    answer = posted(vendor, token, {"topic": "news", "data": {"a": "b"}}, validate_only=True)

    assert answer.status == 200
    assert vendor.messages == []


@pytest.mark.parametrize(
    ("spoiled", "field"),
    [
        ({"token": None}, "message"),
        ({"topic": "news"}, "message"),
        ({"token": None, "topic": "/topics/news"}, "message.topic"),
        ({"data": {"value": 7}}, "message.data[0].value"),
        ({"data": {"from": "x"}}, "message.data[0].key"),
        ({"data": {"google.x": "x"}}, "message.data[0].key"),
        ({"data": []}, "message.data"),
        ({"data": {"a": "n" * 4096}}, "message"),
        ({"token": None, "topic": "news", "data": {"a": "n" * 2048}}, "message"),
        ({"android": {"ttl": "1h"}}, "message.android.ttl"),
        ({"android": {"ttl": 3600}}, "message.android.ttl"),
        ({"android": {"ttl": f"{28 * 86400 + 1}s"}}, "message.android.ttl"),
        ({"apns": {"headers": {"apns-expiration": "soon"}}}, "message.apns.headers"),
        ({"apns": {"headers": {"apns-collapse-id": "n" * 65}}}, "message.apns.headers"),
        ({"webpush": {"headers": {"TTL": 60}}}, "message.webpush.headers"),
    ],
)
def test_what_the_vendor_would_refuse_is_refused_at_its_place(
    vendor: Fcm, token: str, spoiled: dict[str, Any], field: str
):
    message = {name: value for name, value in {**GOOD, **spoiled}.items() if value is not None}
    answer = posted(vendor, token, message)

    assert answer.status == 400
    violations = answer.json()["error"]["details"][1]["fieldViolations"]
    assert field in {one["field"] for one in violations}
    assert vendor.messages == []


@needs_contracts
@pytest.mark.parametrize(
    "spoiled", [{"tokn": "x"}, {"notification": {"titel": "Hi"}}, {"android": {"priority": "loud"}}]
)
def test_what_the_contract_does_not_know_is_refused(vendor: Fcm, token: str, spoiled: dict[str, Any]):
    assert posted(vendor, token, {**GOOD, **spoiled}).status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"message": 7}'])
def test_what_is_no_message_is_refused(vendor: Fcm, token: str, body: bytes):
    answer = sent(vendor, SENDING, body, authorization=f"Bearer {token}", content_type="application/json")

    assert answer.status == 400


def test_requests_that_are_not_for_it_are_refused(vendor: Fcm, token: str):
    assert posted(vendor, "other", GOOD).status == 401
    assert posted(vendor, token, GOOD, path=SENDING.replace("stand-in", "other")).status == 403
    assert posted(vendor, token, GOOD, path=SENDING.replace("messages", "texts")).status == 404


@needs_contracts
def test_what_the_vendors_own_library_sends_is_taken(vendor: Fcm, token: str):
    shared = contracts()
    assert shared is not None
    recorded = json.loads((shared / "fcm/sdk-requests.json").read_text())["requests"]
    for one in recorded:
        body = json.dumps(one["body"]).encode()
        headers = {"authorization": f"Bearer {token}", "content_type": "application/json"}
        assert sent(vendor, SENDING, body, **headers).status == 200

    assert [message.token for message in vendor.messages] == ["device-token"]


@needs_contracts
def test_its_answers_pass_the_vendors_contract_too(vendor: Fcm, token: str):
    contract = Contract.of(CONTRACT)
    assert contract is not None

    assert contract.answer_faults("POST", SENDING, posted(vendor, token, GOOD)) == []


# Tokens


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://oauth2.googleapis.com/token"},
        {"aud": None},
        {"iat": int(NOW) - 3700, "exp": int(NOW) - 100},
        {"iat": int(NOW) + 600},
        {"exp": int(NOW) + 3601},
        {"exp": None},
        {"iss": "ann@example.com"},
        {"scope": "https://www.googleapis.com/auth/calendar"},
    ],
)
def test_who_does_not_say_it_rightly_gets_no_token(vendor: Fcm, changed: dict[str, Any]):
    answer = asked_for_a_token(vendor, assertion(vendor, **changed))

    assert answer.status == 400
    assert answer.json()["error"] in ("invalid_grant", "invalid_scope")


def test_who_does_not_sign_gets_no_token(vendor: Fcm):
    head, claims, signature = assertion(vendor).split(".")
    altered = jwt.encode({"iss": "x", "aud": "x", "iat": 1, "exp": 2}, "k" * 32, algorithm="HS256")

    assert asked_for_a_token(vendor, f"{head}.{claims}.{signature[:-8]}AAAAAAAA").status == 400
    assert asked_for_a_token(vendor, altered).status == 400
    assert asked_for_a_token(vendor, "").status == 400
    assert (
        asked_for_a_token(vendor, assertion(vendor), "password").json()["error"] == "unsupported_grant_type"
    )


async def test_a_token_that_ran_out_is_replaced_before_it_is_used(vendor: Fcm, time: Time):
    vendor.expire_after(600)
    rehearsal = over(vendor)
    await rehearsal.play("send", [delivery()])
    time.now += 601
    rehearsal.now_at += 601_000_000
    await rehearsal.play("send", [delivery()])

    assert vendor.answered == [200] * 4


async def test_a_token_that_was_taken_back_is_replaced(vendor: Fcm):
    rehearsal = over(vendor)
    await rehearsal.play("send", [delivery()])
    vendor.revoke()
    await rehearsal.play("send", [delivery()])

    assert vendor.answered == [200, 200, 401, 200, 200]
    assert len(vendor.messages) == 2


async def test_a_clock_that_is_wrong_pauses_the_sink(vendor: Fcm, time: Time):
    time.now += 7200
    with pytest.raises(hub.CredentialsRejected, match="our clock right"):
        await over(vendor).play("send", [delivery()])


# How it is


def test_a_quota_is_kept_and_says_when_to_come_again():
    seconds = [0.0]
    with Fcm(wall=lambda: NOW, now=lambda: seconds[0], per_minute=2) as vendor:
        token = asked_for_a_token(vendor, assertion(vendor)).json()["access_token"]
        answers = [posted(vendor, token, GOOD) for _ in range(3)]
        seconds[0] = 61.0
        answers.append(posted(vendor, token, GOOD))

    assert [answer.status for answer in answers] == [200, 200, 429, 200]
    assert answers[2].header("retry-after") == "60"
    assert answers[2].json()["error"]["details"][0]["errorCode"] == "QUOTA_EXCEEDED"


def test_it_is_full_down_and_broken_for_as_long_as_it_is_told(vendor: Fcm, token: str):
    vendor.full(after=7, times=1)
    full = posted(vendor, token, GOOD)
    vendor.down(503, times=1)
    down = posted(vendor, token, GOOD)
    vendor.broken(times=1)
    with pytest.raises((ConnectionResetError, RemoteDisconnected)):
        posted(vendor, token, GOOD)

    assert (full.status, full.header("retry-after")) == (429, "7")
    assert full.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert (down.status, down.json()["error"]["status"]) == (503, "UNAVAILABLE")
    assert posted(vendor, token, GOOD).status == 200
