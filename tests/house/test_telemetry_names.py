"""Nothing is logged or counted under a name that the reference lacks, and it has none that nobody uses."""

from __future__ import annotations

import re
from pathlib import Path

from hub.telemetry import SAID, Metric, names

HUB = Path(__file__).parents[2] / "hub"
CODE = {path: path.read_text(encoding="utf-8") for path in HUB.rglob("*.py") if path.name != "names.py"}


def test_every_log_event_in_the_code_is_explained():
    said = {
        f"{path.relative_to(HUB)}: {event}"
        for path, text in CODE.items()
        for event in re.findall(r'\blog\.(?:info|warning|error|bug)\(\s*"([^"]+)"', text)
        if event not in SAID
    }

    assert said == set()


def test_every_explained_log_event_is_said_somewhere():
    assert [event for event in SAID if not any(f'"{event}"' in text for text in CODE.values())] == []


def test_every_metric_is_counted_somewhere():
    metrics = [name for name, value in vars(names).items() if isinstance(value, Metric)]

    assert [
        name for name in metrics if not any(re.search(rf"\b{name}\b", text) for text in CODE.values())
    ] == []
