"""The examination finds what is wrong with a transform: each check has one that fails it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kit_house import said

import hub
from hub.testing import TransformConformance


class Blot(hub.Transform[hub.Settings]):
    """Blots out prices."""

    name = "blot"

    def change(self, event: hub.Event) -> hub.Event | None:
        event.properties = {name: value for name, value in event.properties.items() if name != "price"}
        return event


class GoodBlot(TransformConformance):
    connector = Blot


class Counting(Blot):
    """Counts."""

    seen = 0

    def change(self, event: hub.Event) -> hub.Event | None:
        self.seen += 1
        event.properties = {"seen": self.seen}
        return event


class Renaming(Blot):
    """Renames."""

    def change(self, event: hub.Event) -> hub.Event | None:
        event.id = f"{event.id}-2"
        return event


class Adding(Blot):
    """Adds."""

    def change(self, event: hub.Event) -> hub.Event | None:
        event.properties = {"sum": sum(event.properties.values())} if event.properties else {}
        return event


@pytest.mark.parametrize("name", ["pure", "keeps_the_id", "odd_events_are_survived"])
def test_a_good_transform_is_objected_to_by_nobody(name: str, tmp_path: Path):
    assert said(GoodBlot, name, tmp_path) == ""


@pytest.mark.parametrize(
    ("connector", "check", "told"),
    [
        (Counting, "pure", "goes on otherwise"),
        (Renaming, "keeps_the_id", "the id or the source has changed"),
        (Adding, "odd_events_are_survived", "TypeError"),
        (Blot, "golden_changes", "there is no such file yet"),
    ],
)
def test_a_transform_that_does_wrong_is_told_so(connector: Any, check: str, told: str, tmp_path: Path):
    assert told in said(GoodBlot, check, tmp_path, connector=connector)
