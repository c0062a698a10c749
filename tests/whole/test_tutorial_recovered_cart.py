"""The tutorial of the recovered cart, followed to the letter: what it says one sees is what one sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from newcomer import BLOCK, Newcomer
from source_tree import ROOT

PAGE = ROOT / "docs" / "tutorial" / "recovered_cart.md"


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    one = Newcomer(tmp_path, config="cart.toml")
    yield one
    one.stop()


def test_who_follows_the_page_recovers_a_cart(newcomer: Newcomer) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert {kind for kind, _ in blocks} == {"toml", "console", "text"}

    for kind, text in blocks:
        {"toml": newcomer.save, "console": newcomer.type, "text": newcomer.sees}[kind](text)

    assert "Head lamp is waiting" not in newcomer.screen
