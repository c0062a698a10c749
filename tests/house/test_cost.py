"""Asking is cheap: a question does not load the daemon. What is imported is asserted, not a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hub.clock import DrivenClock
from hub.store.port import Draft, Kind
from hub.store.sqlite.deliveries import SqliteDeliveriesWriter
from hub.store.sqlite.journal import Batch, SqliteJournalWriter
from hub.store.sqlite.work import SqliteState

COSTLY = {
    *("asyncio", "pydantic", "pydantic_settings", "httpx", "uvicorn", "uvloop", "structlog", "tenacity"),
    *("rich", "prometheus_client", "pluggy", "phonenumbers", "ssl"),
    *("hub.daemon", "hub.config", "hub.ingest", "hub.pipeline", "hub.plugins"),
}
"""Each of them costs tens of milliseconds, or brings something that does."""

RUN = """
import json, sys
sys.argv[0] = "hub"
from hub.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration, and a data folder that a hub has used."""
    (tmp_path / "plugins.toml").write_text("[hub]\n")
    data = tmp_path / "data"
    data.mkdir()
    journal = SqliteJournalWriter(data, DrivenClock().now)
    event = b'{"id":"1","type":"track","name":"order_completed","source":"site"}'
    journal.write([Batch([Draft(Kind.EVENT, event)])])
    journal.close()
    SqliteState(data).close()
    SqliteDeliveriesWriter(data).close()
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["dead", "--help"],
        ["dead", "list"],
        ["dead", "list", "--json"],
        ["audit"],
        ["export", "events"],
        ["export", "people"],
        ["export", "deliveries"],
        ["export", "quarantine"],
        ["tail", "--help"],
    ],
    ids=" ".join,
)
def test_a_question_does_not_load_the_daemon(folder: Path, words: list[str]):
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], capture_output=True, text=True, cwd=folder, timeout=60
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1])

    assert code == 0
    assert set(loaded) & COSTLY == set()


def test_the_front_door_costs_nothing_until_it_is_used():
    code = "import sys, hub; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert set(done.stdout.split()) & {*COSTLY, "msgspec", "click"} == set()
