"""Asking is cheap: a question does not load the daemon. What is imported is asserted, not a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def loaded(tmp_path: Path, *words: str) -> set[str]:
    """The modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["dead", "list"],
        ["dead", "--help"],
        ["audit"],
        ["export", "events"],
        ["export", "people"],
        ["export", "deliveries"],
        ["export", "quarantine"],
        ["tail", "--help"],
        ["reload"],
    ],
    ids=" ".join,
)
def test_a_question_does_not_load_the_daemon(tmp_path: Path, words: list[str]):
    (tmp_path / "plugins.toml").write_text("[hub]\n")

    assert loaded(tmp_path, *words) & COSTLY == set()


def test_the_front_door_costs_nothing_until_it_is_used():
    code = "import sys, hub; print(*sorted(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert set(done.stdout.split()) & {name.partition(".")[0] for name in COSTLY - {"hub"}} <= {"hub"}
