"""The example shop's day, and the catalogue's own examples, as Klaviyo would be asked about them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from running_hub import HUB
from source_tree import ROOT

from hub.catalogue import EVENTS, example
from hub.testing.contracts import Contract

SHOP = ROOT / "examples" / "shop"
CONTRACT = "klaviyo/klaviyo-2026-07-15.json"


@pytest.fixture(scope="module")
def contract() -> Contract:
    found = Contract.of(CONTRACT)
    if found is None:
        pytest.skip("HUB_SHARED does not point at the vendors' contracts")
    return found


def preview(file: Path, config: Path = SHOP / "shop.toml") -> list[dict[str, Any]]:
    done = subprocess.run(
        [str(HUB), "preview", "news", str(file), "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def faults(contract: Contract, row: dict[str, Any]) -> list[str]:
    asked = urlsplit(row["url"])
    body = json.dumps(row["body"]).encode()
    return [str(one) for one in contract.faults(row["method"], asked.path, row["headers"], body)]


def test_every_request_of_the_shop_day_passes_the_vendors_contract(contract: Contract) -> None:
    rows = preview(SHOP / "day.jsonl")

    assert len(rows) == 268
    assert [faults(contract, row) for row in rows if faults(contract, row)] == []


def test_every_event_of_the_catalogue_passes_it_too_and_a_spoiled_one_does_not(
    contract: Contract, tmp_path: Path
) -> None:
    lines = [
        {
            "type": "track",
            "event": known.spelling,
            "userId": "ann",
            "timestamp": "2026-11-20T10:00:00Z",
            "properties": example(name),
        }
        for name, known in EVENTS.items()
        if known.spelling
    ]
    odd = {"type": "track", "timestamp": "2026-11-20T10:00:00Z", "event": "Order Completed", "userId": "ann"}
    lines += [
        {**odd, "properties": {}},
        {**odd, "properties": {"revenue": "12,50", "currency": "ZZZ", "products": "none"}},
        {**odd, "event": "x" * 300},
        {"type": "track", "event": "Product Added", "timestamp": odd["timestamp"], "anonymousId": "a1"},
    ]
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = (
        (SHOP / "shop.toml")
        .read_text()
        .replace('to   = "news.profile"\nwhen = "traits_updated"', 'to = "news"')
    )
    (tmp_path / "shop.toml").write_text(text)

    rows = preview(tmp_path / "all.jsonl", tmp_path / "shop.toml")

    asked = [row for row in rows if row["url"]]
    assert len(asked) >= len(lines) - 1
    assert [faults(contract, row) for row in asked if faults(contract, row)] == []
    spoiled = {**asked[0], "body": {"data": {"type": "event", "attributes": {"profile": 1}}}}
    assert faults(contract, spoiled)
