"""The supervisor outlives its children, however often and however early they end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from hub.daemon.pipes import Wires
from hub.daemon.supervisor import Child, Supervisor


def first_end(run: Callable[[], int], *, failures: int = 0) -> str:
    """What is said of the first end of a child; the supervisor is stopped then."""
    told: list[str] = []

    def said(_: str, what: str) -> None:
        told.append(what)
        os.kill(os.getpid(), signal.SIGTERM)

    child = Child("engine", run, failures=failures)
    Supervisor([child], Wires(), drain=5, said=said, ready=lambda: None).run()
    return told[0]


def test_a_role_that_failed_a_thousand_times_is_started_once_more() -> None:
    assert first_end(lambda: 1, failures=2000) == "ended with 1"


def test_a_role_that_is_stopped_while_it_starts_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    fork = os.fork

    def stopped_at_once() -> int:
        pid = fork()
        if not pid:
            os.kill(os.getpid(), signal.SIGTERM)
        return pid

    def patient() -> int:
        time.sleep(5)
        return 0

    monkeypatch.setattr(os, "fork", stopped_at_once)

    assert first_end(patient) == f"ended with {-signal.SIGTERM}"
