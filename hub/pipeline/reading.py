"""An entry of the journal as the event that it is."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

import msgspec

from hub.event import Event
from hub.store.port import Entry, JournalReader

RECENT = 5000
"""Events kept at hand: those of a person's last minutes are asked for again and again."""

_event = msgspec.json.Decoder(Event).decode


def read(entry: Entry) -> Event:
    """The event of an entry, with the times that the journal stamps."""
    event = _event(entry.body)
    event.received_at = received = entry.received_at
    claimed = event.occurred_at
    if claimed is None:
        event.time = received
    else:
        if event.sent_at is not None:
            # The sender's clock may be wrong: its own two times are compared, then ours is the base.
            claimed += received - event.sent_at
        event.time = claimed if claimed < received else received
    return event


class Events:
    """Events by their journal entries; the ones read last need no second reading."""

    def __init__(self, journal: JournalReader) -> None:
        self._journal = journal
        self._recent: dict[int, Event] = {}

    def take(self, entry: Entry) -> Event:
        """The event of an entry that was read."""
        event = self._recent[entry.seq] = read(entry)
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
        for seq in list(islice(self._recent, max(0, len(self._recent) - RECENT))):
            del self._recent[seq]
