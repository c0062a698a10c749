"""The stand-in for Twilio is as strict as the vendor, keeps what it takes, and refuses when it is told to."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from http.client import RemoteDisconnected
from typing import Any
from urllib.parse import urlencode

import on_the_wire
import pytest
from twilio_house import ACCOUNT, CONTENT, CONTRACT, NINE, PATH, SERVICE, delivery, twilio, wanted
from vendor_house import needs_contracts

import hub
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Rehearsal
from hub.testing.vendors.twilio import Twilio
from hub.wire import Request, Response

GOOD = {"To": "+15005550006", "From": "+15005550001", "Body": "Hello"}


@pytest.fixture
def vendor() -> Iterator[Twilio]:
    with Twilio(accounts={ACCOUNT: "token", "SK" + "d" * 32: "hidden"}) as vendor:
        yield vendor


def basic(name: str, secret: str) -> str:
    return "Basic " + b64encode(f"{name}:{secret}".encode()).decode()


def sent(
    vendor: Twilio, form: Any = GOOD, method: str = "POST", path: str = PATH, **headers: str
) -> Response:
    """A request with good credentials, and these headers."""
    raw = form if isinstance(form, bytes) else urlencode(form).encode()
    said = {"authorization": basic(ACCOUNT, "token"), "content-type": "application/x-www-form-urlencoded"}
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    return on_the_wire.sent(vendor, method, path, None if method == "GET" else raw, said)


async def told(vendor: Twilio, *deliveries: hub.Delivery, **settings: Any) -> None:
    """What the sink makes of the stand-in's answers."""

    def answer(request: Request) -> Response:
        body, content_type = request.body()
        headers = {**request.headers, "content-type": content_type or ""}
        return sent(vendor, body, request.method, request.path, **headers)

    for one in deliveries:
        await Rehearsal(twilio(**settings), answer, now_at=NINE).play("send", [one])


async def test_a_message_is_kept_as_it_was_meant(vendor: Twilio):
    await told(vendor, delivery(wanted({"text": "Für Sie & mehr 🛒"})), messaging_service=SERVICE)

    [message] = vendor.messages
    assert (message.to, message.body) == ("+15005550006", "Für Sie & mehr 🛒")
    assert (message.sender, message.service) == ("+15005550001", SERVICE)
    assert message.validity == 600


async def test_a_template_of_its_own_is_kept_with_its_variables(vendor: Twilio):
    await told(vendor, delivery(wanted({"vendor": CONTENT}, name="Ann", value=3)))

    [message] = vendor.messages
    assert (message.content, message.variables) == (CONTENT, {"name": "Ann", "value": "3"})


async def test_a_repeat_is_a_second_message_as_it_is_at_the_vendor(vendor: Twilio):
    await told(vendor, delivery(), delivery())

    assert len({message.sid for message in vendor.messages}) == 2


async def test_who_unsubscribed_gets_nothing(vendor: Twilio):
    vendor.unsubscribe("+15005550006")
    with pytest.raises(hub.Skip, match="unsubscribed"):
        await told(vendor, delivery())

    assert vendor.messages == []


@pytest.mark.parametrize("code", [21211, 21408, 21612, 21614, 21635])
async def test_a_number_is_refused_as_it_is_told(vendor: Twilio, code: int):
    vendor.refuse("+15005550006", code)
    with pytest.raises(hub.GiveUp, match=str(code)):
        await told(vendor, delivery())

    assert sent(vendor, {**GOOD, "To": "+15005550009"}).status == 201


async def test_credentials_that_are_not_its_own_pause_the_sink(vendor: Twilio):
    with pytest.raises(hub.CredentialsRejected, match="20003"):
        await told(vendor, delivery(), auth_token=hub.Secret("other"))
    with pytest.raises(hub.CredentialsRejected, match="20404"):
        await told(
            vendor,
            delivery(),
            account_sid="AC" + "e" * 32,
            api_key_sid="SK" + "d" * 32,
            api_secret=hub.Secret("hidden"),
        )


async def test_an_api_key_is_as_good_as_the_accounts_own_token(vendor: Twilio):
    await told(
        vendor, delivery(), auth_token=None, api_key_sid="SK" + "d" * 32, api_secret=hub.Secret("hidden")
    )

    assert vendor.answered == [201]


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        ({"To": None}, 21604),
        ({"To": "0171 555"}, 21211),
        ({"To": "15005550006"}, 21211),
        ({"From": None}, 21603),
        ({"From": "a name that is too long"}, 21212),
        ({"From": None, "MessagingServiceSid": "4711"}, 21705),
        ({"Body": None}, 21619),
        ({"Body": "n" * 1601}, 21617),
        ({"Body": None, "ContentSid": "4711"}, 21655),
        ({"ContentSid": CONTENT, "ContentVariables": "{"}, 21656),
        ({"ContentSid": CONTENT, "ContentVariables": '{"n": 1}'}, 21656),
        ({"ContentSid": CONTENT, "ContentVariables": "[]"}, 21656),
        ({"ValidityPeriod": "36001"}, 20001),
        ({"ValidityPeriod": "0"}, 20001),
        ({"ValidityPeriod": "-1"}, 20001),
    ],
)
def test_what_the_vendor_would_refuse_is_refused_with_its_code(
    vendor: Twilio, spoiled: dict[str, str | None], code: int
):
    form = {name: value for name, value in {**GOOD, **spoiled}.items() if value is not None}
    answer = sent(vendor, form)

    assert answer.status == 400
    assert answer.json()["code"] == code
    assert vendor.messages == []


@needs_contracts
def test_a_parameter_that_there_is_not_is_refused(vendor: Twilio):
    assert sent(vendor, {**GOOD, "Bdy": "Hello"}).json()["code"] == 20001


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", PATH, {"authorization": ""}, 401),
        ("POST", PATH, {"authorization": "Bearer token"}, 401),
        ("POST", PATH, {"authorization": "Basic \x80"}, 401),
        ("POST", PATH, {"authorization": basic("ann", "token")}, 401),
        ("POST", PATH, {"content_type": "application/json"}, 400),
        ("POST", PATH.replace("Messages", "Calls"), {}, 404),
        ("PUT", PATH, {}, 404),
    ],
)
def test_requests_that_are_not_for_it_are_refused(
    vendor: Twilio, method: str, path: str, headers: dict[str, str], status: int
):
    answer = sent(vendor, GOOD, method, path, **headers)

    assert answer.status == status
    assert answer.json()["status"] == status


@needs_contracts
def test_what_the_vendors_own_library_sends_is_taken(vendor: Twilio):
    shared = contracts()
    assert shared is not None
    recorded = json.loads((shared / "twilio/sdk-requests.json").read_text())["requests"]
    for one in recorded[:2]:
        path = one["url"].removeprefix("https://api.twilio.com")
        answer = sent(vendor, one["body_text"].encode(), path=path)
        assert (answer.status, answer.json().get("code")) == (201, None)

    assert [message.body for message in vendor.messages] == ["Hello", "Later"]


@needs_contracts
def test_its_answers_pass_the_vendors_contract_too(vendor: Twilio):
    contract = Contract.of(CONTRACT)
    assert contract is not None
    made, listed = sent(vendor), sent(vendor, method="GET", path=PATH + "?PageSize=1")

    assert (made.status, listed.status) == (201, 200)
    assert contract.answer_faults("POST", PATH, made) == []
    assert contract.answer_faults("GET", PATH, listed) == []


def test_what_it_keeps_can_be_asked_for(vendor: Twilio):
    for number in range(3):
        sent(vendor, {**GOOD, "To": f"+1500555000{number}"})

    found = sent(vendor, method="GET", path=PATH + "?PageSize=2").json()["messages"]
    one = sent(vendor, method="GET", path=PATH + "?To=%2B15005550001").json()["messages"]
    assert [message["to"] for message in found] == ["+15005550002", "+15005550001"]
    assert [message["to"] for message in one] == ["+15005550001"]


def test_it_is_full_down_and_broken_for_as_long_as_it_is_told(vendor: Twilio):
    vendor.full(after=7, times=1)
    full = sent(vendor)
    vendor.down(503, times=1)
    down = sent(vendor)
    vendor.broken(times=1)
    with pytest.raises((ConnectionResetError, RemoteDisconnected)):
        sent(vendor)

    assert (full.status, full.header("retry-after"), full.json()["code"]) == (429, "7", 20429)
    assert (down.status, down.json()["code"]) == (503, 20503)
    assert sent(vendor).status == 201
