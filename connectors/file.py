"""Deliveries as JSON lines in a file."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import hub


class Settings(hub.Settings):
    path: Path = hub.Option("The file; made where it does not exist, appended to where it does.")


class File(hub.Sink[Settings]):
    """Appends each delivery as a line of JSON; what is said to be delivered is on the disk.

    After a crash the file ends with a whole line: the rest of a torn one is cut off when it is opened. A file
    that was moved away (rotation) is made anew.
    """

    name = "file"
    limits = hub.Limits(in_flight=1, batch=1000)

    def __init__(self, settings: Settings, label: str = "") -> None:
        super().__init__(settings, label)
        self._file: BinaryIO | None = None

    async def open(self) -> None:
        """Opens the file, and mends its end."""
        try:
            await asyncio.to_thread(self._reopen)
        except OSError as fault:
            raise hub.RetryLater(f"the file cannot be opened: {fault.strerror}") from fault

    async def close(self) -> None:
        """Closes the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    @hub.action("send")
    async def send(self, deliveries: Sequence[hub.Delivery]) -> None:
        """Appends the event as a line of JSON; a rule's message stands beside its event as `message`."""
        lines = b"".join(_line(delivery) for delivery in deliveries)
        try:
            await asyncio.to_thread(self._append, lines)
        except OSError as fault:
            raise hub.RetryLater(f"the file cannot be written: {fault.strerror}") from fault

    def _append(self, lines: bytes) -> None:
        if self._file is None or self._moved():
            self._reopen()
        assert self._file is not None
        end = self._file.seek(0, os.SEEK_END)
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError:
            # A full disk may have taken half a line; the next attempt writes all of them again.
            self._file.truncate(end)
            raise

    def _moved(self) -> bool:
        assert self._file is not None
        try:
            there, ours = self.settings.path.stat(), os.fstat(self._file.fileno())
        except OSError:
            return True
        return (there.st_ino, there.st_dev) != (ours.st_ino, ours.st_dev)

    def _reopen(self) -> None:
        if self._file is not None:
            self._file.close()
        self.settings.path.parent.mkdir(parents=True, exist_ok=True)
        # People's data: for the hub's own user only.
        handle = os.open(self.settings.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(handle, "a+b", buffering=0)
        _mend(self._file)
        _keep_name(self.settings.path.parent)


def _keep_name(folder: Path) -> None:
    """A new file is on the disk only when its folder is: a power cut would take it whole."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mend(file: BinaryIO) -> None:
    """Cuts off what stands behind the last whole line."""
    end = keep = file.seek(0, os.SEEK_END)
    while keep > 0:
        start = max(0, keep - 65536)
        file.seek(start)
        newline = file.read(keep - start).rfind(b"\n")
        if newline >= 0:
            keep = start + newline + 1
            break
        keep = start
    if keep != end:
        file.truncate(keep)


def _line(delivery: hub.Delivery) -> bytes:
    event = delivery.event
    said: dict[str, Any] = {
        "delivery": delivery.id,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "name": event.name,
        "person": delivery.person,
        "occurred_at": hub.iso(event.time if event.occurred_at is None else event.occurred_at),
        "received_at": hub.iso(event.received_at),
        "identifiers": [str(known) for known in (*event.identifiers, *delivery.identifiers)],
        "properties": event.properties,
        "traits": dict(delivery.traits),
        "context": event.context,
    }
    if delivery.message is not None:
        said["message"] = delivery.message.as_dict()
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


@hub.hookimpl
def connectors() -> list[type[hub.Sink[Settings]]]:
    return [File]
