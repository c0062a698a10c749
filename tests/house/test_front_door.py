"""The front door: what connector authors may use is written by hand, documented, and kept small."""

from __future__ import annotations

import ast
import re

import pytest
from source_tree import ROOT, modules

import hub


def imported_for_type_checkers() -> dict[str, str]:
    """Name → module, as the TYPE_CHECKING block of the front door says."""
    [block] = [
        node
        for node in modules()["hub"].tree.body
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    ]
    return {
        alias.asname or alias.name: str(node.module).removeprefix("hub.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_names_are_listed_by_hand_and_sorted():
    assert list(hub.__all__) == sorted(hub.__all__)
    assert len(set(hub.__all__)) == len(hub.__all__)


def test_the_front_door_stays_small():
    assert len(hub.__all__) <= 40


def test_type_checkers_and_python_see_the_same_names():
    typed = imported_for_type_checkers()

    assert set(typed) == set(hub.__all__)
    assert typed == hub._HOME_OF


@pytest.mark.parametrize("name", hub.__all__)
def test_every_name_can_be_had(name: str):
    assert getattr(hub, name) is not None


def test_a_name_that_is_not_there_is_said_so():
    with pytest.raises(AttributeError, match="no attribute 'Evnt'"):
        _ = hub.Evnt


def test_every_name_is_documented():
    page = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^#+ `hub\.(\w+)", page, re.MULTILINE))

    assert documented == set(hub.__all__)
