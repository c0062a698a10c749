"""A person's past, as rules ask for it: all of it, newest first, however long it is."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec
import pytest

from hub.clock import DrivenClock
from hub.event import Event, Identifier
from hub.pipeline import Engine
from hub.pipeline.past import Past
from hub.pipeline.reading import Events
from hub.store.port import Draft, Entry, Kind
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.work import SqliteState

ANN = Identifier("user_id", "ann")


def drafts(first: int, end: int) -> list[Draft]:
    events = [
        Event(id=str(n), type="track", name="x", source="s", identifiers=(ANN,)) for n in range(first, end)
    ]
    return [Draft(Kind.EVENT, msgspec.json.encode(event)) for event in events]


@pytest.mark.parametrize("length", [1, 2, 8, 9, 10, 24, 25, 26, 57, 58, 300])
def test_a_past_is_told_whole_and_newest_first(tmp_path: Path, length: int) -> None:
    clock = DrivenClock()
    writer = SqliteJournalWriter(tmp_path, clock.now, durable=False)
    journal, state = SqliteJournal(tmp_path, readonly=False), SqliteState(tmp_path, durable=False)
    engine = Engine(journal, state, most=7)
    clock.forward(seconds=1)
    writer.write([Batch(drafts(0, length))])
    clock.forward(seconds=1)
    engine.cycle(clock.now)

    with state.transaction() as work:
        work.prefetch(["user_id:ann"])
        owner = work.owner(ANN)
        assert owner is not None
        past = Past(work, Events(journal), {}).of(work.profile(owner))
        told = [event.id for event, _ in past()]
        again = [event.id for event, _ in past()]

    assert told == [str(number) for number in reversed(range(length))]
    assert again == told


class Asked(SqliteJournal):
    """A journal that says which entries somebody wanted to read again."""

    again: list[int]

    def get(self, seqs: Collection[int]) -> dict[int, Entry]:
        self.again = list(seqs)
        return super().get(seqs)


@pytest.mark.parametrize(("characters", "fit"), [(1_000_000, 8), (500_000, 16)])
def test_what_is_kept_at_hand_of_large_events_has_a_limit_in_bytes(
    tmp_path: Path, characters: int, fit: int
) -> None:
    clock = DrivenClock()
    writer = SqliteJournalWriter(tmp_path, clock.now, durable=False)
    body = msgspec.json.encode(Event(id="1", type="track", name="x", properties={"text": "x" * characters}))
    writer.write([Batch([Draft(Kind.EVENT, body)] * 20)])
    journal = Asked(tmp_path, readonly=False)
    kept = Events(journal)
    for entry in (*journal.read(0, None, 3), *SqliteJournal.get(journal, range(1, 21)).values()):
        kept.take(entry)
    kept.tidy()

    assert sorted(kept.get(range(1, 21))) == list(range(1, 21))
    assert journal.again == list(range(1, 21 - fit))
