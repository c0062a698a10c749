"""The webhook sink: exact requests to the exact address, signed as Standard Webhooks says."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest
import respx
from delivery_house import DeliveryHouse, webhook
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook as Official

from connectors.webhook.sink import Webhook
from hub.connector import Delivery, Limits
from hub.event import Event, Identifier
from hub.option import Secret
from hub.wire import Request

URL = "https://audit.example/hooks/in?team=7"
NOW = 1_700_000_123_456_789
RAW = b"0123456789abcdef0123456789abcdef"
WHSEC = "whsec_" + base64.b64encode(RAW).decode()

EVENT = Event(
    id="m-1",
    type="track",
    name="order_completed",
    source="site",
    identifiers=(Identifier("user_id", "u1"), Identifier("email", "ann@example.com")),
    occurred_at=1_700_000_000_250_000,
    properties={"revenue": 12.5},
    context={"page": "/thanks"},
)


def delivery(n: int = 1) -> Delivery:
    return Delivery(
        f"{n:032x}", EVENT, "00000000000000aa", (Identifier("email", "a@example.org"),), {"plan": "pro"}
    )


def requests(count: int = 1, *, batch: int = 1, **settings: Any) -> Request:
    """The one request that so many deliveries cause, signed."""
    sink = Webhook(Webhook.Settings(url=URL, **settings), "audit")
    sink.allowed = {"send": Limits(batch=batch)}
    spoken = sink.send([delivery(n) for n in range(1, count + 1)])
    request = next(spoken)
    assert isinstance(request, Request)
    with pytest.raises(StopIteration) as end:
        spoken.send(None)
    assert end.value.value is None
    return sink.sign(request, NOW)


def test_one_event_is_one_object():
    request = requests()

    assert json.loads(request.body()[0]) == {
        "type": "order_completed",
        "timestamp": "2023-11-14T22:13:20.250Z",
        "data": {
            "delivery": f"{1:032x}",
            "id": "m-1",
            "person": "00000000000000aa",
            "properties": {"revenue": 12.5},
            "identifiers": {"user_id": "u1", "email": ["ann@example.com", "a@example.org"]},
            "traits": {"plan": "pro"},
            "context": {"page": "/thanks"},
        },
    }
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("secret", [WHSEC, "a plain secret"])
def test_the_official_library_accepts_the_signature(secret):
    request = requests(secret=Secret(secret))
    key = RAW if secret == WHSEC else secret.encode()
    said = f"{request.headers['webhook-id']}.{NOW // 1_000_000}.".encode() + request.body()[0]

    assert request.headers["webhook-id"] == f"{1:032x}"
    assert request.headers["webhook-timestamp"] == "1700000123"
    official = Official(base64.b64encode(key).decode())
    signature = official.sign(
        msg_id=request.headers["webhook-id"],
        timestamp=__import__("datetime").datetime.fromtimestamp(NOW // 1_000_000, __import__("datetime").UTC),
        data=request.body()[0].decode(),
    )
    assert request.headers["webhook-signature"] == signature
    assert said


async def test_the_official_library_verifies_what_arrives(tmp_path):
    from hub.clock import WallClock

    house = DeliveryHouse(tmp_path, WallClock())
    house.plan(who="ann")
    with respx.mock:
        route = respx.post(URL).mock(return_value=httpx.Response(204))
        async with house.delivering(webhook("audit", URL, secret=Secret(WHSEC))):
            await house.quiet()
    [call] = route.calls

    said = Official(WHSEC).verify(call.request.content, dict(call.request.headers))
    assert said["data"]["delivery"] == call.request.headers["webhook-id"]
    assert house.assert_balanced("audit")["delivered"] == 1
    house.close()


@pytest.mark.parametrize("secret", ["whsec_", "whsec_no base64", "whsec_ü"])
def test_a_secret_that_no_receiver_can_share_is_refused_without_showing_it(secret):
    with pytest.raises(ValidationError, match="what stands behind whsec_ is no base64") as refused:
        Webhook.Settings(url=URL, secret=Secret(secret))

    assert secret[6:] == "" or secret not in str(refused.value)


@pytest.mark.parametrize("url", ["", "audit.example/hook", "ftp://audit.example", "https:///hook", "…"])
@pytest.mark.parametrize("kind", [str, Secret])
def test_an_address_that_is_none_is_refused_without_showing_it(kind, url):
    with pytest.raises(ValidationError, match="must be a web address: https://host/path") as refused:
        Webhook.Settings(url=kind(url))

    assert kind is str or not url or url not in str(refused.value)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"X Team": "7"}, "no header can be called 'X Team'"),
        ({"": "7"}, "no header can be called ''"),
        ({"X-Team": "7\r\nX-Other: 8"}, "X-Team: a header's value is one line of ASCII"),
        ({"X-Team": Secret("tëam")}, "X-Team: a header's value is one line of ASCII"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused(headers, told):
    with pytest.raises(ValidationError, match=told) as refused:
        Webhook.Settings(url=URL, headers=headers)

    assert "tëam" not in str(refused.value)


def test_without_a_secret_nothing_is_signed():
    assert "webhook-signature" not in requests().headers


def test_several_are_one_array_under_the_hash_of_their_ids():
    request = requests(3, batch=100)
    ids = "".join(f"{n:032x}" for n in (1, 2, 3))

    body = json.loads(request.body()[0])
    assert [one["data"]["delivery"] for one in body] == [f"{n:032x}" for n in (1, 2, 3)]
    assert request.headers["webhook-id"] == hashlib.blake2b(ids.encode(), digest_size=16).hexdigest()


def test_a_receiver_of_arrays_gets_an_array_of_one():
    assert isinstance(json.loads(requests(1, batch=100).body()[0]), list)


def test_the_second_attempt_says_the_same_under_the_same_id():
    assert requests() == requests()


def test_method_and_headers_are_the_receivers():
    request = requests(method="PUT", headers={"Authorization": Secret("Bearer t"), "X-Team": "7"})

    assert request.method == "PUT"
    assert request.headers["authorization"] == "Bearer t"
    assert request.headers["x-team"] == "7"


def test_no_secret_shows():
    settings = Webhook.Settings(
        url=Secret("https://h.example/T0KEN"), secret=Secret(WHSEC), headers={"Authorization": Secret("t0p")}
    )

    assert not any(word in repr(settings) for word in ("T0KEN", WHSEC, "t0p"))


@pytest.mark.parametrize("status", [200, 202, 204])
@respx.mock
async def test_the_exact_address_is_called(status, tmp_path):
    route = respx.post("https://audit.example/hooks/in", params={"team": "7"}).mock(
        return_value=httpx.Response(status)
    )
    house = DeliveryHouse(tmp_path)
    house.plan()
    async with house.delivering(webhook("audit", URL)):
        await house.quiet()

    assert route.call_count == 1
    house.close()
