"""From accepted entries to what follows from them, in one transaction: the story of the hub."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hub.event import Event, Identifier, Instant, PersonId, Profile, person_from_text
from hub.identity import Known, resolve, survivor
from hub.pipeline.definitions import Definitions
from hub.pipeline.reading import read
from hub.pipeline.recognise import Recogniser
from hub.profiles import join, learn
from hub.store.port import Entry, Fate, JournalReader, Kind
from hub.store.sqlite.work import Work
from hub.telemetry import names


def process(
    entries: Sequence[Entry], work: Work, definitions: Definitions, *, journal: JournalReader
) -> Definitions:
    """Recognise, identify, learn, decide, plan: each entry at an instant of its own.

    Returns the definitions that hold behind the last entry: a configuration is an entry like any other.
    """
    events = {entry.seq: read(entry) for entry in entries if entry.kind is Kind.EVENT}
    recogniser = Recogniser(work, journal, events)
    work.prefetch({f"{one.kind}:{one.value}" for event in events.values() for one in event.identifiers})
    for entry in entries:
        work.position = entry.seq
        event = events.get(entry.seq)
        if event is None:
            definitions = _obey(entry, work, definitions)
            continue
        original = recogniser.original(entry.seq, event)
        if original is not None:
            work.settle(entry.seq, Fate.DUPLICATE, None, original)
            work.count(names.EVENTS_REPEATED.name, event.source)
            continue
        _follow(entry.seq, event, work, definitions)
    return definitions


def wake(person: PersonId, now: Instant, work: Work, definitions: Definitions) -> None:
    """What follows from time having passed for one person."""
    work.wake(person, None)
    work.wake(person, definitions.rules.wake(work.profile(person), now))


def _follow(entry: int, event: Event, work: Work, definitions: Definitions) -> None:
    work.count(names.EVENTS_PROCESSED.name, event.source)
    profile = _identify(entry, event, work, definitions)
    if profile is None:
        work.settle(entry, Fate.PROCESSED, None, None)
        _plan(entry, event, work, (None, definitions))
        return
    learn(profile, event)
    work.changed(profile.id)
    look_again = definitions.rules.decide(event, profile)
    if look_again is not None:
        work.wake(profile.id, look_again)
    _plan(entry, event, work, (profile, definitions))


def _identify(entry: int, event: Event, work: Work, definitions: Definitions) -> Profile | None:
    """Whose event it is, kept as a fact: identifiers, merges, cases for review."""
    usable = definitions.identity.usable(event.identifiers)
    if not usable:
        return None
    owners = {one: owner for one in usable if (owner := work.owner(one)) is not None}
    if len(owners) == len(usable) and len(set(owners.values())) == 1:
        # Nothing new is said of whose it is: by far the most common case.
        profile = work.profile(owners[usable[0]])
    else:
        profile = _resolve(entry, event, work, (usable, owners, definitions))
    part = work.part(usable[0])
    if part is None or work.owner(usable[0]) != profile.id:
        part = profile.id
    work.settle(entry, Fate.PROCESSED, part, profile.heads.get(part))
    profile.heads[part] = entry
    return profile


def _resolve(
    entry: int,
    event: Event,
    work: Work,
    found: tuple[list[Identifier], dict[Identifier, PersonId], Definitions],
) -> Profile:
    usable, owners, definitions = found
    known = {owner: Known(owner, work.profile(owner).identifiers) for owner in owners.values()}
    rules = definitions.identity
    resolution = resolve(usable, owners, known, proven=event.trust == "secret", rules=rules)
    for taken in resolution.take:
        loser = work.profile(owners[taken])
        loser.identifiers.remove(taken)
        work.changed(loser.id)
    if resolution.person is None:
        profile = work.create(event.source, event.id)
        work.count(names.PEOPLE_FOUND.name)
    else:
        people = [work.profile(one) for one in (resolution.person, *resolution.merge)]
        profile = work.profile(survivor(people, rules))
        for merged in people:
            if merged is not profile:
                join(profile, merged)
                work.merge(entry, profile.id, merged.id)
                work.count(names.PEOPLE_MERGED.name)
    for added in resolution.add:
        profile.identifiers.append(added)
        work.assign(added, profile.id)
    for other in resolution.left:
        work.review(entry, profile.id, other)
    return profile


def _plan(entry: int, event: Event, work: Work, whom: tuple[Profile | None, Definitions]) -> None:
    profile, definitions = whom
    planned = definitions.plan(event)
    if planned is None:
        return
    legs, counted = planned
    for metric in counted:
        work.count(*metric)
    if profile is None:
        work.plan(entry, None, legs)
        return
    own = event.identifiers
    work.plan(entry, profile.id, legs, more=[one for one in profile.identifiers if one not in own])


class _Outcome(msgspec.Struct):
    delivery: str
    entry: int | None = None
    person: str | None = None


_outcome = msgspec.json.Decoder(_Outcome).decode


def _obey(entry: Entry, work: Work, definitions: Definitions) -> Definitions:
    """An entry that is no event: a configuration, an outcome, a command."""
    if entry.kind is Kind.CONFIG:
        definitions = Definitions.of(entry.body)
        work.configuration = entry.seq
    elif entry.kind is Kind.OUTCOME:
        outcome = _outcome(entry.body)
        person = person_from_text(outcome.person) if outcome.person else None
        work.outcome(outcome.delivery, entry.seq, outcome.entry, person)
    return definitions
