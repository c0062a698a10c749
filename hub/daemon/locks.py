"""One hub per data folder: each role holds a lock as long as its process lives."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable
from pathlib import Path

from hub.errors import StoreUnavailable

ROLES = ("gateway", "engine", "delivery")
PATIENCE = 10.0
"""Seconds that a start waits for a hub that is just stopping."""


def made(folder: Path) -> Path:
    """The data folder, made where it is missing; raises StoreUnavailable where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else fault
        raise StoreUnavailable(f"the data folder {folder} cannot be made: {why}") from None
    return folder


class Locks:
    """The locks of some roles; released by the system when the process ends, however it ends."""

    def __init__(self, folder: Path, roles: Iterable[str]) -> None:
        self._folder = folder
        self._roles = [role for role in ROLES if role in set(roles)]
        self._handles: list[int] = []

    def take(self, *, patience: float = PATIENCE) -> None:
        """Waits for all of them, `patience` seconds at most; raises StoreUnavailable naming who holds one."""
        until = time.monotonic() + patience
        for role in self._roles:
            path = self._folder / f"{role}.lock"
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as fault:
                self.release()
                raise StoreUnavailable(f"{path} cannot be opened: {fault.strerror}") from None
            self._handles.append(handle)
            while not _locked(handle):
                if time.monotonic() >= until:
                    holder = os.pread(handle, 20, 0).decode(errors="replace").strip()
                    self.release()
                    raise StoreUnavailable(
                        f"another hub (process {holder or 'unknown'}) runs the {role} on {self._folder};"
                        " stop it, or give this one a data folder of its own"
                    )
                time.sleep(0.05)
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Lets go of all of them."""
        for handle in self._handles:
            os.close(handle)
        self._handles.clear()

    def __enter__(self) -> Locks:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
