"""The guide for a Shopify shop with Klaviyo, done as it is written."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from running_hub import HUB
from source_tree import ROOT

PAGE = (ROOT / "docs" / "how_to" / "win_back_carts.md").read_text(encoding="utf-8")


def sent(folder: Path, lines: str) -> list[dict[str, Any]]:
    """The events that the guide's preview shows for these lines, after the profile."""
    [tables] = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (folder / "plugins.toml").write_text(tables)
    (folder / "try.jsonl").write_text(lines)
    words = [str(HUB), "preview", "news", "try.jsonl", "--source", "shop"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    profile, *events = [json.loads(line) for line in done.stdout.splitlines()]
    assert profile["action"] == "profile"
    return events


@pytest.fixture
def lines() -> str:
    [found] = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_who_leaves_a_checkout_gets_the_way_back(tmp_path: Path, lines: str) -> None:
    [request] = sent(tmp_path, lines)

    said = request["body"]["data"]["attributes"]
    assert said["metric"]["data"]["attributes"]["name"] == "Cart Left"
    assert said["properties"]["link"] == "https://acme.myshopify.com/recover/c8"
    assert said["time"] == "2026-11-20T10:15:15.000Z"


def test_who_orders_in_time_or_never_agreed_gets_nothing(tmp_path: Path, lines: str) -> None:
    in_time = lines.replace("T11:00:00Z", "T10:10:00Z")
    unasked = lines.replace('"state": "subscribed"', '"state": "not_subscribed"')
    assert len({lines, in_time, unasked}) == 3

    assert sent(tmp_path, in_time) == []
    assert sent(tmp_path, unasked) == []
