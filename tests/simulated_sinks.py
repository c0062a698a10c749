"""Far sides and the delivery role on a driven clock: late, failing, refusing, killed and begun anew."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from hub.clock import DrivenClock
from hub.config import Config
from hub.delivery import DeliveryRole
from hub.errors import RetryLater, StoreUnavailable
from hub.store.sqlite.deliveries import SqliteDeliveries, SqliteDeliveriesWriter
from hub.store.sqlite.journal import SqliteJournal
from hub.store.sqlite.state import SqliteStateReader
from hub.telemetry import Metrics
from hub.wire import Request, Response

UNWANTED = 13
"""Nobody takes a product of this price."""


class Arrival(NamedTuple):
    """One delivery that a far side took in."""

    sink: str
    delivery: str
    event: str
    message: str
    """The message's id; empty for an event that takes a route."""


@dataclass
class FarSides:
    """What all sinks took in, in order; `chance` decides what else happens to a request."""

    chance: random.Random | None
    arrived: list[Arrival] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        """A request on its way: it may be taken in and nobody hear of it, or after the sender is dead."""
        body = Response(200, body=request.body()[0]).json()
        objects = body if isinstance(body, list) else [body]
        sink = request.headers["x-sink"]
        if self.chance is None:
            return self._take(sink, objects)
        lot = self.chance.random()
        there, back = self.chance.expovariate(20), self.chance.expovariate(20)
        loop = asyncio.get_running_loop()
        if lot < 0.08:
            await asyncio.sleep(there + back)
            return Response(self.chance.choice([500, 503, 408]))
        if lot < 0.11:
            await asyncio.sleep(there + back)
            return Response(429, {"retry-after": str(self.chance.randrange(1, 90))})
        if lot < 0.12:
            await asyncio.sleep(there + back)
            return Response(401)
        answer: list[Response] = []
        loop.call_later(there, lambda: answer.append(self._take(sink, objects)))
        await asyncio.sleep(there + back + 0.001)
        if lot < 0.2:
            raise RetryLater("connection reset")
        if lot < 0.21:
            await asyncio.sleep(60)
        return answer[0]

    def _take(self, sink: str, objects: list[dict[str, Any]]) -> Response:
        if any(one["data"]["properties"].get("price") == UNWANTED for one in objects):
            return Response(400)
        for one in objects:
            data = one["data"]
            self.arrived.append(
                Arrival(sink, data["delivery"], data["id"], data.get("message", {}).get("id", ""))
            )
        return Response(200)


class ShakyWriter(SqliteDeliveriesWriter):
    """The deliveries' store, on a disk that fails now and then: before a commit or after it."""

    def __init__(self, folder: Path, chance: random.Random, written: Callable[[], None]) -> None:
        super().__init__(folder, durable=False)
        self._chance = chance
        self._written = written

    def settle(self, *args: Any) -> None:
        lot = self._chance.random()
        if lot < 0.05:
            raise StoreUnavailable("the disk failed before the commit")
        super().settle(*args)
        self._written()
        if lot > 0.95:
            raise StoreUnavailable("the disk failed after the commit")


class Delivering:
    """The delivery role, put up again after every kill."""

    def __init__(
        self,
        config: Config,
        folder: Path,
        clock: DrivenClock,
        far: FarSides,
        *,
        chance: random.Random | None = None,
        written: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._folder = folder
        self._clock = clock
        self._far = far
        self._chance = chance
        self._written = written
        self._stores: list[Any] = []
        self.role: DeliveryRole

    def start(self) -> None:
        folder, chance = self._folder, self._chance
        if chance is None:
            store: Any = SqliteDeliveriesWriter(folder, durable=False)
        else:
            store = ShakyWriter(folder, chance, self._written)
        journal, state, kept = SqliteJournal(folder), SqliteStateReader(folder), SqliteDeliveries(folder)
        self._stores = [store, journal, state, kept]
        self.role = DeliveryRole(
            self._config,
            journal=journal,
            state=state,
            kept=kept,
            store=store,
            clock=self._clock,
            metrics=Metrics(),
            rng=chance or random.Random(0),
            report=lambda name, status, reason: None,
            send=self._far.send,
        )
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self.role.run(asyncio.Event()))

    async def kill(self) -> None:
        """Everything in memory is gone; what is on its way to the far sides arrives all the same."""
        me = asyncio.current_task()
        left = [task for task in asyncio.all_tasks() if task is not me]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for store in self._stores:
            store.close()

    async def done(self, most_seconds: float) -> bool:
        """Whether everything that was planned ended within so long."""
        until = self._clock.now() + int(most_seconds * 1_000_000)
        while self._clock.now() < until:
            await asyncio.sleep(60)
            if self.role.idle and not any(self.role.lane(sink).waiting() for sink in self._config.sinks):
                return True
        return False
