#!/usr/bin/env python3
"""`make run CONFIG=my.toml`: a hub with your own configuration, its deliveries shown as they happen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path
from typing import IO, Any

HUB = Path(sys.executable).with_name("hub")


def data_folder(config: Path) -> Path:
    """Where the hub of this configuration keeps everything."""
    try:
        hub = tomllib.loads(config.read_text(encoding="utf-8-sig")).get("hub", {})
    except (OSError, ValueError) as fault:
        print(f"run: {config}: {getattr(fault, 'strerror', None) or fault}", file=sys.stderr)
        sys.exit(2)
    named = hub.get("data_dir", "data") if isinstance(hub, dict) else "data"
    return Path(os.environ.get("HUB_DATA_DIR") or config.parent / str(named))


def show(lines: IO[str]) -> None:
    """Shows what is said, line by line."""
    for line in lines:
        print(line, end="", flush=True)


class Stopped(Exception):
    """Somebody wants us to end."""


def stop(*_: object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        # A second one, as make sends it, must not keep us from ending what we started.
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


class Running:
    """The hub, and who watches it."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.data = data_folder(config)
        self.children: list[subprocess.Popen[str]] = []

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Starts a command of the hub; Ctrl-C reaches this script alone, which ends them in order."""
        command = [str(HUB), *words, "--config", str(self.config)]
        child = subprocess.Popen(command, text=True, start_new_session=True, **more)
        self.children.append(child)
        return child

    def run(self) -> None:
        """The hub says what it has to say, and deliveries are shown."""
        hub = self.start("run")
        self.watch(hub)
        sys.exit(hub.wait())

    def watch(self, hub: subprocess.Popen[str]) -> None:
        """Shows what `hub tail` says, from the moment at which there is something to watch."""
        while hub.poll() is None:
            if (self.data / "state.db").exists():
                tail = self.start("tail", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                assert tail.stdout is not None
                if tail.stdout.readline().startswith("watching"):
                    print("run: watching what happens; Ctrl-C ends it", flush=True)
                    threading.Thread(target=show, args=(tail.stdout,), daemon=True).start()
                    return
            time.sleep(0.05)

    def end(self) -> None:
        """The hub first: the watcher still shows what it finishes."""
        for child in self.children:
            if child.poll() is None:
                child.terminate()
            try:
                child.wait(timeout=15)
            except subprocess.TimeoutExpired:
                child.kill()


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    running = Running(Path(sys.argv[1]))
    try:
        running.run()
    except Stopped:
        print("run: stopping")
    finally:
        running.end()


if __name__ == "__main__":
    main()
