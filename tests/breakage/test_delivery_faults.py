"""What far sides do to us, and what comes of it: nothing lost, nothing under two ids, order kept."""

from __future__ import annotations

import asyncio
from email.utils import format_datetime

import pytest
from delivery_house import DeliveryHouse, sink, webhook
from far_side import OK, FarSide, answer

import hub
import hub.transport
from hub.connector import Limits
from hub.errors import StoreUnavailable
from hub.event import moment
from hub.store.sqlite.deliveries import SqliteDeliveriesWriter

pytestmark = pytest.mark.usefixtures("brisk")


def failing(house, share: int, status: int = 500):
    """A script that fails every so manyth request."""
    count = 0

    def script(heard):
        nonlocal count
        count += 1
        return answer(status) if count % share == 0 else OK

    return script


async def recovered(house, sink="audit", seconds=7200.0):
    """Time passes until nothing waits any more."""
    for _ in range(int(seconds / 5)):
        await house.quiet()
        if house.ledger(sink)["waiting"] == 0:
            return
        await house.forward(seconds=5)
    raise AssertionError(house.ledger(sink))


# Passing faults


async def test_a_refused_connection_is_tried_again_until_it_works(house, far):
    await far.stop()
    house.plan(count=3)
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        assert house.assert_balanced("audit")["waiting"] == 3
        await far.start()
        await recovered(house)

    assert far.numbers() == [1, 2, 3]


@pytest.mark.parametrize("fault", [answer(500), answer(503), answer(408), None, b"garbage\r\n\r\n"])
async def test_one_passing_fault_is_tried_again_under_the_same_id(house, far, fault):
    house.plan()
    far.script = lambda heard: fault if len(far.heard) == 1 else OK
    async with house.delivering(webhook("audit", far.url)):
        await recovered(house)

    ids = {heard.headers["webhook-id"] for heard in far.heard}
    assert len(far.heard) >= 2
    assert len(ids) == 1
    assert far.numbers() == [1]
    assert house.assert_balanced("audit")["delivered"] == 1


async def test_a_hanging_sink_is_given_up_at_its_deadline_and_tried_again(house, far, monkeypatch):
    monkeypatch.setattr("connectors.webhook.sink.Webhook.deadline", 0.05)
    house.plan()

    async def hang():
        await asyncio.sleep(0.3)
        return OK

    far.script = lambda heard: hang() if len(far.heard) == 1 else OK
    async with house.delivering(webhook("audit", far.url)):
        await recovered(house)

    assert len(far.heard) == 2
    assert house.assert_balanced("audit")["delivered"] == 1


async def test_a_huge_answer_is_read_to_a_small_part_only(house, far):
    house.plan(count=2)
    far.script = lambda heard: b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n" + b"x" * 300_000
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()

    assert house.assert_balanced("audit")["delivered"] == 2


# Limits that the vendor speaks of


async def test_retry_after_in_seconds_is_obeyed_by_the_whole_lane(house, far):
    house.plan(count=1)
    far.script = lambda heard: answer(429, Retry_After="3600") if len(far.heard) == 1 else OK
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        house.plan(who="bob", count=5)
        await house.forward(seconds=3599, step=600)
        assert len(far.heard) == 1
        await house.forward(seconds=1)

    assert sorted(far.numbers()) == [1, 2, 3, 4, 5, 6]


async def test_retry_after_as_a_date_is_read_by_the_vendors_clock(house, far):
    house.plan()
    theirs = moment(house.clock.now() + 5_000_000_000)
    later = moment(house.clock.now() + 5_060_000_000)
    far.script = lambda heard: (
        answer(
            503, Date=format_datetime(theirs, usegmt=True), Retry_After=format_datetime(later, usegmt=True)
        )
        if len(far.heard) == 1
        else OK
    )
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        await house.forward(seconds=59)
        assert len(far.heard) == 1
        await house.forward(seconds=2)

    assert far.numbers() == [1]


async def test_retry_after_is_obeyed_for_a_day_at_most(house, far):
    house.plan()
    far.script = lambda heard: answer(429, Retry_After="999999999") if len(far.heard) == 1 else OK
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        await house.forward(hours=23, step=3600)
        assert len(far.heard) == 1
        await house.forward(hours=1.01)

    assert far.numbers() == [1]


async def test_a_spent_rate_limit_window_is_waited_for(house, far):
    house.plan(count=3)
    far.script = lambda heard: answer(200, X_RateLimit_Remaining="0", X_RateLimit_Reset="30")
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        assert len(far.heard) == 1
        await house.forward(seconds=31)
        assert len(far.heard) == 2
        await house.forward(seconds=31)

    assert far.numbers() == [1, 2, 3]


async def test_a_pause_outlives_a_restart(house, far):
    house.plan()
    far.script = lambda heard: answer(429, Retry_After="600") if len(far.heard) == 1 else OK
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
    async with house.delivering(webhook("audit", far.url)):
        await house.forward(seconds=500)
        assert len(far.heard) == 1
        await house.forward(seconds=101)

    assert far.numbers() == [1]


# One bad among good ones


async def test_one_item_that_is_refused_dies_alone(house, far):
    for n in range(100):
        house.plan(who=f"p{n}")
    far.script = lambda heard: (
        answer(400) if any(item["data"]["properties"]["n"] == 37 for item in heard.items) else OK
    )
    async with house.delivering(webhook("audit", far.url, limits=Limits(batch=100))):
        await house.quiet()

    assert sorted(far.numbers()) == [n for n in range(1, 101) if n != 37]
    [dead] = house.dead()
    assert dead.reason == "answered 400"
    assert house.assert_balanced("audit") == {
        "planned": 100,
        "delivered": 99,
        "waiting": 0,
        "dead": 1,
        "skipped": 0,
    }
    assert [told["state"] for told in house.outcomes()] == ["dead"]


async def test_a_poisoned_item_that_answers_500_is_found_and_the_others_arrive(house, far):
    for n in range(64):
        house.plan(who=f"p{n}")
    far.script = lambda heard: (
        answer(500) if any(item["data"]["properties"]["n"] == 37 for item in heard.items) else OK
    )
    async with house.delivering(webhook("audit", far.url, limits=Limits(batch=64))):
        for _ in range(120):
            await house.forward(seconds=5)
            if len(far.numbers()) == 63:
                break

        assert sorted(far.numbers()) == [n for n in range(1, 65) if n != 37]
        await house.forward(hours=74, step=1800)

    [dead] = house.dead()
    assert dead.reason.startswith("tried in vain for 72 h")
    assert house.assert_balanced("audit")["delivered"] == 63


async def test_a_failing_person_holds_only_that_persons_deliveries(house, far):
    house.plan(who="sick", count=5)
    house.plan(who="ann", count=20)
    house.plan(who="sick", count=3)
    healthy = False
    far.script = lambda heard: (
        answer(500)
        if not healthy and any(item["data"]["properties"]["who"] == "sick" for item in heard.items)
        else OK
    )
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        assert far.numbers() == list(range(6, 26))
        assert house.assert_balanced("audit")["waiting"] == 8
        healthy = True
        await recovered(house)

    assert far.numbers("sick") == [1, 2, 3, 4, 5, 26, 27, 28]


async def test_order_per_person_holds_while_every_tenth_request_fails(house, far):
    far.script = failing(house, 10)
    for _ in range(20):
        for who in ("hot", "hot", "hot", "ann", "bob"):
            house.plan(who=who)
    async with house.delivering(webhook("audit", far.url)):
        await recovered(house)

    for who in ("hot", "ann", "bob"):
        assert far.numbers(who) == sorted(far.numbers(who))
    assert len(far.numbers()) == 100
    assert house.assert_balanced("audit")["delivered"] == 100


# The sink as a whole


async def test_rejected_credentials_pause_the_sink_and_nothing_dies(house, far):
    house.plan(count=20)
    good = False
    far.script = lambda heard: OK if good else answer(401)
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        assert house.reports["sinks.audit"] == (
            "degraded",
            "answered 401: the credentials are not accepted",
        )
        # A pause for credentials does not count against a delivery's 72 hours.
        await house.forward(hours=100, step=3600)
        heard = len(far.heard)
        assert heard < 120
        assert house.assert_balanced("audit")["waiting"] == 20
        good = True
        await recovered(house)

    assert sorted(far.numbers()) == list(range(1, 21))
    assert house.dead() == []
    assert house.reports["sinks.audit"][0] == "ok"


async def test_an_operator_resumes_a_sink_that_is_gone(house, far):
    house.plan(count=2)
    gone = True
    far.script = lambda heard: answer(410) if gone else OK
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        await house.forward(hours=48, step=3600)
        assert 1 <= len(far.heard) <= 4
        gone = False
        house.command(command="resume", sink="audit")
        await house.quiet()

    assert far.numbers() == [1, 2]


async def test_a_redirect_is_never_followed(house, far):
    other = FarSide()
    await other.start()
    house.plan()
    far.script = lambda heard: answer(302, Location=other.url)
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
    await other.stop()

    assert other.heard == []
    assert house.assert_balanced("audit")["waiting"] == 1


async def test_a_sink_that_is_down_holds_only_its_own_lane(house, far):
    down = FarSide()
    await down.start()
    port = down.port
    await down.stop()
    legs = ["audit.send", "sick.send"]
    async with house.delivering(
        webhook("audit", far.url), webhook("sick", down.url, limits=Limits(batch=10))
    ):
        for n in range(40):
            house.plan(legs, who=f"p{n % 7}", count=5)
        await house.quiet()
        assert len(far.numbers()) == 200
        await house.forward(seconds=10, step=1)
        assert house.reports["sinks.sick"][0] == "degraded"
        await house.forward(hours=24, step=3600)
        assert house.assert_balanced("sick") == {
            "planned": 200,
            "delivered": 0,
            "waiting": 200,
            "dead": 0,
            "skipped": 0,
        }
        assert house.rows("sick") <= 50, "an outage costs no rows but for what was tried before it was known"
        down.port = port
        await down.start()
        await house.forward(seconds=5)
        await house.quiet()

        # In about the time a healthy lane would need: as soon as one probe has arrived, all of it.
        assert len(down.numbers()) == 200
        for n in range(7):
            assert down.numbers(f"p{n}") == sorted(down.numbers(f"p{n}"))
        assert len(down.heard) < 60
        assert house.reports["sinks.sick"][0] == "ok"
    await down.stop()
    house.assert_balanced("sick")


async def test_what_a_sink_missed_for_more_than_72_hours_is_dead_and_can_be_replayed(house, far):
    await far.stop()
    house.plan(count=30, who="ann")
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        await house.forward(hours=80, step=3600)
        totals = house.assert_balanced("audit")
        assert totals["dead"] == 30, totals
        await far.start()
        await house.forward(seconds=10)
        house.command(command="replay", sink="audit")
        await house.quiet()

    assert sorted(far.numbers()) == list(range(1, 31))
    assert house.assert_balanced("audit")["delivered"] == 30


async def test_a_flapping_sink_gets_no_storm_and_loses_nothing(house, far):
    def script(heard):
        return OK if house.clock.now() // 20_000_000 % 2 else answer(500)

    far.script = script
    async with house.delivering(webhook("audit", far.url)):
        for n in range(60):
            house.plan(who=f"p{n % 10}", count=3)
            await house.forward(seconds=1)
        requests = len(far.heard)
        await recovered(house)

    assert sorted(far.numbers()) == list(range(1, 181))
    assert requests < 2 * 180
    for n in range(10):
        assert far.numbers(f"p{n}") == sorted(far.numbers(f"p{n}"))


# Connectors that misbehave


class Clumsy(hub.Sink[hub.Settings]):
    """Fails on some events."""

    name = "clumsy"
    limits = hub.Limits(in_flight=2, batch=20)
    deadline = 0.1
    did: list[int] = []
    trouble = "raise"

    @hub.action("send")
    async def send(self, deliveries):
        """Does it, or not."""
        for delivery in deliveries:
            n = delivery.event.properties["n"]
            if n == 13 and Clumsy.trouble == "raise":
                raise KeyError("ann@example.com")
            if n == 13 and Clumsy.trouble == "hang":
                await asyncio.sleep(60)
        Clumsy.did += [delivery.event.properties["n"] for delivery in deliveries]


@pytest.mark.parametrize("trouble", ["raise", "hang"])
async def test_a_bug_in_a_connector_hurts_only_the_delivery_that_met_it(house, trouble, capfd):
    Clumsy.did, Clumsy.trouble = [], trouble
    for n in range(40):
        house.plan("clumsy.send", who=f"p{n}")
    async with house.delivering(sink("clumsy", Clumsy, limits=Clumsy.limits)):
        for _ in range(100):
            await house.forward(seconds=10)
            if len(set(Clumsy.did)) == 39:
                break

        assert sorted(set(Clumsy.did)) == [n for n in range(1, 41) if n != 13]
        await house.quiet()
        assert house.assert_balanced("clumsy")["waiting"] == 1
    assert "ann@example.com" not in capfd.readouterr().err


class Undecided(hub.Sink[hub.Settings]):
    """Says for each delivery what became of it."""

    name = "undecided"
    limits = hub.Limits(in_flight=1, batch=10)
    tried: list[int] = []

    @hub.action("send")
    async def send(self, deliveries):
        """Speaks of each."""
        said = {}
        for delivery in deliveries:
            n = delivery.event.properties["n"]
            Undecided.tried.append(n)
            if n == 2:
                said[delivery.id] = hub.GiveUp("no phone number")
            elif n == 3:
                said[delivery.id] = hub.Skip("not wanted")
            elif n == 4 and delivery.attempt == 1:
                said[delivery.id] = hub.RetryLater("busy")
        return said


async def test_a_batch_says_exactly_what_failed(house):
    Undecided.tried = []
    for n in range(6):
        house.plan("undecided.send", who=f"p{n}")
    async with house.delivering(sink("undecided", Undecided, limits=Undecided.limits)):
        await recovered(house, "undecided")

    assert Undecided.tried == [1, 2, 3, 4, 5, 6, 4]
    totals = house.assert_balanced("undecided")
    assert (totals["delivered"], totals["dead"], totals["skipped"]) == (4, 1, 1)
    assert {told["reason"] for told in house.outcomes()} == {"no phone number", "not wanted"}


# Our own falls


async def test_what_was_in_flight_at_a_kill_is_tried_again_under_the_same_id(tmp_path, far):
    house = DeliveryHouse(tmp_path)
    for n in range(30):
        house.plan(who=f"p{n}")

    async def slow():
        await asyncio.sleep(60)
        return OK

    far.script = lambda heard: OK if len(far.heard) <= 10 else slow()
    async with house.delivering(webhook("audit", far.url)):
        await house.until(lambda: len(far.heard) == 14)
        # No word reaches the store any more: as after a kill.
        house.role._settler._writer.settle = lambda *_: None
    house.assert_balanced("audit")
    far.script = lambda heard: OK
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()

    assert sorted(set(far.numbers())) == list(range(1, 31))
    repeated = len(far.heard) - len({heard.headers["webhook-id"] for heard in far.heard})
    assert repeated <= 2 * 4, "at most what was in flight"
    assert len({heard.headers["webhook-id"] for heard in far.heard}) == 30
    assert house.assert_balanced("audit")["delivered"] == 30
    house.close()


class Shaky(SqliteDeliveriesWriter):
    """A disk that is full for a while, or that says no when it did."""

    broken = False
    did_all_the_same = False

    def settle(self, *what):
        if self.broken:
            if self.did_all_the_same:
                super().settle(*what)
            raise StoreUnavailable("FullError: database or disk is full")
        super().settle(*what)


@pytest.mark.parametrize("did", [False, True])
async def test_delivery_stops_while_its_results_cannot_be_stored(house, far, did, monkeypatch):
    monkeypatch.setattr("hub.delivery.settling.AGAIN_SECONDS", 0.01)
    store = Shaky(house.folder, durable=False)
    store.did_all_the_same = did
    house.plan(count=50, who="ann")
    async with house.delivering(webhook("audit", far.url), store=store):
        await house.quiet()
        store.broken = True
        house.plan(count=50, who="bob")
        await house.until(lambda: "deliveries" in house.reports)
        await house.until(lambda: not house.role.lane("audit")._flights)
        heard = len(far.heard)
        await asyncio.sleep(0.05)
        assert len(far.heard) == heard <= 54
        assert house.reports["deliveries"][0] == "degraded"
        store.broken = False
        await house.quiet()

    assert far.numbers() == list(range(1, 101)), "nothing was sent twice"
    assert house.reports["deliveries"] == ("ok", "")
    assert house.assert_balanced("audit")["delivered"] == 100
