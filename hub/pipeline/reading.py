"""An entry of the journal as the event that it is."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from hub.event import Event
from hub.store.port import Entry, JournalReader

RECENT = 5000
"""Events kept at hand: those of a person's last minutes are asked for again and again."""
ROOM = 8 * 1024 * 1024
"""How many bytes those have in the journal, about. Read, an event takes four to twenty-four times as many."""

_event = msgspec.json.Decoder(Event).decode


def read(entry: Entry) -> Event:
    """The event of an entry, with the times that the journal stamps."""
    event = _event(entry.body)
    event.accepted(entry.received_at)
    return event


class Events:
    """Events by their journal entries; the ones read last need no second reading."""

    def __init__(self, journal: JournalReader) -> None:
        self._journal = journal
        self._recent: dict[int, Event] = {}
        self._sizes: dict[int, int] = {}
        self._size = 0

    def take(self, entry: Entry) -> Event:
        """The event of an entry that was read."""
        seq, size = entry.seq, len(entry.body)
        event = self._recent[seq] = read(entry)
        self._size += size - self._sizes.get(seq, 0)
        self._sizes[seq] = size
        return event

    def get(self, seqs: Collection[int]) -> dict[int, Event]:
        """These entries' events; without those that are no longer kept."""
        recent = self._recent
        missing = [seq for seq in seqs if seq not in recent]
        if missing:
            for entry in self._journal.get(missing).values():
                if entry.body:
                    self.take(entry)
        return {seq: recent[seq] for seq in seqs if seq in recent}

    def tidy(self) -> None:
        """Lets go of what was read long ago."""
        gone: list[int] = []
        for seq, size in self._sizes.items():
            if len(self._sizes) - len(gone) <= RECENT and self._size <= ROOM:
                break
            gone.append(seq)
            self._size -= size
        for seq in gone:
            del self._recent[seq], self._sizes[seq]
