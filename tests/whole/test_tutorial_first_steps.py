"""The first steps, taken as they are written, with a rule that does not wait as long."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from newcomer import BLOCK, Newcomer
from source_tree import ROOT

PAGE = (ROOT / "docs" / "tutorial" / "first_steps.md").read_text(encoding="utf-8")


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    shutil.copy(ROOT / "plugins.toml", tmp_path)
    one = Newcomer(tmp_path, config="plugins.toml")
    yield one
    one.stop()


def test_who_takes_the_first_steps_sees_what_the_page_says(newcomer: Newcomer) -> None:
    for kind, text in BLOCK.findall(PAGE):
        if kind == "TOML":
            newcomer.save((newcomer.folder / "plugins.toml").read_text() + text.replace("20s", "2s"))
        elif kind == "console":
            newcomer.type(text)
        if "hub why ben" in text:
            newcomer.sees("forgotten_cart by email  dropped: consent")
        elif "Scarf" in text:
            newcomer.sees("forgotten_cart by email  sent\nmessage forgotten_cart by email")
        elif "hub export events" in text:
            newcomer.sees('"name":"product_viewed","name_as_sent":"Product Viewed"')

    newcomer.sees("waiting 0: balanced")
