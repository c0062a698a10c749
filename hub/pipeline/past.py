"""A person's past: their events, those that arrived last first, read as far as somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge

from hub.event import Event, Instant, Profile
from hub.pipeline.reading import Events
from hub.store.sqlite.work import Work

FIRST, MOST = 8, 64
"""Events read in one go behind the newest: few at first, for most questions end soon."""

Known = tuple[Event, Instant]
"""An event, and since when it is known to be the person's."""


class Past:
    """Reads what is written and what this transaction adds.

    An event keeps its place in the part of the person that it came with; a part that was merged into
    somebody is known there since the merge.
    """

    def __init__(self, work: Work, kept: Events, events: Mapping[int, Event]) -> None:
        self._work = work
        self._kept = kept
        self._events = dict(events)
        self._entries: dict[Instant, int] = {event.received_at: seq for seq, event in events.items()}

    def entry(self, event: Event) -> int:
        """The journal entry of an event that was told."""
        return self._entries[event.received_at]

    def event(self, entry: int) -> Event | None:
        """One event by its journal entry; None where it is no longer kept."""
        if entry not in self._events:
            self._fetch([entry])
        return self._events.get(entry)

    def prefetch(self, profiles: Iterable[Profile]) -> None:
        """Reads the newest events of these people: who waits mostly waits for what follows their last one."""
        heads = [head for profile in profiles for head in profile.heads.values()]
        self._fetch([head for head in heads if head not in self._events])

    def of(self, profile: Profile) -> Callable[[], Iterator[Known]]:
        """A question that can be asked any number of times."""
        return lambda: self._read(profile)

    def _read(self, profile: Profile) -> Iterator[Known]:
        heads = list(profile.heads.items())
        parts = [self._part(head, profile.joined.get(part, 0)) for part, head in heads]
        if len(parts) == 1:
            return parts[0]
        return merge(*parts, key=_arrival, reverse=True)

    def _part(self, head: int, joined: Instant) -> Iterator[Known]:
        entries, asked = [head], 1
        while entries:
            self._fetch([seq for seq in entries if seq not in self._events])
            for seq in entries:
                event = self._events.get(seq)
                if event is not None:
                    yield event, max(event.received_at, joined)
            if len(entries) < asked:
                return
            asked = min(max(FIRST, 2 * asked), MOST)
            # The last one that was told is where the next question begins.
            entries = self._work.chain(entries[-1], asked + 1)[1:]

    def _fetch(self, missing: list[int]) -> None:
        for seq, event in self._kept.get(missing).items():
            self._events[seq] = event
            self._entries[event.received_at] = seq


def _arrival(known: Known) -> Instant:
    return known[0].received_at
