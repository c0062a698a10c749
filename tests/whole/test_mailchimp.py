"""From what a sender posts to what Mailchimp keeps, with everything that may go wrong in between."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from delivery_house import DeliveryHouse, sink
from mailchimp_house import consent
from running_hub import HUB, SITE, RunningHub, wait_for
from vendor_house import happened

from connectors.mailchimp import Mailchimp as Connector
from hub.config import SinkBlock
from hub.connector import actions
from hub.store.port import Leg
from hub.testing.vendors.mailchimp import Mailchimp

LETTERS = """
[sinks.letters]
connector = "mailchimp"
api_key   = {{ file = "secret_key" }}
server    = "us6"
list_id   = "a6b5da1054"
tag       = "buyer"
base_url  = "{url}"

[routes.everything]
to = "letters"

[routes.buyers]
to   = "letters.add"
when = "order_completed"

[routes.agreed]
to   = "letters.subscribe"
when = "consent_changed"
"""


@pytest.fixture
def vendor() -> Iterator[Mailchimp]:
    with Mailchimp() as vendor:
        yield vendor


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DeliveryHouse]:
    house = DeliveryHouse(tmp_path)
    yield house
    house.close()


def letters(vendor: Mailchimp, **settings: object) -> SinkBlock:
    said = {"api_key": "0123abc-us6", "list_id": "a6b5da1054", "journey": "12/34", "tag": "vip", **settings}
    return sink("letters", Connector, said, base_url=vendor.url, limits=Connector.limits)


def plan(house: DeliveryHouse, action: str, *names: str, state: str = "granted") -> None:
    """An event of each of them, for an action."""
    for who in names:
        event = consent(state) if action.endswith("subscribe") else happened("Product Added")
        event.id, event.source = f"{who}-{action}-{house.clock.now()}", "site"
        event.identifiers = (type(event.identifiers[0])("email", f"{who}@example.com"),)
        event.traits = {"first_name": who}
        house.plan_events([event], [Leg("letters", action, "forward", "everything")], who)


def names(count: int) -> list[str]:
    return [f"p{n}" for n in range(count)]


def addresses(vendor: Mailchimp) -> set[str]:
    return {kept.email.partition("@")[0] for kept in vendor.events}


async def test_exactly_the_refused_ones_of_a_batch_die(house: DeliveryHouse, vendor: Mailchimp):
    plan(house, "profile", *names(50))
    vendor.reject(lambda said: said.get("email_address") in ("p7@example.com", "p23@example.com"))
    async with house.delivering(letters(vendor)):
        await house.quiet()
        await house.forward(seconds=30, step=1)

    assert {one.email.partition("@")[0] for one in vendor.members} == {*names(50)} - {"p7", "p23"}
    assert len(house.dead()) == 2
    assert all("at FNAME" in row.reason for row in house.dead())
    assert house.assert_balanced("letters")["delivered"] == 48


async def test_nobody_is_brought_back_by_what_is_known_of_them(house: DeliveryHouse, vendor: Mailchimp):
    async with house.delivering(letters(vendor, status_if_new="subscribed")):
        plan(house, "subscribe", *names(6))
        await house.quiet()
        for who in ("p1", "p4"):
            vendor.leave(f"{who}@example.com")
        for action in ("profile", "track", "add", "start"):
            plan(house, action, *names(8))
        await house.quiet()
        await house.forward(seconds=30, step=1)

    left = {one.email for one in vendor.members if one.status == "unsubscribed"}
    assert left == {"p1@example.com", "p4@example.com"}
    assert len(vendor.members) == 8
    assert len(vendor.events) == len(vendor.triggered) == 8
    assert house.assert_balanced("letters")["delivered"] == 38


async def test_members_that_arrived_before_a_crash_are_there_once(house: DeliveryHouse, vendor: Mailchimp):
    plan(house, "profile", *names(20))
    plan(house, "add", *names(20))
    for _ in range(2):
        async with house.delivering(letters(vendor)):
            await house.quiet()
        (house.folder / "deliveries.db").unlink()
    async with house.delivering(letters(vendor)):
        await house.quiet()

    assert len(vendor.members) == 20
    assert all(list(one.tags) == ["vip"] for one in vendor.members)
    assert house.assert_balanced("letters")["delivered"] == 40


async def test_ten_connections_are_never_used_up(house: DeliveryHouse, vendor: Mailchimp):
    plan(house, "subscribe", *names(30))
    async with house.delivering(letters(vendor)):
        await house.quiet()
        vendor.slow(0.02)
        for action in ("profile", "track", "add", "start", "unsubscribe"):
            plan(house, action, *names(30), state="denied")
        await house.quiet()
        await house.forward(seconds=30, step=1)

    assert 429 not in vendor.answered
    assert len(vendor.events) == 30
    assert house.assert_balanced("letters")["delivered"] == 180


async def test_a_vendor_that_is_full_is_waited_for(house: DeliveryHouse, vendor: Mailchimp):
    plan(house, "subscribe", "ann")
    vendor.full(after=5, times=1)
    async with house.delivering(letters(vendor)):
        await house.quiet()
        assert vendor.members == []
        await house.forward(seconds=4)
        assert len(vendor.heard) == 1
        await house.forward(seconds=2)

    assert [one.status for one in vendor.members] == ["subscribed"]


async def test_a_door_that_is_closed_without_a_word_is_no_matter_of_the_key(
    house: DeliveryHouse, vendor: Mailchimp
):
    plan(house, "track", "ann")
    vendor.down(403, times=2)
    async with house.delivering(letters(vendor)):
        await house.quiet()
        assert house.reports.get("sinks.letters", ("ok", "")) == ("ok", "")
        await house.forward(seconds=60, step=1)

    assert addresses(vendor) == {"ann"}


@pytest.mark.parametrize("trouble", [Mailchimp.down, Mailchimp.broken])
async def test_a_vendor_that_is_down_costs_nothing_but_time(
    house: DeliveryHouse, vendor: Mailchimp, trouble: Callable[[Mailchimp], None]
):
    plan(house, "track", *names(10))
    plan(house, "profile", *names(10))
    trouble(vendor)
    async with house.delivering(letters(vendor)):
        await house.quiet()
        await house.forward(seconds=120, step=1)
        assert vendor.members == []
        vendor.well()
        await house.forward(seconds=120, step=1)

    assert (len(vendor.events), len(vendor.members)) == (10, 10)
    assert house.assert_balanced("letters")["delivered"] == 20


async def test_an_audience_that_is_not_there_pauses_the_sink_and_loses_nothing(house: DeliveryHouse):
    with Mailchimp(lists=["other"]) as vendor:
        plan(house, "profile", *names(3))
        async with house.delivering(letters(vendor)):
            await house.quiet()
            status, reason = house.reports["sinks.letters"]

    assert status == "degraded"
    assert "no audience a6b5da1054" in reason
    assert house.assert_balanced("letters")["waiting"] == 3


def test_what_is_posted_arrives(hubs: Callable[..., RunningHub], vendor: Mailchimp):
    hub = hubs(SITE + LETTERS.format(url=vendor.url)).start()
    hub.post("/v1/identify", {"userId": "u1", "traits": {"email": "Ann@Example.com", "firstName": "Ann"}})
    agreed = {"channel": "email", "purpose": "marketing", "state": "granted"}
    hub.track("u1", "Consent Changed", properties=agreed)
    hub.track("u1", "Order Completed", properties={"order_id": "o1", "revenue": "19.90"})

    wait_for(lambda: len(vendor.events) == 2 and vendor.members[0].tags)
    assert hub.stop() == 0
    [member] = vendor.members
    assert (member.email, member.status, list(member.tags)) == ("ann@example.com", "subscribed", ["buyer"])
    assert member.merge_fields == {"FNAME": "Ann"}
    bought = next(kept for kept in vendor.events if kept.name == "order_completed")
    assert bought.properties["revenue"] == "19.90"
    assert set(vendor.answered) <= {200, 204, 404}


def test_a_preview_shows_what_mailchimp_would_be_sent(hubs: Callable[..., RunningHub]):
    hub = hubs(SITE + LETTERS.format(url="https://us6.api.mailchimp.com/3.0"))
    said = {
        "type": "track",
        "event": "Order Completed",
        "messageId": "m1",
        "userId": "u1",
        "context": {"traits": {"email": "ann@example.com"}},
        "properties": {"order_id": "o1"},
        "timestamp": "2026-11-21T10:00:00Z",
    }
    (hub.folder / "events.jsonl").write_text(json.dumps(said) + "\n")
    shown = subprocess.run(
        [str(HUB), "preview", "letters", "events.jsonl", "--config", str(hub.config)],
        cwd=hub.folder,
        capture_output=True,
        text=True,
        check=True,
    )

    lines = [json.loads(one) for one in shown.stdout.splitlines()]
    assert {line["action"] for line in lines} == {"track", "add"}
    assert all(
        line["url"].startswith("https://us6.api.mailchimp.com/3.0/lists/a6b5da1054/") for line in lines
    )
    assert {line["headers"]["authorization"] for line in lines} == {"Basic [hidden]"}
    assert "sk_test" not in shown.stdout


def test_the_vendor_offers_what_the_documentation_says():
    assert sorted(actions(Connector)) == [
        "add",
        "forget",
        "profile",
        "remove",
        "start",
        "subscribe",
        "track",
        "unsubscribe",
    ]
