"""The sinks that need no network: whole lines, also into a pipe, also after a crash."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from connectors.console import Console
from connectors.file import File
from hub.connector import Delivery
from hub.errors import RetryLater
from hub.event import Event, Identifier, Message


def delivery(n: int, **properties) -> Delivery:
    event = Event(
        id=f"e{n}",
        type="track",
        name="product_added",
        source="site",
        identifiers=(Identifier("email", "ann@example.com"),),
        properties={"n": n, **properties},
        time=1_700_000_000_000_000,
        received_at=1_700_000_000_000_000,
    )
    return Delivery(f"{n:032x}", event, "00000000000000aa")


@pytest.fixture
def file(tmp_path):
    return File(File.Settings(path=tmp_path / "deep" / "out.jsonl"), "out")


def lines(file: File) -> list[int]:
    text = file.settings.path.read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(line)["properties"]["n"] for line in text.splitlines()]


async def test_each_delivery_is_a_line_on_the_console(capsys):
    await Console(Console.Settings()).send([delivery(1), delivery(2)])

    first, second = capsys.readouterr().out.splitlines()
    assert first == (
        "2023-11-14T22:13:20.000Z  product_added  person=00000000000000aa  email:ann@example.com  n=1"
    )
    assert second.endswith("n=2")


async def test_a_message_shows_its_words_long_ones_in_part(capsys):
    said = Message(
        id="m",
        rule="cart",
        channel="email",
        purpose="marketing",
        template="cart",
        words={"subject": "Your cart", "html": "x" * 10_000},
        created_at=1_700_000_000_000_000,
        expires_at=1_700_000_000_000_000,
    )
    await Console(Console.Settings()).send([replace(delivery(1), message=said)])

    line = capsys.readouterr().out
    assert "message cart by email:  cart" in line
    assert "subject='Your cart'" in line
    assert f"html='{'x' * 100}…'" in line


async def test_a_strangers_text_cannot_forge_a_line(capsys):
    await Console(Console.Settings()).send([delivery(1, title="a\nb\x1b[31m\u2028")])

    assert len(capsys.readouterr().out.splitlines()) == 1


async def test_deliveries_are_appended_as_lines_of_json(file):
    await file.open()
    await file.send([delivery(1), delivery(2)])
    await file.send([delivery(3)])
    await file.close()

    assert lines(file) == [1, 2, 3]
    first = json.loads(file.settings.path.read_text().splitlines()[0])
    assert first["delivery"] == f"{1:032x}"
    assert first["person"] == "00000000000000aa"


async def test_a_torn_last_line_is_cut_off_when_the_file_is_opened(file):
    await file.open()
    await file.send([delivery(1), delivery(2)])
    await file.close()
    whole = file.settings.path.read_bytes()
    for cut in (1, 40, len(whole) // 2 - 1):
        file.settings.path.write_bytes(whole + whole[:cut])
        await file.open()
        await file.send([delivery(3)])
        await file.close()

        assert lines(file) == [1, 2, 3]
        file.settings.path.write_bytes(whole)


async def test_a_file_that_holds_only_a_torn_line_begins_anew(file):
    file.settings.path.parent.mkdir(parents=True)
    file.settings.path.write_bytes(b'{"half":' + b"x" * 200_000)
    await file.open()
    await file.send([delivery(1)])
    await file.close()

    assert lines(file) == [1]


async def test_a_file_that_was_moved_away_is_made_anew(file):
    await file.open()
    await file.send([delivery(1)])
    file.settings.path.rename(file.settings.path.with_suffix(".1"))
    await file.send([delivery(2)])
    await file.close()

    assert lines(file) == [2]


async def test_the_name_of_a_new_file_is_on_the_disk_before_a_delivery_counts(file, monkeypatch):
    synced, really = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(os.fstat(handle).st_ino), really(handle)))

    await file.send([delivery(1)])

    assert synced == [file.settings.path.parent.stat().st_ino, file.settings.path.stat().st_ino]
    await file.close()


async def test_open_and_close_are_safe_twice_and_unopened(file):
    await file.close()
    await file.open()
    await file.open()
    await file.close()
    await file.close()


async def test_a_full_disk_is_a_passing_fault_and_leaves_no_half_line(file, monkeypatch):
    await file.open()
    await file.send([delivery(1)])
    real = os.fsync

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RetryLater, match="No space left"):
        await file.send([delivery(2)])
    monkeypatch.setattr(os, "fsync", real)
    await file.send([delivery(2)])
    await file.close()

    assert lines(file) == [1, 2]


async def test_a_place_that_cannot_be_written_is_a_passing_fault(tmp_path):
    (tmp_path / "there").write_text("a file, no folder")
    file = File(File.Settings(path=tmp_path / "there" / "out.jsonl"))

    with pytest.raises(RetryLater):
        await file.open()
