"""A sink's action without a network: what it asks for, and what it makes of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hub.connector import Delivery, HttpSink, Verdicts
from hub.delivery.run import HttpRunner
from hub.event import Instant
from hub.wire import Request, Response

T = TypeVar("T")

Answer = Callable[[Request], Response]
"""What a vendor would say to a request."""


def accepting(request: Request) -> Response:
    """Says yes to everything."""
    return Response(202)


@dataclass(slots=True)
class Rehearsal:
    """Plays an action through against answers of your own.

    rehearsal = Rehearsal(Klaviyo(settings))
    verdicts = rehearsal.run("track", deliveries)
    assert rehearsal.requests[0].path == "/api/events"
    """

    sink: HttpSink[Any]
    answer: Answer = accepting
    now_at: Instant = 0
    requests: list[Request] = field(default_factory=list)
    """What was asked for, with its credentials."""

    async def play(self, action: str, deliveries: Sequence[Delivery]) -> Verdicts:
        """What became of those that did not arrive; raises what the action raises for all of them."""
        return await HttpRunner(self.sink, nothing).run(action, deliveries, self) or {}

    def run(self, action: str, deliveries: Sequence[Delivery]) -> Verdicts:
        """As `play`, for tests that are not asynchronous."""
        return waited(self.play(action, deliveries))

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answer(request)

    async def turn(self) -> None:
        """Rehearsals know no limits."""

    def heard(self, response: Response) -> None:
        """Nobody learns from an answer here."""

    def now(self) -> Instant:
        return self.now_at


async def nothing() -> None:
    """Closes what has nothing to be closed."""


def waited(work: Awaitable[T]) -> T:
    """The result of what is to be awaited, on a loop of its own that nobody else sees."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_all(work))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _all(work: Awaitable[T]) -> T:
    return await work
