"""The tutorial of the recovered cart, followed to the letter: what it says one sees is what one sees."""

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

PAGE = ROOT / "docs" / "tutorial" / "recovered_cart.md"
BLOCK = re.compile(r"^```(toml|console|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = "make run CONFIG=cart.toml"


class Newcomer:
    """Types what the page says, in a folder with `.venv` in it, at a port that is free."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.seen = ""
        self.running: subprocess.Popen[bytes] | None = None
        self.environ = {**os.environ, "HUB_LISTEN": f"127.0.0.1:{self.port}"}
        (folder / ".venv").symlink_to(Path(sys.executable).parents[1])

    def save(self, tables: str) -> None:
        (self.folder / "cart.toml").write_text(tables)

    def type(self, lines: str) -> None:
        self.seen = ""
        for line in lines.splitlines():
            command = line.removeprefix("$ ").replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")
            if command == RUN:
                self._start()
            elif command != "make setup":
                self._run(command)

    def sees(self, lines: str) -> None:
        """Every line stands somewhere on one of the two screens, sooner or later."""
        for line in lines.splitlines():
            wait_for(lambda wanted=line: wanted in self.seen + self.screen)

    @property
    def screen(self) -> str:
        """The first terminal."""
        shown = self.folder / "screen.txt"
        return shown.read_text() if shown.exists() else ""

    def _run(self, command: str) -> None:
        done = subprocess.run(
            command, shell=True, cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        self.seen += done.stdout + done.stderr

    def _start(self) -> None:
        command = [sys.executable, "-u", str(ROOT / "scripts/run_watched.py"), "cart.toml"]
        with (self.folder / "screen.txt").open("wb") as screen:
            self.running = subprocess.Popen(
                command, cwd=self.folder, env=self.environ, stdout=screen, stderr=screen
            )

    def stop(self) -> None:
        if self.running is not None:
            self.running.send_signal(signal.SIGINT)
            self.running.wait(30)


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    one = Newcomer(tmp_path)
    yield one
    one.stop()


def test_who_follows_the_page_recovers_a_cart(newcomer: Newcomer) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert {kind for kind, _ in blocks} == {"toml", "console", "text"}

    for kind, text in blocks:
        {"toml": newcomer.save, "console": newcomer.type, "text": newcomer.sees}[kind](text)

    assert "Head lamp is waiting" not in newcomer.screen
