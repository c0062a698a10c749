"""From what a sender posts to what Klaviyo keeps, with everything that may go wrong in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from delivery_house import DeliveryHouse, sink
from running_hub import SITE, RunningHub, wait_for

from connectors.klaviyo import Klaviyo as Connector
from hub.config import SinkBlock
from hub.connector import actions
from hub.testing.vendors.klaviyo import Klaviyo

NEWS = """
[sinks.news]
connector = "klaviyo"
api_key   = {{ file = "secret_key" }}
base_url  = "{url}"

[routes.everything]
to = "news"
"""


@pytest.fixture
def vendor() -> Iterator[Klaviyo]:
    with Klaviyo() as vendor:
        yield vendor


def news(vendor: Klaviyo) -> SinkBlock:
    return sink("news", Connector, {"api_key": "pk_test"}, base_url=vendor.url)


def people(vendor: Klaviyo) -> list[str]:
    return sorted(kept.profile.names["external_id"] for kept in vendor.events)


async def test_exactly_the_refused_ones_of_a_job_die(house: DeliveryHouse, vendor: Klaviyo):
    names = [f"p{n}" for n in range(50)]
    for name in names:
        house.plan("news.track", who=name)
    vendor.reject(lambda attributes: attributes.get("external_id") in ("p7", "p23"))
    async with house.delivering(news(vendor)):
        await house.quiet()

    assert people(vendor) == sorted({*names} - {"p7", "p23"})
    assert [row.reason.partition(" at ")[0] for row in house.dead()] == ["answered 400: invalid"] * 2
    assert vendor.answered == [400, 202]
    totals = house.assert_balanced("news")
    assert (totals["delivered"], totals["dead"]) == (48, 2)


async def test_what_arrived_before_a_crash_arrives_once(house: DeliveryHouse, vendor: Klaviyo):
    for n in range(20):
        house.plan("news.track", who=f"p{n}")
    async with house.delivering(news(vendor)):
        await house.quiet()
    (house.folder / "deliveries.db").unlink()
    async with house.delivering(news(vendor)):
        await house.quiet()

    assert len(vendor.events) == 20
    assert house.assert_balanced("news")["delivered"] == 20


async def test_who_is_forgotten_is_gone_with_all_that_happened_and_nobody_else_is(
    house: DeliveryHouse, vendor: Klaviyo
):
    for name in ("ann", "ben"):
        house.plan("news.track", who=name)
    async with house.delivering(news(vendor)):
        await house.quiet()
        house.plan("news.forget", who="ann")
        house.plan("news.forget", who="eve")
        await house.forward(seconds=5, step=1)

    assert people(vendor) == ["ben"]
    totals = house.assert_balanced("news")
    assert (totals["delivered"], totals["skipped"]) == (3, 1)


async def test_a_vendor_that_is_full_is_waited_for(house: DeliveryHouse, vendor: Klaviyo):
    house.plan("news.track", who="ann")
    vendor.full(after=5, times=1)
    async with house.delivering(news(vendor)):
        await house.quiet()
        assert vendor.events == []
        await house.forward(seconds=4)
        assert len(vendor.heard) == 1
        await house.forward(seconds=2)

    assert people(vendor) == ["ann"]


@pytest.mark.parametrize("trouble", [Klaviyo.down, Klaviyo.broken])
async def test_a_vendor_that_is_down_costs_nothing_but_time(
    house: DeliveryHouse, vendor: Klaviyo, trouble: Callable[[Klaviyo], None]
):
    for n in range(10):
        house.plan("news.track", who=f"p{n}")
    trouble(vendor)
    async with house.delivering(news(vendor)):
        await house.quiet()
        await house.forward(seconds=120, step=1)
        assert vendor.events == []
        vendor.well()
        await house.forward(seconds=120, step=1)

    assert len(vendor.events) == 10
    assert house.assert_balanced("news")["delivered"] == 10


async def test_a_retired_revision_pauses_the_sink_and_loses_nothing(house: DeliveryHouse):
    with Klaviyo(retired=["2026-07-15"]) as vendor:
        house.plan("news.track", who="ann")
        async with house.delivering(news(vendor)):
            await house.quiet()

            status, reason = house.reports["sinks.news"]

    assert status == "degraded"
    assert "revision 2026-07-15 is retired" in reason
    assert house.assert_balanced("news")["waiting"] == 1


async def test_the_limits_of_the_vendor_are_never_reached(house: DeliveryHouse):
    with Klaviyo(now=lambda: house.clock.now() / 1_000_000) as vendor:
        async with house.delivering(news(vendor)):
            for n in range(300):
                house.plan("news.track", who=f"p{n}")
                house.plan("news.profile", who=f"p{n}")
                await house.forward(seconds=0.1)
            await house.forward(seconds=120, step=1)

    assert 429 not in vendor.answered
    assert len(vendor.events) == 300
    assert len(vendor.profiles) == 300


async def test_what_comes_in_steadily_is_never_held_up_by_the_limit_of_jobs(house: DeliveryHouse):
    with Klaviyo(now=lambda: house.clock.now() / 1_000_000) as vendor:
        async with house.delivering(news(vendor)):
            for n in range(1, 301):
                house.plan("news.track", who=f"p{n}")
                await house.forward(seconds=0.2)
                assert len(vendor.events) == n

    assert {heard.path for heard in vendor.heard} == {"/api/events"}
    assert 429 not in vendor.answered


async def test_while_jobs_have_to_wait_events_go_out_alone(house: DeliveryHouse):
    with Klaviyo(now=lambda: house.clock.now() / 1_000_000) as vendor:
        async with house.delivering(news(vendor)):
            for n in range(400):
                house.plan("news.track", who=f"p{n}", count=1)
                house.plan("news.track", who=f"q{n}", count=1)
                await house.forward(seconds=0.1)
            assert len(vendor.events) == 800

    assert [heard.path for heard in vendor.heard].count("/api/event-bulk-create-jobs") == 150
    assert 429 not in vendor.answered


async def test_a_rate_that_the_block_lowers_is_for_all_requests_together(
    house: DeliveryHouse, vendor: Klaviyo
):
    block = news(vendor)
    lowered = replace(block, limits={name: replace(one, per_second=2) for name, one in block.limits.items()})
    async with house.delivering(lowered):
        for n in range(10):
            house.plan("news.track", who=f"p{n}")
            await house.quiet()
        await house.forward(seconds=1)

    assert len(vendor.heard) <= 3


def test_what_is_posted_arrives(hubs: Callable[..., RunningHub], vendor: Klaviyo):
    hub = hubs(SITE + NEWS.format(url=vendor.url)).start()
    hub.post("/v1/identify", {"userId": "u1", "traits": {"email": "Ann@Example.com", "plan": "pro"}})
    hub.track("u1", "Product Added", properties={"product_id": "p1", "price": "19.90", "currency": "EUR"})

    [kept] = wait_for(lambda: vendor.events)
    assert (kept.metric, kept.value, kept.value_currency) == ("Product Added", 19.9, "EUR")
    assert kept.profile.names["email"] == "ann@example.com"
    assert kept.profile.properties["plan"] == "pro"
    assert set(vendor.answered) <= {200, 201, 202}
    assert hub.stop() == 0


def test_the_vendor_offers_what_the_documentation_says():
    assert sorted(actions(Connector)) == ["forget", "profile", "subscribe", "track", "unsubscribe"]
