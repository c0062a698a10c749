"""What is measured, in the order in which it happens: accept, end to end, latency, start, memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.contestants import SINKS, Contestant, Hub, Peer
from tests.bench.figures import median
from tests.bench.processes import Process, cpu, load, memory_mb, module

RATES = (200, 1000)


@dataclass(frozen=True)
class Size:
    """How long each part goes on."""

    starts: int
    singles: int
    batched: int
    through: int
    through_peer: int
    through_peer_batched: int
    paced_seconds: float


FULL = Size(5, 40_000, 200_000, 60_000, 2_000, 10_000, 15)
QUICK = Size(1, 5_000, 20_000, 12_000, 300, 2_000, 3)


@dataclass
class Found:
    """Figures of one contestant, by name."""

    who: str
    figures: dict[str, float] = field(default_factory=dict)

    def keep(self, name: str, value: float) -> None:
        self.figures[name] = value


Make = Callable[[Path, list[str]], Contestant]


class Bench:
    """One run: the folder, the sinks, and what was found."""

    def __init__(self, folder: Path, size: Size, said: Callable[[str], None]) -> None:
        self._folder = folder
        self._size = size
        self._said = said
        self._number = 0
        self._sinks = Process(module("sinks"))
        self._urls = [f"http://127.0.0.1:{port}/hook" for port in self._sinks.hear()]

    def close(self) -> None:
        """Ends the sinks."""
        self._sinks.stop()

    def hub(self) -> Found:
        """The hub."""
        size, found = self._size, Found("hub")
        self._start(found, Hub)
        self._accept(found, lambda folder, _: Hub(folder, (), roles="gateway"), (size.singles, size.batched))
        self._through(found, Hub, size.through)
        self._latency(found, Hub, RATES)
        return found

    def rules(self) -> list[Found]:
        """The hub with rules and without, in turns: medians of the way through to three sinks."""
        rounds = 5 if self._size is FULL else 1
        tried: dict[str, list[Found]] = {"with 20 rules": [], "without": []}
        for _ in range(rounds):
            for who, each in tried.items():
                each.append(Found(who))
                make = partial(Hub, rules=who != "without")
                self._through(each[-1], make, self._size.through)
        return [_middle(who, each) for who, each in tried.items()]

    def peer(self) -> Found:
        """FastAPI, httpx and tenacity: each event by itself."""
        size, found = self._size, Found("FastAPI")

        def make(folder: Path, urls: list[str]) -> Contestant:
            return Peer(folder, urls, batched=False)

        self._start(found, make)
        self._accept(found, lambda folder, _: make(folder, []), (size.singles // 4, size.batched // 4))
        self._through(found, make, size.through_peer)
        self._latency(found, make, RATES[:1])
        return found

    def careful_peer(self) -> Found:
        """The same with a queue and batches for each sink."""
        found = Found("FastAPI, batches")

        def make(folder: Path, urls: list[str]) -> Contestant:
            return Peer(folder, urls, batched=True)

        self._through(found, make, self._size.through_peer_batched)
        self._latency(found, make, RATES)
        return found

    def _start(self, found: Found, make: Make) -> None:
        self._said(f"{found.who}: start")
        took = []
        for _ in range(self._size.starts):
            with self._running(make) as service:
                took.append(service.start_seconds)
        found.keep("start, s", median(took))

    def _accept(self, found: Found, make: Make, events: tuple[int, int]) -> None:
        for name, batch, connections, count in (
            ("single posts", 1, 32, events[0]),
            ("batches of 100", 100, 8, events[1]),
        ):
            self._said(f"{found.who}: accepts, {name}")
            with self._running(make) as service:
                load(service.port, events=min(count, 2000), batch=batch, connections=connections, seed=7)
                before = _used(service)
                told = load(service.port, events=count, batch=batch, connections=connections)
                used = sum(_spent(before, service).values())
            _must_be_fine(found.who, told)
            found.keep(f"accepted/s, {name}", count / _seconds(told))
            found.keep(f"accept p99 ms, {name}", told["p99_ms"])
            found.keep(f"accept CPU µs, {name}", used / count * 1e6)

    def _through(self, found: Found, make: Make, events: int) -> None:
        self._said(f"{found.who}: through to three sinks")
        with self._running(make) as service:
            self._send(service, seed=7, events=200, batch=100, connections=4)
            self._sinks.ask({"reset": True})
            before = _used(service)
            sent, came = self._send(service, seed=1, events=events, batch=100, connections=4)
            spent = _spent(before, service)
            for role, pids in service.roles().items():
                found.keep(f"memory MB, {role}", memory_mb(pids))
        _must_be_fine(found.who, sent)
        last = max(sink["last_at"] for sink in came["sinks"])
        found.keep("through/s, three sinks", events / ((last - sent["started_at"]) / 1e6))
        for role, seconds in spent.items():
            found.keep(f"CPU s per 10,000 events, {role}", seconds / events * 10_000)
        found.keep("CPU s per 10,000 events", sum(spent.values()) / events * 10_000)
        found.keep("memory MB", sum(value for name, value in found.figures.items() if "memory" in name))
        found.keep("CPU s per 10,000 events, load generator", sent["cpu"] / events * 10_000)

    def _latency(self, found: Found, make: Make, rates: tuple[int, ...]) -> None:
        for rate in rates:
            self._said(f"{found.who}: event to sink at {rate}/s")
            with self._running(make) as service:
                self._send(service, seed=7, events=200, batch=1, connections=8)
                self._sinks.ask({"reset": True})
                sent, came = self._send(
                    service, seed=1, rate=rate, seconds=self._size.paced_seconds, connections=16
                )
            _must_be_fine(found.who, sent)
            for percent in (50, 99):
                worst = max(sink[f"p{percent}_ms"] for sink in came["sinks"])
                found.keep(f"event to sink p{percent} ms, {rate}/s", worst)

    def _send(self, service: Contestant, **plan: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Sends, and waits until every sink has everything."""
        sent = load(service.port, **plan)
        events = plan.get("events") or int(plan["rate"] * plan["seconds"])
        came = self._sinks.ask({"wait": events, "seconds": 60})
        missing = [name for name, sink in zip(SINKS, came["sinks"], strict=True) if sink["events"] != events]
        if missing:
            raise RuntimeError(f"not everything arrived at the sinks {missing}: {came}")
        return sent, came

    @contextmanager
    def _running(self, make: Make) -> Iterator[Contestant]:
        self._number += 1
        self._sinks.ask({"reset": True})
        service = make(self._folder / str(self._number), self._urls)
        try:
            yield service
        finally:
            service.stop()


@contextmanager
def bench(size: Size, said: Callable[[str], None]) -> Iterator[Bench]:
    """A bench in a folder of its own; everything that it started has ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        running = Bench(Path(folder), size, said)
        try:
            yield running
        finally:
            running.close()


def _middle(who: str, tried: Sequence[Found]) -> Found:
    return Found(who, {name: median([one.figures[name] for one in tried]) for name in tried[0].figures})


def _used(service: Contestant) -> dict[str, float]:
    return {role: cpu(pids) for role, pids in service.roles().items()}


def _spent(before: dict[str, float], service: Contestant) -> dict[str, float]:
    return {role: seconds - before[role] for role, seconds in _used(service).items()}


def _seconds(told: dict[str, Any]) -> float:
    seconds: float = (told["ended_at"] - told["started_at"]) / 1e6
    return seconds


def _must_be_fine(who: str, told: dict[str, Any]) -> None:
    refused = {status: count for status, count in told["answers"].items() if not status.startswith("2")}
    refused = {status: count for status, count in refused.items() if status not in ("429", "503")}
    if refused:
        raise RuntimeError(f"{who} refused requests: {refused}")
