"""What the lanes keep at hand of the journal: enough for all of them to read an event once, and no more."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from hub.clock import DrivenClock
from hub.delivery.reading import Desk
from hub.delivery.work import Job
from hub.event import Event
from hub.store.port import Draft, Entry, Kind
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState


class Asked(SqliteJournal):
    """A journal that says what it was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked: list[int] = []

    def get(self, seqs: Collection[int]) -> dict[int, Entry]:
        self.asked.extend(seqs)
        return super().get(seqs)


def test_of_large_events_only_the_newest_stay_at_hand(tmp_path: Path) -> None:
    clock = DrivenClock()
    body = msgspec.json.encode(Event(id="1", type="track", name="x", properties={"text": "x" * 1_000_000}))
    SqliteJournalWriter(tmp_path, clock.now, durable=False).write([Batch([Draft(Kind.EVENT, body)] * 20)])
    SqliteState(tmp_path, durable=False).close()
    journal = Asked(tmp_path)
    desk = Desk(journal, SqliteStateReader(tmp_path), clock, "denied")
    jobs = [Job(seq, seq, None, "send", identifiers=()) for seq in range(1, 21)]
    for job in jobs:
        desk.sizes([job])
    journal.asked = []

    assert desk.sizes(jobs[-8:]) == [len(body)] * 8
    assert journal.asked == []
    assert desk.sizes(jobs) == [len(body)] * 20
    assert sorted(journal.asked) == list(range(1, 13))
