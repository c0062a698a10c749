"""Asks the running hub to do something: HTTP over the socket in the data folder."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from hub.errors import HubError

SOCKET = "hub.sock"
TOKEN = "token"
SECONDS = 60
LONGEST_ADDRESS = 100


class NotRunning(HubError):
    """No hub runs on this data folder."""


class Refusal(HubError):
    """The running hub said no; `answer` is what it said."""

    def __init__(self, status: int, answer: Any) -> None:
        said = answer.get("error") or answer.get("reason") if isinstance(answer, dict) else answer
        super().__init__(str(said or f"the running hub answered {status}"))
        self.status = status
        self.answer = answer


def _connected(data: Path) -> socket.socket:
    """A connection to the hub that runs on this folder; raises OSError where none does."""
    there = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    there.settimeout(SECONDS)
    folder = os.open(data, os.O_RDONLY)
    try:
        there.connect(_address(data / SOCKET, folder))
    except OSError:
        there.close()
        raise
    finally:
        os.close(folder)
    return there


def _address(path: Path, folder: int) -> str:
    """The socket's path, or a short way to it: an address has room for about a hundred bytes."""
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        return str(path)
    return f"/proc/self/fd/{folder}/{path.name}"


def is_running(data: Path) -> bool:
    """Whether somebody listens at the socket in the data folder."""
    try:
        _connected(data).close()
    except OSError:
        return False
    return True


def call(data: Path, method: str, path: str, body: bytes = b"") -> Any:
    """The running hub's answer; raises NotRunning, or Refusal with what it said."""
    # Imported only here: it brings TLS, and who only asks whether a hub runs needs none of it.
    import http.client

    connection = http.client.HTTPConnection("localhost")
    try:
        token = (data / TOKEN).read_text(encoding="ascii").strip()
        connection.sock = _connected(data)
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
