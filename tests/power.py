"""A disk that forgets what was not synced: what a power cut at any moment would leave behind."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import apsw

Pending = list[tuple[int, bytes | None]]
"""Writes since the last sync, in order: where and what; None cuts the file there."""


class Disk(apsw.VFS):
    """Every database opened while this exists is on it; `cut` is called now and then, as if just then the
    power had gone."""

    def __init__(self, rng: random.Random, cut: Callable[[], None], *, often: float) -> None:
        self._rng = rng
        self._cut = cut
        self._often = often
        self.synced: dict[Path, bytes] = {}
        self.pending: dict[Path, Pending] = {}
        self.real = apsw.vfs_names()[0]
        super().__init__("forgetful", self.real, makedefault=True)

    def xOpen(self, name, flags):
        return _File(self, name, flags)

    def xDelete(self, name, syncdir):
        super().xDelete(name, syncdir)
        self.synced.pop(Path(name), None)
        self.pending.pop(Path(name), None)

    def moment(self) -> None:
        """Something reached the disk, or its cache: the power may go before or after."""
        if self._rng.random() < self._often:
            self._cut()

    def survivors(self, folder: Path, into: Path) -> None:
        """What is left: all that was synced, and of what came since any part, in any order."""
        for path, kept in self.synced.items():
            if path.suffix == ".db-shm" or not path.is_relative_to(folder):
                continue
            body = bytearray(kept)
            pending = [one for one in self.pending[path] if self._rng.random() < 0.5]
            self._rng.shuffle(pending)
            for offset, data in pending:
                _write(body, offset, data if data is None else data[: self._rng.randrange(len(data) + 1)])
            if body:
                place = into / path.relative_to(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(body)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name, flags) -> None:
        super().__init__(disk.real, name, flags)
        self._disk = disk
        self._path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "/temporary")
        disk.synced.setdefault(self._path, b"")
        disk.pending.setdefault(self._path, [])

    def xWrite(self, data, offset):
        super().xWrite(data, offset)
        self._disk.pending[self._path].append((offset, bytes(data)))
        self._disk.moment()

    def xTruncate(self, size):
        super().xTruncate(size)
        self._disk.pending[self._path].append((size, None))
        self._disk.moment()

    def xSync(self, flags):
        self._disk.moment()
        body = bytearray(self._disk.synced[self._path])
        for offset, data in self._disk.pending[self._path]:
            _write(body, offset, data)
        self._disk.synced[self._path], self._disk.pending[self._path] = bytes(body), []
        self._disk.moment()


def _write(body: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del body[offset:]
        return
    body.extend(b"\0" * (offset - len(body)))
    body[offset : offset + len(data)] = data
