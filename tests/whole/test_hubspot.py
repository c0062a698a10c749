"""From what a sender posts to what HubSpot keeps, with everything that may go wrong in between."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest
from delivery_house import DeliveryHouse, sink
from running_hub import HUB, SITE, RunningHub, wait_for
from vendor_house import happened

from connectors.hubspot import HubSpot as Connector
from hub.config import SinkBlock
from hub.connector import actions
from hub.store.port import Leg
from hub.testing.vendors.hubspot import HubSpot

CRM = """
[sinks.crm]
connector = "hubspot"
token     = {{ file = "secret_key" }}
portal_id = "123"
list_id   = "12"
traits    = {{ plan = "plan" }}
base_url  = "{url}"

[sinks.crm.subscriptions]
marketing = "71"

[routes.everything]
to = "crm"

[routes.buyers]
to   = "crm.add"
when = "order_completed"

[routes.agreed]
to   = "crm.subscribe"
when = "consent_changed"
"""


@pytest.fixture
def vendor() -> Iterator[HubSpot]:
    with HubSpot() as vendor:
        yield vendor


def crm(vendor: HubSpot, **settings: object) -> SinkBlock:
    said = {"token": "pat-test", "portal_id": "123", "traits": {"plan": "lifecyclestage"}, **settings}
    return sink("crm", Connector, said, base_url=vendor.url, limits=Connector.limits)


def plan(house: DeliveryHouse, action: str, who: str, **traits: str) -> None:
    """An event of somebody with an address, for an action."""
    event = happened(
        "Product Added",
        {"product_id": "p1"},
        who={"user_id": who, "email": f"{who}@example.com"},
        traits=traits,
        id=f"{who}-{action}",
    )
    event.source = "site"
    house.plan_events([event], [Leg("crm", action, "forward", "everything")], who)


def addresses(vendor: HubSpot) -> set[str]:
    return {kept.email.partition("@")[0] for kept in vendor.events}


async def test_exactly_the_refused_ones_of_a_batch_die(house: DeliveryHouse, vendor: HubSpot):
    names = [f"p{n}" for n in range(50)]
    for name in names:
        plan(house, "profile", name, plan=name)
    vendor.reject(lambda properties: properties.get("lifecyclestage") in ("p7", "p23"))
    async with house.delivering(crm(vendor)):
        await house.quiet()
        await house.forward(seconds=30, step=1)

    kept = {contact.properties["lifecyclestage"] for contact in vendor.contacts}
    assert kept == {*names} - {"p7", "p23"}
    assert [row.reason for row in house.dead()] == [
        "answered 400: VALIDATION_ERROR, INVALID_OPTION at lifecyclestage"
    ] * 2
    totals = house.assert_balanced("crm")
    assert (totals["delivered"], totals["dead"]) == (48, 2)


async def test_exactly_the_refused_ones_of_a_partly_fine_answer_die(house: DeliveryHouse):
    with HubSpot(unique=["shop_id"]) as vendor:
        for n in range(50):
            plan(house, "profile", f"p{n}", plan=f"p{n}")
        vendor.reject(lambda properties: properties.get("lifecyclestage") in ("p7", "p23"))
        async with house.delivering(crm(vendor, unique_property="shop_id")):
            await house.quiet()

    assert len(vendor.contacts) == 48
    assert 207 in vendor.answered
    assert 400 not in vendor.answered
    totals = house.assert_balanced("crm")
    assert (totals["delivered"], totals["dead"]) == (48, 2)


async def test_a_refused_event_is_found_in_its_batch(house: DeliveryHouse, vendor: HubSpot):
    for n in range(20):
        plan(house, "track", f"p{n}")
    vendor.reject(lambda said: said.get("email") == "p13@example.com")
    async with house.delivering(crm(vendor)):
        await house.quiet()
        await house.forward(seconds=30, step=1)

    assert addresses(vendor) == {f"p{n}" for n in range(20)} - {"p13"}
    totals = house.assert_balanced("crm")
    assert (totals["delivered"], totals["dead"]) == (19, 1)


async def test_what_arrived_before_a_crash_arrives_once(house: DeliveryHouse, vendor: HubSpot):
    for n in range(20):
        plan(house, "track", f"p{n}")
        plan(house, "profile", f"p{n}")
    for _ in range(2):
        async with house.delivering(crm(vendor)):
            await house.quiet()
        (house.folder / "deliveries.db").unlink()
    async with house.delivering(crm(vendor)):
        await house.quiet()

    assert len(vendor.events) == 20
    assert len(vendor.contacts) == 20
    assert house.assert_balanced("crm")["delivered"] == 40


async def test_a_vendor_that_is_full_is_waited_for(house: DeliveryHouse, vendor: HubSpot):
    plan(house, "track", "ann")
    vendor.full(after=5, times=1)
    async with house.delivering(crm(vendor)):
        await house.quiet()
        assert vendor.events == []
        await house.forward(seconds=4)
        assert len(vendor.heard) == 1
        await house.forward(seconds=2)

    assert addresses(vendor) == {"ann"}


async def test_a_day_that_is_used_up_is_waited_for(house: DeliveryHouse):
    with HubSpot(now=lambda: house.clock.now() / 1_000_000, daily=0) as vendor:
        plan(house, "profile", "ann")
        async with house.delivering(crm(vendor)):
            await house.quiet()
            status, reason = house.reports["sinks.crm"]
            await house.forward(seconds=3600, step=60)

    assert (status, "daily limit is used up" in reason) == ("degraded", True)
    assert set(vendor.answered) == {429}
    assert len(vendor.answered) <= 6
    assert house.assert_balanced("crm")["waiting"] == 1


@pytest.mark.parametrize("trouble", [HubSpot.down, HubSpot.broken])
async def test_a_vendor_that_is_down_costs_nothing_but_time(
    house: DeliveryHouse, vendor: HubSpot, trouble: Callable[[HubSpot], None]
):
    for n in range(10):
        plan(house, "track", f"p{n}")
        plan(house, "profile", f"p{n}")
    trouble(vendor)
    async with house.delivering(crm(vendor)):
        await house.quiet()
        await house.forward(seconds=120, step=1)
        assert (vendor.events, vendor.contacts) == ([], [])
        vendor.well()
        await house.forward(seconds=120, step=1)

    assert (len(vendor.events), len(vendor.contacts)) == (10, 10)
    assert house.assert_balanced("crm")["delivered"] == 20


async def test_a_property_that_the_account_lacks_pauses_the_sink_and_loses_nothing(
    house: DeliveryHouse, vendor: HubSpot
):
    for n in range(3):
        plan(house, "profile", f"p{n}", plan="pro")
    async with house.delivering(crm(vendor, traits={"plan": "plan_level"})):
        await house.quiet()
        status, reason = house.reports["sinks.crm"]

    assert status == "degraded"
    assert "no contact property plan_level" in reason
    assert house.assert_balanced("crm")["waiting"] == 3


async def test_the_limits_of_the_vendor_are_never_reached(house: DeliveryHouse):
    with HubSpot(now=lambda: house.clock.now() / 1_000_000) as vendor:
        async with house.delivering(crm(vendor, subscriptions={"marketing": "71"})):
            for n in range(80):
                for action in ("profile", "track", "start", "subscribe"):
                    plan(house, action, f"p{n}")
                await house.forward(seconds=0.05)
            await house.forward(seconds=90, step=0.5)

    assert 429 not in vendor.answered
    assert (len(vendor.events), len(vendor.contacts)) == (160, 80)
    assert len(vendor.subscribed["71"]) == 80


def test_what_is_posted_arrives(hubs: Callable[..., RunningHub]):
    with HubSpot(properties=["plan"], lists=["12"], subscriptions=["71"]) as vendor:
        hub = hubs(SITE + CRM.format(url=vendor.url)).start()
        hub.post("/v1/identify", {"userId": "u1", "traits": {"email": "Ann@Example.com", "plan": "pro"}})
        agreed = {"channel": "email", "purpose": "marketing", "state": "granted"}
        hub.track("u1", "Consent Changed", properties=agreed)
        hub.track("u1", "Order Completed", properties={"order_id": "o1", "revenue": "19.90"})

        wait_for(lambda: len(vendor.events) == 2 and vendor.members("12") and vendor.subscribed)
        wait_for(lambda: any("plan" in one.properties for one in vendor.contacts))
        assert hub.stop() == 0

    [contact] = vendor.contacts
    assert (contact.properties["email"], contact.properties["plan"]) == ("ann@example.com", "pro")
    assert vendor.members("12") == vendor.subscribed["71"] == {"ann@example.com"}
    bought = next(kept for kept in vendor.events if kept.name == "pe123_order_completed")
    assert bought.properties == {"order_id": "o1", "revenue": "19.90"}
    assert set(vendor.answered) <= {200, 204, 207}


def test_a_preview_shows_what_hubspot_would_be_sent(hubs: Callable[..., RunningHub]):
    hub = hubs(SITE + CRM.format(url="https://api.hubapi.com"))
    said = {
        "type": "track",
        "event": "Product Added",
        "messageId": "m1",
        "userId": "u1",
        "context": {"traits": {"email": "ann@example.com"}},
        "properties": {"product_id": "p1"},
        "timestamp": "2026-11-21T10:00:00Z",
    }
    (hub.folder / "events.jsonl").write_text(json.dumps(said) + "\n")
    shown = subprocess.run(
        [str(HUB), "preview", "crm", "events.jsonl", "--config", str(hub.config)],
        cwd=hub.folder,
        capture_output=True,
        text=True,
        check=True,
    )

    [line] = [json.loads(one) for one in shown.stdout.splitlines()]
    assert (line["action"], line["url"]) == ("track", "https://api.hubapi.com/events/v3/send")
    assert line["body"]["eventName"] == "pe123_product_added"
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
