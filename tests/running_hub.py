"""A real `hub run` for tests: its own folder, a free port, ended by pid."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HUB = Path(sys.executable).parent / "hub"
PATIENCE = 20.0

SITE = """
[sources.site]
connector   = "segment"
public_keys = ["pk_test"]
secret_keys = [{ file = "secret_key" }]
"""
SECRET_KEY = "sk_test_0123456789"


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
    """Waits for a thing, not for time; returns it."""
    until = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


class RunningHub:
    """A folder with a plugins.toml, and the hub that runs on it."""

    def __init__(self, folder: Path, tables: str, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.config = folder / "plugins.toml"
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "secret_key").write_text(SECRET_KEY)
        (folder / "secret_key").chmod(0o600)
        self.configure(tables)

    def configure(self, tables: str) -> None:
        """Writes plugins.toml; a hub that runs is not told."""
        head = f'[hub]\nlisten = "127.0.0.1:{self.port}"\nallow_private = ["127.0.0.1"]\n'
        self.config.write_text(head + tables)

    def start(self, *options: str, ready: bool = True) -> RunningHub:
        """Starts `hub run` and waits until it is ready."""
        with (self.folder / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(HUB), "run", "--config", str(self.config), *options],
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
            )
        if ready:
            wait_for(self.is_ready)
        return self

    @property
    def log(self) -> str:
        """Everything it has said."""
        return (self.folder / "hub.log").read_text()

    def is_ready(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """SIGKILL for the supervisor and everything under it."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def end(self) -> None:
        """Whatever still runs is ended."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def children(self) -> list[int]:
        """The processes under the supervisor."""
        assert self.process is not None
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    # What a sender and an operator do.

    def get(self, path: str) -> tuple[int, bytes]:
        return self._call("GET", path, None, {})

    def post(self, path: str, body: Any, *, key: str = "pk_test") -> tuple[int, Any]:
        """Posts JSON as a client library would; the status and the parsed answer."""
        basic = base64.b64encode(f"{key}:".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
        status, answer = self._call("POST", path, json.dumps(body).encode(), headers)
        return status, json.loads(answer)

    def track(self, user: str, event: str, *, key: str = "pk_test", **more: Any) -> None:
        """One accepted event."""
        status, answer = self.post("/v1/track", {"event": event, "userId": user, **more}, key=key)
        assert (status, answer["accepted"]) == (200, 1), answer

    def health(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.get("/healthz")[1])
        return answer

    def command(self, *words: str, code: int = 0) -> str:
        """What a command prints; its exit code must be `code`."""
        done = subprocess.run(
            [str(HUB), *words, "--config", str(self.config)],
            capture_output=True,
            cwd=self.folder,
            timeout=60,
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return (done.stdout if code == 0 else done.stdout + done.stderr).decode()

    def exported(self, what: str) -> list[dict[str, Any]]:
        """The lines of `hub export`."""
        return [json.loads(line) for line in self.command("export", what).splitlines()]

    def _call(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
