"""The stores as reading commands open them: read only, also while the hub runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import StoreUnavailable

if TYPE_CHECKING:
    from hub.store.sqlite.deliveries import SqliteDeliveries
    from hub.store.sqlite.journal import SqliteJournal
    from hub.store.sqlite.state import SqliteStateReader


def known(folder: Path) -> Path:
    """The data folder, if a hub has ever run on it; raises StoreUnavailable."""
    if not folder.is_dir():
        raise StoreUnavailable(f"{folder}: no such folder; no hub has run with this configuration yet")
    return folder


def _there(folder: Path, file: str) -> Path:
    """The data folder, if this store is in it; raises StoreUnavailable."""
    if not (known(folder) / file).exists():
        raise StoreUnavailable(f"{folder}: there is no {file} in it; no hub has run on this folder yet")
    return folder


@contextmanager
def journal(folder: Path) -> Iterator[SqliteJournal]:
    """The journal, to read."""
    from hub.store.sqlite.journal import FILE, SqliteJournal

    store = SqliteJournal(_there(folder, FILE))
    try:
        yield store
    finally:
        store.close()


@contextmanager
def state(folder: Path) -> Iterator[SqliteStateReader]:
    """The state, to read."""
    from hub.store.sqlite.state import FILE, SqliteStateReader

    store = SqliteStateReader(_there(folder, FILE))
    try:
        yield store
    finally:
        store.close()


@contextmanager
def state_if_any(folder: Path) -> Iterator[SqliteStateReader | None]:
    """The state, or None where no engine has ever run."""
    from hub.store.sqlite.state import FILE

    if not (folder / FILE).exists():
        yield None
        return
    with state(folder) as store:
        yield store


@contextmanager
def deliveries_if_any(folder: Path) -> Iterator[SqliteDeliveries | None]:
    """The deliveries, or None where nothing was ever delivered."""
    from hub.store.sqlite.deliveries import FILE, SqliteDeliveries

    if not (folder / FILE).exists():
        yield None
        return
    store = SqliteDeliveries(known(folder))
    try:
        yield store
    finally:
        store.close()


@dataclass
class Stores:
    """All three stores, for whoever watches a hub; those that are not there yet are None."""

    folder: Path
    journal: SqliteJournal
    state: SqliteStateReader | None = None
    deliveries: SqliteDeliveries | None = None
    _open: ExitStack = field(default_factory=ExitStack)

    def refresh(self) -> None:
        """Opens the stores that a role has made in the meantime."""
        if self.state is None:
            self.state = self._open.enter_context(state_if_any(self.folder))
        if self.deliveries is None:
            self.deliveries = self._open.enter_context(deliveries_if_any(self.folder))


@contextmanager
def all_of(folder: Path) -> Iterator[Stores]:
    """All stores that are there; the journal must be."""
    with journal(folder) as entries, ExitStack() as others:
        stores = Stores(folder, entries, _open=others)
        stores.refresh()
        yield stores
