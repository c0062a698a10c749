"""A store of another version of hub is never misread: it is brought forward, or left as it is."""

from __future__ import annotations

import json

import apsw
import pytest
from delivery_house import DeliveryHouse
from running_hub import SITE, RunningHub

from hub.errors import StoreUnavailable
from hub.store.sqlite.deliveries import SqliteDeliveries, SqliteDeliveriesWriter
from hub.store.sqlite.journal import SqliteJournal
from hub.store.sqlite.state import SCHEMA, SqliteStateReader
from hub.store.sqlite.work import SqliteState

READERS = {"journal.db": SqliteJournal, "state.db": SqliteStateReader, "deliveries.db": SqliteDeliveries}
WRITERS = {
    "journal.db": lambda folder: SqliteJournal(folder, readonly=False),
    "state.db": SqliteState,
    "deliveries.db": SqliteDeliveriesWriter,
}


@pytest.fixture
def folder(tmp_path):
    for make in WRITERS.values():
        make(tmp_path).close()
    return tmp_path


def version(file, number=None):
    """The version of a file's schema; with a number, from now on that one."""
    store = apsw.Connection(str(file))
    found = store.pragma("user_version") if number is None else store.pragma("user_version", number)
    store.close()
    return found


@pytest.mark.parametrize("file", READERS)
def test_a_store_of_a_later_version_is_neither_read_nor_changed(folder, file):
    version(folder / file, 99)
    for open_it in (READERS[file], WRITERS[file]):
        with pytest.raises(
            StoreUnavailable, match="was written by a later version of hub; it is left as it is"
        ):
            open_it(folder)

    assert version(folder / file) == 99


@pytest.mark.parametrize("file", READERS)
def test_a_store_with_nothing_in_it_yet_is_not_read(tmp_path, file):
    (tmp_path / file).touch()

    with pytest.raises(StoreUnavailable, match="is empty: no hub has run on it yet"):
        READERS[file](tmp_path)


def test_a_command_that_meets_a_store_of_an_earlier_version_says_what_to_do(tmp_path):
    hub = RunningHub(tmp_path, SITE)
    (tmp_path / "data").mkdir()
    house = DeliveryHouse(tmp_path / "data")
    house.plan()
    house.close()
    SqliteDeliveriesWriter(tmp_path / "data").close()
    older = apsw.Connection(str(tmp_path / "data" / "state.db"))
    older.execute("ALTER TABLE outbox DROP COLUMN sync")
    older.pragma("user_version", len(SCHEMA) - 1)
    older.close()

    for words in (("export", "deliveries"), ("audit",), ("export", "people")):
        assert "'hub run' brings it forward when it starts" in hub.command(*words, code=4)
    hub.start()
    try:
        [line] = [json.loads(line) for line in hub.command("export", "deliveries").splitlines()]
        assert line["sink"] == "audit"
    finally:
        hub.end()
