"""What strangers try on the gateway: never a 5xx, never much memory, and it goes on answering others."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gateway_house import PUBLIC, SECRET, SIGNED, block, config, running

from connectors.segment.source import Segment
from hub.ingest import Bounds

MIB = 1 << 20
HEAD = f"POST /collect?key={SECRET} HTTP/1.1\r\nHost: a\r\n".encode()
HASTY = Bounds(head_seconds=0.4, body_seconds=1.2, body_grace=0.4, idle_seconds=0.4, linger_seconds=0.4)
EVENT = {"type": "track", "event": "Product Added", "userId": "u1"}


@pytest.fixture
async def house(tmp_path):
    site = block("site", Segment, public_keys=[PUBLIC])
    async with running(
        tmp_path, given=config(tmp_path, block("shop", secret_keys=[SECRET]), SIGNED, site)
    ) as house:
        yield house
        assert (await asyncio.wait_for(house.ask("GET", "/healthz"), 2)).status == 200
        assert (await house.post({"id": "fresh"})).json()["accepted"] == 1
        assert house.events[-1]["id"] == "fresh"


@pytest.fixture
async def hasty(tmp_path):
    async with running(tmp_path, bounds=HASTY) as house:
        yield house
        assert (await house.post({"id": "fresh"})).status == 200


@contextmanager
def little_memory(most: int = 100 * MIB) -> Iterator[None]:
    """The process's peak grows by at most so much meanwhile; checked where Linux tells it."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        yield
        return
    reset.write_text("5")
    before = _peak(status)
    yield
    assert _peak(status) - before < most


def _peak(status: Path) -> int:
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def bomb(size: int) -> bytes:
    packing = zlib.compressobj(9, wbits=31)
    return b"".join(packing.compress(bytes(MIB)) for _ in range(size // MIB)) + packing.flush()


async def test_a_gzip_bomb_is_answered_413_and_takes_no_memory(house):
    packed = bomb(300 * MIB)

    with little_memory():
        replies = await asyncio.gather(*(house.post(packed, content_encoding="gzip") for _ in range(8)))

    assert {reply.status for reply in replies} <= {413, 429}
    assert 413 in {reply.status for reply in replies}


PACKED = {
    "twice, and says so": (gzip.compress(gzip.compress(b"{}")), "gzip, gzip", 415),
    "another way": (b"{}", "br", 415),
    "an old way": (b"{}", "deflate", 415),
    "not at all": (b"{}", "gzip", 400),
    "cut": (gzip.compress(b"{}")[:-4], "gzip", 400),
    "with something behind it": (gzip.compress(b"{}") + b"more", "gzip", 400),
    "empty": (b"", "gzip", 400),
    "twice": (gzip.compress(gzip.compress(b"{}")), "gzip", 400),
}


@pytest.mark.parametrize(("body", "coding", "status"), PACKED.values(), ids=PACKED)
async def test_packing_that_is_not_gzip_once_is_refused(house, body, coding, status):
    assert (await house.post(body, content_encoding=coding)).status == status


async def test_many_large_bodies_at_once_are_asked_to_come_again(house):
    body = json.dumps([{"properties": {"text": "x" * 9 * MIB}}]).encode()

    with little_memory(400 * MIB):  # the clients' own copies are in this process too
        replies = await asyncio.gather(*(house.post(body) for _ in range(12)))

    assert {reply.status for reply in replies} == {200, 429}
    assert all(int(reply.headers["retry-after"]) > 0 for reply in replies if reply.status == 429)


HOSTILE = {
    "depth 10,000": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "lists 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "open for ever": b"[" * 1_000_000,
    "5,000 digits": b'{"properties":{"n":' + b"9" * 5_000 + b"}}",
    "1e99999": b'{"properties":{"n":1e99999}}',
    "NaN": b'{"properties":{"n":NaN}}',
    "Infinity": b'[{"properties":{"n":-Infinity}}]',
    "lone surrogate": b'{"properties":{"s":"\\ud800"}}',
    "surrogate key": b'{"properties":{"\\udfff":1}}',
    "bad UTF-8": b'{"properties":{"s":"\xff\xfe"}}',
    "NUL escaped": b'{"properties":{"s":"\\u0000"},"name":"\\u0000"}',
    "NUL": b'{"properties":{"s":"\x00"}}',
    "UTF-16": '{"properties":{}}'.encode("utf-16"),
    "BOM": b'\xef\xbb\xbf{"properties":{}}',
    "keys twice": b'{"properties":{"a":1,"a":2},"properties":{}}',
    "100,000 keys": json.dumps({"properties": {f"k{n}": n for n in range(100_000)}}).encode(),
    "a string of 9 MB": b'{"properties":{"s":"' + b"x" * 9 * MIB + b'"}}',
    "a name of 1 MB": b'{"name":"' + b"n" * MIB + b'","event":"' + b"n" * MIB + b'"}',
    "2,501 events": json.dumps([{}] * 2_501).encode(),
    "junk in a list": b'[null,1,"a",[],{},true,-0.0]',
    "odd types": b'{"id":5,"name":[],"properties":"x","event":{},"userId":[],"messageId":{},"timestamp":[]}',
    "trailing comma": b'{"properties":{},}',
    "nothing": b"",
    "spaces": b" " * MIB,
    "numbers": b"[" + b"1e308," * 100_000 + b"1]",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_json_is_never_a_5xx(house, body):
    single = body if body[:1] != b"[" else b'{"batch":' + body + b"}"
    with little_memory():
        replies = [
            await house.post(body),
            await house.ask("POST", "/in/signed", body, x_word="open sesame"),
            await house.ask("POST", f"/v1/track?writeKey={PUBLIC}", body),
            await house.ask("POST", f"/v1/batch?writeKey={PUBLIC}", single),
            await house.ask("POST", "/in/site", body, authorization="Basic " + "cGs="),
        ]

    assert {reply.status for reply in replies} <= {200, 400, 401, 413}


async def test_one_hostile_item_does_not_cost_its_neighbours(house):
    good = json.dumps(EVENT).encode()
    hostile = [
        b'{"type":"track","event":"x","userId":NaN}',
        b'{"type":"track","event":"\\ud800"}',
        b"5",
        b'{"a":}',
    ]
    body = b'{"batch":[' + b",".join([good, *hostile, good]) + b"]}"

    reply = await house.ask("POST", f"/v1/batch?writeKey={PUBLIC}", body)

    assert reply.status == 200
    assert reply.json()["accepted"] >= 2


async def test_numbers_that_are_slow_to_read_hold_nobody_up(house):
    numbers = b"[" + b"1.7e308," * 500_000 + b"0]"
    sent = b'{"batch":[{"type":"track","event":"x","userId":"u","properties":{"n":' + numbers + b"}}]}"
    asking = asyncio.create_task(house.ask("POST", f"/v1/batch?writeKey={PUBLIC}", sent))
    while not asking.done():
        assert (await asyncio.wait_for(house.ask("GET", "/healthz"), 2)).status == 200

    assert (await asking).json() == {"success": True, "accepted": 0, "quarantined": 1}


async def test_one_request_brings_so_many_events_and_no_more(house):
    with little_memory():
        reply = await house.post(b"[" + b"{}," * 100_000 + b"{}]")

    assert reply.status == 413
    assert house.events == []


async def test_of_very_many_bad_events_the_request_is_kept_once(house):
    sent = b"[" + b"1," * 99_999 + b"1]"
    with little_memory():
        reply = await house.post(sent)

    kept = house.quarantine
    assert reply.status == 200
    assert len(kept) == reply.json()["quarantined"] == 10_001
    assert (kept[-1].reason, kept[-1].body) == ("more than 10000 bad events in one request", sent)


def batch(context: str, messages: list[dict]) -> bytes:
    return json.dumps({"context": {"note": context}, "batch": messages, "writeKey": PUBLIC}).encode()


async def test_what_a_batch_says_of_all_its_events_is_not_kept_with_each_bad_one(house):
    sent = batch("x" * MIB, [EVENT] * 300)
    with little_memory():
        reply = await house.ask("POST", "/v1/batch", gzip.compress(sent), content_encoding="gzip")

    assert (reply.status, reply.json()["accepted"], reply.json()["quarantined"]) == (200, 0, 300)
    assert {bad.reason for bad in house.quarantine} == {
        "what a batch says of all its messages has at most 32768 bytes"
    }
    assert [json.loads(bad.body) for bad in house.quarantine] == [EVENT] * 300


async def test_what_a_batch_says_of_all_its_events_cannot_fill_the_disk(house):
    few = await house.ask("POST", "/v1/batch", batch("x" * 30_000, [EVENT] * 100))
    with little_memory():
        many = await house.ask("POST", "/v1/batch", batch("x" * 30_000, [EVENT] * 20_000))

    assert (few.status, few.json()["accepted"]) == (200, 100)
    assert many.status == 413
    assert len(house.events) == 100


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/track"])
async def test_an_event_that_is_much_too_long_is_kept_as_it_was_sent(house, path):
    long = b'{"type":"track","event":"A","properties":{"a":[' + b"{}," * 60_000 + b"{}]}}"
    good = json.dumps(EVENT).encode()
    body = b'{"batch":[' + good + b"," + long + b"]}" if path == "/v1/batch" else long
    reply = await house.ask("POST", f"{path}?writeKey={PUBLIC}", body)

    assert (reply.status, reply.json()["quarantined"]) == (200, 1)
    assert len(house.events) == (path == "/v1/batch")
    [bad] = house.quarantine
    assert (bad.reason, bad.body) == ("the event is longer than 131072 bytes as it was sent", long)


async def test_bad_events_that_grow_in_our_hands_are_kept_with_their_request_once(house):
    large = {**EVENT, "properties": {"text": "x" * 2000}, "context": {"page": {"url": "x" * 31_000}}}
    sent = batch("", [large] * 20)
    reply = await house.ask("POST", "/v1/batch", sent)

    assert reply.json()["quarantined"] == 20
    assert [bad.body for bad in house.quarantine].count(sent) == 1
    assert sum(len(bad.body) for bad in house.quarantine) <= 3 * len(sent)


SMUGGLING = {
    "both lengths": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    b"GET /healthz HTTP/1.1\r\n\r\n",
    "both lengths, turned": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "length twice": b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a list of lengths": b"Content-Length: 2, 2\r\n\r\n{}",
    "a signed length": b"Content-Length: +2\r\n\r\n{}",
    "a length below zero": b"Content-Length: -2\r\n\r\n{}",
    "a length without end": b"Content-Length: " + b"9" * 40 + b"\r\n\r\n{}",
    "a space before the colon": b"Content-Length : 2\r\n\r\n{}",
    "bare CR": b"X: a\rContent-Length: 2\r\n\r\n{}",
    "bare LF": b"X: a\nContent-Length: 2\r\n\r\n{}",
    "folded": b"X: a\r\n Content-Length: 2\r\n\r\n",
    "NUL in a header": b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "odd coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "stacked coding": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "coding behind a tab": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "bad end of a chunk": b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}X\r\n0\r\n\r\n",
    "chunk ended by LF": b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n",
    "huge chunk": b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n{}",
    "chunk size with 0x": b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "two hosts": b"Host: b\r\nContent-Length: 2\r\n\r\n{}",
    "length in a trailer": b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n",
}


@pytest.mark.parametrize("rest", SMUGGLING.values(), ids=SMUGGLING)
async def test_a_request_that_two_servers_could_read_in_two_ways_is_refused(house, rest):
    said = await house.raw(HEAD + rest)

    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in said
    assert house.events == []


NO_HTTP = {
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "HTTP/9.9": b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an address of any bytes": b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /collect HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a greeting": b"hello\r\n\r\n",
    "zeros": b"\x00" * 1000,
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP)
async def test_what_is_not_http_is_refused(house, sent):
    assert (await house.raw(sent)).startswith(b"HTTP/1.1 400 ")


async def test_a_proposal_of_another_protocol_is_passed_over(house):
    upgrade = b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    plain = await house.raw(b"GET /readyz HTTP/1.1\r\nHost: a\r\n" + upgrade + b"\r\n")
    posted = await house.raw(HEAD + upgrade + b"Content-Length: 2\r\n\r\n{}")

    assert plain.startswith(b"HTTP/1.1 200 ")
    assert posted.startswith(b"HTTP/1.1 200 ")
    assert (await house.raw(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")).startswith(b"HTTP/1.1 40")


FLOODS = {
    "101 headers": b"".join(b"X%d: 1\r\n" % n for n in range(101)) + b"\r\n",
    "a header of 17 KB": b"X: " + b"x" * 17 * 1024 + b"\r\n\r\n",
    "headers of 17 KB": b"".join(b"X%d: %s\r\n" % (n, b"x" * 900) for n in range(19)) + b"\r\n",
    "a header without end": b"X: " + b"x" * MIB,
    "a name without end": b"X" * MIB,
    "a trailer without end": b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"x" * MIB,
    "a chunk extension without end": b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * MIB,
}


@pytest.mark.parametrize("rest", FLOODS.values(), ids=FLOODS)
async def test_floods_of_headers_are_refused(house, rest):
    assert (await house.raw(HEAD + rest)).startswith(b"HTTP/1.1 431 ")


async def test_addresses_that_are_too_long_are_refused(house):
    for size in (9 * 1024, MIB):
        sent = b"GET /" + b"a" * size + b" HTTP/1.1\r\nHost: a\r\n\r\n"

        assert (await house.raw(sent)).startswith(b"HTTP/1.1 414 ")


UNFINISHED = {
    "header": b"GET /healthz HTTP/1.1\r\nHo",
    "body": HEAD + b"Content-Length: 100\r\n\r\n{",
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED)
async def test_who_does_not_finish_is_shown_out(hasty, sent):
    assert (await hasty.raw(sent)).startswith(b"HTTP/1.1 408 ")


async def test_dripping_does_not_buy_time(hasty):
    for drip, sent in (
        (b"X: 1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n"),
        (b"x", HEAD + b"Content-Length: 99999\r\n\r\n"),
    ):
        reader, writer = await hasty.connect()
        writer.write(sent)
        asking = asyncio.create_task(reader.read())
        for _ in range(100):
            writer.write(drip)
            done, _ = await asyncio.wait({asking}, timeout=0.05)
            if done:
                break

        assert (await asking).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_idle_connections_are_closed(hasty):
    reader, writer = await hasty.connect()
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"}")

    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert await asyncio.wait_for(hasty.raw(b""), 5) == b""


async def test_a_client_that_never_reads_is_let_go(hasty):
    reader, writer = await hasty.connect()
    writer.transport.pause_reading()
    try:
        for _ in range(2000):
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
            await asyncio.wait_for(writer.drain(), 0.01)
    except (TimeoutError, ConnectionError):
        pass

    await eventually(lambda: hasty.gateway.metrics.readings()["hub_connections_open"][()] == 0)
    writer.transport.abort()


async def test_a_refused_client_that_goes_on_sending_hears_why(house):
    reader, writer = await house.connect()
    body = b"x" * (12 * MIB)
    writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
    for start in range(0, len(body), MIB):
        writer.write(body[start : start + MIB])
        await writer.drain()

    assert (await reader.read()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_one_address_has_so_many_connections_and_no_more(tmp_path):
    async with running(tmp_path, bounds=Bounds(per_address=4)) as house:
        held = [await house.connect() for _ in range(4)]
        for _, writer in held:
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        for reader, _ in held:
            await reader.readuntil(b"}")
        refused = await house.raw(b"")

        assert refused.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after: 1" in refused
        for _, writer in held:
            writer.close()
        await eventually(lambda: house.gateway.metrics.readings()["hub_connections_open"][()] == 0)
        assert (await house.post({})).status == 200


async def test_all_addresses_together_leave_files_for_the_house(tmp_path):
    async with running(tmp_path, bounds=Bounds(connections=32)) as house:
        house.server.watch.bounds = Bounds(connections=2)
        held = [await house.connect() for _ in range(2)]
        for _, writer in held:
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        for reader, _ in held:
            await reader.readuntil(b"}")

        assert (await house.raw(b"")).startswith(b"HTTP/1.1 503 ")
        assert (await house.ask("GET", "/readyz", path=tmp_path / "hub.sock")).status == 200
        for _, writer in held:
            writer.close()


async def test_connections_that_come_and_go_leave_nothing_behind(house):
    for sent in (
        b"",
        b"G",
        HEAD,
        HEAD + b"Content-Length: 5\r\n\r\n{",
        HEAD + b"Content-Length: 2\r\n\r\n{}",
    ) * 40:
        _, writer = await house.connect()
        writer.write(sent)
        writer.transport.abort()

    await eventually(lambda: house.gateway.metrics.readings()["hub_connections_open"][()] == 0)


async def test_requests_sent_far_ahead_are_cut_off(house):
    reader, writer = await house.connect()
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n" * 10_000)
    said = await reader.read()

    assert 1 <= said.count(b"HTTP/1.1 200") <= 10_000
    writer.close()


@pytest.mark.parametrize("word", ["\xff\xfe", "öffne dich", "", "a" * 5000, "\x7f"], ids=range(5))
async def test_signatures_in_any_letters_are_only_wrong(house, word):
    sent = (
        b"POST /in/signed HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\nX-Word: "
        + word.encode("utf-8")
    )

    assert (await house.raw(sent + b"\r\n\r\n{}")).startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 400 "))


@pytest.mark.parametrize("key", ["%00", "%ff", "%F0%9F%92%A9", "a" * 7000, "'or'1'='1"], ids=range(5))
async def test_keys_in_any_letters_are_only_unknown(house, key):
    assert (await house.post({}, key=key)).status == 401


@pytest.mark.parametrize(
    "path",
    [
        "/plugins.toml",
        "/.env",
        "/data/journal.db",
        "/../../etc/passwd",
        "/in/../../etc/passwd",
        "/%2e%2e/etc",
        "/in/%00",
    ],
)
async def test_there_are_no_files_behind_the_gateway(house, path):
    assert (await house.ask("GET", path)).status == 404


async def eventually(true):
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come true")
