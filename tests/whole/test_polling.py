"""Systems that are asked: nothing lost and nothing twice, whatever happens between two pages."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from gateway_house import block, config

import hub
from hub.clock import DrivenClock
from hub.connector import Page, Pages
from hub.errors import GiveUp, StoreUnavailable
from hub.ingest.polling import Polling, cursor_name
from hub.ingest.room import Room
from hub.ingest.writing import Writing
from hub.store.sqlite.journal import SqliteJournal, SqliteJournalWriter
from hub.telemetry import Health, Metrics


class Numbers(hub.PollingSource[hub.Settings]):
    """Numbered things, three a page."""

    name = "numbers"
    every = 60.0

    def pages(self, cursor: str | None) -> Pages:
        after = int(cursor or 0)
        answer = yield hub.Request("GET", f"https://numbers.example/after/{after}")
        said = answer.json()
        events = [hub.Event(id=str(n), type="track", name="counted", trust="secret") for n in said["numbers"]]
        yield Page(events, str(said["next"]), more=said["more"])


class Far:
    """A far side with numbers up to a last one; `answers` go before its own."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.answers: list[hub.Response | Exception] = []
        self.asked: list[str] = []

    async def send(self, request: hub.Request) -> hub.Response:
        self.asked.append(request.path)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        after = int(request.path.rsplit("/", 1)[1])
        numbers = list(range(after + 1, min(after + 3, self.last) + 1))
        said = {"numbers": numbers, "next": after + len(numbers), "more": after + 3 < self.last}
        return hub.Response(200, {}, json.dumps(said).encode())


class Asking:
    """Polling with a far side, a real journal, and pauses that a test lets pass."""

    def __init__(self, data, far, journal) -> None:
        self.data, self.far, self.journal = data, far, journal
        self.pauses: list[float] = []
        self.turn = asyncio.Semaphore(0)
        self.paused = asyncio.Event()
        clock, metrics = DrivenClock(), Metrics()
        self.health = Health(clock)
        self.polling = Polling(
            Writing(journal, Room(data, 0, clock), metrics, self.health),
            metrics,
            self.health,
            send=far.send,
            judge=judge,
            cursor=self.cursor,
            pause=self.pause,
        )

    def cursor(self, name: str) -> str | None:
        reader = SqliteJournal(self.data)
        try:
            return reader.cursor(name)
        finally:
            reader.close()

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if seconds:
            self.paused.set()
            await self.turn.acquire()
            self.paused.clear()

    async def until_quiet(self) -> None:
        await asyncio.wait_for(self.paused.wait(), 5)

    async def go_on(self) -> None:
        self.paused.clear()
        self.turn.release()
        await self.until_quiet()

    @property
    def ids(self) -> list[str]:
        reader = SqliteJournal(self.data)
        try:
            return [json.loads(entry.body)["id"] for entry in reader.read(0, None, 1000)]
        finally:
            reader.close()


def judge(response: hub.Response) -> hub.errors.DeliveryError | None:
    if response.status == 429:
        return hub.RetryLater("slow down", after=timedelta(seconds=int(response.headers["retry-after"])))
    return hub.CredentialsRejected("refused") if response.status == 401 else None


class Moody(SqliteJournalWriter):
    broken = False

    async def append(self, drafts, refused=(), cursors=None):
        if self.broken:
            raise StoreUnavailable("disk I/O error")
        await super().append(drafts, refused, cursors)


@pytest.fixture
async def asking(tmp_path):
    journal = Moody(tmp_path, DrivenClock().now, durable=False)
    asking = Asking(tmp_path, Far(last=8), journal)
    yield asking
    await asking.polling.stop()
    journal.close()


def start(asking) -> None:
    asking.polling.replace(config(asking.data, block("numbers", Numbers)))


async def test_pages_are_read_until_there_is_no_more_and_then_after_a_while(asking):
    start(asking)
    await asking.until_quiet()

    assert asking.ids == [str(number) for number in range(1, 9)]
    assert asking.pauses == [0.0, 0.0, 60.0]
    assert asking.cursor(cursor_name("numbers")) == "8"

    asking.far.last = 9
    await asking.go_on()
    assert asking.ids[-1] == "9"


async def test_a_page_that_could_not_be_written_is_asked_for_again(asking):
    asking.journal.broken = True
    start(asking)
    await asking.until_quiet()
    assert (asking.ids, asking.cursor(cursor_name("numbers"))) == ([], None)

    asking.journal.broken = False
    await asking.go_on()
    assert asking.ids == [str(number) for number in range(1, 9)]


async def test_a_restart_goes_on_where_the_last_page_was_written(asking):
    asking.far.last = 3
    start(asking)
    await asking.until_quiet()
    await asking.polling.stop()
    asking.far.last = 6
    again = Asking(asking.data, asking.far, asking.journal)
    again.polling.replace(config(asking.data, block("numbers", Numbers)))
    await again.until_quiet()
    await again.polling.stop()

    assert asking.far.asked == ["https://numbers.example/after/0", "https://numbers.example/after/3"]
    assert again.ids == [str(number) for number in range(1, 7)]


@pytest.mark.parametrize(("asked", "given"), [("0", 1.0), ("99999999", 86400.0)])
async def test_a_system_that_asks_for_no_pause_or_an_endless_one_gets_a_sensible_one(asking, asked, given):
    asking.far.answers = [hub.Response(429, {"retry-after": asked})]
    start(asking)
    await asking.until_quiet()

    assert asking.pauses == [given]


async def test_a_system_that_asks_for_patience_gets_it(asking):
    asking.far.answers = [hub.Response(429, {"retry-after": "77"})]
    start(asking)
    await asking.until_quiet()

    assert asking.pauses == [77.0]
    assert asking.health.verdict().reasons == ["source numbers: slow down"]
    await asking.go_on()
    assert asking.health.verdict().status == "ok"
    assert len(asking.ids) == 8


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (hub.Response(401), "refused"),
        (hub.Response(500), "answered 500"),
        (GiveUp("the address is not there"), "the address is not there"),
        (hub.Response(200, {}, b"rubbish"), "connector failed"),
    ],
    ids=["credentials", "status", "address", "garbage"],
)
async def test_failures_are_tried_again_with_growing_pauses_and_told_once(asking, capsys, answer, reason):
    asking.far.answers = [answer] * 3
    start(asking)
    await asking.until_quiet()
    await asking.go_on()
    await asking.go_on()

    assert asking.pauses == [1.0, 2.0, 4.0]
    assert asking.health.verdict().reasons == [f"source numbers: {reason}"]
    assert capsys.readouterr().err.count("poll failed") == 1
    await asking.go_on()
    assert len(asking.ids) == 8


async def test_a_source_that_is_gone_from_the_configuration_is_asked_no_more(asking):
    asking.far.answers = [hub.Response(500)] * 99
    start(asking)
    await asking.until_quiet()
    asking.polling.replace(config(asking.data))

    assert asking.health.verdict().reasons == []
    asked = len(asking.far.asked)
    asking.turn.release()
    await asyncio.sleep(0)
    assert len(asking.far.asked) == asked


async def test_an_unchanged_source_goes_on_through_a_reload(asking):
    given = config(asking.data, block("numbers", Numbers))
    asking.polling.replace(given)
    await asking.until_quiet()
    asking.polling.replace(given)
    await asyncio.sleep(0)

    assert len(asking.far.asked) == 3
