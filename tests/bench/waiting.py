"""A million people who wait on one rule: what they cost, and how late those who are due are woken."""

from __future__ import annotations

import gc
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hub.clock import DrivenClock
from hub.config import read
from hub.event import Event, Identifier
from hub.pipeline import Engine
from hub.plugins import discover
from hub.store.port import Draft, Kind
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.work import SqliteState

TABLES = """
[sources.site]
connector = "segment"
public_keys = ["pk"]

[sinks.screen]
connector = "console"

[channels]
email = "screen.send"

[rules.cart]
when = "product_added then not order_completed within 15m"
send = { channel = "email", template = "cart" }
"""
DUE = 100_000
"""So many fall due over ten minutes; all others later."""
SPREAD = 600_000_000 // DUE
LATER = 60_000_000
"""All others come this much later: behind the ten minutes, and before the first of those who are due is."""
LOOK = 100_000
"""The engine looks this often: everybody due in between is woken by one look."""


def report(people: int = 1_000_000) -> list[tuple[str, str]]:
    """What was measured, by name."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as name:
        folder = Path(name)
        clock = DrivenClock()
        _fill(folder, clock, people)
        return _measured(folder, clock, people)


def _fill(folder: Path, clock: DrivenClock, people: int) -> None:
    (folder / "plugins.toml").write_text(TABLES)
    resolved = read(folder / "plugins.toml", discover, environ={}).resolved
    writer = SqliteJournalWriter(folder, clock.now, durable=False)
    writer.write([Batch([Draft(Kind.CONFIG, resolved)])])
    journal, state = SqliteJournal(folder, readonly=False), SqliteState(folder, durable=False)
    engine = Engine(journal, state)
    for pause, numbers in _arrivals(people):
        clock.set(clock.now() + pause)
        writer.write([Batch([_added(number) for number in numbers])])
        engine.cycle(clock.now)
    for store in (writer, journal, state):
        store.close()


def _arrivals(people: int) -> Iterator[tuple[int, range]]:
    """Who comes at one instant, and how long after those before them."""
    for first in range(0, DUE, 10):
        yield 10 * SPREAD, range(first, first + 10)
    for first in range(DUE, people, 500):
        yield LATER if first == DUE else 1000, range(first, first + 500)


def _added(number: int) -> Draft:
    event = Event(
        id=f"m{number}",
        type="track",
        name="product_added",
        source="site",
        identifiers=(Identifier("user_id", f"u{number}"),),
        trust="secret",
    )
    return Draft(Kind.EVENT, msgspec.json.encode(event))


def _measured(folder: Path, clock: DrivenClock, people: int) -> list[tuple[str, str]]:
    gc.collect()
    size = (folder / "state.db").stat().st_size
    started = time.perf_counter()
    journal, state = SqliteJournal(folder, readonly=False), SqliteState(folder, durable=True)
    engine = Engine(journal, state)
    engine.cycle(clock.now)
    restart = time.perf_counter() - started
    late: list[float] = []
    first = state.next_wake() or 0
    cpu = time.process_time()
    for step in range(600_000_000 // LOOK + 1):
        clock.set(first + step * LOOK)
        began = time.perf_counter()
        if engine.cycle(clock.now):
            late.append(time.perf_counter() - began)
    cpu = time.process_time() - cpu
    late.sort()
    slow = sum(LOOK / 1e6 + took > 1 for took in late)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    woken = people - len(state.due(1 << 62, 1 << 40))
    for store in (journal, state):
        store.close()
    return [
        ("people waiting", f"{people:,}"),
        ("state.db", f"{size / 1e6:,.0f} MB, {size / people:,.0f} bytes a person"),
        ("restart with all of them pending", f"{restart:.2f} s"),
        ("memory of the engine at most", f"{memory:,.0f} MB"),
        ("woken and decided over ten minutes", f"{woken:,}, {cpu / max(woken, 1) * 1e6:,.0f} µs of CPU each"),
        (
            "a look for those due in 100 ms takes p50 / p99",
            f"{_at(late, 0.5):.1f} / {_at(late, 0.99):.1f} ms",
        ),
        ("woken late by at most (100 ms and the longest look)", f"{LOOK / 1000 + _at(late, 1):.0f} ms"),
        ("looks after which somebody was more than a second late", f"{slow} of {len(late):,}"),
    ]


def _at(values: list[float], share: float) -> float:
    return values[int(share * (len(values) - 1))] * 1000 if values else 0.0


def main(people: int = 1_000_000) -> None:
    """Prints the report."""
    for name, value in report(people):
        print(f"| {name} | {value} |", flush=True)


if __name__ == "__main__":
    main()
