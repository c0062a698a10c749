"""Tells whether an import did more than define things: network, processes, files written."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DEEDS = {
    "subprocess.Popen": "starts a process",
    "os.exec": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.spawn": "starts a process",
    "os.system": "starts a process",
    "os.fork": "starts a process",
    "os.forkpty": "starts a process",
    "sqlite3.connect": "opens a database",
}
_watching = threading.local()
_installed = False


class NotQuiet(BaseException):
    """Stops the deed; not an Exception, so that a connector's own `except Exception` lets it through."""


@contextmanager
def watched() -> Iterator[list[str]]:
    """What this thread does meanwhile that an import must not do; each such deed is stopped."""
    global _installed
    if not _installed:
        # An audit hook cannot be taken out again, so there is one, asleep except in here.
        sys.addaudithook(_audit)
        _installed = True
    done: list[str] = []
    before = getattr(_watching, "done", None)
    _watching.done = done
    try:
        yield done
    finally:
        _watching.done = before


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    done = getattr(_watching, "done", None)
    if done is None:
        return
    deed = _deed(event, arguments)
    if deed is not None:
        done.append(deed)
        raise NotQuiet(deed)


def _deed(event: str, arguments: tuple[Any, ...]) -> str | None:
    if event.startswith("socket."):
        return f"uses the network ({event})"
    if event == "open":
        path, mode, flags = arguments
        return None if _only_reads(path, mode, flags) else f"opens {path!r} for writing"
    return _DEEDS.get(event)


def _only_reads(path: Any, mode: str | None, flags: int) -> bool:
    # The import system keeps compiled code in __pycache__: it opens the file there, then wraps the
    # descriptor. Whatever is wrapped was opened before, and its path was looked at then.
    if isinstance(path, int) or (isinstance(path, str) and "__pycache__" in path):
        return True
    if mode is not None:
        return not set(mode) & set("wax+")
    return not flags & _WRITES
