"""A hub, and a bad road that leads to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from zlib import crc32

import pytest
from flaky_road import FlakyRoad
from running_hub import SITE, RunningHub


@pytest.fixture
def road(request: pytest.FixtureRequest) -> Iterator[FlakyRoad]:
    """The road; its faults are the same in each run of a test."""
    road = FlakyRoad(seed=crc32(request.node.name.encode()))
    yield road
    road.close()


@pytest.fixture
def hub(hubs: Callable[..., RunningHub], road: FlakyRoad, monkeypatch: pytest.MonkeyPatch) -> RunningHub:
    """A running hub that the world reaches over the bad road only."""
    monkeypatch.setenv("HUB_PUBLIC_URL", road.url)
    running = hubs(SITE)
    road.upstream = running.port
    return running.start()
