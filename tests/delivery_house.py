"""The delivery role on real stores and real sockets; far sides follow a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from connectors.webhook.sink import Webhook
from hub.clock import Clock, DrivenClock
from hub.config import Config, SinkBlock, TransformBlock, read
from hub.connector import Limits, actions
from hub.delivery import DeliveryRole
from hub.delivery.lane import CLASSES
from hub.event import Event, Identifier, PersonId, Trait
from hub.plugins import discover
from hub.store.port import Draft, Kept, Kind, Leg
from hub.store.sqlite.deliveries import SqliteDeliveries, SqliteDeliveriesWriter
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState
from hub.telemetry import Metrics

LOOPBACK = (ip_network("127.0.0.0/8"),)
SINGLY = Limits(in_flight=4, batch=1)


def webhook(label: str, url: str, *, limits: Limits = SINGLY, **settings: Any) -> SinkBlock:
    """A webhook sink's block."""
    return sink(label, Webhook, {"url": url, **settings}, limits=limits)


def sink(
    label: str,
    connector: Any,
    settings: Mapping[str, Any] = {},
    *,
    limits: Limits = SINGLY,
    base_url: str | None = None,
    ordered: bool = True,
) -> SinkBlock:
    """Any sink's block, with one set of limits for all its actions."""
    each = {name: mark.limits or limits for name, mark in actions(connector).items()}
    return SinkBlock(label, connector, connector.Settings(**settings), base_url, each, ordered)


def person(name: str) -> PersonId:
    """A person's id that a test can name."""
    return PersonId(int.from_bytes(name.encode().ljust(7, b"\0")[:7], "big"))


class DeliveryHouse:
    """Everything from the journal to the far side, with the engine's part played by the test."""

    def __init__(self, folder: Path, clock: Clock | None = None, *, seed: int = 1) -> None:
        self.folder = folder
        self.clock = clock or DrivenClock()
        self.reports: dict[str, tuple[str, str]] = {}
        self.metrics = Metrics()
        self.seed = seed
        self.allow = LOOPBACK
        self.durable = False
        self.writer = SqliteJournalWriter(folder, self.clock.now, durable=False)
        self.state = SqliteState(folder, durable=False)
        self.role: DeliveryRole | None = None
        self._sinks: dict[str, SinkBlock] = {}
        self._transforms: tuple[TransformBlock, ...] = ()
        self._planned = 0

    # What the gateway and the engine would do

    def plan(
        self,
        to: str | Sequence[str] = "audit.send",
        *,
        who: str | None = "ann",
        lane: str = "forward",
        count: int = 1,
        properties: Mapping[str, Any] = {},
    ) -> list[int]:
        """Accepts events of a person and plans them to sinks (`label.action`); returns their numbers."""
        legs = [Leg(*one.split("."), lane, "everything") for one in ([to] if isinstance(to, str) else to)]
        numbers = range(self._planned + 1, self._planned + count + 1)
        self._planned += count
        self.plan_events([_event(n, who, properties) for n in numbers], legs, who)
        return list(numbers)

    def plan_events(self, events: Iterable[Event], legs: Sequence[Leg], who: str | None) -> None:
        """Accepts these events and plans each to these legs."""
        events = list(events)
        first = SqliteJournal(self.folder)
        before = first.end()[0]
        first.close()
        bodies = [msgspec.json.encode(event) for event in events]
        self.writer.write([Batch([Draft(Kind.EVENT, body) for body in bodies])])
        text = msgspec.json.encode(tuple(legs)).decode()
        with self.state.transaction() as work:
            for entry in range(before + 1, before + 1 + len(events)):
                work.plan(entry, None if who is None else person(who), text)
            work.position = before + len(events)

    def know(self, who: str, **traits: Any) -> None:
        """What is known of a person now."""
        with self.state.transaction() as work:
            if person(who) not in self.state.people:
                from hub.event import Profile

                self.state.people[person(who)] = Profile(id=person(who))
            profile = work.profile(person(who))
            for name, value in traits.items():
                profile.traits[name] = Trait(value, "site", self.clock.now())
            work.changed(person(who))

    def command(self, **command: Any) -> None:
        """An operator's command arrives in the journal."""
        self.writer.write([Batch([Draft(Kind.COMMAND, json.dumps(command).encode())])])

    # The role

    def config(self, *blocks: SinkBlock, transforms: Sequence[TransformBlock] = ()) -> Config:
        file = self.folder / "plugins.toml"
        file.write_text('[hub]\nallow_private = ["127.0.0.0/8"]\n')
        config = read(file, discover, overrides={"data_dir": str(self.folder)})
        return replace(
            config,
            hub=replace(config.hub, allow_private=self.allow, drain=timedelta(seconds=2)),
            sinks={block.label: block for block in blocks},
            transforms=tuple(transforms),
        )

    @asynccontextmanager
    async def delivering(
        self, *blocks: SinkBlock, transforms: Sequence[TransformBlock] = (), store: Any = None
    ) -> AsyncIterator[DeliveryRole]:
        """The role runs, until the block ends."""
        store = store or SqliteDeliveriesWriter(self.folder, durable=self.durable)
        opened = SqliteJournal(self.folder), SqliteStateReader(self.folder), SqliteDeliveries(self.folder)
        journal, state, kept = opened
        self.role = role = DeliveryRole(
            self.config(*blocks, transforms=transforms),
            journal=journal,
            state=state,
            kept=kept,
            store=store,
            clock=self.clock,
            metrics=self.metrics,
            rng=Random(self.seed),
            report=self._report,
        )
        stop = asyncio.Event()
        task = asyncio.create_task(role.run(stop))
        await asyncio.sleep(0)
        try:
            yield role
        finally:
            stop.set()
            await asyncio.wait_for(task, 10)
            for one in opened:
                one.close()

    def _report(self, name: str, status: str, reason: str) -> None:
        self.reports[name] = (status, reason)

    def read_through(self, shaky: Callable[[Any], Any]) -> None:
        """The running role reads all three stores through what `shaky` makes of them."""
        role = self.role
        assert role is not None
        for name in ("_journal", "_state", "_kept"):
            setattr(role, name, shaky(getattr(role, name)))
        shared, desk = role._house, role._house.desk
        desk._journal, desk._state = role._journal, role._state
        object.__setattr__(shared, "state", role._state)
        object.__setattr__(shared, "kept", role._kept)

    async def quiet(self, seconds: float = 10) -> None:
        """Until everything that can happen at this time has happened."""
        role = self.role
        assert role is not None
        async with asyncio.timeout(seconds):
            calm = 0
            while calm < 3:
                role.notify()
                await asyncio.sleep(0.001)
                calm = calm + 1 if role.idle else 0

    async def until(self, true: Callable[[], bool], seconds: float = 10) -> None:
        """Until something is true."""
        assert self.role is not None
        async with asyncio.timeout(seconds):
            while not true():
                self.role.notify()
                await asyncio.sleep(0.001)

    async def forward(self, *, seconds: float = 0, hours: float = 0, step: float | None = None) -> None:
        """Time passes, in steps; in each one all that is due happens."""
        assert isinstance(self.clock, DrivenClock)
        left = seconds + 3600 * hours
        while left > 0:
            part = min(left, step or left)
            self.clock.forward(seconds=part)
            left -= part
            await self.quiet()

    # What became of it

    def dead(self) -> list[Kept]:
        kept = SqliteDeliveries(self.folder)
        try:
            return list(kept.dead())
        finally:
            kept.close()

    def rows(self, sink: str, lane: str = "forward") -> int:
        """How many deliveries of a sink have a row of their own."""
        kept = SqliteDeliveries(self.folder)
        try:
            return len(kept.rows(sink, lane, 0, 1 << 62))
        finally:
            kept.close()

    def outcomes(self) -> list[dict[str, Any]]:
        kept = SqliteDeliveries(self.folder)
        try:
            return [json.loads(outcome.body) for outcome in kept.outcomes(0, 1000)]
        finally:
            kept.close()

    def ledger(self, sink: str) -> dict[str, int]:
        """planned = delivered + waiting + dead + skipped, each side counted for itself."""
        state, kept = SqliteStateReader(self.folder), SqliteDeliveries(self.folder)
        try:
            sets, waiting = state.route_sets(), kept.waiting()
            totals = dict.fromkeys(("planned", "delivered", "waiting", "dead", "skipped"), 0)
            for lane in CLASSES:
                row = kept.lanes().get((sink, lane))
                totals["waiting"] += waiting.get((sink, lane), 0)
                if row is not None:
                    totals["delivered"] += row.delivered
                    totals["dead"] += row.dead
                    totals["skipped"] += row.skipped
                for planned in state.outbox(0, sets, 1_000_000) if sets else []:
                    legs = [leg for leg in sets[planned.routes] if (leg.sink, leg.lane) == (sink, lane)]
                    totals["planned"] += len(legs)
                    if planned.seq > (row.position if row else 0):
                        totals["waiting"] += len(legs)
            return totals
        finally:
            state.close()
            kept.close()

    def assert_balanced(self, sink: str) -> dict[str, int]:
        totals = self.ledger(sink)
        assert totals["planned"] == sum(totals.values()) - totals["planned"], totals
        return totals

    def close(self) -> None:
        self.writer.close()
        self.state.close()


def _event(n: int, who: str | None, properties: Mapping[str, Any]) -> Event:
    return Event(
        id=f"e{n}",
        type="track",
        name="product_added",
        source="site",
        identifiers=() if who is None else (Identifier("user_id", who),),
        properties={"n": n, "who": who, **properties},
        occurred_at=1_700_000_000_000_000 + n,
    )


def with_batch(block: SinkBlock, batch: int, in_flight: int = 4) -> SinkBlock:
    """The same sink, with so many deliveries in a request."""
    limits = {name: replace(one, batch=batch, in_flight=in_flight) for name, one in block.limits.items()}
    return replace(block, limits=limits)
