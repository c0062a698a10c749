"""The power goes at any moment and only what was synced survives: nothing that was promised is lost."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import msgspec
import pytest
from power import Disk

from hub.clock import DrivenClock
from hub.errors import StoreUnavailable
from hub.event import Event, Identifier
from hub.pipeline import Engine
from hub.store.port import Draft, Kind, Settlement
from hub.store.sqlite.deliveries import SqliteDeliveries, SqliteDeliveriesWriter
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState


@dataclass
class Promised:
    """What somebody was already told is done."""

    accepted: list[bytes] = field(default_factory=list)
    raw: dict[int, bytes] = field(default_factory=dict)
    position: int = 0
    settled: int = 0


class House:
    """Journal, engine and deliveries one after the other, and copies of what each power cut would leave."""

    def __init__(self, folder: Path, seed: int, *, often: float) -> None:
        self.rng = random.Random(seed)
        self.folder = folder / "data"
        self.folder.mkdir()
        self.promised = Promised()
        self.cuts: list[tuple[Path, Promised]] = []
        self.disk = Disk(self.rng, self._cut, often=often)
        self._copies = folder

    def _cut(self) -> None:
        copy = self._copies / f"cut{len(self.cuts)}"
        self.disk.survivors(self.folder, copy)
        told = Promised(
            list(self.promised.accepted),
            dict(self.promised.raw),
            self.promised.position,
            self.promised.settled,
        )
        self.cuts.append((copy, told))

    def run(self, turns: int) -> None:
        clock = DrivenClock()
        writer = SqliteJournalWriter(self.folder, clock.now)
        journal, state = SqliteJournal(self.folder, readonly=False), SqliteState(self.folder)
        deliveries = SqliteDeliveriesWriter(self.folder)
        engine = Engine(journal, state, most=self.rng.choice([1, 3, 500]))
        for turn in range(1, turns + 1):
            self._append(writer, turn)
            clock.forward(seconds=self.rng.choice([0.1, 3600]))
            if self.rng.random() < 0.7:
                engine.cycle(clock.now)
                self.promised.position = state.position
            if self.rng.random() < 0.7:
                deliveries.settle(turn, [Settlement("a", "forward", 0, 1, 0, 0, outcomes=[b"{}"])], {})
                self.promised.settled = turn
            if self.rng.random() < 0.1:
                writer._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for one in (writer, journal, state, deliveries):
            one.close()
        self.disk.unregister()

    def _append(self, writer: SqliteJournalWriter, turn: int) -> None:
        bodies = [_event(f"{turn}-{n}", self.rng.randrange(5)) for n in range(self.rng.randrange(1, 6))]
        drafts = [Draft(Kind.EVENT, body, body if self.rng.random() < 0.3 else None) for body in bodies]
        writer.write([Batch(drafts)])
        for draft in drafts:
            self.promised.accepted.append(draft.body)
            if draft.raw is not None:
                self.promised.raw[len(self.promised.accepted)] = draft.raw


def _event(id: str, person: int) -> bytes:
    known = (Identifier("user_id", f"u{person}"),)
    return msgspec.json.encode(
        Event(id=id, type="track", name="product_viewed", source="site", identifiers=known)
    )


def assert_kept(copy: Path, promised: Promised) -> None:
    if promised.accepted:
        assert_journal_kept(copy, promised)
    if promised.position:
        state, journal = SqliteStateReader(copy), SqliteJournal(copy)
        assert promised.position <= state.position() <= journal.end()[0]
        assert sum(state.fate_counts(1 << 60).values()) == state.position()
        state.close()
        journal.close()
    if promised.settled:
        deliveries = SqliteDeliveries(copy)
        assert deliveries.number() >= promised.settled
        assert len(deliveries.outcomes(0, 1000)) == deliveries.lanes()["a", "forward"].delivered
        deliveries.close()


def assert_journal_kept(copy: Path, promised: Promised) -> None:
    journal = SqliteJournal(copy)
    entries = journal.read(0, None, 100_000)
    assert [entry.body for entry in entries[: len(promised.accepted)]] == promised.accepted
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    for seq, raw in promised.raw.items():
        assert journal.raw(entries[seq - 1]) == raw
    journal.close()


def assert_sound(copy: Path) -> None:
    for path in copy.glob("*.db"):
        connection = apsw.Connection(str(path))
        assert connection.pragma("integrity_check") == "ok", path.name
        connection.close()


def cut_often(tmp_path: Path, seed: int, *, turns: int, often: float) -> int:
    (tmp_path / str(seed)).mkdir()
    house = House(tmp_path / str(seed), seed, often=often)
    try:
        house.run(turns)
    finally:
        house.disk.unregister()
    for copy, promised in house.cuts:
        if copy.exists():
            assert_kept(copy, promised)
            assert_sound(copy)
    return len(house.cuts)


def test_a_power_cut_at_any_moment_loses_nothing_that_was_promised(tmp_path):
    cuts = sum(cut_often(tmp_path, seed, turns=40, often=0.05) for seed in range(8))

    assert cuts > 100


@pytest.mark.long
def test_many_power_cuts_lose_nothing_that_was_promised(tmp_path):
    cuts = sum(cut_often(tmp_path, seed, turns=60, often=0.1) for seed in range(100, 108))

    assert cuts > 100


def test_without_the_sync_of_each_commit_the_same_cuts_would_lose_something(tmp_path, monkeypatch):
    """The examination can fail: it notices a house that promises before it has written down."""
    from hub.store.sqlite import connection, deliveries, journal, state

    def hasty(path, *, readonly=False, durable=True):
        return connection.connect(path, readonly=readonly, durable=False)

    for module in (deliveries, journal, state):
        monkeypatch.setattr(module, "connect", hasty)

    with pytest.raises((AssertionError, StoreUnavailable, apsw.Error)):
        for seed in range(8):
            cut_often(tmp_path, seed, turns=40, often=0.05)
