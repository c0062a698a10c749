"""From accepted entries to what follows from them, in one transaction: the story of the hub."""

from __future__ import annotations

from collections.abc import Sequence

from hub.event import Event, Identifier, Instant, PersonId, Profile
from hub.identity import Known, Resolution, let_go, note_seen, resolve, survivor, take_in
from hub.pipeline.definitions import Definitions
from hub.pipeline.following import Follower
from hub.pipeline.obeying import adopt_configuration, merge_asked, note_outcome
from hub.pipeline.past import Past
from hub.pipeline.reading import Events
from hub.pipeline.recognise import Recogniser
from hub.pipeline.syncing import Syncer
from hub.profiles import join, learn
from hub.store.port import Entry, Fate, Kind
from hub.store.sqlite.work import Work
from hub.telemetry import names


def process(entries: Sequence[Entry], work: Work, definitions: Definitions, *, kept: Events) -> Definitions:
    """Recognise, identify, learn, decide, plan: each entry at an instant of its own.

    `kept` has the events of before. Returns the definitions that hold behind the last entry: a configuration
    is an entry like any other.
    """
    events = {entry.seq: kept.take(entry) for entry in entries if entry.kind is Kind.EVENT}
    work.prefetch({f"{one.kind}:{one.value}" for event in events.values() for one in event.identifiers})
    recogniser = Recogniser(work, kept, events)
    line = Line(work, definitions, Past(work, kept, events))
    for entry in entries:
        work.position = entry.seq
        event = events.get(entry.seq)
        if event is None:
            line.obey(entry)
        elif (original := recogniser.original(entry.seq, event)) is not None:
            work.settle(entry.seq, Fate.DUPLICATE, None, original)
            work.count(names.EVENTS_REPEATED.name, event.source)
        else:
            line.follow(entry.seq, event)
    return line.definitions


def wake(
    people: Sequence[PersonId],
    now: Instant,
    work: Work,
    definitions: Definitions,
    *,
    kept: Events,
) -> None:
    """What follows from time having passed for these people."""
    past = Past(work, kept, {})
    follower, syncer = Follower(work, past, definitions), Syncer(work, past, definitions)
    work.prefetch_people(people)
    profiles = [work.profile(person) for person in people]
    past.prefetch(profiles)
    for profile in profiles:
        follower.wake(profile, now)
        syncer.wake(profile, now)


class Line:
    """One transaction's way from an event to what follows from it."""

    def __init__(self, work: Work, definitions: Definitions, past: Past) -> None:
        self._work = work
        self._past = past
        self.definitions = definitions
        self._follower = Follower(work, past, definitions)
        self._syncer = Syncer(work, past, definitions)

    def obey(self, entry: Entry) -> None:
        """An entry that is no event: a configuration, an outcome, a command."""
        if entry.kind is Kind.CONFIG:
            self.definitions = adopt_configuration(entry, self._work, self.definitions)
            self._follower = Follower(self._work, self._past, self.definitions)
            self._syncer = Syncer(self._work, self._past, self.definitions)
        elif entry.kind is Kind.OUTCOME:
            note_outcome(entry, self._work, self._past, self.definitions)
        elif (asked := merge_asked(entry, self._work)) is not None:
            into, merged = asked
            self._unite(entry.seq, entry.received_at, into, merged)
            self._release(take_in(into, (), self.definitions.identity))

    def follow(self, entry: int, event: Event) -> None:
        """Identify, learn, decide, plan."""
        self._work.count(names.EVENTS_PROCESSED.name, event.source)
        profile = self._identify(entry, event)
        if profile is None:
            self._work.settle(entry, Fate.PROCESSED, None, None)
        else:
            seen_at = profile.seen_at
            learn(profile, event)
            self._work.changed(profile.id)
            self._follower.event(event, profile, seen_at)
            self._syncer.look(profile, event.received_at)
        self._plan(entry, event, profile)

    def _identify(self, entry: int, event: Event) -> Profile | None:
        """Whose event it is, kept as a fact: identifiers, merges, cases for review."""
        usable = self.definitions.identity.usable(event.identifiers)
        if not usable:
            return None
        work = self._work
        owners = {one: owner for one in usable if (owner := work.owner(one)) is not None}
        if len(owners) == len(usable) and len(set(owners.values())) == 1:
            # Nothing new is said of whose it is: by far the most common case.
            profile = work.profile(owners[usable[0]])
            if profile.devices_seen:
                note_seen(profile, usable, event.time)
        else:
            profile = self._resolve(entry, event, usable, owners)
        part = work.part(usable[0])
        if part is None or work.owner(usable[0]) != profile.id:
            part = profile.id
        work.settle(entry, Fate.PROCESSED, part, profile.heads.get(part))
        profile.heads[part] = entry
        return profile

    def _resolve(
        self, entry: int, event: Event, usable: list[Identifier], owners: dict[Identifier, PersonId]
    ) -> Profile:
        work, rules = self._work, self.definitions.identity
        known = {owner: Known(owner, work.profile(owner).identifiers) for owner in owners.values()}
        resolution = resolve(usable, owners, known, proven=event.trust == "secret", rules=rules)
        for taken in resolution.take:
            loser = work.profile(owners[taken])
            let_go(loser, taken)
            work.changed(loser.id)
        if resolution.person is None:
            profile = work.create(event.source, event.id)
            work.count(names.PEOPLE_FOUND.name)
        else:
            profile = self._merge(entry, event, resolution.person, resolution)
        for added in resolution.add:
            work.assign(added, profile.id)
        self._release(take_in(profile, resolution.add, rules, told=usable, at=event.time))
        for other in resolution.left:
            work.review(entry, profile.id, other)
        return profile

    def _release(self, gone: list[Identifier]) -> None:
        for one in gone:
            self._work.release(one)

    def _merge(self, entry: int, event: Event, person: PersonId, resolution: Resolution) -> Profile:
        """The person, with those who turned out to be the same."""
        people = [self._work.profile(one) for one in (person, *resolution.merge)]
        profile = self._work.profile(survivor(people, self.definitions.identity))
        for merged in people:
            if merged is not profile:
                self._unite(entry, event.received_at, profile, merged)
        return profile

    def _unite(self, entry: int, at: Instant, profile: Profile, merged: Profile) -> None:
        """`merged` is part of `profile` from now on, and what follows from their common past follows."""
        work = self._work
        memory = work.memory(merged.id)
        join(profile, merged, at)
        work.merge(entry, profile.id, merged.id)
        work.changed(profile.id)
        work.count(names.PEOPLE_MERGED.name)
        self._follower.merge(profile, memory, at)
        self._syncer.look(profile, at)

    def _plan(self, entry: int, event: Event, profile: Profile | None) -> None:
        planned = self.definitions.plan(event)
        if planned is None:
            return
        for metric in planned.counted:
            self._work.count(*metric)
        if profile is None:
            self._work.plan(entry, None, planned.legs)
            return
        own = event.identifiers
        more = [one for one in profile.identifiers if one not in own]
        self._work.plan(entry, profile.id, planned.legs, more=more)
