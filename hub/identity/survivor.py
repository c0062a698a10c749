"""Of people found to be one: which of them goes on."""

from __future__ import annotations

from collections.abc import Iterable

from hub.event import PersonId, Profile
from hub.identity.rules import IdentityRules


def survivor(people: Iterable[Profile], rules: IdentityRules) -> PersonId:
    """Who has a strong identifier, then who was seen first, then the smaller id."""

    def order(profile: Profile) -> tuple[bool, int, int]:
        strong = any(rules.is_strong(known.kind) for known in profile.identifiers)
        return (not strong, profile.first_seen_at, profile.id)

    return min(people, key=order).id
