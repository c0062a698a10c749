"""Group commit: alone at once, together under load, and everybody of a failed group hears of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from hub.errors import StoreUnavailable, TooFast
from hub.store.sqlite.group import MOST, GroupCommit


class Disk:
    """Where groups are written: it can be held up, and it can fail."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.fault: Exception | None = None
        self.free = threading.Event()
        self.free.set()

    def apply(self, items: Sequence[int]) -> None:
        self.free.wait(10)
        if self.fault is not None:
            raise self.fault
        self.groups.append(list(items))


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def group(disk):
    made: GroupCommit[int] = GroupCommit(disk.apply)
    yield made
    disk.free.set()
    made.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def held_up(group: GroupCommit[int], disk: Disk, items: Sequence[int]) -> list[asyncio.Task[None]]:
    """The first item is being written and the disk is slow; the others gather behind it."""
    disk.free.clear()
    first = asyncio.create_task(group.commit(items[0]))
    await until(lambda: group.waiting == 1 and not group._queue)
    others = [asyncio.create_task(group.commit(item)) for item in items[1:]]
    await asyncio.sleep(0)
    return [first, *others]


async def test_alone_an_item_is_written_at_once(group, disk):
    await group.commit(1)

    assert disk.groups == [[1]]
    assert group.waiting == 0


async def test_what_gathers_while_the_disk_is_busy_is_written_together(group, disk):
    tasks = await held_up(group, disk, range(10))
    disk.free.set()
    await asyncio.gather(*tasks)

    assert disk.groups == [[0], list(range(1, 10))]


async def test_the_loop_goes_on_while_the_disk_is_slow(group, disk):
    tasks = await held_up(group, disk, range(3))
    await asyncio.sleep(0.01)

    assert not any(task.done() for task in tasks)
    disk.free.set()
    await asyncio.gather(*tasks)


async def test_a_group_takes_no_more_than_fits_into_one_transaction(disk):
    group: GroupCommit[int] = GroupCommit(disk.apply)
    disk.free.clear()
    tasks = [asyncio.create_task(group.commit(n, weight=100)) for n in range(12)]
    await asyncio.sleep(0)
    disk.free.set()
    await asyncio.gather(*tasks)
    group.close()

    assert all(len(written) * 100 <= MOST for written in disk.groups)
    assert [item for written in disk.groups for item in written] == list(range(12))


async def test_a_failing_group_tells_everybody_in_it_and_the_next_one_goes_on(group, disk):
    tasks = await held_up(group, disk, range(5))
    disk.fault = StoreUnavailable("the disk is full")
    disk.free.set()
    said = await asyncio.gather(*tasks, return_exceptions=True)
    disk.fault = None
    await group.commit(9)

    assert [str(fault) for fault in said] == ["the disk is full"] * 5
    assert disk.groups == [[9]]
    assert group.waiting == 0


async def test_whatever_breaks_in_the_writer_is_told_and_the_writer_lives_on(group, disk):
    disk.fault = ZeroDivisionError("a bug")
    with pytest.raises(StoreUnavailable, match="ZeroDivisionError"):
        await group.commit(1)
    disk.fault = None
    await group.commit(2)

    assert disk.groups == [[2]]


async def test_more_than_may_wait_is_refused_at_once_and_taken_again_later(disk):
    group: GroupCommit[int] = GroupCommit(disk.apply, waiting=3)
    tasks = await held_up(group, disk, range(3))
    with pytest.raises(TooFast):
        await group.commit(3)
    disk.free.set()
    await asyncio.gather(*tasks)
    await group.commit(3)
    group.close()

    assert [item for written in disk.groups for item in written] == [0, 1, 2, 3]


async def test_one_request_larger_than_may_wait_is_taken_when_nothing_else_waits(disk):
    group: GroupCommit[int] = GroupCommit(disk.apply, waiting=3)
    await group.commit(1, weight=1000)
    group.close()

    assert disk.groups == [[1]]


async def test_whoever_stops_waiting_stops_nobody_else(group, disk):
    tasks = await held_up(group, disk, range(4))
    tasks[2].cancel()
    disk.free.set()
    said = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(said[2], asyncio.CancelledError)
    assert [said[0], said[1], said[3]] == [None] * 3
    assert [item for written in disk.groups for item in written] == [0, 1, 2, 3]


async def test_closing_writes_what_waits_and_then_takes_nothing_more(group, disk):
    tasks = await held_up(group, disk, range(4))
    disk.free.set()
    await asyncio.to_thread(group.close)
    await asyncio.gather(*tasks)

    with pytest.raises(StoreUnavailable):
        await group.commit(9)
    assert [item for written in disk.groups for item in written] == [0, 1, 2, 3]


def test_a_loop_that_ended_does_not_stop_the_writer(disk):
    group: GroupCommit[int] = GroupCommit(disk.apply)
    disk.free.clear()

    async def leave() -> None:
        waiting = asyncio.create_task(group.commit(1))
        await until(lambda: group.waiting == 1)
        waiting.cancel()

    asyncio.run(leave())
    disk.free.set()
    asyncio.run(group.commit(2))
    group.close()

    assert [item for written in disk.groups for item in written] == [1, 2]


def test_items_of_two_loops_are_each_told_in_their_own(group, disk):
    threads = [threading.Thread(target=lambda n=n: asyncio.run(group.commit(n))) for n in range(4)]
    disk.free.clear()
    for thread in threads:
        thread.start()
    disk.free.set()
    for thread in threads:
        thread.join(10)

    assert not any(thread.is_alive() for thread in threads)
