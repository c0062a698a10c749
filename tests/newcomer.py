"""Who follows a tutorial to the letter."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from running_hub import free_port, wait_for
from source_tree import ROOT

BLOCK = re.compile(r"^```(toml|TOML|console|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Newcomer:
    """Types what the page says, in a folder with `.venv` in it, at a port that is free."""

    def __init__(self, folder: Path, *, config: str) -> None:
        self.folder = folder
        self.config = config
        self.port = free_port()
        self.seen = ""
        self.running: subprocess.Popen[bytes] | None = None
        self.environ = {**os.environ, "HUB_LISTEN": f"127.0.0.1:{self.port}"}
        (folder / ".venv").symlink_to(Path(sys.executable).parents[1])

    def save(self, tables: str) -> None:
        (self.folder / self.config).write_text(tables)

    def type(self, lines: str) -> None:
        self.seen = ""
        for line in lines.splitlines():
            command = line.removeprefix("$ ").replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")
            if command == f"make run CONFIG={self.config}":
                self._start()
            elif not command.startswith("make "):
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
        """Types a line; where the answer is no, again: the hub may be about to hear of it."""
        done = wait_for(lambda: found if (found := self._typed(command)).returncode != 1 else None)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        self.seen += done.stdout + done.stderr

    def _typed(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, shell=True, cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=60
        )

    def _start(self) -> None:
        command = [sys.executable, "-u", str(ROOT / "scripts/run_watched.py"), self.config]
        with (self.folder / "screen.txt").open("wb") as screen:
            self.running = subprocess.Popen(
                command, cwd=self.folder, env=self.environ, stdout=screen, stderr=screen
            )
        wait_for(lambda: "hub ready" in self.screen)

    def stop(self) -> None:
        if self.running is not None:
            self.running.send_signal(signal.SIGINT)
            self.running.wait(30)
