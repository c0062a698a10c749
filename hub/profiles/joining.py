"""Two people found to be one: what is known of them together (rules.md 5.2)."""

from __future__ import annotations

from hub.event import Instant, Profile
from hub.identity import last_seen
from hub.profiles.consents import united
from hub.profiles.learning import LEARNED, count
from hub.profiles.syncing import united as united_syncs


def join(survivor: Profile, merged: Profile, at: Instant) -> None:
    """Adds what is known of `merged` to `survivor`, in place.

    The survivor's traits win, missing ones are filled; what was only learned gives way to what was said.
    Counters add up; of the consent the latest decision holds.
    """
    survivor.devices_seen = {**last_seen(merged), **last_seen(survivor)}
    known = set(survivor.identifiers)
    survivor.identifiers.extend(one for one in merged.identifiers if one not in known)
    for name, trait in merged.traits.items():
        kept = survivor.traits.get(name)
        said_over_learned = kept is not None and kept.source == LEARNED and trait.source != LEARNED
        if kept is None or said_over_learned:
            survivor.traits[name] = trait
    survivor.consent = united(survivor.consent, merged.consent)
    for name, times in merged.counters.items():
        count(survivor, name, times)
    if survivor.synced or merged.synced:
        survivor.synced = united_syncs(survivor.synced, merged.synced)
    survivor.first_seen_at = min(survivor.first_seen_at, merged.first_seen_at)
    survivor.last_seen_at = max(survivor.last_seen_at, merged.last_seen_at)
    survivor.seen_at = max(survivor.seen_at, merged.seen_at)
    survivor.heads.update(merged.heads)
    survivor.joined.update(dict.fromkeys(merged.heads, at))
