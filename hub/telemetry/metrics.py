"""Counts and measures: plain numbers that are written where things happen, and read when somebody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage
from time import process_time
from typing import Any, TypeVar

from hub.telemetry.names import METRICS, ROLE_CPU_SECONDS, ROLE_MEMORY_BYTES, SECONDS, Metric

T = TypeVar("T")
Labels = tuple[str, ...]
Reading = float | list[float]
"""A number; of a histogram, the counts of its buckets, of what is beyond them, and the sum."""
Snapshot = dict[str, list[tuple[Labels, Reading]]]
"""All metrics of a process as plain values, fit for JSON."""


class Cell:
    """One number that goes up, or is set; `n` is written directly, which is as cheap as it gets."""

    __slots__ = ("n",)

    def __init__(self) -> None:
        self.n: float = 0

    def read(self) -> Reading:
        return self.n


class Spread:
    """How measured values are spread over buckets."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0.0] * (len(SECONDS) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(SECONDS, value)] += 1
        self.sum += value

    def read(self) -> Reading:
        return [*self.counts, self.sum]


class Metrics:
    """Counts and measures of a process; those of other processes join by `merge`.

    A metric keeps at most `most` sets of labels; what comes after is counted under `other`, so that no
    sender can fill the memory.
    """

    def __init__(self, *, most: int = 500) -> None:
        self._most = most
        self._cells: dict[Metric, dict[Labels, Cell]] = {}
        self._spreads: dict[Metric, dict[Labels, Spread]] = {}
        self._asked: dict[Metric, Callable[[], Mapping[Labels, float]]] = {}
        self._others: dict[str, Snapshot] = {}

    def cell(self, metric: Metric, *labels: str) -> Cell:
        """The number of a metric under these labels; hold on to it where it is counted often."""
        cells = self._cells.setdefault(metric, {})
        cell = cells.get(labels)
        return self._new(cells, labels, Cell) if cell is None else cell

    def spread(self, metric: Metric, *labels: str) -> Spread:
        """The spread of a histogram under these labels; hold on to it where it is measured often."""
        spreads = self._spreads.setdefault(metric, {})
        spread = spreads.get(labels)
        return self._new(spreads, labels, Spread) if spread is None else spread

    def _new(self, kept: dict[Labels, T], labels: Labels, make: Callable[[], T]) -> T:
        if len(kept) >= self._most:
            labels = ("other",) * len(labels)
        return kept.setdefault(labels, make())

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Adds to a counter."""
        self.cell(metric, *labels).n += by

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Sets a gauge."""
        self.cell(metric, *labels).n = value

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Adds a measured value to a histogram."""
        self.spread(metric, *labels).add(value)

    def ask(self, metric: Metric, reading: Callable[[], Mapping[Labels, float]]) -> None:
        """A gauge that is only read when somebody looks; `reading` gives its values by labels."""
        self._asked[metric] = reading

    def snapshot(self) -> Snapshot:
        """Everything this process counts, as plain values."""
        taken: Snapshot = {}
        for metric, cells in self._cells.items():
            taken[metric.name] = [(labels, cell.read()) for labels, cell in list(cells.items())]
        for metric, spreads in self._spreads.items():
            taken[metric.name] = [(labels, spread.read()) for labels, spread in list(spreads.items())]
        for metric, reading in self._asked.items():
            taken[metric.name] = list(reading().items())
        return taken

    def merge(self, role: str, snapshot: Snapshot) -> None:
        """Takes the newest snapshot of another role's process; it replaces that role's former one."""
        self._others[role] = snapshot

    def readings(self) -> dict[str, dict[Labels, Reading]]:
        """Everything that is known, the same labels of several processes added up."""
        known: dict[str, dict[Labels, Reading]] = {}
        for snapshot in (self.snapshot(), *self._others.values()):
            for name, rows in snapshot.items():
                of = known.setdefault(name, {})
                for given, reading in rows:
                    labels = tuple(given)
                    of[labels] = _sum(of[labels], reading) if labels in of else reading
        return known

    def text(self) -> tuple[bytes, str]:
        """All metrics in Prometheus' text form, and its content type."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(self))
        return generate_latest(registry), CONTENT_TYPE_LATEST


def watch_process(metrics: Metrics, role: str) -> None:
    """Lets a process's own CPU time and memory be read with its other metrics."""
    metrics.ask(ROLE_CPU_SECONDS, lambda: {(role,): process_time()})
    metrics.ask(ROLE_MEMORY_BYTES, lambda: {(role,): float(_resident())})


def _resident() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * getpagesize()
    # Elsewhere only the peak is told, on macOS in bytes.
    return getrusage(RUSAGE_SELF).ru_maxrss


def _sum(one: Reading, other: Reading) -> Reading:
    if isinstance(one, list) and isinstance(other, list):
        return [a + b for a, b in zip(one, other, strict=True)]
    if isinstance(one, list) or isinstance(other, list):
        return one
    return one + other


class _Collector:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for name, rows in self._metrics.readings().items():
            metric = METRICS.get(name)
            if metric is None:
                continue
            if metric.family == "histogram":
                yield _histogram(metric, rows)
                continue
            make = CounterMetricFamily if metric.family == "counter" else GaugeMetricFamily
            family = make(name, metric.help, labels=metric.labels)
            for labels, reading in rows.items():
                if isinstance(reading, int | float):
                    family.add_metric(labels, reading)
            yield family


def _histogram(metric: Metric, rows: Mapping[Labels, Reading]) -> Any:
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, reading in rows.items():
        if not isinstance(reading, list):
            continue
        seen, buckets = 0.0, []
        for bound, count in zip((*map(str, SECONDS), "+Inf"), reading[:-1], strict=True):
            seen += count
            buckets.append((bound, seen))
        family.add_metric(labels, buckets, reading[-1])
    return family
