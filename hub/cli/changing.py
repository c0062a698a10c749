"""What changes something: the running hub is asked; without one, the stores are opened under its locks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub.cli.options import data_folder

Call = Callable[[str, bytes], Any]
"""Posts to a path of the API, and returns the answer."""

PATIENCE = 5.0
"""Seconds that a command waits for the running hub to have done it."""


@contextmanager
def hub(config: Path, data: Path | None) -> Iterator[Call]:
    """A hub that can be told to do something: the one that runs, or one that is there only for this."""
    from hub.cli import calling

    folder = data_folder(config, data)
    if calling.is_running(folder):
        yield lambda path, body: calling.call(folder, "POST", path, body)
        return
    from hub.cli.offline import api

    with api(config, data) as call:
        yield call


def command(config: Path, data: Path | None, name: str, what: dict[str, Any]) -> None:
    """Gives the hub a command about deliveries, and says when it will have been carried out."""
    with hub(config, data) as call:
        call("/api/commands", json.dumps({"command": name, **what}).encode())
    if not _carried_out(data_folder(config, data)):
        print("written down; it is carried out as soon as delivery runs")


def _carried_out(folder: Path) -> bool:
    """Whether delivery has come to the newest command, within a few seconds while a hub runs."""
    from hub.cli import calling, stores
    from hub.store.port import Kind

    with stores.journal(folder) as journal:
        newest = journal.latest(Kind.COMMAND)
    deadline = time.monotonic() + PATIENCE
    with stores.deliveries_if_any(folder) as kept:
        while newest is not None and kept is not None:
            if kept.command_position() >= newest.seq:
                return True
            if time.monotonic() > deadline or not calling.is_running(folder):
                return False
            time.sleep(0.05)
    return False
