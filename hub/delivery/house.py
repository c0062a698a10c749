"""What all lanes share, and what one lane is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal, Protocol

from hub.clock import Clock
from hub.connector import Limits
from hub.delivery.reading import Desk, Transforms
from hub.delivery.run import Runner
from hub.store.port import DeliveriesReader, StateReader
from hub.telemetry import Metrics
from hub.transport import Send


class Report(Protocol):
    """Hears how a sink is, when that changes."""

    def __call__(self, name: str, status: Literal["ok", "degraded", "failing"], reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class House:
    """What all lanes share."""

    clock: Clock
    rng: Random
    desk: Desk
    state: StateReader
    kept: DeliveriesReader
    metrics: Metrics
    report: Report
    settle: Callable[[str], None]
    """Something of this sink's lane is to be written."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What one lane is for: a sink, its limits, and the transforms before it."""

    sink: str
    runner: Runner
    send: Send
    limits: Mapping[str, Limits]
    apart: frozenset[str]
    """Actions whose limits are their own; all others share the sink's."""
    alone: Mapping[str, Limits]
    """Actions of which one delivery alone has limits of its own."""
    ordered: bool
    transforms: Transforms
