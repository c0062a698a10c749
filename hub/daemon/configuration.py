"""The configuration in force: read at the start, read again at a reload, written into the journal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hub.config import Config, from_resolved, read
from hub.errors import HubError
from hub.event import Instant
from hub.plugins import discover
from hub.store.port import Draft, JournalWriter, Kind
from hub.store.sqlite.journal import SqliteJournal


class ReloadRefused(HubError):
    """The changed configuration is good, but needs a restart."""


class Configuration:
    """Where the configuration comes from, and the one that is in force."""

    def __init__(self, path: Path, overrides: Mapping[str, Any]) -> None:
        self._path = path
        self._overrides = dict(overrides)
        self.config = self._read()

    def read_again(self) -> Config:
        """The changed configuration; raises ConfigRefused or ReloadRefused, and the old one stays."""
        config = self._read()
        for name in ("listen", "data_dir", "drain", "per_address"):
            if getattr(config.hub, name) != getattr(self.config.hub, name):
                raise ReloadRefused(f"hub.{name} was changed: that needs a restart; nothing was applied")
        return config

    async def write_down(self, journal: JournalWriter, config: Config | None = None) -> None:
        """Appends the configuration to the journal, unless it is the newest one there."""
        config = config or self.config
        reader = SqliteJournal(config.hub.data_dir)
        try:
            newest = reader.latest(Kind.CONFIG)
        finally:
            reader.close()
        if newest is None or newest.body != config.resolved:
            await journal.append([Draft(Kind.CONFIG, config.resolved)])

    def _read(self) -> Config:
        return read(self._path, discover, environ=os.environ, overrides=self._overrides)

    def newer(self, journal: SqliteJournal, *, since: Instant = 0) -> Config | None:
        """A configuration that another process has put in force since then; None where ours holds."""
        newest = journal.latest(Kind.CONFIG)
        if newest is None or newest.received_at < since or newest.body == self.config.resolved:
            return None
        return from_resolved(newest.body, discover, base=self.config.base)
