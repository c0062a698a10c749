"""What was planned arrives: once, in order, and is counted."""

from __future__ import annotations

from delivery_house import webhook

from hub.connector import Limits


async def test_a_planned_event_arrives_at_its_sink(house, far):
    house.plan(who="ann")
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()

    assert far.numbers() == [1]
    assert house.assert_balanced("audit")["delivered"] == 1


async def test_many_arrive_in_batches_in_the_order_of_the_outbox(house, far):
    for n in range(10):
        house.plan(who=f"p{n}", count=50)
    async with house.delivering(webhook("audit", far.url, limits=Limits(in_flight=4, batch=100))):
        await house.quiet()

    assert sorted(far.numbers()) == list(range(1, 501))
    assert len(far.heard) < 20
    for n in range(10):
        assert far.numbers(f"p{n}") == sorted(far.numbers(f"p{n}"))
    assert house.assert_balanced("audit")["delivered"] == 500
