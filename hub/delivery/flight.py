"""What one run may use of its lane: the way out, the clock, and a turn for each further request."""

from __future__ import annotations

import asyncio

from hub.delivery.backoff import SECOND
from hub.delivery.gate import Gate
from hub.delivery.house import House
from hub.delivery.limits import Limiter
from hub.delivery.verdicts import Slowed, told
from hub.event import Instant
from hub.telemetry import names
from hub.transport import Send
from hub.wire import Request, Response

LONGEST_TURN = 10 * SECOND


class Flight:
    """The channel of one run."""

    def __init__(self, sink: str, send: Send, gate: Gate, limiter: Limiter, house: House) -> None:
        self._sink = sink
        self._send = send
        self._gate = gate
        self._limiter = limiter
        self._house = house

    async def send(self, request: Request) -> Response:
        """Sends now."""
        started = self.now()
        response = await self._send(request)
        self._house.metrics.observe(names.REQUEST_SECONDS, (self.now() - started) / SECOND, self._sink)
        return response

    async def turn(self) -> None:
        """Returns when one more request may go; raises RetryLater where that is too far off."""
        while True:
            now = self.now()
            wait = max(self._gate.until - now, self._limiter.wait(now))
            if wait <= 0:
                self._limiter.use(now)
                return
            if wait > LONGEST_TURN:
                raise Slowed("the vendor asked for patience in the middle of a run")
            await asyncio.sleep(wait / SECOND)

    def heard(self, response: Response) -> None:
        """An answer came: its status is counted, and what it says of the vendor's limits obeyed."""
        self._house.metrics.count(names.REQUESTS_SENT, self._sink, str(response.status))
        now = self.now()
        if response.status == 429:
            self._limiter.complained(now)
        said = told(response, now)
        if said.spent and said.wait is not None:
            self._limiter.spent(now + int(said.wait.total_seconds() * SECOND))

    def now(self) -> Instant:
        """The hub's clock."""
        return self._house.clock.now()
