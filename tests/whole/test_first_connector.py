"""The tutorial of the first connector, done as it is written: its blocks are typed, its files are written."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_hub import free_port, wait_for
from source_tree import ROOT

PAGE = ROOT / "docs" / "tutorial" / "your_first_connector.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"In `([\w/.]+)`(?:, put this in place of all that is there)?:\s*$")

PIP = (
    'pip() { python -m pip "$@" -q --no-deps --no-build-isolation --no-index --disable-pip-version-check '
    '--target "$SITE"; }'
)
"""Installs without a network, into a folder of the test."""


class Lesson:
    """What the page says to type and to write, in its order."""

    def __init__(self, folder: Path, ports: dict[str, str]) -> None:
        self.folder = folder
        self.ports = ports
        self.started: list[subprocess.Popen[bytes]] = []
        site = folder / "site"
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SITE": str(site),
            "PYTHONPATH": str(site),
            "PYTEST_ADDOPTS": "-q -p hub.testing.plugin -p no:asyncio -p no:cacheprovider",
            "HUB_LISTEN": f"127.0.0.1:{ports['8080']}",
        }
        self.here = folder

    def steps(self) -> Iterator[tuple[str, str]]:
        """Each file with what is in it, and each line to type (under the name `$`)."""
        text = PAGE.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            inside = block[2]
            for port, other in self.ports.items():
                inside = inside.replace(port, other)
            if block[1] == "console":
                yield from (("$", line[2:]) for line in inside.splitlines())
            elif named := FILE.search(text[: block.start()]):
                yield named[1], inside

    def take(self, name: str, text: str) -> str:
        """Does one step; returns what was printed."""
        if name != "$":
            (self.here / name).write_text(text, encoding="utf-8")
            return ""
        line, _, remark = text.partition("#")
        if line.startswith("source "):
            return ""
        if line.startswith("cd "):
            self.here = self.here / line.split()[1]
            return ""
        if line.startswith("export "):
            self.environment |= [line.split()[1].split("=")]
            return ""
        if "hub run" in line or line.startswith("python "):
            self._start(line)
            return ""
        done = self._typed(line)
        assert (done.returncode != 0) == ("fails" in remark), f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _typed(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", f"{PIP}\n{line}"],
            cwd=self.here,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def _start(self, line: str) -> None:
        with (self.here / f"terminal{len(self.started)}").open("wb") as screen:
            process = subprocess.Popen(
                ["bash", "-c", line],
                cwd=self.here,
                env=self.environment,
                stdout=screen,
                stderr=screen,
                start_new_session=True,
            )
        self.started.append(process)
        if "hub run" in line:
            wait_for(lambda: (self.here / "data" / "hub.sock").exists() or process.poll() is not None)

    def screen(self, number: int) -> str:
        """What a terminal shows."""
        return (self.here / f"terminal{number}").read_text()

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)


@pytest.fixture
def lesson(tmp_path: Path) -> Iterator[Lesson]:
    # It is done in a clone, whose repository ignores what the lessons make.
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    made = Lesson(tmp_path, {"8080": str(free_port()), "9310": str(free_port())})
    yield made
    made.end()


def test_the_first_connector_passes_is_installed_and_carries_an_order(lesson: Lesson):
    printed: dict[str, str] = {}
    for name, text in lesson.steps():
        printed[text] = lesson.take(name, text)
        if text == "hub send - < order.jsonl":
            wait_for(lambda: "A note: Sold for 20.00!" in lesson.screen(0))
            wait_for(lambda: '"delivered"' in lesson._typed("hub export deliveries").stdout)

    assert "sink pinboard: bronze" in printed["pytest --hub-grades=write"]
    assert "grade bronze" in printed["hub connectors show pinboard"]
    assert '"text":"Sold for 20.00!"' in printed["hub preview wall - < order.jsonl"]
    assert '"delivered"' in printed["hub export deliveries"]


def test_the_mistake_that_it_proposes_is_told_as_it_says(lesson: Lesson):
    page = PAGE.read_text(encoding="utf-8")
    for name, text in lesson.steps():
        if text == "pytest --hub-write":
            break
        if not text.startswith("pytest"):
            lesson.take(name, text)
    sink = lesson.here / "pinboard" / "sink.py"
    sink.write_text(sink.read_text().replace('"id": delivery.id, ', ""))
    told = lesson._typed("pytest").stdout

    [promised] = re.findall(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert " ".join(promised.split()) in " ".join(told.split())
