"""Systems that we ask: each polled source has a task of its own, and a cursor that moves with its events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from hub.config import Config, SourceBlock
from hub.connector import Page, Pages, PollingSource
from hub.errors import DeliveryError, RetryLater, StoreUnavailable, TooFast
from hub.ingest.admission import Admission
from hub.ingest.bugs import Bugs
from hub.ingest.intake import Origin
from hub.ingest.writing import Writing
from hub.telemetry import Health, Metrics, log, names
from hub.wire import Request, Response

Send = Callable[[Request], Awaitable[Response]]
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 3600.0
LONGEST_ASKED = 86400.0
"""However long a system asks us to wait, it is asked again after a day."""


def cursor_name(label: str) -> str:
    """Under which name the journal keeps how far a source was read."""
    return f"poll/{label}"


class Polled(Origin):
    """A source that is asked, in use."""

    def __init__(self, block: SourceBlock, config: Config, metrics: Metrics) -> None:
        super().__init__(block, config, metrics)
        assert issubclass(block.connector, PollingSource)
        self.block = block
        self.source: PollingSource[Any] = block.connector(block.settings, block.label)
        self._pages = metrics.cell(names.PAGES_POLLED, block.label)

    def read_page(self) -> None:
        """Counts a page."""
        self._pages.n += 1


class Polling:
    """Asks all polled sources in turn, each in its own time.

    `send` makes a request, `judge` says what an answer that is not fine means, `cursor` is how far a
    source was read. A page's events and its cursor are written together, so that a crash between two
    pages neither loses nor repeats one.
    """

    def __init__(
        self,
        writing: Writing,
        metrics: Metrics,
        health: Health,
        *,
        send: Send,
        judge: Callable[[Response], DeliveryError | None],
        cursor: Callable[[str], str | None],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._writing = writing
        self._metrics = metrics
        self._health = health
        self._send = send
        self._judge = judge
        self._cursor = cursor
        self._pause = pause
        self._bugs = Bugs(metrics)
        self._admission = Admission(self._bugs)
        self._tasks: dict[str, tuple[SourceBlock, asyncio.Task[None]]] = {}

    def replace(self, config: Config) -> None:
        """Starts and ends tasks so that they are those of this configuration; unchanged ones go on."""
        wanted = {
            block.label: block
            for block in config.sources.values()
            if issubclass(block.connector, PollingSource)
        }
        for label, (block, task) in list(self._tasks.items()):
            if wanted.get(label) != block:
                task.cancel()
                del self._tasks[label]
                self._health.forget(f"source {label}")
        for label, block in wanted.items():
            if label not in self._tasks:
                polled = Polled(block, config, self._metrics)
                self._tasks[label] = (block, asyncio.create_task(self._ask_for_ever(polled)))

    async def stop(self) -> None:
        """Ends all tasks; a page that is being written is written."""
        tasks = [task for _, task in self._tasks.values()]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask_for_ever(self, polled: Polled) -> None:
        failures = 0
        while True:
            wait = polled.source.every
            try:
                async with asyncio.timeout(polled.source.deadline):
                    more = await self.ask(polled)
                if failures:
                    log.info("poll recovered", source=polled.label)
                    self._health.report(f"source {polled.label}")
                failures = 0
                wait = 0.0 if more else wait
            except Exception as fault:
                failures += 1
                wait = self._failed(polled, fault, failures)
            await self._pause(wait)

    async def ask(self, polled: Polled) -> bool:
        """One round of questions; whether more is waiting already."""
        name = cursor_name(polled.label)
        pages = polled.source.pages(self._cursor(name))
        more = False
        try:
            said = next(pages)
            while True:
                if isinstance(said, Page):
                    await self._keep(polled, said, name)
                    more = said.more
                    said = next(pages)
                else:
                    said = await self._answer(pages, said)
        except StopIteration:
            return more
        finally:
            pages.close()

    async def _keep(self, polled: Polled, page: Page, name: str) -> None:
        admitted = await self._admission.admit_page(polled, page.events)
        await self._writing.write(admitted.drafts, admitted.refused, {name: page.cursor})
        polled.written(len(admitted.drafts), len(admitted.refused))
        polled.read_page()

    async def _answer(self, pages: Pages, asked: Request | list[Request]) -> Request | list[Request] | Page:
        requests = asked if isinstance(asked, list) else [asked]
        answers = await asyncio.gather(*map(self._send, requests))
        for request, answer in zip(requests, answers, strict=True):
            if not 200 <= answer.status < 300 and answer.status not in request.expect:
                return pages.throw(self._judge(answer) or RetryLater(f"answered {answer.status}"))
        return pages.send(answers if isinstance(asked, list) else answers[0])

    def _failed(self, polled: Polled, fault: Exception, failures: int) -> float:
        reason = "connector failed"
        if isinstance(fault, DeliveryError | StoreUnavailable | TooFast):
            reason = fault.reason
        elif isinstance(fault, TimeoutError):
            reason = "a round took too long"
        else:
            self._bugs.met(polled.connector, fault)
        if failures == 1:
            log.warning("poll failed", source=polled.label, reason=reason)
        self._health.report(f"source {polled.label}", "degraded", reason)
        if isinstance(fault, RetryLater) and fault.after is not None and fault.after > timedelta():
            return min(fault.after.total_seconds(), LONGEST_ASKED)
        return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 12)))
