"""Webhooks and CloudEvents at a running hub: official libraries send, and their events arrive once."""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime, timedelta

import pytest
from cloudevents.core.bindings import http as binding
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from gateway_house import block, config, running
from running_hub import wait_for
from standardwebhooks import Webhook as Library
from webhook_source_house import ORDER, PARTNER, WHSEC

from connectors.segment import Segment
from connectors.webhook import WebhookSource


@pytest.fixture
async def house(tmp_path):
    sources = [
        block("partner", WebhookSource, secret=WHSEC, **PARTNER),
        block("cloud", WebhookSource, token="t0k", identifiers={"email": "email"}),
        block("open", WebhookSource, items="events"),
        block("slack", WebhookSource, secret="k", signature="slack", id="event_id"),
        block("site", Segment, public_keys=["pk"]),
    ]
    async with running(tmp_path, given=config(tmp_path, *sources)) as house:
        yield house


def signed(body: bytes, *, id="msg_1", late=timedelta()) -> dict[str, str]:
    """The headers as the library of Standard Webhooks makes them."""
    at = datetime.now(UTC) - late
    return {
        "webhook_id": id,
        "webhook_timestamp": str(int(at.timestamp())),
        "webhook_signature": Library(WHSEC).sign(id, at, body.decode()),
    }


def trusts(house):
    return [event.get("trust", "public") for event in house.events]


async def test_a_signed_webhook_is_proven_and_on_disk(house):
    body = json.dumps(ORDER).encode()

    reply = await house.ask("POST", "/in/partner", body, **signed(body))

    assert reply.json() == {"success": True, "accepted": 1, "quarantined": 0}
    [event] = house.events
    assert (event["id"], event["name"], event["trust"]) == ("o-1", "order_completed", "secret")


@pytest.mark.parametrize(
    "change",
    [
        lambda body: (body.replace(b"12.5", b"0.01"), signed(body)),
        lambda body: (body, signed(body, late=timedelta(minutes=6))),
        lambda body: (body, signed(body, late=-timedelta(minutes=6))),
        lambda body: (body, {}),
    ],
    ids=["altered", "old", "of tomorrow", "unsigned"],
)
async def test_what_is_not_proven_is_answered_401_and_leaves_nothing(house, change):
    body, headers = change(json.dumps(ORDER).encode())

    reply = await house.ask("POST", "/in/partner", body, **headers)

    assert reply.status == 401
    assert house.events == house.quarantine == []
    assert WHSEC.encode() not in reply.whole


async def test_a_request_that_is_no_json_is_answered_400(house):
    assert (await house.ask("POST", "/in/partner", b"{", **signed(b"{"))).status == 400


async def test_a_bad_event_is_quarantined_beside_its_good_neighbours(house):
    body = {"events": [{"type": "a"}, {"kind": "b"}, {"type": "c"}]}

    reply = await house.ask("POST", "/in/open", body)

    assert reply.json() == {"success": True, "accepted": 2, "quarantined": 1}
    assert trusts(house) == ["public", "public"]
    [bad] = house.quarantine
    assert (bad.reason, json.loads(bad.body)) == ("there is no event name at 'type'", {"kind": "b"})


def cloud_event(number=1):
    return CloudEvent(
        {"id": f"e-{number}", "source": "/shop", "type": "com.example.order.completed"},
        {"email": "ann@example.com", "order_id": str(number)},
    )


@pytest.mark.parametrize("write", [binding.to_binary, binding.to_structured])
async def test_cloud_events_of_the_official_library_arrive_complete(house, write):
    message = write(cloud_event(), JSONFormat())

    reply = await house.ask("POST", "/in/cloud", message.body, authorization="Bearer t0k", **message.headers)

    assert reply.json()["accepted"] == 1
    [event] = house.events
    assert (event["id"], event["name"]) == ("/shop e-1", "com_example_order_completed")
    assert event["identifiers"] == [["email", "ann@example.com"]]
    assert event["properties"] == {"email": "ann@example.com", "order_id": "1"}
    assert trusts(house) == ["secret"]


async def test_a_sender_of_cloud_events_that_asks_first_may_send(house):
    reply = await house.ask(
        "OPTIONS", "/in/cloud", webhook_request_origin="eventemitter.example.com", webhook_request_rate="120"
    )

    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["webhook-allowed-origin"] == "eventemitter.example.com"
    assert reply.headers["webhook-allowed-rate"] == "*"
    assert (await house.ask("OPTIONS", "/in/cloud")).status == 405
    assert (await house.ask("OPTIONS", "/in/nobody", webhook_request_origin="x.example")).status == 404
    browser = await house.ask("OPTIONS", "/in/site", origin="https://shop.example")
    assert browser.headers["access-control-allow-origin"] == "https://shop.example"


HUB = """
[sources.partner]
connector   = "webhook"
secret      = { file = "partner_secret" }
id          = "data.id"
time        = "timestamp"
identifiers = { email = "data.email" }
properties  = "data"

[sources.cloud]
connector   = "webhook"
token       = { file = "partner_secret" }
identifiers = { email = "email" }
"""


def test_what_is_sent_again_and_again_counts_once(hubs, tmp_path):
    (tmp_path / "hub0").mkdir()
    (tmp_path / "hub0" / "partner_secret").write_text(WHSEC)
    (tmp_path / "hub0" / "partner_secret").chmod(0o600)
    hub = hubs(HUB).start()

    for number in range(20):
        order = {**ORDER, "data": ORDER["data"] | {"id": f"o-{number}", "orderId": number}}
        body = json.dumps(order).encode()
        cloud = binding.to_binary(cloud_event(number), JSONFormat())
        again = binding.to_structured(cloud_event(number), JSONFormat())
        token = {"authorization": f"Bearer {WHSEC}"}
        for _ in range(2):
            # A sender repeats a request under the same id, with a new time and signature.
            headers = {name.replace("_", "-"): value for name, value in signed(body).items()}
            assert send(hub.port, "/in/partner", body, headers) == 200
        assert send(hub.port, "/in/cloud", cloud.body, cloud.headers | token) == 200
        assert send(hub.port, "/in/cloud", again.body, again.headers | token) == 200

    def told():
        events = json.loads(hub.command("audit", "--json").splitlines()[0])
        return events if events["accepted"] == events["processed"] + events["duplicate"] else None

    events = wait_for(told)
    assert (events["accepted"], events["processed"], events["duplicate"]) == (80, 40, 40)
    assert events["balanced"] is True
    [person] = hub.exported("people")
    assert person["identifiers"] == [{"kind": "email", "value": "ann@example.com"}]


def send(port, path, body, headers) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
