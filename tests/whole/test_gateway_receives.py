"""What senders send, what they hear, and what is on disk by then."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import threading
from datetime import timedelta
from ipaddress import ip_network

import pytest
from gateway_house import PIXEL, PUBLIC, SECRET, SHOP, Forget, Shop, block, config, running

import hub
from hub.clock import DrivenClock, WallClock
from hub.config import TransformBlock
from hub.errors import ConfigRefused, StoreUnavailable, TooFast
from hub.store.sqlite.journal import SqliteJournal, SqliteJournalWriter

HEAD = f"POST /collect?key={SECRET} HTTP/1.1\r\nHost: a\r\n".encode()


@pytest.fixture
async def house(tmp_path):
    async with running(tmp_path) as house:
        yield house


async def test_an_event_is_on_disk_before_its_sender_hears_200(house):
    reply = await house.post({"id": "m1", "name": "product_added"})

    assert reply.json() == {"success": True, "accepted": 1, "quarantined": 0}
    [event] = house.events
    assert (event["id"], event["source"], event["trust"]) == ("m1", "shop", "secret")


async def test_nobody_hears_200_before_the_commit(tmp_path):
    class Slow(SqliteJournalWriter):
        def write(self, batches):
            assert written.wait(5)
            super().write(batches)

    written = threading.Event()
    async with running(tmp_path, journal=Slow(tmp_path, WallClock().now)) as house:
        asking = asyncio.create_task(house.post({"id": "m1"}))
        done, _ = await asyncio.wait({asking}, timeout=0.2)
        written.set()

        assert not done
        assert (await asking).status == 200


async def test_a_bad_event_costs_its_neighbours_nothing(house):
    reply = await house.post([{"id": "1"}, 3, {"id": "2"}])

    assert reply.json() == {"success": True, "accepted": 2, "quarantined": 1}
    assert [event["id"] for event in house.events] == ["1", "2"]
    [bad] = house.quarantine
    assert (bad.source, bad.reason, bad.body) == ("shop", "not an object", b"3")


async def test_a_request_of_bad_events_alone_is_answered_200(house):
    reply = await house.post([1, 2])

    assert (reply.status, reply.json()) == (200, {"success": True, "accepted": 0, "quarantined": 2})


async def test_a_public_key_only_claims(house):
    await house.post({"id": "1", "historical": True}, key=PUBLIC)
    await house.post({"id": "2", "historical": True}, key=SECRET)

    claimed, proven = house.events
    assert (claimed.get("trust", "public"), claimed.get("historical")) == (
        "public",
        None,
    )
    assert (proven["trust"], proven["historical"]) == ("secret", True)


async def test_a_missing_id_is_made_up_and_never_twice(house):
    await house.post([{}, {}])

    ids = [event["id"] for event in house.events]
    assert len(set(ids)) == 2
    assert all(len(made_up) == 32 for made_up in ids)


async def test_an_event_over_the_limit_is_quarantined_and_the_rest_kept(tmp_path):
    async with running(
        tmp_path, given=config(tmp_path, block("shop", secret_keys=[SECRET], max_event=1000))
    ) as house:
        fitting = {"id": "1", "properties": {"text": "x" * 850}}
        reply = await house.post([fitting, {"id": "2", "properties": {"text": "x" * 1000}}])

        assert reply.json() == {"success": True, "accepted": 1, "quarantined": 1}
        assert house.quarantine[0].reason == "an event has at most 1000 bytes"
        assert b"xxxx" in house.quarantine[0].body


async def test_a_bug_in_a_connector_loses_nothing_and_is_told_once(house, capsys):
    sent = [{"id": "1"}, {"name": "bug"}, {"id": "2"}]
    replies = [await house.post(sent) for _ in range(3)]

    assert [reply.json() for reply in replies] == [{"success": True, "accepted": 1, "quarantined": 1}] * 3
    assert house.quarantine[0].reason == "connector failed"
    assert json.loads(house.quarantine[0].body) == sent
    assert house.count("hub_connector_failed_total", "shop") == 3
    assert capsys.readouterr().err.count("connector failed") == 1


async def test_a_bug_while_a_key_is_looked_for_is_answered_400(house):
    assert (await house.post({}, key="bug")).status == 400


async def test_an_unreadable_body_is_answered_400_and_the_next_one_is_read(house):
    assert (await house.post(b"{")).status == 400
    assert (await house.post({})).status == 200


async def test_an_unknown_key_is_answered_401(house):
    reply = await house.post({}, key="nobody")

    assert reply.status == 401
    assert reply.json() == {"success": False, "code": "401", "message": "no source has this key"}
    assert (await house.ask("POST", "/collect", b"{}")).status == 401
    assert house.events == []


async def test_the_right_key_is_never_locked_out(tmp_path):
    clock = DrivenClock()
    async with running(tmp_path, clock=clock) as house:
        statuses = [(await house.post({}, key="guess")).status for _ in range(21)]
        locked = await house.post({}, key="guess")

        assert statuses == [401] * 20 + [429]
        assert 0 < int(locked.headers["retry-after"]) <= 60
        assert (await house.post({})).status == 200

        clock.forward(seconds=61)
        assert (await house.post({}, key="guess")).status == 401


async def test_a_wrong_signature_is_answered_401_however_often(house):
    statuses = {(await house.ask("POST", "/in/signed", b"{}", x_word="a guess")).status for _ in range(30)}

    assert statuses == {401}
    assert (await house.post({}, key="guess")).status == 401


async def test_a_key_missed_while_a_new_configuration_is_on_its_way_is_answered_503(tmp_path):
    asked, decided = asyncio.Event(), asyncio.Event()

    async def reload():
        asked.set()
        await decided.wait()
        house.gateway.replace(config(tmp_path, block("shop", secret_keys=["new"])))

    async with running(tmp_path, reload=reload) as house:
        reloading = asyncio.create_task(house.api("POST", "/api/reload"))
        await asked.wait()
        unsure = await house.post({}, key="new")
        label = await house.ask("POST", "/in/new", b"{}")
        decided.set()

        assert (unsure.status, label.status) == (503, 503)
        assert int(unsure.headers["retry-after"]) > 0
        assert (await reloading).status == 200
        assert (await house.post({}, key="new")).status == 200
        assert (await house.post({}, key=SECRET)).status == 401


async def test_a_label_answers_to_its_signature_alone(house):
    right = await house.ask("POST", "/in/signed", {"id": "1"}, x_word="open sesame")
    wrong = await house.ask("POST", "/in/signed", {"id": "2"}, x_word="abracadabra")

    assert (right.status, wrong.status) == (200, 401)
    assert [event["id"] for event in house.events] == ["1"]
    assert (await house.ask("POST", "/in/nobody", b"{}")).status == 404


async def test_the_body_of_a_webhook_is_kept_as_it_was_sent(house):
    sent = b'{ "id" : "1" }'
    await house.ask("POST", "/in/signed", sent, x_word="open sesame")
    await house.post({"id": "2"})

    webhook, single = house.entries
    journal = SqliteJournal(house.data)
    assert journal.raw(webhook) == sent
    assert journal.raw(single) is None
    journal.close()


async def test_some_vendors_ask_by_head_whether_a_webhook_is_there(house):
    reply = await house.ask("HEAD", "/in/signed")

    assert (reply.status, reply.body, house.events) == (200, b"", [])


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", " Gzip "])
async def test_gzip_is_undone_however_it_is_spelt(house, coding):
    reply = await house.post(gzip.compress(b'{"id":"1"}'), content_encoding=coding)

    assert reply.status == 200
    assert house.events[0]["id"] == "1"


async def test_a_body_is_json_whatever_its_content_type_says(house):
    for named in ("text/plain", "application/x-www-form-urlencoded", "image/png"):
        assert (await house.post({}, content_type=named)).status == 200


async def test_a_body_may_come_in_chunks(house):
    sent = b"5\r\n" + b'{"id"' + b"\r\n5;x=y\r\n" + b':"1"}' + b"\r\n0\r\n\r\n"
    head = HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert b"200 OK" in await house.raw(head + sent)
    assert house.events[0]["id"] == "1"


async def test_who_expects_to_be_asked_is_asked(house):
    reader, writer = await house.connect()
    writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")

    assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
    writer.close()


async def test_a_request_over_the_limit_is_refused_on_its_header(house):
    reply = await house.raw(HEAD + b"Expect: 100-continue\r\nContent-Length: 1073741824\r\n\r\n")

    assert reply.startswith(b"HTTP/1.1 413 ")


async def test_the_limit_is_the_sources_own(tmp_path):
    narrow = block("narrow", secret_keys=["narrow"], max_request=100)
    async with running(tmp_path, given=config(tmp_path, SHOP, narrow)) as house:
        body = {"properties": {"text": "x" * 200}}

        assert (await house.post(body, key="narrow")).status == 413
        assert (await house.post(body)).status == 200


async def test_a_source_may_answer_in_its_own_form(house):
    taken = await house.ask("GET", f"/p.gif?key={PUBLIC}")
    refused = await house.ask("GET", "/p.gif?key=nobody")

    assert (taken.status, taken.body) == (refused.status, refused.body) == (200, b"GIF89a")
    assert [event["name"] for event in house.events] == ["page_viewed"]


async def test_a_browser_that_asks_first_may_send_whatever_it_wants(house):
    reply = await house.ask(
        "OPTIONS",
        "/collect",
        origin="https://shop.example",
        access_control_request_method="POST",
        access_control_request_headers="authorization,x-retry-count,rsa-retry-attempt",
    )

    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    assert reply.headers["access-control-allow-methods"] == "POST"
    assert reply.headers["access-control-allow-headers"] == "authorization,x-retry-count,rsa-retry-attempt"
    assert int(reply.headers["access-control-max-age"]) > 0


@pytest.mark.parametrize(
    ("key", "body", "status"), [(PUBLIC, b"{}", 200), ("x", b"{}", 401), (PUBLIC, b"{", 400)]
)
async def test_a_page_may_read_every_answer_also_the_errors(house, key, body, status):
    reply = await house.post(body, key=key, origin="https://shop.example")

    assert reply.status == status
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"


async def test_what_no_page_calls_has_no_cors_headers(house):
    reply = await house.ask("GET", f"/p.gif?key={PUBLIC}", origin="https://shop.example")

    assert "access-control-allow-origin" not in reply.headers
    assert (await house.ask("OPTIONS", "/p.gif", origin="https://shop.example")).status == 405


async def test_there_are_no_redirects(house):
    for path in ("/collect/", "//collect", "/Collect", "/collect/../collect", "/in/shop/"):
        assert (await house.ask("POST", f"{path}?key={SECRET}", b"{}")).status == 404


async def test_a_claimed_path_with_a_slash_covers_all_below(house):
    assert (await house.ask("POST", f"/collect/below/a/b?key={SECRET}", b"{}")).status == 200


async def test_answers_come_in_the_order_of_the_requests(house):
    one = HEAD + b"Content-Length: 2\r\n\r\n{}"
    last = b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    replies = await house.raw(one * 3 + last)

    assert replies.count(b'"accepted": 1') == 3
    assert replies.endswith(b'{"ready":true}')


async def test_a_client_that_has_said_all_still_hears_the_answer(house):
    reader, writer = await house.connect()
    writer.write(HEAD + b"Content-Length: 2\r\n\r\n{}")
    writer.write_eof()

    assert b"200 OK" in await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("fault", "status"),
    [(StoreUnavailable("disk I/O error"), 503), (TooFast("full", after=timedelta(seconds=2.5)), 429)],
)
async def test_a_journal_that_cannot_take_it_is_said_with_retry_after(tmp_path, fault, status):
    class Broken(SqliteJournalWriter):
        async def append(self, drafts, refused=(), cursors=None):
            raise fault

    async with running(tmp_path, journal=Broken(tmp_path, WallClock().now)) as house:
        reply = await house.post({})

        assert reply.status == status
        assert reply.headers["retry-after"] == ("2" if status == 503 else "3")
        assert b"disk" not in reply.body


async def test_an_unwritable_journal_shows_in_readiness_and_health_until_it_is_back(tmp_path, capsys):
    class Moody(SqliteJournalWriter):
        broken = True

        async def append(self, drafts, refused=(), cursors=None):
            if self.broken:
                raise StoreUnavailable("disk I/O error")
            await super().append(drafts, refused, cursors)

    journal = Moody(tmp_path, WallClock().now)
    async with running(tmp_path, journal=journal) as house:
        await house.post({})
        assert (await house.ask("GET", "/readyz")).status == 503
        assert (await house.ask("GET", "/healthz")).json() == {
            "status": "degraded",
            "roles": {},
            "reasons": ["journal: it cannot be written"],
        }

        journal.broken = False
        await house.gateway.writing.probe()
        assert (await house.ask("GET", "/readyz")).status == 200
        assert (await house.ask("GET", "/healthz")).json()["status"] == "ok"

    said = capsys.readouterr().err
    assert said.count("journal unavailable") == said.count("journal available") == 1


async def test_a_full_disk_is_answered_503_until_there_is_room(tmp_path, monkeypatch):
    clock, free = DrivenClock(), 10
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Disk", (), {"total": 10_000, "free": free}))
    async with running(tmp_path, clock=clock, given=config(tmp_path, free_space=100)) as house:
        full = await house.post({})
        assert (full.status, (await house.ask("GET", "/readyz")).status) == (503, 503)
        assert "disk: free space is below the limit" in (await house.ask("GET", "/healthz")).json()["reasons"]

        free = 5_000
        clock.forward(seconds=2)
        assert (await house.post({})).status == 200
        assert (await house.ask("GET", "/healthz")).json()["status"] == "ok"


async def test_transforms_stand_behind_the_sources_that_they_name(tmp_path):
    blocks = (TransformBlock("privacy", Forget, hub.Settings(), frozenset({"shop"}), frozenset()),)
    async with running(tmp_path, given=config(tmp_path, SHOP, PIXEL, transforms=blocks)) as house:
        sent = [
            {"id": "1", "properties": {"card": "4111", "sum": 3}},
            {"name": "secret"},
            {"name": "explode"},
        ]
        reply = await house.post(sent)

        assert reply.json() == {"success": True, "accepted": 1, "quarantined": 1}
        assert house.events[0]["properties"] == {"sum": 3}
        assert house.quarantine[0].reason == "the transform privacy failed"
        assert house.count("hub_events_dropped_total", "shop", "privacy") == 1


async def test_a_proxy_that_we_trust_tells_whose_request_it_is(tmp_path):
    seen = []

    class Curious(Shop):
        def receive(self, inbound):
            seen.append((inbound.address, inbound.header("sec-gpc"), inbound.header("user-agent")))
            return ()

    given = config(
        tmp_path, block("shop", Curious, secret_keys=[SECRET]), trusted_proxies=(ip_network("127.0.0.0/8"),)
    )
    async with running(tmp_path, given=given) as house:
        await house.post({}, x_forwarded_for="6.6.6.6, 192.0.2.7, 127.0.0.9", sec_gpc="1", user_agent="ua")
        await house.post({}, x_forwarded_for="rubbish")
        house.gateway.replace(config(tmp_path, block("shop", Curious, secret_keys=[SECRET])))
        await house.post({}, x_forwarded_for="192.0.2.7")

    assert seen == [("192.0.2.7", "1", "ua"), ("127.0.0.1", None, None), ("127.0.0.1", None, None)]


async def test_a_refused_configuration_leaves_the_old_one_in_force(tmp_path):
    async def reload():
        raise ConfigRefused([hub.errors.ConfigFault("plugins.toml", 3, "sources.x", "unknown connector")])

    async with running(tmp_path, reload=reload) as house:
        reply = await house.api("POST", "/api/reload")

        assert reply.status == 422
        assert reply.json()["faults"] == ["plugins.toml:3: sources.x: unknown connector"]
        assert (await house.post({})).status == 200


async def test_long_batches_leave_others_their_turn(house):
    batch = [{"id": str(number), "properties": {"text": "x" * 900}} for number in range(9_000)]
    asking = asyncio.create_task(house.post(batch))
    turns = 0
    while not asking.done():
        await house.ask("GET", "/readyz")
        turns += 1

    assert (await asking).json()["accepted"] == 9_000
    assert turns > 3


async def test_basic_auth_and_other_headers_reach_the_source_as_sent(tmp_path):
    class Basic(Shop):
        @classmethod
        def key(cls, inbound):
            return (
                base64.b64decode((inbound.header("authorization") or "").removeprefix("Basic "))
                .decode()
                .rstrip(":")
            )

    async with running(tmp_path, given=config(tmp_path, block("shop", Basic, secret_keys=[SECRET]))) as house:
        given = base64.b64encode(f"{SECRET}:".encode()).decode()

        assert (await house.ask("POST", "/collect", b"{}", authorization=f"Basic {given}")).status == 200
