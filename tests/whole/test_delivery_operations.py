"""What operators and the configuration change while deliveries go on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import apsw
from delivery_house import sink, webhook
from far_side import OK, FarSide, answer

import hub
from hub.config import TransformBlock
from hub.connector import Limits
from hub.telemetry import names


async def test_a_replayed_dead_letter_arrives_under_its_own_id(house, far):
    far.script = lambda heard: answer(422)
    house.plan(count=3)
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        dead = {row.seq: row.id for row in house.dead()}
        far.script = lambda heard: OK
        house.command(command="replay", ids=[dead[2]])
        await house.quiet()

        assert far.ids() == [dead[2]]
        assert house.assert_balanced("audit")["dead"] == 2


async def test_a_dropped_dead_letter_is_skipped_and_the_ledger_balances(house, far):
    far.script = lambda heard: answer(422)
    house.plan(count=3)
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        house.command(command="drop", ids=[house.dead()[0].id])
        await house.quiet()

    totals = house.assert_balanced("audit")
    assert (totals["dead"], totals["skipped"]) == (2, 1)


async def test_a_command_is_carried_out_once_over_restarts(house, far):
    far.script = lambda heard: answer(422)
    house.plan()
    house.command(command="replay", all=True)
    for _ in range(3):
        async with house.delivering(webhook("audit", far.url)):
            await house.quiet()
        house.assert_balanced("audit")

    assert len(far.heard) <= 2


async def test_what_failed_before_a_restart_waits_for_its_time_and_keeps_its_order(house, far):
    sick = True
    far.script = lambda heard: (
        answer(500)
        if sick and any(item["data"]["properties"]["who"] == "sick" for item in heard.items)
        else OK
    )
    for n in range(4):
        house.plan(who="sick", count=3)
        house.plan(who=f"p{n}", count=3)
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        assert house.assert_balanced("audit")["waiting"] == 12
    sick = False
    async with house.delivering(webhook("audit", far.url)):
        for _ in range(30):
            await house.forward(seconds=1)

    assert far.numbers("sick") == [1, 2, 3, 7, 8, 9, 13, 14, 15, 19, 20, 21]
    assert len(far.numbers()) == 24
    assert house.assert_balanced("audit")["delivered"] == 24


async def test_a_changed_sink_starts_anew_and_an_unchanged_one_goes_on(house, far):
    other = FarSide()
    await other.start()
    same = webhook("same", far.url)
    async with house.delivering(same, webhook("moved", far.url)) as role:
        lane = role.lane("same")
        house.plan(["same.send", "moved.send"])
        await house.quiet()
        await role.replace(house.config(same, webhook("moved", other.url), webhook("new", other.url)))
        house.plan(["same.send", "moved.send", "new.send"])
        await house.quiet()

        assert role.lane("same") is lane
    assert far.numbers() == [1, 1, 2]
    assert other.numbers() == [2, 2]
    for label in ("same", "moved", "new"):
        house.assert_balanced(label)
    await other.stop()


async def test_a_removed_sink_takes_nothing_and_goes_on_where_it_was_when_it_comes_back(house, far):
    block = webhook("audit", far.url)
    async with house.delivering(block) as role:
        house.plan()
        await house.quiet()
        await role.replace(house.config())
        house.plan(count=2)
        await house.quiet()
        assert far.numbers() == [1]
        await role.replace(house.config(block))
        await house.quiet()

    assert far.numbers() == [1, 2, 3]


async def test_a_reload_tries_a_sink_again_whose_credentials_were_rejected(house, far):
    far.script = lambda heard: answer(403)
    house.plan()
    block = webhook("audit", far.url)
    async with house.delivering(block) as role:
        await house.quiet()
        far.script = lambda heard: OK
        await role.replace(house.config(block))
        await house.quiet()

    assert far.numbers() == [1]


async def test_a_message_does_not_wait_behind_a_backlog_of_forwards(house, far):
    house.plan(who="ann", count=300)
    house.plan(who="bob", lane="message")
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()

    assert far.numbers().index(301) < 10


async def test_the_limits_of_a_sink_hold_and_all_of_it_arrives(house, far):
    for n in range(60):
        house.plan(who=f"p{n}")
    limits = Limits(per_second=5, per_minute=30, in_flight=4, batch=1)
    async with house.delivering(webhook("audit", far.url, limits=limits)):
        await house.quiet()
        assert len(far.heard) == 5
        await house.forward(seconds=30, step=0.1)
        assert len(far.heard) == 30
        await house.forward(seconds=120, step=1)

    assert sorted(far.numbers()) == list(range(1, 61))


async def test_a_lower_limit_holds_for_what_failed_before_it_too(house, far):
    far.script = lambda heard: answer(500)
    for n in range(8):
        house.plan(who=f"p{n % 3}", count=4)
    limits = Limits(in_flight=1, batch=20)
    async with house.delivering(webhook("audit", far.url, limits=limits)):
        await house.quiet()
    assert max(len(heard.items) for heard in far.heard) > 5
    far.heard.clear()
    far.script = lambda heard: OK
    async with house.delivering(webhook("audit", far.url, limits=Limits(in_flight=4, batch=5))):
        for _ in range(5):
            await house.forward(seconds=1)

    assert max(len(heard.items) for heard in far.heard) == 5
    assert sorted(far.numbers()) == list(range(1, 33))
    for n in range(3):
        assert far.numbers(f"p{n}") == sorted(far.numbers(f"p{n}"))
    assert house.assert_balanced("audit")["delivered"] == 32


async def test_a_command_about_nothing_that_there_is_stops_none_behind_it(house, far):
    far.script = lambda heard: answer(410) if len(far.heard) == 1 else OK
    house.plan()
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        for sink_named in (["audit"], {"is": "audit"}, 7, None, "other"):
            house.command(command="resume", sink=sink_named)
        house.command(command="replay", ids={"all": True}, sink=[1])
        await house.quiet()
        assert far.numbers() == []
        house.command(command="resume", sink="audit")
        await house.quiet()

    assert far.numbers() == [1]


async def test_without_order_a_failing_person_holds_nothing(house, far):
    far.script = lambda heard: answer(500) if heard.items[0]["data"]["properties"]["n"] == 1 else OK
    house.plan(who="ann", count=5)
    block = replace(webhook("audit", far.url), ordered=False)
    async with house.delivering(block):
        await house.quiet()
    assert sorted(far.numbers()) == [2, 3, 4, 5]
    far.script = lambda heard: OK
    async with house.delivering(block):
        for _ in range(5):
            await house.forward(seconds=1)

    assert sorted(far.numbers()) == [1, 2, 3, 4, 5]
    house.assert_balanced("audit")


async def test_traits_are_as_they_are_when_it_is_sent(house, far):
    house.know("ann", plan="free")
    house.plan(who="ann")
    far.script = lambda heard: answer(500) if len(far.heard) == 1 else OK
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()
        house.know("ann", plan="pro")
        await house.forward(seconds=5)

    assert [heard.items[0]["data"]["traits"]["plan"] for heard in far.heard] == ["free", "pro"]


class Settings(hub.Settings):
    drops: int = hub.Option("Which event goes no further.", default=0)


class Mark(hub.Transform[Settings]):
    """Marks events, and drops one."""

    name = "mark"

    def change(self, event):
        if event.properties["n"] == self.settings.drops:
            return None
        return hub.Event(
            **{**{f: getattr(event, f) for f in event.__struct_fields__}, "context": {"mark": 1}}
        )


async def test_transforms_stand_before_one_sink_and_leave_the_others_alone(house, far):
    house.plan(["audit.send", "plain.send"], count=3)
    block = TransformBlock("marks", Mark, Settings(drops=2), frozenset(), frozenset({"audit"}))
    plain = FarSide()
    await plain.start()
    async with house.delivering(webhook("audit", far.url), webhook("plain", plain.url), transforms=[block]):
        await house.quiet()
    await plain.stop()

    assert far.numbers() == [1, 3]
    assert {item["data"]["context"].get("mark") for item in far.accepted} == {1}
    assert plain.numbers() == [1, 2, 3]
    assert {item["data"]["context"].get("mark") for item in plain.accepted} == {None}
    assert house.assert_balanced("audit")["skipped"] == 1
    assert house.outcomes()[0]["reason"] == "dropped by transform marks"


async def test_deliveries_whose_events_are_gone_end_each_under_an_id_of_its_own(house, far):
    house.plan(count=2)
    journal = apsw.Connection(str(house.folder / "journal.db"))
    journal.execute("UPDATE entry SET body = x''")
    journal.close()
    async with house.delivering(webhook("audit", far.url)):
        await house.quiet()

    told = house.outcomes()
    assert [one["reason"] for one in told] == ["its event is no longer kept"] * 2
    assert len({one["delivery"] for one in told} - {""}) == 2


class Two(hub.Sink[hub.Settings]):
    """Two actions for one event."""

    name = "two"
    did: list[str] = []

    @hub.action("track")
    async def track(self, deliveries):
        """One."""
        Two.did += [f"track {delivery.event.properties['n']}" for delivery in deliveries]

    @hub.action("profile")
    async def profile(self, deliveries):
        """Other."""
        Two.did += [f"profile {delivery.event.properties['n']}" for delivery in deliveries]


async def test_two_actions_of_one_sink_keep_a_persons_order(house):
    Two.did = []
    for _ in range(3):
        house.plan(["two.track", "two.profile"], who="ann")
    async with house.delivering(sink("two", Two)):
        await house.quiet()

    assert Two.did == [f"{action} {n}" for n in (1, 2, 3) for action in ("track", "profile")]
    assert house.assert_balanced("two")["delivered"] == 6


async def test_two_actions_for_many_people_need_no_patience(house):
    Two.did = []
    for number in range(40):
        house.plan(["two.track", "two.profile"], who=f"p{number}")
    async with house.delivering(sink("two", Two)):
        # No time passes: what waits for a commit does not wait for the clock.
        await house.quiet()

    assert len(Two.did) == 80
    assert house.assert_balanced("two")["delivered"] == 80


async def test_a_stop_lets_what_is_out_finish(house, far):
    async def slow():
        await asyncio.sleep(0.1)
        return OK

    far.script = lambda heard: slow()
    house.plan()
    async with house.delivering(webhook("audit", far.url)):
        await house.until(lambda: len(far.heard) == 1)

    assert far.numbers() == [1]
    assert house.assert_balanced("audit")["delivered"] == 1


async def test_the_metric_of_what_waits_says_what_the_ledger_says(house, far, monkeypatch):
    monkeypatch.setattr("hub.delivery.track.COUNTED_AT_ONCE", 1500)

    def waiting():
        said = house.metrics.readings()[names.DELIVERIES_WAITING.name][("audit",)]
        assert said == house.assert_balanced("audit")["waiting"]
        return said

    far.script = lambda heard: answer(
        {"sick": 500, "bad": 422}.get(heard.items[0]["data"]["properties"]["who"], 200)
    )
    block = webhook("audit", far.url, limits=Limits(in_flight=2, batch=1))
    async with house.delivering(block) as role:
        for n in range(5):
            house.plan(["audit.send", "other.send"], who="ann")
            house.plan("other.send", who="ann")
            house.plan("audit.send", who="sick", count=2)
            house.plan("audit.send", who="bad", lane="message")
            await house.quiet()
            assert waiting() >= 2 * (n + 1)
        house.command(command="replay", ids=[house.dead()[0].id])
        await house.quiet()
        before = waiting()
        role.lane("audit").gate.pause(house.clock.now() + 3600_000_000)
        house.plan("audit.send", who="bob", count=4000)
        for _ in range(3):
            role.notify()
        assert waiting() == before + 4000
    house.plan("audit.send", who="cec", count=7)
    async with house.delivering(block):
        await house.quiet()
        assert waiting() == before + 4007


async def test_an_idle_lane_does_nothing(house, far, monkeypatch):
    async with house.delivering(webhook("audit", far.url)) as role:
        house.plan()
        await house.quiet()
        lane, pumped = role.lane("audit"), []
        monkeypatch.setattr(lane, "_pump", pumped.append)
        for _ in range(20):
            role.notify()
            await asyncio.sleep(0.001)

        assert pumped == []
        assert lane.due_at is None
