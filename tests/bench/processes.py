"""Processes under measurement: started, asked what they used, ended by their number."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[2]
START_SECONDS = 20.0
STOP_SECONDS = 15.0


class Process:
    """A program in a process group of its own; leaving the block ends all of it."""

    def __init__(self, command: Sequence[str], *, log: Path | None = None, **environment: str) -> None:
        self._name = " ".join(command[:4])
        self._log = log
        self._said = log.open("ab") if log else None
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            start_new_session=True,
        )
        self.pid = self._process.pid

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def ask(self, command: Mapping[str, Any]) -> Any:
        """Writes a line to the program and reads its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        return self.hear()

    def hear(self) -> Any:
        """The next line of the program."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} ended with {self._process.wait()}")
        return json.loads(line)

    def ready(self, port: int, path: str = "/readyz") -> float:
        """Waits until the program answers 200; returns the seconds since it was started."""
        until = self.started + START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(
                    f"{self._name} ended with {self._process.returncode}: {self._last_words()}"
                )
            if _answers(port, path):
                return time.monotonic() - self.started
            time.sleep(0.002)
        raise RuntimeError(f"{self._name} was not ready within {START_SECONDS:g} s: {self._last_words()}")

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-500:] if self._log else ""

    def stop(self) -> None:
        """Asks it to end, and ends what is left of its group."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._said):
            if pipe is not None:
                pipe.close()


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of the modules of this package."""
    return [sys.executable, "-m", f"tests.bench.{name}", *arguments]


def load(port: int, **plan: Any) -> dict[str, Any]:
    """Runs the load generator to its end; what it measured."""
    with Process(module("load", json.dumps({"port": port, **plan})), log=None) as generator:
        told: dict[str, Any] = generator.hear()
        return told


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task")
    found: list[int] = []
    if tasks.exists():
        for task in tasks.iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def opened(pid: int) -> set[str]:
    """The names of the files that a process holds open."""
    names = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            names.add(handle.readlink().name)
        except OSError:
            continue
    return names


def cpu(pids: Iterable[int]) -> float:
    """CPU seconds that these have used so far, in user and kernel mode."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pids: Iterable[int]) -> float:
    """What these take of memory: their own, and a fair part of what they share."""
    kilobytes = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kilobytes += int(line.split()[1])
    return kilobytes / 1024


def _answers(port: int, path: str) -> bool:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        asking.request("GET", path)
        return asking.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()
