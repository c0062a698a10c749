"""The examination finds what is wrong with a source that asks: each check has one that fails it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kit_house import said

import hub
from hub.testing import PollingConformance, golden


class Letters(hub.PollingSource[hub.Settings]):
    """What lies in the letter box."""

    name = "letters"

    def pages(self, cursor: str | None) -> hub.Pages:
        answer = yield hub.Request("GET", f"https://box.example/after/{cursor or 0}")
        said = answer.json()
        if not isinstance(said, dict) or not isinstance(said.get("ids"), list):
            raise hub.RetryLater("the box answers oddly")
        ids = [one for one in said["ids"] if isinstance(one, str) and one]
        yield hub.Page([letter(one) for one in ids], str(said.get("next")), more=said.get("more") is True)


def letter(id: str) -> hub.Event | hub.BadEvent:
    try:
        return hub.normalise(type="track", id=id, name="Letter Came")
    except hub.BadEvent as bad:
        return bad


class GoodLetters(PollingConformance):
    connector = Letters
    hosts = ["box.example"]


class Trusting(Letters):
    """Trusts what it is told."""

    def pages(self, cursor: str | None) -> hub.Pages:
        answer = yield hub.Request("GET", f"https://box.example/after/{cursor or 0}")
        events = [hub.normalise(type="track", id=one, name="Letter Came") for one in answer.json()["ids"]]
        yield hub.Page(events, "0", more=answer.json()["more"])


class Elsewhere(Letters):
    """Asks somebody else."""

    def pages(self, cursor: str | None) -> hub.Pages:
        yield hub.Request("GET", "http://box.example/")


class Impatient(Letters):
    """Says for itself when it asks again."""

    def pages(self, cursor: str | None) -> hub.Pages:
        try:
            yield from super().pages(cursor)
        except hub.RetryLater:
            raise hub.RetryLater("later") from None


class Forgetful(Letters):
    """Keeps no id."""

    def pages(self, cursor: str | None) -> hub.Pages:
        yield hub.Request("GET", "https://box.example/")
        yield hub.Page([hub.normalise(type="track", name="Letter Came")], "1")


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """Golden answers of two pages."""
    pages = [{"ids": ["a", "b"], "next": "2", "more": True}, {"ids": ["c"], "next": "3", "more": False}]
    said = {"cursor": None, "answers": [{"status": 200, "json": page} for page in pages]}
    (tmp_path / "box.json").write_text(json.dumps(said))
    golden.write(True)
    try:
        assert said_of_letters("golden_pages", tmp_path) == ""
    finally:
        golden.write(False)
    return tmp_path


def said_of_letters(name: str, folder: Path, **attributes: Any) -> str:
    return said(GoodLetters, name, folder, **attributes)


@pytest.mark.parametrize(
    "name",
    [
        "golden_pages",
        "same_answers_same_ids",
        "exact_host",
        "odd_answers_are_survived",
        "reasons_hold_no_secret_and_nobodys_data",
        "a_restart_loses_and_repeats_nothing",
        "back_off_is_honoured",
        "throughput_is_measured",
    ],
)
def test_a_good_source_that_asks_is_objected_to_by_nobody(name: str, box: Path):
    assert said_of_letters(name, box) == ""


def test_what_it_asks_and_gets_is_kept_page_by_page(box: Path):
    kept = json.loads((box / "box.json").read_text())

    assert [one["url"] for one in kept["requests"]] == [
        "https://box.example/after/0",
        "https://box.example/after/2",
    ]
    assert [[event["id"] for event in page["events"]] for page in kept["pages"]] == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("connector", "check", "told"),
    [
        (Trusting, "odd_answers_are_survived", "TypeError"),
        (Trusting, "golden_pages", "/requests/1/url"),
        (Elsewhere, "exact_host", "asks http://box.example, not in `hosts`"),
        (Impatient, "back_off_is_honoured", "503 with Retry-After 7: waits None"),
        (Forgetful, "same_answers_same_ids", "an event has no id of its own"),
    ],
)
def test_a_source_that_asks_and_does_wrong_is_told_so(connector: Any, check: str, told: str, box: Path):
    assert told in said_of_letters(check, box, connector=connector)


def test_a_restart_that_goes_on_elsewhere_is_told(box: Path):
    class Counts(Letters):
        """Counts its pages, and forgets the count with the process."""

        count = 0

        def pages(self, cursor: str | None) -> hub.Pages:
            answer = yield hub.Request("GET", "https://box.example/")
            self.count += 1
            events = [hub.normalise(type="track", id=str(self.count), name="Letter Came")]
            yield hub.Page(events, "1", more=answer.json()["more"])

    told = said_of_letters("a_restart_loses_and_repeats_nothing", box, connector=Counts)

    assert "begun anew behind page 1, it goes on elsewhere" in told
