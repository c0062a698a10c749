"""A day that is over, lived through again at high speed: real stores, real deliveries, a driven clock."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from hub.config import Config
from hub.daemon.virtual import VirtualHouse
from hub.delivery import DeliveryRole
from hub.event import Event, Instant
from hub.store.port import OUTCOMES, Draft, Kind
from hub.store.sqlite.deliveries import SqliteDeliveries, SqliteDeliveriesWriter
from hub.telemetry import Metrics

STEP = 60_000_000
"""The farthest that the clock goes at once: what a sink holds back for a while goes out that late at most."""
AT_ONCE = 500
_event = msgspec.json.Decoder(Event).decode


def moved(drafts: Sequence[Draft], until: Instant) -> list[tuple[Instant, Draft]]:
    """The events of a file as if the last of them happened at `until`, each with its instant."""
    events = [_event(draft.body) for draft in drafts]
    last = max(event.occurred_at or 0 for event in events)
    found = []
    for event, draft in zip(events, drafts, strict=True):
        event.occurred_at = (event.occurred_at or last) + until - last
        found.append((event.occurred_at, draft._replace(body=msgspec.json.encode(event))))
    return found


async def live(
    config: Config, day: Sequence[tuple[Instant, Draft]], until: Instant, *, passed: Callable[[Instant], None]
) -> None:
    """Accepts each event at its instant and delivers what follows; `passed` hears how far the clock is."""
    folder: Path = config.hub.data_dir
    SqliteDeliveriesWriter(folder, durable=False).close()
    house = VirtualHouse(folder, start=day[0][0] - STEP)
    house.configure(config.resolved, day[0][0] - STEP)
    kept = SqliteDeliveries(folder)
    role = DeliveryRole(
        config,
        journal=house.journal,
        state=house.state,
        kept=kept,
        store=SqliteDeliveriesWriter(folder, durable=False),
        clock=house.clock,
        metrics=Metrics(),
        rng=random.Random(0),
        report=lambda name, status, reason: None,
    )
    stop = asyncio.Event()
    delivering = asyncio.create_task(role.run(stop))
    try:
        left = list(reversed(day))
        now = day[0][0]
        while now < until:
            nexts = (now + STEP, until, left[-1][0] if left else until, house.next_wake() or until)
            now = min(nexts)
            while left and left[-1][0] <= now:
                at, draft = left.pop()
                house.accept([draft], at)
            house.forward(now)
            await _delivered(role)
            while _hear(house, kept):
                await _delivered(role)
            passed(house.clock.now())
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await delivering
        kept.close()
        house.close()


def _hear(house: VirtualHouse, kept: SqliteDeliveries) -> bool:
    """How deliveries ended comes in as it does every day: a message may go on by another road."""
    found = kept.outcomes(int(house.journal.cursor(OUTCOMES) or 0), AT_ONCE)
    if found:
        drafts = [Draft(Kind.OUTCOME, body) for _, body in found]
        house.accept(drafts, house.clock.now() + 1, cursors={OUTCOMES: str(found[-1][0])})
    return bool(found)


async def _delivered(role: DeliveryRole) -> None:
    """The clock stands still until all that was decided has gone out, or waits for a later time."""
    role.notify()
    for _ in range(2000):
        await asyncio.sleep(0)
        if role.idle:
            return
        await asyncio.sleep(0.001)
