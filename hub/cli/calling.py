"""Asks the running hub to do something: HTTP over the socket in the data folder."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from hub.errors import HubError

SOCKET = "hub.sock"
TOKEN = "token"
SECONDS = 60


class NotRunning(HubError):
    """No hub runs on this data folder."""


class Refusal(HubError):
    """The running hub said no; `answer` is what it said."""

    def __init__(self, status: int, answer: Any) -> None:
        said = answer.get("error") or answer.get("reason") if isinstance(answer, dict) else answer
        super().__init__(str(said or f"the running hub answered {status}"))
        self.status = status
        self.answer = answer


class _Connection(http.client.HTTPConnection):
    """HTTP through a file; the folder's path may be longer than a socket's address can be."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(short(self._path))


def short(path: Path) -> str:
    """The shorter way of writing a path: from here, or from the root."""
    whole = str(path.absolute())
    try:
        relative = str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return whole
    return min(whole, relative, key=len)


def is_running(data: Path) -> bool:
    """Whether somebody listens at the socket in the data folder."""
    connection = _Connection(data / SOCKET)
    try:
        connection.connect()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def call(data: Path, method: str, path: str, body: bytes = b"") -> Any:
    """The running hub's answer; raises NotRunning, or Refusal with what it said."""
    connection = _Connection(data / SOCKET)
    try:
        token = (data / TOKEN).read_text(encoding="ascii").strip()
        connection.request(method, path, body, {"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        status, said = response.status, response.read()
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunning(f"no hub runs on {data}") from None
    except (OSError, http.client.HTTPException) as fault:
        raise HubError(f"the hub on {data} did not answer: {type(fault).__name__}: {fault}") from None
    finally:
        connection.close()
    answer = _read(said)
    if status >= 400:
        raise Refusal(status, answer)
    return answer


def _read(said: bytes) -> Any:
    try:
        return json.loads(said) if said else {}
    except ValueError:
        return said.decode(errors="replace")


def command(data: Path, name: str, **what: Any) -> Any:
    """Puts a command into the journal of the running hub."""
    body = json.dumps({"command": name, **what}).encode()
    return call(data, "POST", "/api/commands", body)
