"""What the commands say where what they are given, or where they write to, cannot be used."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from running_hub import HUB

CONFIG = """
[sources.site]
connector = "segment"

[sinks.hook]
connector = "webhook"
url = "https://receiver.example.com/hook"

[routes.everything]
to = "hook.send"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, in which one stands."""
    (tmp_path / "plugins.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_DATA_DIR", raising=False)
    return tmp_path


def hub(*words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HUB), *words], input=said, capture_output=True, text=True, check=False)


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line], env={**os.environ, "hub": str(HUB)}, capture_output=True, text=True, check=False
    )


@pytest.mark.usefixtures("place")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", ["check", "connectors list --json"])
def test_a_full_disk_behind_the_output_is_told_in_one_line(words: str) -> None:
    done = shell(f'"$hub" {words} > /dev/full')

    assert (done.returncode, done.stderr) == (2, "the output: No space left on device\n")


@pytest.mark.usefixtures("place")
def test_what_the_shell_has_closed_is_no_error() -> None:
    assert shell('"$hub" connectors list --json >&- <&-').returncode == 0
    assert shell('"$hub" check 2>&-').returncode == 0


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["preview", "hook", "-", "--source", "sit"], "no source 'sit' is switched on; did you mean 'site'?"),
        (["preview", "hook", "-", "--source", "hook"], "no source 'hook' is switched on; there is site"),
        (["preview", "hook", "-", "--until", "2h"], "'2h' is no time; write 2026-11-24T10:00:00Z"),
        (["run", "--role", ""], "name a role; there are gateway, engine, delivery"),
    ],
)
def test_a_bad_argument_is_told_with_what_to_write(words: list[str], said: str) -> None:
    done = hub(*words)

    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    ("table", "command", "said"),
    [
        (
            "[hub]\nplugins = 3",
            ["connectors", "list"],
            "plugins.toml: hub.plugins: must be a list of folders",
        ),
        ("[hub]\ndata_dir = 3", ["audit"], "plugins.toml: hub.data_dir: must be a path in quotes"),
    ],
)
def test_questions_need_no_more_of_the_hub_table_than_they_read(
    place: Path, table: str, command: list[str], said: str
) -> None:
    (place / "plugins.toml").write_text(table)
    done = hub(*command)

    assert done.returncode == 2
    assert said in done.stderr


def test_a_folder_on_which_no_hub_has_run_is_said_to_be_one(place: Path) -> None:
    (place / "data").mkdir()

    for words in (["audit"], ["export", "people"]):
        done = hub(*words)
        assert done.returncode == 4
        assert "no hub has run on this folder yet" in done.stderr


@pytest.mark.parametrize("words", [["run"], ["send", "-"]])
def test_a_data_folder_that_cannot_be_made_is_a_store_that_cannot_be_opened(
    place: Path, words: list[str]
) -> None:
    (place / "file").touch()
    done = hub(*words, "--data", "file/data", said="{}")

    assert done.returncode == 4
    assert done.stderr == f"the data folder {place / 'file/data'} cannot be made: Not a directory\n"


@pytest.mark.usefixtures("place")
def test_a_preview_of_events_that_say_no_time_is_of_now_and_not_of_1970() -> None:
    told = [
        {"type": "track", "event": "First", "userId": "ann"},
        {"type": "track", "event": "Second", "userId": "ann", "timestamp": "2026-03-01T10:00:00Z"},
    ]
    alone, both = (
        hub("preview", "hook", "-", said="\n".join(map(json.dumps, some))) for some in (told[:1], told)
    )

    assert json.loads(alone.stdout)["body"]["timestamp"] > "2025"
    times = [json.loads(line)["body"]["timestamp"] for line in both.stdout.splitlines()]
    assert times == ["2026-03-01T10:00:00.000Z"] * 2
