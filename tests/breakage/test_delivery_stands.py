"""What our own house does to deliveries on their way: nothing is left behind, nothing is sent twice."""

from __future__ import annotations

import asyncio
import sys

import pytest
from delivery_house import sink, webhook, with_batch
from far_side import OK, answer

import hub
import hub.transport
from hub.connector import Limits
from hub.errors import StoreUnavailable

pytestmark = pytest.mark.usefixtures("brisk")


# Stores that cannot be read for a moment


class Shaky:
    """A store that is locked at every so manyth question, until it is well."""

    well = False

    def __init__(self, store, every, only=()):
        self._store, self._every, self._only, self._asked = store, every, only, 0

    def __getattr__(self, name):
        asks = getattr(self._store, name)
        if name == "close" or (self._only and name not in self._only):
            return asks

        def ask(*what, **how):
            self._asked += 1
            if not Shaky.well and self._asked % self._every == 0:
                raise StoreUnavailable("BusyError: database is locked")
            return asks(*what, **how)

        return ask


async def beats(house, count):
    """The house goes on as it does, whatever can be read."""
    for _ in range(count):
        for _ in range(10):
            house.role.notify()
            await asyncio.sleep(0.001)
        house.clock.forward(seconds=5)


@pytest.mark.parametrize("every", [2, 3, 5])
@pytest.mark.parametrize("most", [0, 2_000])
async def test_stores_that_cannot_be_read_for_a_moment_leave_nothing_behind(house, far, every, most):
    Shaky.well = False
    far.script = lambda heard: answer(500) if len(far.heard) % 4 == 0 else OK
    for n in range(10):
        house.plan(who=f"p{n % 3}", count=5)
    limits = Limits(in_flight=2, batch=4, bytes=most)
    async with house.delivering(webhook("audit", far.url, limits=limits)):
        house.read_through(lambda store: Shaky(store, every))
        await beats(house, 20)
        Shaky.well = True
        await beats(house, 60)
        await house.quiet()

        assert sorted(far.numbers()) == list(range(1, 51))
        assert house.assert_balanced("audit")["delivered"] == 50
        assert {name: status for name, (status, _) in house.reports.items() if status != "ok"} == {}
    for n in range(3):
        assert far.numbers(f"p{n}") == sorted(far.numbers(f"p{n}"))


async def test_health_says_that_a_store_cannot_be_read_and_when_it_can(house, far):
    Shaky.well = False
    async with house.delivering(webhook("audit", far.url)) as role:
        house.read_through(lambda store: Shaky(store, 1))
        role.notify()
        assert house.reports["delivery"] == (
            "degraded",
            "a store cannot be read: BusyError: database is locked",
        )
        Shaky.well = True
        role.notify()

    assert house.reports["delivery"] == ("ok", "")


async def test_what_was_planned_while_a_store_could_not_be_read_is_not_overlooked(house, far):
    house.plan()
    async with house.delivering(webhook("audit", far.url)) as role:
        await house.quiet()
        Shaky.well = False
        house.read_through(lambda store: Shaky(store, 1, {"route_sets"}))
        house.plan()
        role.notify()
        Shaky.well = True
        await house.quiet()

    assert far.numbers() == [1, 2]


async def test_a_replay_during_which_a_store_cannot_be_read_is_carried_out_later(house, far, monkeypatch):
    monkeypatch.setattr("hub.delivery.role.RESTART_SECONDS", 0.01)
    far.script = lambda heard: answer(422)
    house.plan(count=3)
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        far.script = lambda heard: OK
        Shaky.well = False
        house.read_through(lambda store: Shaky(store, 1, {"outbox_rows"}))
        house.command(command="replay", all=True)
        await beats(house, 3)
        Shaky.well = True
        await house.until(lambda: len(far.accepted) == 3)
        await house.quiet()

    assert house.assert_balanced("audit")["delivered"] == 3


# A stop, and a reload


async def test_what_arrived_is_written_down_though_another_one_hangs_when_its_sink_is_changed(
    house, far, monkeypatch
):
    monkeypatch.setattr("hub.delivery.role.LATE_SECONDS", 0.1)
    never = asyncio.Event()
    far.script = lambda heard: never.wait() if heard.items[0]["data"]["properties"]["n"] == 1 else OK
    for n in range(3):
        house.plan(who=f"p{n}")
    block = webhook("audit", far.url)
    async with house.delivering(block) as role:
        await house.until(lambda: far.numbers() == [2, 3])
        far.script = lambda heard: OK
        await role.replace(house.config(with_batch(block, 1, 3)))
        await house.quiet()

    assert far.numbers() == [2, 3, 1]
    assert house.assert_balanced("audit")["delivered"] == 3


# Connectors that cannot even be made


class Unmade(hub.Sink[hub.Settings]):
    """Fails as soon as it is made."""

    name = "unmade"

    def __init__(self, settings, label=""):
        raise KeyError("ann@example.com")

    @hub.action("send")
    async def send(self, deliveries):
        """Never gets so far."""


async def test_a_connector_that_cannot_be_made_hurts_only_its_own_sink(house, far, capfd):
    house.plan(["audit.send", "unmade.send"], count=3)
    async with house.delivering(sink("unmade", Unmade), webhook("audit", far.url)) as role:
        await house.quiet()
        assert house.reports["sinks.unmade"] == ("degraded", "it cannot be set up: KeyError")
        await role.replace(house.config(sink("unmade", Unmade), webhook("audit", far.url)))
        house.plan(["audit.send", "unmade.send"])
        await house.quiet()

    assert far.numbers() == [1, 2, 3, 4]
    assert house.assert_balanced("unmade")["waiting"] == 4
    assert "ann@example.com" not in capfd.readouterr().err


async def test_a_role_that_failed_at_its_start_is_run_again_without_a_second_lane(house, far):
    go = asyncio.Event()

    async def late():
        await go.wait()
        return OK

    far.script = lambda heard: late()
    house.plan()
    async with house.delivering(webhook("audit", far.url)) as role:
        await house.until(lambda: len(far.heard) == 1)
        # As its keeper does when it has failed: on the same role.
        stop = asyncio.Event()
        again = asyncio.create_task(role.run(stop))
        for _ in range(20):
            role.notify()
            await asyncio.sleep(0.001)
        go.set()
        await house.quiet()
        stop.set()
        await again

    assert far.numbers() == [1]


class Stubborn(hub.Sink[hub.Settings]):
    """Neither ends when it is told to, nor closes."""

    name = "stubborn"
    go = asyncio.Event()

    @hub.action("send")
    async def send(self, deliveries):
        """Waits, whatever it is told."""
        while not Stubborn.go.is_set():
            try:
                await Stubborn.go.wait()
            except asyncio.CancelledError:
                continue

    async def close(self):
        await asyncio.Event().wait()


async def test_a_connector_that_does_not_end_holds_up_no_reload_and_no_stop(house, far, monkeypatch):
    monkeypatch.setattr("hub.delivery.lane.LAST_SECONDS", 0.05)
    monkeypatch.setattr("hub.delivery.role.LATE_SECONDS", 0.05)
    Stubborn.go = asyncio.Event()
    block = sink("stubborn", Stubborn)
    async with house.delivering(block, webhook("audit", far.url)) as role:
        house.plan(["stubborn.send", "audit.send"])
        await house.until(lambda: far.numbers() == [1])
        await asyncio.wait_for(role.replace(house.config(webhook("audit", far.url))), 5)
        house.plan("audit.send")
        await house.quiet()
        Stubborn.go.set()

    assert far.numbers() == [1, 2]


class Quitter(hub.Sink[hub.Settings]):
    """Ends the process, as libraries for commands do."""

    name = "quitter"

    @hub.action("send")
    async def send(self, deliveries):
        """Asks for the end of everything."""
        sys.exit(3)


async def test_a_connector_that_asks_the_process_to_end_is_a_bug_like_any_other(house, far, capfd):
    house.plan(["quitter.send", "audit.send"])
    async with house.delivering(sink("quitter", Quitter), webhook("audit", far.url)):
        await house.quiet()

    assert far.numbers() == [1]
    assert house.assert_balanced("quitter")["waiting"] == 1
    assert "connector failed" in capfd.readouterr().err
