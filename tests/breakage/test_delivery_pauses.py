"""Who is waited for, how long, and what an operator sees of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from delivery_house import sink, webhook
from far_side import OK, answer

import hub
import hub.transport
from hub.cli.deliveries import planned
from hub.connector import Limits
from hub.store.port import Standing
from hub.store.sqlite.deliveries import SqliteDeliveries
from hub.store.sqlite.journal import SqliteJournal
from hub.store.sqlite.state import SqliteStateReader
from hub.telemetry import names

pytestmark = pytest.mark.usefixtures("brisk")


def paused(house, sink="audit"):
    """What `hub_sinks_paused` says."""
    return house.metrics.readings()[names.SINKS_PAUSED.name][(sink,)]


# What a vendor asks for


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("after", ["0", "Wed, 21 Oct 2015 07:28:00 GMT"])
async def test_a_vendor_that_asks_for_no_pause_gets_no_storm(house, far, status, after):
    house.plan()
    far.script = lambda heard: answer(status, Retry_After=after)
    async with house.delivering(webhook("audit", far.url)):
        for _ in range(60):
            await house.forward(seconds=1)

    assert len(far.heard) < 20


async def test_what_a_vendor_puts_off_for_72_hours_is_dead_at_last(house, far):
    house.plan()
    far.script = lambda heard: answer(503, Retry_After="3600")
    async with house.delivering(webhook("audit", far.url)):
        await house.forward(hours=71, step=3600)
        assert house.assert_balanced("audit")["waiting"] == 1
        await house.forward(hours=2, step=3600)

    assert [row.reason for row in house.dead()] == ["tried in vain for 72 h: answered 503"]


async def test_a_vendors_pause_is_told_before_and_after_a_restart(house, far):
    house.plan()
    far.script = lambda heard: answer(429, Retry_After="3600") if len(far.heard) == 1 else OK
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        assert house.reports["sinks.audit"] == ("degraded", "answered 429; waiting as the vendor asks")
    house.reports.clear()
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        assert house.reports["sinks.audit"] == ("degraded", "waiting as the vendor asks")
        assert paused(house) == 1
        await house.forward(seconds=3601)

        assert paused(house) == 0
        assert house.reports["sinks.audit"] == ("ok", "")


async def test_a_reload_does_not_end_a_vendors_pause_but_an_operator_does(house, far):
    house.plan()
    far.script = lambda heard: answer(429, Retry_After="3600") if len(far.heard) == 1 else OK
    block = webhook("audit", far.url)
    async with house.delivering(block) as role:
        await house.quiet()
        house.plan(who="bob")
        await role.replace(house.config(block))
        await house.quiet()
        assert len(far.heard) == 1
        house.command(command="resume", sink="audit")
        await house.forward(seconds=10, step=1)

    assert sorted(far.numbers()) == [1, 2], "also what was put off itself"


@pytest.mark.parametrize("moved", [False, True])
async def test_a_sink_that_was_gone_is_asked_again_by_a_start_or_a_change(house, far, moved):
    far.script = lambda heard: answer(410)
    house.plan(count=2)
    block = webhook("audit", far.url)
    async with house.delivering(block) as role:
        await house.forward(hours=1, step=600)
        assert len(far.heard) <= 2
        far.script = lambda heard: OK
        if moved:
            await role.replace(house.config(webhook("audit", far.url + "/v2")))
            await house.quiet()
    if not moved:
        async with house.delivering(block):
            await house.quiet()

    assert far.numbers() == [1, 2]


class Busy(hub.Sink[hub.Settings]):
    """Asks for patience, as long as it is told to."""

    name = "busy"
    after = timedelta()
    tried = 0

    @hub.action("send")
    async def send(self, deliveries):
        """Never takes anything."""
        Busy.tried += 1
        raise hub.RetryLater("busy", after=Busy.after)


@pytest.mark.parametrize("after", [timedelta(), timedelta(seconds=-5)])
async def test_a_connector_that_asks_for_no_pause_gets_no_storm(house, after):
    Busy.after, Busy.tried = after, 0
    house.plan("busy.send")
    async with house.delivering(sink("busy", Busy)):
        for _ in range(60):
            await house.forward(seconds=1)

    assert Busy.tried < 20


async def test_a_connector_is_waited_for_a_day_at_most(house):
    Busy.after, Busy.tried = timedelta(days=400), 0
    house.plan("busy.send")
    async with house.delivering(sink("busy", Busy)):
        await house.quiet()
        await house.forward(hours=23)
        assert Busy.tried == 1
        await house.forward(hours=1.01)

    assert Busy.tried == 2


# What an operator sees


async def test_a_sink_that_is_down_is_named_while_its_first_delivery_is_still_tried(house, far, capfd):
    await far.stop()
    house.plan()
    async with house.delivering(webhook("audit", far.url)) as role:
        for _ in range(3):
            await house.forward(seconds=1)

        assert role.lane("audit").gate.is_open
        assert house.reports["sinks.audit"] == ("degraded", "127.0.0.1: no connection")
        await far.start()
        for _ in range(10):
            await house.forward(seconds=1)
        assert house.reports["sinks.audit"] == ("ok", "")
    said = capfd.readouterr().err
    assert said.count('"sink failing"') == said.count('"sink recovered"') == 1


async def test_what_was_tried_in_vain_says_how_often_and_why_at_once(house, far):
    far.script = lambda heard: answer(500)
    house.plan()
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        kept = SqliteDeliveries(house.folder)
        [row] = kept.rows("audit", "forward", 0, 100)
        kept.close()

        assert (row.standing, row.attempts, row.reason) == (Standing.WAITING, 1, "answered 500")
        far.script = lambda heard: OK
        await house.forward(seconds=5)
    assert house.assert_balanced("audit")["delivered"] == 1


def exported(house):
    """The lines of `hub export deliveries`, as far as they say how it stands."""
    stores = SqliteJournal(house.folder), SqliteStateReader(house.folder), SqliteDeliveries(house.folder)
    lines = [(line["state"], line["attempts"], line["reason"]) for line in planned(*stores)]
    for store in stores:
        store.close()
    return lines


async def test_what_waits_says_what_it_waits_for_tried_or_not(house, far):
    far.script = lambda heard: answer(401)
    house.plan(count=3)
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        assert exported(house) == [("waiting", 0, "answered 401: the credentials are not accepted")] * 3
        far.script = lambda heard: OK
        house.command(command="resume", sink="audit")
        await house.quiet()

        assert exported(house) == [("delivered", 1, "")] * 3


async def test_one_bad_moment_is_no_news(house, far):
    far.script = lambda heard: answer(500) if len(far.heard) % 2 else OK
    async with house.delivering(webhook("audit", far.url)):
        for n in range(8):
            house.plan(who=f"p{n}")
            await house.forward(seconds=2, step=0.25)

        assert "sinks.audit" not in house.reports


async def test_rejected_credentials_are_asked_about_within_half_a_minute_however_many_heard_of_it(house, far):
    good = False
    far.script = lambda heard: OK if good else answer(401)
    for n in range(8):
        house.plan(who=f"p{n}")
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        assert len(far.heard) == 4
        good = True
        await house.forward(seconds=31)

    assert sorted(far.numbers()) == list(range(1, 9))


async def test_what_a_paused_sink_was_paused_for_stays_said(house, far):
    far.script = lambda heard: answer(401) if len(far.heard) == 1 else answer(500)
    house.plan(count=3)
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        await house.forward(seconds=3600, step=60)

        assert house.reports["sinks.audit"] == ("degraded", "answered 401: the credentials are not accepted")


# Several requests in one run


class Paired(hub.HttpSink[hub.Settings]):
    """Two requests at once for each delivery."""

    name = "paired"
    limits = hub.Limits(in_flight=1, batch=1)
    heard: list[object] = []
    base_url = "http://127.0.0.1"

    @hub.action("send")
    def send(self, deliveries):
        """Asks twice."""
        try:
            yield [hub.Request("POST", path, json={}) for path in ("/one", "/two", "/three")]
        except hub.DeliveryError as fault:
            Paired.heard.append((str(fault), [type(one).__name__ for one in fault.answers], fault.answers))
            raise


async def test_of_requests_sent_at_once_each_ones_end_is_told(house, far):
    Paired.heard = []
    said = {"/one": OK, "/two": answer(409), "/three": answer(503)}
    far.script = lambda heard: (
        b"HTTP/1.1 204 No Content\r\n\r\n" if heard.path == "/one" else said[heard.path]
    )
    house.plan("paired.send")
    block = sink("paired", Paired, limits=Paired.limits, base_url=f"http://127.0.0.1:{far.port}")
    far.accepted = Nothing()
    async with house.delivering(block):
        await house.quiet()

    [(reason, kinds, answers)] = Paired.heard
    assert reason == "answered 409", "the first error speaks for all"
    assert kinds == ["Response", "Refused", "RetryLater"]
    assert [answers[0].status, answers[1].answer.status, answers[2].answer.status] == [204, 409, 503]
    assert house.assert_balanced("paired")["dead"] == 1


class Nothing(list):
    """A far side whose requests are no webhook objects keeps none of them."""

    def __iadd__(self, _):
        return self


async def test_a_run_that_waits_for_its_next_turn_waits_by_the_hubs_clock(house, far):
    far.script = lambda heard: b"HTTP/1.1 204 No Content\r\n\r\n"
    far.accepted = Nothing()
    house.plan("paired.send", count=2)
    limits = Limits(per_second=1, in_flight=1, batch=1)
    block = sink("paired", Paired, limits=limits, base_url=f"http://127.0.0.1:{far.port}")
    async with house.delivering(block):
        await house.quiet()
        assert len(far.heard) == 1
        for n in range(2, 7):
            await house.forward(seconds=1.1)
            assert len(far.heard) == n

    assert house.assert_balanced("paired")["delivered"] == 2


async def test_a_stop_lets_a_run_have_its_next_turn(house, far):
    far.script = lambda heard: b"HTTP/1.1 204 No Content\r\n\r\n"
    far.accepted = Nothing()
    house.plan("paired.send")
    limits = Limits(per_second=1, in_flight=1, batch=1)
    block = sink("paired", Paired, limits=limits, base_url=f"http://127.0.0.1:{far.port}")
    async with house.delivering(block) as role:
        await house.quiet()
        stopping = asyncio.create_task(role.drain(2))
        for _ in range(3):
            house.clock.forward(seconds=1.1)
            for _ in range(20):
                role.notify()
                await asyncio.sleep(0.001)
        await stopping

    assert house.assert_balanced("paired")["delivered"] == 1
