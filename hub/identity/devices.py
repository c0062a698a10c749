"""Browsers, devices and carts come and go: of each kind a person keeps those that were seen last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from hub.event import Identifier, Instant, Profile
from hub.identity.rules import IdentityRules


def note_seen(profile: Profile, identifiers: Iterable[Identifier], at: Instant) -> None:
    """Keeps when a person's devices were seen, in place, where several of a kind must be told apart."""
    seen = profile.devices_seen
    for one in identifiers:
        name = str(one)
        if seen.get(name, at) < at:
            seen[name] = at


def last_seen(profile: Profile) -> dict[str, Instant]:
    """`kind:value` → when it was last seen.

    Of what was never told from another of its kind, that is the person's newest event: it came with it.
    """
    seen, newest = profile.devices_seen, profile.last_seen_at
    return {name: seen.get(name, newest) for name in map(str, profile.identifiers)}


def take_in(
    profile: Profile,
    new: Sequence[Identifier],
    rules: IdentityRules,
    *,
    told: Iterable[Identifier] = (),
    at: Instant = 0,
) -> list[Identifier]:
    """Adds identifiers to a person, in place; returns those that give way: they are nobody's from now on.

    `told` are all that the event names, `at` is when it happened. Of each weak kind, those give way that were
    seen longest ago, the earlier one where that is the same instant.
    """
    seen = last_seen(profile)
    for name in map(str, told):
        seen[name] = max(at, seen.get(name, at))
    profile.identifiers += new
    weak = [one for one in profile.identifiers if rules.is_weak(one.kind)]
    kinds = Counter(one.kind for one in weak)
    several = any(count > 1 for count in kinds.values())
    # Most people have one of each kind: nothing is kept of them.
    profile.devices_seen = {name: seen[name] for name in map(str, weak)} if several else {}
    gone: list[Identifier] = []
    for kind, count in kinds.items():
        oldest_first = sorted((one for one in weak if one.kind == kind), key=lambda one: seen[str(one)])
        gone += oldest_first[: max(0, count - rules.kinds[kind].most)]
    for one in gone:
        let_go(profile, one)
    return gone


def let_go(profile: Profile, identifier: Identifier) -> None:
    """Takes an identifier from a person, in place."""
    profile.identifiers.remove(identifier)
    profile.devices_seen.pop(str(identifier), None)
