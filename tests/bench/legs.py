"""The parts of the line, each by itself and in this process: CPU microseconds an event.

The house is real (SQLite with every fsync, the segment source, the webhook sink); only the network is left
out. Medians of several rounds.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from hub.clock import WallClock
from hub.config import Config, read
from hub.daemon.configuration import Configuration
from hub.daemon.supervisor import prepare_memory
from hub.delivery import DeliveryRole
from hub.event import Identifier
from hub.ingest.admission import Admission
from hub.ingest.bugs import Bugs
from hub.ingest.intake import Intakes
from hub.pipeline import Engine
from hub.plugins import discover
from hub.store.port import Draft
from hub.store.sqlite.deliveries import SqliteDeliveries, SqliteDeliveriesWriter
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState
from hub.telemetry import Metrics
from hub.wire import Inbound, Request, Response
from tests.bench.contestants import configuration
from tests.bench.figures import median
from tests.bench.traffic import BATCH_PATH, KEY, Shop

PEOPLE = 200_000
ROUNDS = 5
BATCH = 100

Legs = dict[str, float]


class House:
    """A data folder with a configuration, a journal and a state; no processes."""

    def __init__(self, folder: Path, *, rules: bool = False) -> None:
        text = configuration(8080, ["http://127.0.0.1:9/hook"] * 3, rules=rules)
        (folder / "plugins.toml").write_text(text)
        self.path = folder / "plugins.toml"
        self.config: Config = read(self.path, discover, environ={"BENCH_KEY": KEY})
        self.folder = self.config.hub.data_dir
        self.folder.mkdir()
        self.clock = WallClock()
        self.metrics = Metrics()
        self.journal = SqliteJournalWriter(self.folder, self.clock.now)
        self.bugs = Bugs(self.metrics)
        self.intake = Intakes(self.config, self.metrics).by_label["shop"]
        self.admission = Admission(self.bugs)

    def inbound(self, body: bytes) -> Inbound:
        """A request as the gateway hands it over."""
        headers = {"content-type": "application/json"}
        return Inbound(
            "POST", BATCH_PATH, headers, body=body, received_at=self.clock.now(), key=KEY, trust="secret"
        )

    async def drafts(self, shop: Shop, events: int) -> list[Draft]:
        """What the gateway would write for so many events."""
        found: list[Draft] = []
        for _ in range(0, events, BATCH):
            body = shop.batch(BATCH, self.clock.now())
            found += (await self.admission.admit(self.intake, self.inbound(body))).drafts
        return found

    def fill(self, drafts: Sequence[Draft]) -> None:
        """Writes them into the journal."""
        for start in range(0, len(drafts), 500):
            self.journal.write([Batch(drafts[start : start + 500])])


def legs(said: Callable[[str], None], *, quick: bool) -> Legs:
    """All of them, in the order of the line."""
    events = 5_000 if quick else 20_000
    found: Legs = {}
    prepare_memory()
    with _house() as house:
        said("legs: bytes to events")
        found |= asyncio.run(_receive(house))
        said("legs: journal")
        found |= _append(house)
    for ids in (0,) if quick else (0, 1_000_000):
        with _house() as house:
            said(f"legs: engine, {PEOPLE:,} people, {ids:,} more ids")
            found |= _engine_leg(house, events, ids)
            if not ids:
                said("legs: delivery")
                found |= asyncio.run(_deliver(house))
    said("legs: engine with 20 rules, beside one without")
    return found | rules_leg(events)


def rules_leg(events: int, rounds: int = 2 * ROUNDS) -> Legs:
    """What 20 rules, of which 3 look at each event, add: two engines over the same traffic, in turns."""
    prepare_memory()
    without: list[float] = []
    ruled: list[float] = []
    with _house() as plain, _house(rules=True) as other, _engine(plain) as first, _engine(other) as second:
        shops = Shop(seed=3, people=PEOPLE, repeats=0.02), Shop(seed=3, people=PEOPLE, repeats=0.02)
        for _ in range(rounds):
            without.append(_follow(plain, first, shops[0], events))
            ruled.append(_follow(other, second, shops[1], events))
    # A median of differences: what else the machine does hits both of a turn alike.
    more = [with_them - alone for alone, with_them in zip(without, ruled, strict=True)]
    times = [with_them / alone for alone, with_them in zip(without, ruled, strict=True)]
    return {
        "engine beside one with rules": _us(without, events),
        "– with 20 rules of which 3 look at each event": _us(ruled, events),
        "– what they add": _us(more, events),
        "– with ÷ without, times": median(times),
    }


@contextmanager
def _house(*, rules: bool = False) -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        house = House(Path(folder), rules=rules)
        try:
            yield house
        finally:
            house.journal.close()


async def _receive(house: House) -> Legs:
    shop = Shop()
    inbounds = [house.inbound(shop.batch(BATCH, house.clock.now())) for _ in range(20)]
    source = house.intake.source
    heard, admitted = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        for inbound in inbounds:
            list(source.receive(inbound))
        heard.append(time.process_time() - start)
        start = time.process_time()
        for inbound in inbounds:
            await house.admission.admit(house.intake, inbound)
        admitted.append(time.process_time() - start)
    count = BATCH * len(inbounds)
    return {
        "bytes → events (segment, batches of 100)": _us(heard, count),
        "bytes → journal entries (the same, admitted and encoded)": _us(admitted, count),
    }


def _append(house: House) -> Legs:
    drafts = asyncio.run(house.drafts(Shop(), 5_000))
    found: Legs = {}
    for size in (1, 10, 100):
        enough = drafts[: size * 100]
        groups = [[Batch(enough[n : n + size])] for n in range(0, len(enough), size)]
        cpu, wall = [], []
        for _ in range(ROUNDS):
            start, began = time.process_time(), time.perf_counter()
            for group in groups:
                house.journal.write(group)
            cpu.append(time.process_time() - start)
            wall.append(time.perf_counter() - began)
        count = len(groups) * size
        found[f"journal, groups of {size}"] = _us(cpu, count)
        found[f"journal, groups of {size}, wall"] = _us(wall, count)
    return found


def _engine_leg(house: House, events: int, ids: int) -> Legs:
    with _engine(house, ids) as engine:
        shop = Shop(seed=3, people=PEOPLE, repeats=0.02)
        took = [_follow(house, engine, shop, events) for _ in range(ROUNDS)]
    more = f", {ids:,} ids stored" if ids else ""
    return {f"engine, {PEOPLE:,} people, sessions, 2 % told twice{more}": _us(took, events)}


@contextmanager
def _engine(house: House, ids: int = 0) -> Iterator[Engine]:
    """An engine in whose house people were before."""
    state = SqliteState(house.folder)
    _populate(state, ids)
    state.close()
    asyncio.run(_write_configuration(house))
    state = SqliteState(house.folder)
    try:
        yield Engine(SqliteJournal(house.folder, readonly=False), state)
    finally:
        state.close()


def _follow(house: House, engine: Engine, shop: Shop, events: int) -> float:
    """Seconds of CPU that so many events of the shop take."""
    house.fill(asyncio.run(house.drafts(shop, events)))
    gc.collect()
    start = time.process_time()
    while engine.cycle(house.clock.now):
        pass
    return time.process_time() - start


def _populate(state: SqliteState, ids: int) -> None:
    """People who were here before, and ids that were seen: through the engine's own door."""
    for start in range(0, PEOPLE, 5_000):
        with state.transaction() as work:
            for number in range(start, start + 5_000):
                profile = work.create("shop", f"before-{number}")
                for identifier in (
                    Identifier("user_id", f"u{number:08d}"),
                    Identifier("anonymous_id", f"7b1a4c60-9f0e-4d7a-8e11-{number:012d}"),
                ):
                    profile.identifiers.append(identifier)
                    work.assign(identifier, profile.id)
                profile.heads[profile.id] = 0
    at = time.time_ns() // 1000
    for start in range(0, ids, 10_000):
        with state.transaction() as work:
            for number in range(start, start + 10_000):
                work.seen.remember(work.seen.hash(f"shop\0before-{number}"), 0, at)


async def _write_configuration(house: House) -> None:
    os.environ["BENCH_KEY"] = KEY
    await Configuration(house.path, {}).write_down(house.journal)


async def _deliver(house: House) -> Legs:
    """Everything that the engine has planned, through three lanes, to a network that answers at once."""
    store, done = SqliteDeliveriesWriter(house.folder), asyncio.Event()
    wanted = SqliteStateReader(house.folder).outbox_end() * 3

    async def send(request: Request) -> Response:
        nonlocal wanted
        wanted -= request.body()[0].count(b'"delivery":')
        if wanted <= 0:
            done.set()
        return Response(200)

    stop = asyncio.Event()
    events = wanted // 3
    role = DeliveryRole(
        house.config,
        journal=SqliteJournal(house.folder),
        state=SqliteStateReader(house.folder),
        kept=SqliteDeliveries(house.folder),
        store=store,
        clock=house.clock,
        metrics=house.metrics,
        rng=Random(1),
        report=lambda *_: None,
        send=send,
    )
    start, began = time.process_time(), time.perf_counter()
    running = asyncio.create_task(role.run(stop))
    beat = asyncio.create_task(_beat(role))
    async with asyncio.timeout(120):
        await done.wait()
    cpu, wall = time.process_time() - start, time.perf_counter() - began
    beat.cancel()
    stop.set()
    await running
    return {
        "delivery, three sinks, batches of 100, no network": cpu / events * 1e6,
        "delivery, the same, wall": wall / events * 1e6,
    }


async def _beat(role: DeliveryRole) -> None:
    while True:
        await asyncio.sleep(0.1)
        role.notify()


def _us(seconds: Sequence[float], events: int) -> float:
    return median(seconds) / events * 1e6
