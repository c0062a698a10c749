"""What every journal must do: keep what it accepted, in one order, and close an instant for good."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.clock import DrivenClock, WallClock
from hub.errors import StoreUnavailable
from hub.store.port import Draft, Kind, Refused
from hub.store.sqlite.journal import Batch

DAY = 86_400_000_000


def event(number: int, raw: bytes | None = None) -> Draft:
    return Draft(Kind.EVENT, b'{"n": %d}' % number, raw)


def everything(journal, until=None):
    return journal.read(0, until, 1_000_000)


def received(journal) -> list[int]:
    bad = [one.received_at for one in journal.quarantine(0, 0, 1_000_000)]
    return sorted([entry.received_at for entry in everything(journal)] + bad)


# ------------------------------------------------------------------ what was accepted is there


async def test_what_was_accepted_is_there_for_everybody_in_its_order(journals):
    writer, early = journals.writer(), journals.reader()
    await writer.append([event(1), event(2)])
    await writer.append([event(3)])

    for journal in (early, journals.reader()):
        assert [(entry.seq, entry.body) for entry in everything(journal)] == [
            (1, b'{"n": 1}'),
            (2, b'{"n": 2}'),
            (3, b'{"n": 3}'),
        ]


async def test_entries_outlive_the_one_who_wrote_them_and_numbers_go_on(journals):
    first = journals.writer()
    await first.append([event(1)])
    first.close()
    await journals.writer().append([event(2)])

    assert [entry.seq for entry in everything(journals.reader())] == [1, 2]


async def test_what_many_append_at_once_stays_together_each(journals):
    writer = journals.writer()
    await asyncio.gather(*(writer.append([event(n), event(n)]) for n in range(200)))

    bodies = [entry.body for entry in everything(journals.reader())]
    assert bodies[::2] == bodies[1::2]
    assert len(set(bodies)) == 200


async def test_a_reader_takes_up_where_it_was_and_stops_where_it_is_told(journals, clock):
    writer = journals.writer()
    await writer.append([event(n) for n in range(5)])
    clock.forward(seconds=1)
    await writer.append([event(9)])
    journal = journals.reader()
    until = everything(journal)[4].received_at

    assert [entry.seq for entry in journal.read(1, until, 3)] == [2, 3, 4]
    assert [entry.seq for entry in journal.read(3, until, 99)] == [4, 5]
    assert journal.waiting(5)
    assert not journal.waiting(6)


async def test_large_entries_are_read_a_few_at_a_time_and_none_is_left_out(journals):
    large = Draft(Kind.EVENT, b'"%s"' % (b"x" * 1_000_000))
    await journals.writer().append([large] * 12)
    journal = journals.reader()
    told, groups = 0, []
    while entries := journal.read(told, None, 500):
        told = entries[-1].seq
        groups.append(len(entries))

    assert sum(groups) == 12
    assert max(groups) < 6


async def test_entries_are_found_by_their_numbers(journals):
    await journals.writer().append([event(n) for n in range(1200)])
    journal = journals.reader()

    assert {seq: entry.body for seq, entry in journal.get([1, 1200, 9999]).items()} == {
        1: b'{"n": 0}',
        1200: b'{"n": 1199}',
    }
    assert len(journal.get(range(1, 1201))) == 1200


async def test_what_is_no_event_can_be_read_apart(journals):
    await journals.writer().append(
        [event(1), Draft(Kind.CONFIG, b"{}"), event(2), Draft(Kind.COMMAND, b"{}"), Draft(Kind.CONFIG, b"[]")]
    )
    journal = journals.reader()

    assert [(entry.seq, entry.kind) for entry in journal.controls(0, 2)] == [
        (2, Kind.CONFIG),
        (4, Kind.COMMAND),
    ]
    assert journal.latest(Kind.CONFIG).seq == 5
    assert journal.latest(Kind.OUTCOME) is None


async def test_cursors_move_with_the_entries_that_they_stand_for(journals, impatient):
    writer = journals.writer()
    await writer.append([event(1)], cursors={"outcomes": "7"})
    with journals.locked(), pytest.raises(StoreUnavailable):
        await writer.append([event(2)], cursors={"outcomes": "8"})
    journal = journals.reader()

    assert journal.cursor("outcomes") == "7"
    assert journal.cursor("other") is None


async def test_a_cursor_can_move_alone(journals):
    await journals.writer().append([], cursors={"polled": "page 2"})

    assert journals.reader().cursor("polled") == "page 2"


async def test_somebody_is_told_after_each_commit_and_not_before(journals):
    seen = []
    writer = journals.writer(committed=lambda: seen.append(len(everything(journals.reader()))))
    await writer.append([event(1)])
    writer.close()

    assert seen == [1]


# ------------------------------------------------------------------ received times


async def test_received_times_increase_strictly_while_the_clock_stands_still(journals, clock):
    writer = journals.writer()
    for n in range(20):
        await writer.append([event(n), event(n)], [Refused("site", "odd", b"?")])

    times = received(journals.reader())
    assert times == sorted(set(times))
    assert times[0] == clock.now()


async def test_received_times_increase_strictly_while_the_clock_goes_back(journals):
    times = iter(range(1_000_000, 0, -1000))
    writer = journals.writer(lambda: next(times))
    for n in range(20):
        await writer.append([event(n)])

    entries = everything(journals.reader())
    assert [entry.received_at for entry in entries] == sorted({entry.received_at for entry in entries})


async def test_received_times_increase_over_a_restart_with_a_clock_that_went_back(journals):
    first = journals.writer(lambda: 5000)
    await first.append([event(1)], [Refused("site", "odd", b"?")])
    first.close()
    await journals.writer(lambda: 10).append([event(2)])

    assert [entry.received_at for entry in everything(journals.reader())] == [5000, 5002]


async def test_nothing_is_received_before_an_instant_that_the_engine_has_closed(journals):
    await journals.writer(lambda: 10, floor=7000).append([event(1)])

    assert [entry.received_at for entry in everything(journals.reader())] == [7001]


async def test_a_failed_write_that_was_written_all_the_same_does_not_repeat_its_times(journals, clock):
    writer = journals.writer()
    real = writer._db

    class DoneButError:
        def __getattr__(self, name):
            return getattr(real, name)

        def execute(self, sql, *values):
            done = real.execute(sql, *values)
            if sql == "COMMIT":
                raise StoreUnavailable("no answer")
            return done

    writer._db = DoneButError()
    with pytest.raises(StoreUnavailable):
        await writer.append([event(n) for n in range(50)])
    writer._db = real
    await writer.append([event(n) for n in range(50)])

    times = received(journals.reader())
    assert len(times) == len(set(times)) == 100


# ------------------------------------------------------------------ the horizon


async def test_the_horizon_takes_in_everything_that_was_received(journals):
    writer, engine = journals.writer(), journals.engine_reader()
    await writer.append([event(n) for n in range(100)])

    horizon = engine.horizon(journals.clock.now)
    assert len(everything(engine, horizon)) == 100
    await writer.append([event(100)])
    assert len(everything(engine, horizon)) == 100


async def test_the_horizon_of_an_empty_journal_is_just_before_the_present(journals, clock):
    journals.writer()

    assert journals.engine_reader().horizon(clock.now) == clock.now() - 1


@pytest.mark.parametrize("standing", [True, False])
def test_nothing_arrives_by_an_instant_that_was_closed(journals, standing):
    clock = DrivenClock() if standing else WallClock()
    writer, engine = journals.writer(clock.now), journals.engine_reader()
    enough = threading.Event()

    def write() -> None:
        number = 0
        while not enough.wait(0.0001):
            number += 1
            writer.write([Batch([event(number), event(number)])])

    thread = threading.Thread(target=write)
    thread.start()
    closed = []
    try:
        for _ in range(150):
            horizon = engine.horizon(clock.now)
            closed.append((horizon, len(everything(engine, horizon))))
    finally:
        enough.set()
        thread.join()

    assert [count for _, count in closed] == [len(everything(engine, horizon)) for horizon, _ in closed]
    assert [horizon for horizon, _ in closed] == sorted(horizon for horizon, _ in closed)


STEPS = st.lists(st.tuples(st.sampled_from(["write", "close", "restart"]), st.integers(0, 3)), max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(STEPS)
def test_whatever_happens_in_between_a_closed_instant_stays_as_it_was(tmp_path_factory, journals, steps):
    journals.folder = tmp_path_factory.mktemp("journal")
    clock, floor = DrivenClock(), 0
    writer, engine = journals.writer(clock.now), journals.engine_reader()
    closed = []
    for step, amount in steps:
        if step == "write":
            writer.write([Batch([event(n) for n in range(amount)], [Refused("site", "odd", b"?")])])
        elif step == "close":
            clock.set(clock.now() + amount)
            floor = engine.horizon(clock.now)
            closed.append((floor, everything(engine, floor)))
        else:
            writer.close()
            writer = journals.writer(clock.now, floor=floor)

    assert [entries for _, entries in closed] == [everything(engine, horizon) for horizon, _ in closed]
    times = received(engine)
    assert len(times) == len(set(times))


# ------------------------------------------------------------------ bad events and raw bodies


async def test_a_bad_event_is_kept_with_its_reason_and_as_it_was_sent(journals, clock):
    writer = journals.writer()
    await writer.append([event(1)], [Refused("site", "no name", b'{"odd'), Refused("shop", "too deep", b"")])
    journal = journals.reader()

    assert [(bad.source, bad.reason, bad.body) for bad in journal.quarantine(0, 0, 9)] == [
        ("site", "no name", b'{"odd'),
        ("shop", "too deep", b""),
    ]
    assert [bad.seq for bad in journal.quarantine(0, 1, 9)] == [2]
    assert journal.quarantine(clock.now() + 100, 0, 9) == []


async def test_bodies_are_kept_as_they_were_sent_where_the_source_wants_it(journals):
    writer = journals.writer()
    await writer.append([event(1, b" raw 1"), event(2), event(3, b"")])
    journal = journals.reader()

    assert [journal.raw(entry) for entry in everything(journal)] == [b" raw 1", None, b""]


async def test_raw_bodies_stand_by_day_also_over_midnight_in_one_batch(journals, clock, tmp_path):
    midnight = clock.now() // DAY * DAY + DAY
    clock.set(midnight - 1)
    await journals.writer().append([event(1, b"yesterday"), event(2, b"today")])
    journal = journals.reader()

    assert [journal.raw(entry) for entry in everything(journal)] == [b"yesterday", b"today"]


async def test_raw_bodies_are_kept_for_thirty_days_and_then_gone(journals, clock):
    writer, journal = journals.writer(), journals.reader()
    await writer.append([event(1, b"old")], [Refused("site", "odd", b"old too")])
    clock.forward(hours=24 * 30)
    await writer.append([event(2, b"newer")])
    assert journal.raw(everything(journal)[0]) == b"old"

    clock.forward(hours=24)
    await writer.append([event(3)])
    writer.close()

    assert [journal.raw(entry) for entry in everything(journal)] == [None, b"newer", None]
    assert [bad.body for bad in journal.quarantine(0, 0, 9)] == [b""]


async def test_raw_bodies_that_grew_old_while_the_hub_was_off_are_gone_with_its_start(journals, clock):
    first = journals.writer()
    await first.append([event(1, b"old")])
    first.close()
    clock.forward(hours=24 * 32)
    journals.writer()
    journal = journals.reader()

    assert journal.raw(everything(journal)[0]) is None


async def test_a_body_without_an_entry_never_becomes_another_entrys(journals):
    writer = journals.writer()
    await writer.append([event(1, b"one")])
    with pytest.raises(StoreUnavailable):
        await writer.append([event(2, b"two"), Draft(Kind.EVENT, None)])
    await writer.append([event(3), event(4, b"four")])
    journal = journals.reader()

    assert [journal.raw(entry) for entry in everything(journal)] == [b"one", None, b"four"]


# ------------------------------------------------------------------ when it cannot be written


async def test_a_full_disk_is_told_and_leaves_nothing_and_goes_on_when_there_is_room(journals):
    writer = journals.writer()
    await writer.append([event(0)])
    with journals.full_disk(writer), pytest.raises(StoreUnavailable):
        await writer.append([Draft(Kind.EVENT, b'"%s"' % (b"x" * 100_000))])
    await writer.append([event(1)])

    assert [entry.body for entry in everything(journals.reader())] == [b'{"n": 0}', b'{"n": 1}']


async def test_a_lock_that_is_held_too_long_is_told_and_then_over(journals, impatient):
    writer = journals.writer()
    with journals.locked(), pytest.raises(StoreUnavailable):
        await writer.append([event(0)])
    await writer.append([event(1)])

    assert [(entry.seq, entry.body) for entry in everything(journals.reader())] == [(1, b'{"n": 1}')]


async def test_a_journal_that_is_closed_says_so_and_closing_twice_is_fine(journals):
    writer = journals.writer()
    writer.close()
    writer.close()

    with pytest.raises(StoreUnavailable):
        await writer.append([event(1)])


async def test_what_waits_when_the_journal_closes_is_written(journals):
    writer = journals.writer()
    waiting = [asyncio.ensure_future(writer.append([event(n)])) for n in range(20)]
    await asyncio.sleep(0)
    await asyncio.to_thread(writer.close)
    await asyncio.gather(*waiting)

    assert len(everything(journals.reader())) == 20
