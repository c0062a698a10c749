"""One event's identifiers, and the people that they point at: who gets the event?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hub.event import Identifier, PersonId
from hub.identity.rules import IdentityRules

CHANGES_HANDS = frozenset({"anonymous_id", "device_id", "device_token"})
"""What belongs to a browser or a device: with another user id it belongs to that user from then on."""


@dataclass(frozen=True, slots=True)
class Known:
    """What identity needs of a person: who they are called by."""

    id: PersonId
    identifiers: Sequence[Identifier]


@dataclass(slots=True)
class Resolution:
    """Whose event it is and what follows; the person is None where a new one has to be made."""

    person: PersonId | None
    add: list[Identifier] = field(default_factory=list)
    """Identifiers that are the person's from now on."""
    take: list[Identifier] = field(default_factory=list)
    """Those of them that belonged to somebody else until now."""
    merge: list[PersonId] = field(default_factory=list)
    """People who are the same as `person`."""
    left: list[PersonId] = field(default_factory=list)
    """People who may be the same, but were left alone: a case for review."""


def resolve(
    identifiers: Sequence[Identifier],
    owners: Mapping[Identifier, PersonId],
    people: Mapping[PersonId, Known],
    *,
    proven: bool,
    rules: IdentityRules,
) -> Resolution:
    """Whose event it is.

    `identifiers` are the usable ones, the strongest first, at least one; `owners` says whose each known
    one is, `people` holds those owners. Nothing known: a new person. One person: that one. Several: merged
    if at most one of them has a strong identifier, or the event is proven, and no limit breaks; else the
    person of the strongest identifier gets the event and the others are left for review.

    A weak identifier breaks no limit: `take_in` says which other one gives way to it.
    """
    taken = _changing_hands(identifiers, owners, people)
    found = list(dict.fromkeys(owners[one] for one in identifiers if one in owners and one not in taken))
    if not found:
        return _of_nobody(identifiers, taken, [], rules)
    if len(found) == 1 and not _another_user(identifiers, people[found[0]]):
        return _of_one(identifiers, people[found[0]], taken, rules)
    if len(found) > 1 and _mergeable(identifiers, [people[one] for one in found], proven, rules):
        together = [known for one in found for known in people[one].identifiers]
        added = _within(_new(identifiers, owners, taken), together, rules)
        return Resolution(found[0], add=added, take=[one for one in taken if one in added], merge=found[1:])
    return _of_strongest(identifiers, owners, people, (taken, found), rules)


def _changing_hands(
    identifiers: Sequence[Identifier], owners: Mapping[Identifier, PersonId], people: Mapping[PersonId, Known]
) -> list[Identifier]:
    user = identifiers[0] if identifiers[0].kind == "user_id" else None
    if user is None:
        return []
    return [
        one
        for one in identifiers
        if one.kind in CHANGES_HANDS
        and one in owners
        and owners[one] != owners.get(user)
        and _another_user((user,), people[owners[one]])
    ]


def _another_user(identifiers: Iterable[Identifier], person: Known) -> bool:
    """Whether the event names a user id, and the person goes by another one."""
    theirs = [known for known in person.identifiers if known.kind == "user_id"]
    return bool(theirs) and any(one.kind == "user_id" and one not in theirs for one in identifiers)


def _of_nobody(
    new: Sequence[Identifier], taken: list[Identifier], left: list[PersonId], rules: IdentityRules
) -> Resolution:
    added = _within(new, (), rules)
    return Resolution(None, add=added, take=[one for one in taken if one in added], left=left)


def _of_one(
    identifiers: Sequence[Identifier], person: Known, taken: list[Identifier], rules: IdentityRules
) -> Resolution:
    new = [one for one in identifiers if one not in person.identifiers]
    added = _within(new, person.identifiers, rules)
    return Resolution(person.id, add=added, take=[one for one in taken if one in added])


def _mergeable(
    identifiers: Sequence[Identifier], people: Sequence[Known], proven: bool, rules: IdentityRules
) -> bool:
    strong = sum(any(rules.is_strong(known.kind) for known in person.identifiers) for person in people)
    together = {known for person in people for known in person.identifiers} | set(identifiers)
    return (strong <= 1 or proven) and not _broken(together, rules)


def _of_strongest(
    identifiers: Sequence[Identifier],
    owners: Mapping[Identifier, PersonId],
    people: Mapping[PersonId, Known],
    matched: tuple[list[Identifier], list[PersonId]],
    rules: IdentityRules,
) -> Resolution:
    taken, found = matched
    new = _new(identifiers, owners, taken)
    if identifiers[0] not in owners and identifiers[0].kind == "user_id":
        # A user whom nobody knows yet: nobody who goes by another user id can be them.
        return _of_nobody(new, taken, found, rules)
    owner = next(owners[one] for one in identifiers if one in owners and one not in taken)
    added = _within(new, people[owner].identifiers, rules)
    left = [one for one in found if one != owner]
    return Resolution(owner, add=added, take=[one for one in taken if one in added], left=left)


def _new(
    identifiers: Iterable[Identifier], owners: Mapping[Identifier, PersonId], taken: Sequence[Identifier]
) -> list[Identifier]:
    return [one for one in identifiers if one not in owners or one in taken]


def _within(new: Iterable[Identifier], kept: Iterable[Identifier], rules: IdentityRules) -> list[Identifier]:
    """Those of the new ones for which a person has room or can make it, the first ones first."""
    counts = Counter(known.kind for known in kept if not rules.is_weak(known.kind))
    added = []
    for one in new:
        if counts[one.kind] < rules.kinds[one.kind].most:
            counts[one.kind] += 1
            added.append(one)
    return added


def _broken(identifiers: Iterable[Identifier], rules: IdentityRules) -> bool:
    counts = Counter(known.kind for known in identifiers if rules.is_strong(known.kind))
    return any(count > rules.kinds[kind].most for kind, count in counts.items())
