"""What all tests share."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import tenacity
from delivery_house import DeliveryHouse
from far_side import FarSide
from hypothesis import HealthCheck, settings
from running_hub import RunningHub

from hub import transport

# A busy machine is no fault of the product: how long an example takes proves nothing.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# Who starts the tests in the background lets them ignore Ctrl-C, and so would every hub that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def hubs(tmp_path: Path) -> Iterator[Callable[..., RunningHub]]:
    """Makes running hubs, each in a folder of its own unless told otherwise; all are ended."""
    made: list[RunningHub] = []

    def make(tables: str, *, folder: Path | None = None, port: int | None = None) -> RunningHub:
        where = folder or tmp_path / f"hub{len(made)}"
        where.mkdir(exist_ok=True)
        made.append(RunningHub(where, tables, port=port))
        return made[-1]

    yield make
    for hub in made:
        hub.end()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DeliveryHouse]:
    """The delivery role on real stores; the test plays the engine."""
    made = DeliveryHouse(tmp_path)
    yield made
    made.close()


@pytest.fixture
async def far() -> AsyncIterator[FarSide]:
    """A far side on this machine, whose answers the test chooses."""
    side = FarSide()
    await side.start()
    yield side
    await side.stop()


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second try within one attempt comes at once."""
    monkeypatch.setattr(transport, "_again", transport._again.copy(wait=tenacity.wait_none()))
