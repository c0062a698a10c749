"""A small world on a driven clock: people, devices, carts, copies, late events, edited rules, sick sinks.

The same seed makes the same entries at the same instants; only how they are applied and delivered differs.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec
from driven_loop import DrivenLoop
from simulated_sinks import Arrival, Delivering, FarSides

from hub.cli.ledgers import accepted, planned
from hub.clock import DrivenClock
from hub.config import read
from hub.errors import StoreUnavailable
from hub.pipeline import Engine
from hub.plugins import discover
from hub.schema import normalise
from hub.store.port import Draft, Kind
from hub.store.sqlite import work
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState

START = 1_760_000_000_000_000
SECOND = 1_000_000
MINUTE = 60 * SECOND

TABLES = """
[sources.site]
connector = "segment"
public_keys = ["pk"]

[sources.shop]
connector = "segment"
public_keys = ["pk2"]

[sinks.a]
connector = "webhook"
url = "http://127.0.0.1:9/a"
headers = { x-sink = "a" }
limits = { batch = 5, in_flight = 3 }

[sinks.b]
connector = "webhook"
url = "http://127.0.0.1:9/b"
headers = { x-sink = "b" }
limits = { per_second = 20, in_flight = 2 }

[channels]
email = ["a.send", "b.send"]
webhook = "b.send"

[routes.all]
to = "a.send"

[routes.orders]
to = "b.send"
when = "order_completed or product_added[price > 10]"

[rules.cart]
when = "product_added then not order_completed within 15m"
if = "person.plan != 'blocked'"
send = { channel = "email", template = "cart", vars = { name = "trigger.name" } }

[rules.per_cart]
when = "product_added then not order_completed within {wait}"
by = "cart_id"
repeat = "always"
send = { channel = "webhook", template = "per_cart" }

[rules.keen]
when = "product_viewed 3 times within 10m"
if = "count(product_viewed, 1h) >= 3"
repeat = "5m"
send = { channel = "webhook", template = "keen" }
"""

Step = tuple[int, list[Draft]]
"""An instant, and the entries that are accepted then."""


def configuration(folder: Path, wait: str) -> bytes:
    """The resolved configuration, as the journal has it."""
    path = folder / "plugins.toml"
    path.write_text(TABLES.replace("{wait}", wait))
    return read(path, discover, environ={}).resolved


def history(seed: int, folder: Path) -> list[Step]:
    """What is accepted, and when; the engine runs once after each step."""
    rng = random.Random(seed)
    at = START
    steps: list[Step] = [(at, [Draft(Kind.CONFIG, configuration(folder, "10m"))])]
    told: list[Draft] = []
    edit = rng.randrange(10, 30)
    for number in range(40):
        at += rng.choice([SECOND, MINUTE, 4 * MINUTE, 16 * MINUTE])
        drafts = [_event(rng, at, number, n, told) for n in range(rng.randrange(0, 12))]
        if number == edit:
            drafts.append(Draft(Kind.CONFIG, configuration(folder, "5m")))
        if rng.random() < 0.1:
            drafts.append(_outcome(rng))
        steps.append((at, drafts))
    steps.append((at + 60 * MINUTE, []))
    return steps


def _event(rng: random.Random, at: int, step: int, number: int, told: list[Draft]) -> Draft:
    if told and rng.random() < 0.1:
        return rng.choice(told)
    person, device = rng.randrange(6), rng.randrange(8)
    identifiers: dict[str, object] = {"anonymous_id": f"d{device}"}
    if rng.random() < 0.4:
        identifiers["user_id"] = f"u{person}"
    if rng.random() < 0.2:
        identifiers["email"] = f"p{person}@example.com"
    if rng.random() < 0.05:
        identifiers = {"user_id": rng.choice(["null", "undefined", "0", ""])}
    name = rng.choice(["Product Viewed", "Product Added", "Product Added", "Order Completed", "Page Left"])
    event = normalise(
        type="track",
        id=f"m{step}-{number}",
        name=name,
        identifiers=identifiers,
        occurred_at=(at - rng.choice([0, 0, 0, SECOND, 2 * MINUTE, 30 * MINUTE])) / SECOND,
        properties={
            "name": f"p{rng.randrange(4)}",
            "price": rng.randrange(20),
            "cart_id": f"c{rng.randrange(4)}",
            "order_id": f"o{rng.randrange(9)}",
        },
        traits=rng.choice([None, None, {"consent.email.marketing": True}, {"plan": "blocked"}]),
    )
    event.source = rng.choice(["site", "shop"])
    event.trust = rng.choice(["public", "secret"])
    told.append(Draft(Kind.EVENT, msgspec.json.encode(event)))
    return told[-1]


def _outcome(rng: random.Random) -> Draft:
    told = {"delivery": f"{rng.randrange(5):032x}", "state": "dead", "reason": "answered 400"}
    return Draft(Kind.OUTCOME, msgspec.json.encode(told))


class Lived(NamedTuple):
    """What came of the steps."""

    state: dict[str, list[Any]]
    """All rows of the engine's tables, sorted."""
    arrived: list[Arrival]
    ended: dict[str, dict[str, Any]]
    """Each sink's ledger at the end."""
    faults: list[str]
    """Where a ledger did not balance, or a person's order was not kept."""


def applied(folder: Path, steps: Sequence[Step], chance: random.Random | None) -> Lived:
    """Lives through all steps; with `chance`, over random splits, faults, kills and sick sinks."""
    folder.mkdir()
    clock = DrivenClock(START - SECOND)
    loop = DrivenLoop(clock)
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(_World(folder, clock, chance).live(steps))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _World:
    """The journal, the engine and the delivery role, and how they are treated."""

    def __init__(self, folder: Path, clock: DrivenClock, chance: random.Random | None) -> None:
        self._folder = folder
        self._clock = clock
        self._chance = chance
        self._faults: list[str] = []
        self._writer = SqliteJournalWriter(folder, clock.now, durable=False)
        self._house = _House(folder)
        self._far = FarSides(chance)
        (folder / "plugins.toml").write_text(TABLES.replace("{wait}", "10m"))
        config = read(folder / "plugins.toml", discover, environ={})
        self._delivering = Delivering(config, folder, clock, self._far, chance=chance, written=self._sampled)

    async def live(self, steps: Sequence[Step]) -> Lived:
        self._delivering.start()
        for at, drafts in steps:
            await self._until(at)
            if drafts:
                self._writer.write([Batch(drafts)])
            self._clock.forward(seconds=0.01)
            self._house.cycle(self._clock, self._chance)
            self._delivering.role.notify()
            self._balance()
        if not await self._delivering.done(200 * 3600):
            self._faults.append("not everything ended")
        await self._delivering.kill()
        ended = {ledger["sink"]: ledger for ledger in planned(self._folder)}
        self._balance()
        self._writer.close()
        self._house.close()
        self._faults += overtaken(self._folder, self._far.arrived)
        return Lived(dump(self._folder), self._far.arrived, ended, self._faults)

    async def _until(self, at: int) -> None:
        """Time passes; now and then the delivery role is killed on the way."""
        while (left := at - 1000 - self._clock.now()) > 0:
            if self._chance is None:
                await asyncio.sleep(left / SECOND)
                continue
            await asyncio.sleep(min(left / SECOND, self._chance.choice([0.1, 2, 60]) * self._chance.random()))
            if not self._delivering.role.idle or self._chance.random() < 0.02:
                await self._delivering.kill()
                self._delivering.start()
        self._clock.set(at)

    def _sampled(self) -> None:
        assert self._chance is not None
        if self._chance.random() < 0.05:
            self._balance()

    def _balance(self) -> None:
        for ledger in (accepted(self._folder), *planned(self._folder)):
            if not ledger["balanced"]:
                self._faults.append(f"at {self._clock.now()}: {ledger}")


class _House:
    """The engine and its stores, put up again after every fault."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open(500)

    def _open(self, most: int) -> None:
        self._journal = SqliteJournal(self._folder, readonly=False)
        self._state = SqliteState(self._folder, durable=False, dedup_key=b"k" * 16)
        self._engine = Engine(self._journal, self._state, most=most)

    def close(self) -> None:
        self._journal.close()
        self._state.close()

    def cycle(self, clock: DrivenClock, chance: random.Random | None) -> None:
        if chance is None:
            while self._engine.cycle(clock.now):
                pass
            return
        if chance.random() < 0.3:
            self.close()
            self._open(chance.choice([1, 2, 3, 7, 500]))
        while True:
            try:
                with faults(chance):
                    while self._engine.cycle(clock.now):
                        pass
                return
            except StoreUnavailable:
                self.close()
                self._open(chance.choice([1, 2, 3, 7, 500]))


@contextmanager
def faults(chance: random.Random) -> Iterator[None]:
    """Now and then a commit fails: before it happened, or after it did and nobody heard of it."""
    real = work.transaction

    @contextmanager
    def shaky(connection: apsw.Connection) -> Iterator[None]:
        lot = chance.random()
        with real(connection):
            yield
            if lot < 0.1:
                raise StoreUnavailable("the power went before the commit")
        if lot > 0.9:
            raise StoreUnavailable("the power went after the commit")

    work.transaction = shaky
    try:
        yield
    finally:
        work.transaction = real


def dump(folder: Path) -> dict[str, list[Any]]:
    """All rows of all tables, sorted; the generations of dedup as one."""
    db = apsw.Connection(str(folder / "state.db"))
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found: dict[str, list[Any]] = {}
    for table in tables:
        rows = list(db.execute(f"SELECT * FROM {table}"))
        found.setdefault("seen" if table.startswith("seen_") else table, []).extend(rows)
    db.close()
    return {table: sorted(rows, key=repr) for table, rows in found.items()}


def overtaken(folder: Path, arrived: Sequence[Arrival]) -> list[str]:
    """Whose deliveries arrived in another order than they were planned in, and what arrived under two ids."""
    journal, state = SqliteJournal(folder), SqliteStateReader(folder)
    rows = state.outbox_rows(range(1, state.outbox_end() + 1))
    entries = journal.get({row.entry for row in rows.values()})
    sets = state.route_sets()
    planned: dict[tuple[str, str, str], tuple[int, int | None, str]] = {}
    for row in rows.values():
        event = msgspec.json.decode(entries[row.entry].body)["id"]
        for leg in sets[row.routes]:
            planned[leg.sink, event, row.message.id if row.message else ""] = (row.seq, row.person, leg.lane)
    journal.close()
    state.close()
    newest: dict[tuple[str, int | None, str], int] = {}
    ids: dict[tuple[str, str, str], str] = {}
    faults = []
    for one in arrived:
        what = (one.sink, one.event, one.message)
        if what in ids:
            if ids[what] != one.delivery:
                faults.append(f"two ids: {what}")
            continue
        ids[what] = one.delivery
        seq, person, lane = planned[what]
        if person is not None and newest.get((one.sink, person, lane), 0) >= seq:
            faults.append(f"overtaken: {what}")
        newest[one.sink, person, lane] = seq
    return faults
