"""Google's tags at a running gateway: what is on disk, and what they hear."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlencode

import pytest
from gateway_house import block, config, running
from gtm_house import SECRET, TID

from connectors.gtm import Gtm

HIT = f"/g/collect?v=2&tid={TID}&cid=1.2&_p=77"
CALL = f"/mp/collect?measurement_id={TID}"


@pytest.fixture
async def house(tmp_path):
    tags = block("tags", Gtm, measurement_ids=[TID], api_secret=SECRET)
    other = block("other", Gtm, measurement_ids=["G-OTHER"])
    async with running(tmp_path, given=config(tmp_path, tags, other)) as house:
        yield house


def names(house):
    return [event["name"] for event in house.events]


async def test_a_hit_is_answered_204_with_nothing_once_it_is_on_disk(house):
    reply = await house.ask("POST", f"{HIT}&_s=1&en=page_view", origin="https://shop.example")

    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    [event] = house.events
    assert (event["name"], event["source"], event.get("trust", "public")) == ("page_viewed", "tags", "public")
    assert (await house.ask("GET", f"{HIT}&_s=2&en=scroll")).status == 204
    assert names(house) == ["page_viewed", "scroll_reached"]


async def test_a_batch_of_lines_is_kept_and_its_bad_line_quarantined(house):
    reply = await house.ask(
        "POST", f"{HIT}&_s=1", b"en=page_view\nep.a=1\nen=scroll", content_type="text/plain"
    )

    assert reply.status == 204
    assert names(house) == ["page_viewed", "scroll_reached"]
    [bad] = house.quarantine
    assert bad.reason == "the hit has no event name (en)"


async def test_the_measurement_id_names_the_source(house):
    await house.ask("POST", "/g/collect?v=2&tid=G-OTHER&cid=1&en=login")
    unknown = await house.ask("POST", "/g/collect?v=2&tid=G-NOBODY&cid=1&en=login")

    assert [event["source"] for event in house.events] == ["other"]
    assert unknown.status == 401


@pytest.mark.parametrize(
    ("query", "status", "trust"),
    [
        (f"&api_secret={SECRET}", 204, "secret"),
        ("", 204, "public"),
        ("&api_secret=wrong", 401, None),
    ],
)
async def test_a_call_proves_itself_by_its_secret(house, query, status, trust):
    reply = await house.ask("POST", CALL + query, {"client_id": "1", "events": [{"name": "login"}]})

    assert reply.status == status
    assert [event.get("trust", "public") for event in house.events] == ([trust] if trust else [])
    assert SECRET.encode() not in reply.whole


async def test_a_secret_that_nobody_asked_for_costs_no_event(house):
    target = "/mp/collect?measurement_id=G-OTHER&api_secret=anything"
    reply = await house.ask("POST", target, {"client_id": "1", "events": [{"name": "login"}]})

    assert reply.status == 204
    assert [(event["source"], event.get("trust", "public")) for event in house.events] == [
        ("other", "public")
    ]


async def test_the_validation_stores_nothing(house):
    reply = await house.ask("POST", f"/debug{CALL}&api_secret={SECRET}", {"events": [{"name": "error"}]})

    assert reply.status == 200
    assert [message["fieldPath"] for message in reply.json()["validationMessages"]] == [
        "client_id",
        "events[0].name",
    ]
    assert house.events == house.quarantine == []


async def test_containers_are_answered_in_the_hubs_own_words(house):
    proven = await house.ask(
        "POST",
        "/in/tags",
        {"event_name": "purchase", "transaction_id": "T-1"},
        authorization=f"Bearer {SECRET}",
    )
    claimed = await house.ask("POST", f"/in/tags?tid={TID}", [{"event": "login"}, 3])
    refused = await house.ask("POST", "/in/tags", {"event_name": "purchase"})

    assert proven.json() == {"success": True, "accepted": 1, "quarantined": 0}
    assert claimed.json() == {"success": True, "accepted": 1, "quarantined": 1}
    assert refused.status == 401
    assert [event.get("trust", "public") for event in house.events] == ["secret", "public"]


async def test_a_browser_that_asks_first_is_let_through(house):
    reply = await house.ask(
        "OPTIONS", HIT, origin="https://shop.example", access_control_request_method="POST"
    )

    assert (reply.status, reply.headers["access-control-allow-origin"]) == (204, "https://shop.example")


@pytest.mark.parametrize("path", ["/g/collect", "/mp/collect", "/debug/mp/collect", "/in/tags"])
async def test_hostile_bodies_are_never_a_fault_of_ours(house, path):
    query = urlencode({"tid": TID, "v": "2"} if path == "/g/collect" else {"tid": TID, "api_secret": SECRET})
    bodies = [
        b"\xff\xfe\x00",
        b"[" * 20_000,
        b'{"events": [{"name": 1e999}, {"name": NaN}, {"name": "\\ud800"}]}',
        b'{"events": ' + b"9" * 6000 + b"}",
        b"&".join(b"a%d=1" % n for n in range(3000)),
        b"\n".join([b"en=x"] * 500),
        json.dumps({"events": [{"name": "a", "params": {"items": {"a": [[]]}}}]}).encode(),
        b"en=\x00%00&pr1=~~~&dl=https://[",
    ]
    replies = await asyncio.gather(*(house.ask("POST", f"{path}?{query}", body) for body in bodies))

    assert {reply.status for reply in replies} <= {200, 204, 400}
