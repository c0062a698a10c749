"""What one run may use of its lane: the way out, the clock, and a turn for each further request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush

from hub.delivery.backoff import SECOND
from hub.delivery.gate import Gate
from hub.delivery.house import Aim, House
from hub.delivery.limits import Limiter
from hub.delivery.verdicts import Slowed, told
from hub.event import Instant
from hub.telemetry import names
from hub.wire import Request, Response

LONGEST_TURN = 10 * SECOND


class Turns:
    """Runs of one lane that wait for an instant of the hub's clock, which may be a driven one.

    `changed` is called when `next_at` may be sooner; whoever watches the clock calls `due`.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._waiting: list[tuple[Instant, int, asyncio.Future[None]]] = []
        self._count = 0

    async def until(self, at: Instant) -> None:
        """Returns when `due` is called at or after that instant."""
        turn = asyncio.get_running_loop().create_future()
        self._count += 1
        heappush(self._waiting, (at, self._count, turn))
        self._changed()
        await turn

    def due(self, now: Instant) -> None:
        """All whose time has come go on."""
        while self._waiting and (self._waiting[0][0] <= now or self._waiting[0][2].done()):
            turn = heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)

    def next_at(self) -> Instant | None:
        """When the first of them goes on."""
        return self._waiting[0][0] if self._waiting else None


class Flight:
    """The channel of one run."""

    def __init__(self, aim: Aim, house: House, *, gate: Gate, limiter: Limiter, turns: Turns) -> None:
        self.limiter = limiter
        self._sink = aim.sink
        self._send = aim.send
        self._gate = gate
        self._house = house
        self._turns = turns
        self._out = 0
        self._asleep = 0

    @property
    def is_asleep(self) -> bool:
        """Whether nothing but the clock can let it go on."""
        return self._asleep > 0 and not self._out

    async def send(self, request: Request) -> Response:
        """Sends now."""
        started = self.now()
        self._out += 1
        try:
            response = await self._send(request)
        finally:
            self._out -= 1
        self._house.metrics.observe(names.REQUEST_SECONDS, (self.now() - started) / SECOND, self._sink)
        return response

    async def turn(self) -> None:
        """Returns when one more request may go; raises RetryLater where that is too far off."""
        while True:
            now = self.now()
            wait = max(self._gate.until - now, self.limiter.wait(now))
            if wait <= 0:
                self.limiter.use(now)
                return
            if wait > LONGEST_TURN:
                raise Slowed("the vendor asked for patience in the middle of a run")
            self._asleep += 1
            try:
                await self._turns.until(now + wait)
            finally:
                self._asleep -= 1

    def heard(self, response: Response) -> None:
        """An answer came: its status is counted, and what it says of the vendor's limits obeyed."""
        self._house.metrics.count(names.REQUESTS_SENT, self._sink, str(response.status))
        now = self.now()
        if response.status == 429:
            self.limiter.complained(now)
        said = told(response, now)
        if said.spent and said.wait is not None:
            self.limiter.spent(now + int(said.wait.total_seconds() * SECOND))

    def now(self) -> Instant:
        """The hub's clock."""
        return self._house.clock.now()
