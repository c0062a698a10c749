"""The gateway's small decisions, one at a time."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from hub.errors import TooFast
from hub.ingest.answers import from_response, preflight
from hub.ingest.body import SMALL, Budget
from hub.ingest.exchange import head_bytes
from hub.ingest.guard import Guard
from hub.ingest.intake import Misses
from hub.ingest.senders import Senders, group
from hub.ingest.watch import Bounds
from hub.wire import Response

SECOND = 1_000_000


def test_misses_are_forgotten_after_their_minute():
    misses = Misses(most=2, seconds=60)
    counted = [misses.again("a", 0), misses.again("a", 0), misses.again("a", 15 * SECOND)]

    assert counted == [None, None, 45]
    assert misses.again("b", 15 * SECOND) is None
    assert misses.again("a", 60 * SECOND) is None


def test_misses_of_many_addresses_take_bounded_memory():
    misses = Misses(addresses=100)
    for number in range(1000):
        misses.again(str(number), number)

    assert len(misses._of) <= 100


def test_large_bodies_share_a_budget_and_one_address_gets_half():
    budget = Budget(total=4 * SMALL)
    with budget.hold("a") as first, budget.hold("b") as second:
        first.grow(SMALL)
        assert first.size == 0  # small ones are not counted
        first.grow(2 * SMALL)
        with pytest.raises(TooFast):
            first.grow(2 * SMALL + 1)
        second.grow(2 * SMALL)
        with budget.hold("c") as third, pytest.raises(TooFast):
            third.grow(SMALL + 1)

    with budget.hold("c") as third:
        third.grow(2 * SMALL)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "6.6.6.6", "192.0.2.1"),
        ("10.0.0.1", "6.6.6.6", "6.6.6.6"),
        ("10.0.0.1", "1.1.1.1, 6.6.6.6, 10.0.0.2", "6.6.6.6"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_our_own_proxies_say_whose_request_it_is(peer, forwarded, address):
    senders = Senders([ip_network("10.0.0.0/8"), ip_network("::1/128")])

    assert senders.address(peer, {"x-forwarded-for": forwarded}) == address


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a:b", "a:b"),
        ("", ""),
    ],
)
def test_addresses_that_one_sender_has_at_will_count_as_one(address, counted_as):
    assert group(address) == counted_as


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "hub.example.com"]
)
def test_the_api_answers_under_its_own_hosts(host):
    guard = Guard("token", ("https://hub.example.com", "127.0.0.1:8080"))

    assert guard.refusal({"host": host, "authorization": "Bearer token"}) is None


def test_without_a_token_nobody_passes():
    assert Guard("", ()).refusal({"host": "localhost", "authorization": "Bearer "}) is not None


def test_no_header_of_an_answer_can_hold_another():
    with pytest.raises(ValueError, match="line break"):
        head_bytes(200, [(b"x", b"a\r\nSet-Cookie: b")])


def test_a_sources_own_answer_gets_its_length():
    assert (b"content-length", b"2") in from_response(Response(200, {"X-A": "b"}, b"ok")).head
    assert from_response(Response(204)).head == []


def test_a_preflight_without_wishes_is_answered_all_the_same():
    assert dict(preflight({}).head)[b"access-control-allow-methods"] == b"POST"


def test_connections_leave_open_files_for_the_house(monkeypatch):
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 256))

    assert Bounds().fitting().connections == 128
