"""Options of sources that could never work: all of them are told at once, before anything is lost to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.config import read
from hub.errors import ConfigRefused
from hub.plugins import discover


@pytest.mark.parametrize(
    ("block", "faults"),
    [
        (
            'connector = "shopify"\nsecret = { file = "word" }\nshops = ["https://acme.example/", "acme"]',
            [
                "sources.x.shops: item 1: must be the shop's own domain: acme.myshopify.com",
                "sources.x.shops: item 2: must be the shop's own domain: acme.myshopify.com",
            ],
        ),
        (
            'connector = "segment"\npublic_keys = ["pk", ""]',
            ["sources.x.public_keys: item 2: must not be empty"],
        ),
        (
            'connector = "gtm"\nmeasurement_ids = [""]',
            ["sources.x.measurement_ids: item 1: must not be empty"],
        ),
        (
            'connector = "webhook"\nsignature = "github"\ntype = "identify"',
            [
                "sources.x: signature needs the secret that the sender signs with, and type: this is a path; "
                'for a fixed one write { word = "identify" }'
            ],
        ),
    ],
)
def test_what_can_never_be_heard_is_a_fault(tmp_path: Path, block: str, faults: list[str]):
    (tmp_path / "word").write_text("a secret")
    (tmp_path / "word").chmod(0o600)
    (tmp_path / "plugins.toml").write_text(f"[sources.x]\n{block}\n")

    with pytest.raises(ConfigRefused) as refused:
        read(tmp_path / "plugins.toml", discover, environ={})
    assert [f"{fault.key}: {fault.problem}" for fault in refused.value.faults] == faults
