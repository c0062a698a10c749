"""The API: who may use it, what it is told, and what it tells."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from gateway_house import PUBLIC, SECRET, TOKEN, config, running

from hub.clock import DrivenClock, WallClock
from hub.errors import StoreUnavailable, TooFast
from hub.store.port import Kind
from hub.store.sqlite.journal import SqliteJournalWriter


@pytest.fixture
async def house(tmp_path):
    async with running(tmp_path) as house:
        yield house


async def test_a_command_becomes_an_entry_of_the_journal(house):
    reply = await house.api("POST", "/api/commands", {"command": "replay", "sink": "news"})

    assert (reply.status, reply.json()) == (200, {"success": True})
    [entry] = house.entries
    assert (entry.kind, json.loads(entry.body)) == (Kind.COMMAND, {"command": "replay", "sink": "news"})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"command": "repaly"}, "unknown command; did you mean 'replay'?"),
        ({"command": ["drop"]}, None),
        ([], None),
        (b"{", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
    ],
    ids=["misspelt", "a list", "no object", "no JSON", "deep"],
)
async def test_what_is_no_command_is_refused_with_what_would_be_one(house, body, reason):
    reply = await house.api("POST", "/api/commands", body)

    assert reply.status == 400
    assert reason is None or reply.json()["reason"] == reason
    assert house.entries == []


STRANGERS = {
    "no token": {"authorization": ""},
    "a wrong token": {"authorization": "Bearer nothing"},
    "a token in other letters": {"authorization": "Bearer \xff\xfe"},
    "the token as another kind": {"authorization": f"Basic {TOKEN}"},
    "a public key": {"authorization": f"Bearer {PUBLIC}"},
    "a secret key": {"authorization": f"Bearer {SECRET}"},
    "who says to be us": {"authorization": "", "x_forwarded_for": "127.0.0.1"},
    "another method in a header": {"authorization": "", "x_http_method_override": "GET"},
}


@pytest.mark.parametrize("headers", STRANGERS.values(), ids=STRANGERS)
async def test_strangers_are_refused_whatever_they_ask(house, headers):
    for method, path in (
        ("GET", "/api/status"),
        ("POST", "/api/commands"),
        ("POST", "/api/nothing"),
        ("PUT", "/api/"),
    ):
        reply = await house.api(method, path, {"command": "drop"}, **headers)

        assert reply.status == 401
    assert house.entries == []


async def test_the_api_answers_neither_strange_hosts_nor_strange_pages(house):
    rebound = await house.api("GET", "/api/status", host="evil.example")
    forged = await house.api("POST", "/api/reload", origin="https://evil.example")
    own = await house.api("GET", "/api/status", host="hub.example.com", origin="https://hub.example.com")

    assert (rebound.status, forged.status, own.status) == (403, 403, 200)
    assert not [name for name in own.headers if name.startswith("access-control")]
    assert (await house.api("OPTIONS", "/api/status", origin="https://evil.example")).status == 403


async def test_guessing_the_token_is_slowed_down_and_the_right_one_is_not(tmp_path):
    async with running(tmp_path, clock=DrivenClock()) as house:
        statuses = [
            (await house.api("GET", "/api/status", authorization="Bearer x")).status for _ in range(22)
        ]

        assert statuses == [401] * 20 + [429] * 2
        assert (await house.api("GET", "/api/status")).status == 200


async def test_the_status_says_how_the_house_is(house):
    house.gateway.health.report("sink news", "degraded", "paused")

    status = (await house.api("GET", "/api/status")).json()

    assert status["status"] == "degraded"
    assert status["reasons"] == ["sink news: paused"]
    assert status["sources"] == ["pixel", "shop", "signed"]


async def test_the_api_answers_through_the_socket_in_the_data_folder_too(house):
    socket = house.data / "hub.sock"
    reply = await house.ask(
        "GET", "/api/status", path=socket, authorization=f"Bearer {TOKEN}", host="localhost"
    )

    assert reply.status == 200
    assert socket.stat().st_mode & 0o777 == 0o600
    assert (await house.ask("GET", "/api/status", path=socket)).status == 401


async def test_lines_that_an_operator_sends_are_proven(house):
    lines = b'{"id":"1","historical":true}\n\n3\r\n{"id":"2"}'
    reply = await house.api("POST", "/api/send?source=shop", lines)

    assert reply.json() == {
        "success": True,
        "accepted": 2,
        "quarantined": 1,
        "reasons": [{"line": 3, "reason": "not an object"}],
    }
    assert [(event["id"], event["trust"]) for event in house.events] == [("1", "secret"), ("2", "secret")]
    assert house.events[0]["historical"] is True


async def test_a_line_that_cannot_be_read_is_named_and_nothing_is_sent(house):
    reply = await house.api("POST", "/api/send?source=shop", b'{"id":"1"}\n{')

    assert reply.status == 400
    assert reply.json()["reason"].startswith("line 2: ")
    assert house.events == []


async def test_lines_for_an_unknown_source_are_refused_with_the_nearest_label(house):
    reply = await house.api("POST", "/api/send?source=shpo", b"{}")

    assert reply.json()["reason"] == "no source has this label; did you mean 'shop'?"


@pytest.mark.parametrize(
    ("fault", "status"), [(StoreUnavailable("no"), 503), (TooFast("no", after=timedelta(seconds=3)), 429)]
)
async def test_a_command_that_cannot_be_written_is_not_answered_200(tmp_path, fault, status):
    class Broken(SqliteJournalWriter):
        async def append(self, drafts, refused=(), cursors=None):
            raise fault

    async with running(tmp_path, journal=Broken(tmp_path, WallClock().now)) as house:
        reply = await house.api("POST", "/api/commands", {"command": "resume", "sink": "news"})

        assert (reply.status, reply.headers["retry-after"]) == (status, "2" if status == 503 else "3")


async def test_health_is_200_while_degraded_and_503_when_a_role_is_silent(tmp_path):
    clock = DrivenClock()
    async with running(tmp_path, clock=clock, given=config(tmp_path)) as house:
        house.gateway.health.expect("engine")
        assert (await house.ask("GET", "/healthz")).json() == {
            "status": "ok",
            "roles": {"engine": "ok"},
            "reasons": [],
        }

        clock.forward(seconds=6)
        reply = await house.ask("GET", "/healthz")
        assert (reply.status, reply.json()["roles"]) == (503, {"engine": "failing"})


async def test_metrics_are_there_for_prometheus(house):
    await house.post([{"id": "1"}, 3])
    reply = await house.ask("GET", "/metrics")

    assert b'hub_events_accepted_total{source="shop"} 1.0' in reply.body
    assert b'hub_events_quarantined_total{source="shop"} 1.0' in reply.body
    assert b'hub_requests_answered_total{source="shop",status="200"} 1.0' in reply.body
    assert (await house.ask("POST", "/metrics")).status == 405
