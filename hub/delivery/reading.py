"""What a delivery is made of: the event as planned, the person as known now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hub.clock import Clock
from hub.connector import Delivery, Transform
from hub.delivery.ids import delivery_id
from hub.delivery.work import Job
from hub.errors import DeliveryError, GiveUp, Skip
from hub.event import Event, Instant, PersonId, Profile, person_text
from hub.pipeline.definitions import HUB
from hub.pipeline.reading import read
from hub.policy import refusal
from hub.store.port import JournalReader, StateReader, Sync

EVENTS_KEPT = 5000
EVENTS_ROOM = 8 * 1024 * 1024
"""How many bytes those have in the journal, about."""
PEOPLE_KEPT = 5000

_NOBODY: tuple[None, Mapping[str, Any]] = (None, {})

Transforms = Sequence[tuple[str, Transform[Any]]]
"""The transforms of a sink with their names, in the order of the file."""


class Desk:
    """Reads events and people for all lanes; what one lane read, the next need not read again."""

    def __init__(self, journal: JournalReader, state: StateReader, clock: Clock, assumed: str) -> None:
        self._journal = journal
        self._state = state
        self._clock = clock
        self.assumed = assumed
        """The consent of people of whom none is recorded."""
        self._events: dict[int, tuple[Event, int]] = {}
        self._size = 0
        self._people: dict[int, tuple[Profile, Mapping[str, Any]]] = {}

    def freshen(self) -> None:
        """What is known of people may have changed."""
        self._people.clear()

    def sizes(self, jobs: Sequence[Job]) -> list[int]:
        """How large the jobs' events are in the journal, in bytes."""
        self._fetch({job.entry for job in jobs})
        return [self._events[job.entry][1] if job.entry in self._events else 0 for job in jobs]

    def received(self, jobs: Sequence[Job]) -> list[Instant]:
        """When the jobs' events were accepted; 0 where the journal has none."""
        self._fetch({job.entry for job in jobs})
        return [self._events[job.entry][0].received_at if job.entry in self._events else 0 for job in jobs]

    def prepare(
        self, jobs: Sequence[Job], sink: str, transforms: Transforms
    ) -> tuple[list[Delivery], list[tuple[Job, DeliveryError]]]:
        """The deliveries of these jobs, and those that are not to be sent, with why."""
        self._fetch({job.entry for job in jobs})
        self._meet({job.person for job in jobs if job.person is not None})
        ready: list[Delivery] = []
        ended: list[tuple[Job, DeliveryError]] = []
        for job in jobs:
            event = self._event(job)
            if not job.id:
                job.id = _id(job, event, sink)
            if isinstance(event, DeliveryError):
                ended.append((job, event))
                continue
            gate = self._gate(job)
            if gate is not None:
                ended.append((job, Skip(gate)))
                continue
            if transforms:
                changed = _changed(event, transforms)
                if isinstance(changed, DeliveryError):
                    ended.append((job, changed))
                    continue
                event = changed
            ready.append(self._delivery(job, event))
        return ready, ended

    def _event(self, job: Job) -> Event | DeliveryError:
        """What happened; of a sync the traits that it tells, as they are now."""
        if job.sync is not None:
            profile, traits = self._people.get(job.person or 0, _NOBODY)
            if profile is None:
                return Skip("forgotten")
            told = fresh(job.sync, traits)
            return told if told.traits else Skip("nothing that it tells is known any more")
        kept = self._events.get(job.entry)
        return Skip("its event is no longer kept") if kept is None else kept[0]

    def _delivery(self, job: Job, event: Event) -> Delivery:
        if job.person is None:
            return Delivery(job.id, event, None, job.identifiers, {}, job.attempts)
        if job.sync is not None:
            person = person_text(job.person)
            return Delivery(job.id, event, person, job.identifiers, event.traits, job.attempts)
        _, traits = self._people.get(job.person, _NOBODY)
        person = person_text(job.person)
        return Delivery(job.id, event, person, job.identifiers, traits, job.attempts, job.message)

    def _gate(self, job: Job) -> str | None:
        """The gate that does not let a message through now: asked anew before each attempt."""
        if job.message is None or job.person is None:
            return None
        profile, _ = self._people.get(job.person, _NOBODY)
        if profile is None:
            return "forgotten"
        return refusal(
            job.message,
            profile,
            self._clock.now(),
            identifiers=job.identifiers,
            assumed=self.assumed,
        )

    def _fetch(self, entries: Collection[int]) -> None:
        missing = [entry for entry in entries if entry not in self._events]
        if not missing:
            return
        for seq, entry in self._journal.get(missing).items():
            if entry.body:
                self._events[seq] = (read(entry), len(entry.body))
                self._size += len(entry.body)
        self._let_go(entries)

    def _let_go(self, needed: Collection[int]) -> None:
        """Forgets the events that were read long ago, but none of those that are `needed`."""
        if len(self._events) <= EVENTS_KEPT + len(needed) and self._size <= EVENTS_ROOM:
            return
        over = len(self._events) - EVENTS_KEPT
        # Not a copy of all of them for each request: only those that go are looked at.
        old: list[int] = []
        for seq, (_, size) in self._events.items():
            if over <= 0 and self._size <= EVENTS_ROOM:
                break
            if seq not in needed:
                old.append(seq)
                self._size -= size
                over -= 1
        for seq in old:
            del self._events[seq]

    def _meet(self, people: Collection[int]) -> None:
        missing = [PersonId(person) for person in people if person not in self._people]
        if not missing:
            return
        for person, profile in self._state.profiles(missing).items():
            self._people[person] = profile, {name: trait.value for name, trait in profile.traits.items()}
        _forget_oldest(self._people, PEOPLE_KEPT, people)


def fresh(sync: Sync, traits: Mapping[str, Any]) -> Event:
    """A sync as an event: what it tells, as the person's traits are now."""
    told = {**sync.values, **{name: traits.get(trait) for name, trait in sync.traits.items()}}
    return Event(
        id=sync.id,
        type="identify",
        name="traits_updated",
        source=HUB,
        received_at=sync.at,
        time=sync.at,
        traits={name: value for name, value in told.items() if value is not None},
        trust="secret",
    )


def _id(job: Job, event: Event | DeliveryError, sink: str) -> str:
    if job.message is not None:
        return delivery_id("message", job.message.id, sink, job.action)
    if job.sync is not None:
        return delivery_id("sync", job.sync.id, sink, job.action)
    if isinstance(event, DeliveryError):
        # Its own id went with the event; how it ended must not be taken for how another one did.
        return delivery_id("", f"entry {job.entry}", sink, job.action)
    return delivery_id(event.source, event.id, sink, job.action)


def _changed(event: Event, transforms: Transforms) -> Event | DeliveryError:
    for name, transform in transforms:
        try:
            changed = transform.change(event)
        except Exception as fault:
            return GiveUp(f"transform {name} failed: {type(fault).__name__}")
        if changed is None:
            return Skip(f"dropped by transform {name}")
        event = changed
    return event


def _forget_oldest(kept: dict[int, Any], most: int, needed: Collection[int]) -> None:
    if len(kept) <= most + len(needed):
        return
    for key in list(kept)[: len(kept) - most]:
        if key not in needed:
            del kept[key]
