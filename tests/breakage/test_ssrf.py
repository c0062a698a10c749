"""Sinks may call the world, and nothing inside: every way to write an inside address is refused."""

from __future__ import annotations

import asyncio
import ssl

import httpx
import pytest
import respx
from far_side import FarSide

from hub.errors import CredentialsRejected, GiveUp, RetryLater
from hub.transport import Client, Guard
from hub.wire import Request

INSIDE = [
    "127.0.0.1",
    "127.1.2.3",
    "localhost",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "0x7f.1",
    "[::]",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a00:1]",
    "[::127.0.0.1]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2001:db8::1]",
]
OUTSIDE = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("host", INSIDE)
async def test_an_inside_address_is_refused_however_it_is_written(host, far):
    client = Client(f"http://{host}:{far.port}/hook", Guard())

    with pytest.raises(CredentialsRejected):
        await client.send(Request("POST", "", json={}))

    assert far.connections == 0
    await client.aclose()


@pytest.mark.parametrize("address", OUTSIDE)
async def test_a_public_address_may_be_called(address):
    assert await Guard().addresses(address, 443) == [address]


async def test_an_inside_address_that_the_operator_names_may_be_called(far):
    client = Client(f"http://127.0.0.1:{far.port}/hook", Guard(["127.0.0.1"]))

    assert (await client.send(Request("POST", "", json={"data": {}}))).status == 200

    await client.aclose()


async def test_an_allowed_address_is_allowed_in_its_wrapped_form_and_no_other_is():
    guard = Guard(["10.1.0.0/16"])

    assert await guard.addresses("::ffff:10.1.2.3", 80) == ["::ffff:10.1.2.3"]
    with pytest.raises(Exception, match="10.2.0.1"):
        await guard.addresses("10.2.0.1", 80)


async def test_one_inside_address_among_public_ones_denies_the_host(far):
    async def resolve(host, port):
        return ["93.184.215.14", "127.0.0.1"]

    client = Client(f"http://two-faced.example:{far.port}", Guard(resolve=resolve))

    with pytest.raises(CredentialsRejected):
        await client.send(Request("GET", "/"))

    assert far.connections == 0
    await client.aclose()


async def test_a_name_that_turns_inside_after_the_check_is_not_asked_again(far, monkeypatch):
    answers = iter([["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"]])
    dialled = []

    async def resolve(host, port):
        return next(answers)

    async def connect(self, host, port, **_):
        dialled.append(host)
        raise __import__("httpcore").ConnectTimeout("nobody there")

    monkeypatch.setattr("httpcore.AnyIOBackend.connect_tcp", connect)
    client = Client(f"http://rebinding.example:{far.port}", Guard(resolve=resolve))

    with pytest.raises(RetryLater):
        await client.send(Request("GET", "/"))
    with pytest.raises(CredentialsRejected):
        await client.send(Request("GET", "/"))

    assert dialled == ["93.184.215.14"], "what is called is the address that was checked"
    await client.aclose()


async def test_an_inside_address_from_an_events_data_harms_that_event_alone():
    client = Client("https://push.example", Guard())

    with pytest.raises(GiveUp):
        await client.send(Request("POST", "http://169.254.169.254/latest/meta-data/"))

    await client.aclose()


async def test_proxies_of_the_environment_are_not_used(far, monkeypatch):
    proxy = FarSide()
    await proxy.start()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    client = Client(f"http://127.0.0.1:{far.port}/hook", Guard(["127.0.0.1"]))

    await client.send(Request("POST", "", json={"data": {}}))

    assert proxy.connections == 0
    await client.aclose()
    await proxy.stop()


async def test_cookies_are_not_kept(far):
    far.script = lambda heard: b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    client = Client(f"http://127.0.0.1:{far.port}/hook", Guard(["127.0.0.1"]))

    for _ in range(2):
        await client.send(Request("POST", "", json={"data": {}}))

    assert "cookie" not in far.heard[1].headers
    await client.aclose()


async def test_a_reason_never_holds_the_path_or_the_query_of_an_address():
    client = Client("http://127.0.0.1:1/T0KEN?key=s3cret", Guard(["127.0.0.1"]))

    with pytest.raises(RetryLater) as fault:
        await client.send(Request("POST", "/more", query={"q": "s3cret"}))

    assert str(fault.value) == "127.0.0.1: no connection"
    await client.aclose()


async def test_a_gzip_bomb_is_read_to_64_kilobytes(far):
    import gzip

    bomb = gzip.compress(b"0" * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    far.script = lambda heard: head + bomb
    client = Client(f"http://127.0.0.1:{far.port}/hook", Guard(["127.0.0.1"]))

    response = await client.send(Request("POST", "", json={"data": {}}))

    assert (len(response.body), response.truncated) == (65536, True)
    await client.aclose()


@pytest.mark.parametrize("zipped", [False, True])
async def test_an_answer_is_read_as_far_as_its_request_asks_for(far, zipped):
    import gzip

    whole = bytes(range(256)) * 1000
    body = gzip.compress(whole) if zipped else whole
    coding = b"gzip" if zipped else b"identity"
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding, len(body))
    far.script = lambda heard: head + body
    client = Client(f"http://127.0.0.1:{far.port}/hook", Guard(["127.0.0.1"]))

    one = await client.send(Request("POST", "", json={}, longest_answer=len(whole)))
    other = await client.send(Request("POST", "", json={}, longest_answer=len(whole) - 1))

    assert (one.body == whole, one.truncated) == (True, False)
    assert (other.body == whole[:-1], other.truncated) == (True, True)
    await client.aclose()


async def test_a_drip_is_cut_at_the_deadline(far):
    async def drip():
        await asyncio.sleep(5)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    far.script = lambda heard: drip()
    client = Client(f"http://127.0.0.1:{far.port}/hook", Guard(["127.0.0.1"]), deadline=0.1)

    with pytest.raises(RetryLater, match="no answer in time"):
        await client.send(Request("POST", "", json={"data": {}}))

    await client.aclose()


@respx.mock
async def test_the_exact_address_is_called_with_the_query_of_both():
    route = respx.post("https://a.example/v1/hook/", params={"a": "1", "b": "2"}).mock(
        return_value=httpx.Response(202, json={"ok": True})
    )
    client = Client("https://a.example/v1/hook/?a=1", Guard())

    response = await client.send(Request("POST", "", query={"b": "2"}, form={"x": "y z"}))

    assert route.called
    assert route.calls.last.request.content == b"x=y+z"
    assert (response.status, response.json()) == (202, {"ok": True})
    await client.aclose()


async def test_tls_speaks_of_the_hosts_name_and_checks_it(far):
    seen = []
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    plain.sni_callback = lambda sock, name, context: seen.append(name)

    async def resolve(host, port):
        return ["127.0.0.1"]

    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0, ssl=plain)
    port = server.sockets[0].getsockname()[1]
    client = Client(f"https://named.example:{port}", Guard(["127.0.0.1"], resolve=resolve))

    with pytest.raises(RetryLater):
        await client.send(Request("GET", "/"))

    assert seen[0] == "named.example"
    await client.aclose()
    server.close()
