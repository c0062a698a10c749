"""When what is known of a person goes to a sink: once it changed, and not more often than asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from hub.event import STRONG_KINDS, Identifier, Instant, Profile, Synced

_encode = msgspec.json.Encoder(order="deterministic").encode


def said_of(values: Mapping[str, Any], identifiers: Sequence[Identifier]) -> str:
    """A short name for these values of this person; empty where there is no value.

    Identifiers that name a person belong to it: a sink that could not tell who it was may now.
    """
    there = {name: value for name, value in values.items() if value is not None}
    if not there:
        return ""
    names = sorted(one for one in identifiers if one.kind in STRONG_KINDS)
    return blake2b(_encode((there, names)), digest_size=8).hexdigest()


def look(kept: Synced | None, said: str, now: Instant, *, every: int) -> tuple[Synced | None, bool]:
    """What is kept from now on, and whether a sync is due; `every` is the shortest distance, in microseconds.

    The first change goes at once. One that comes sooner than `every` after the last sync waits for the end of
    that time, and what holds then is what goes; where it is what went before, nothing does.
    """
    before = kept or Synced(0, "")
    if said in ("", before.said):
        # Back to what the sink has, or nothing to say: what was to come is off.
        return (msgspec.structs.replace(before, due=0) if before.due else kept), False
    due = before.at + every
    if kept is None or now >= due:
        return Synced(now, said), True
    return msgspec.structs.replace(before, due=due), False


def united(kept: Mapping[str, Synced], merged: Mapping[str, Synced]) -> dict[str, Synced]:
    """Of two people who became one: what each sink has is not known to be right, so it is said anew."""
    names = dict.fromkeys((*kept, *merged))
    return {name: Synced(max(one[name].at for one in (kept, merged) if name in one), "") for name in names}


def forgotten(profile: Profile, names: Sequence[str]) -> bool:
    """Lets go, in place, of what is kept for syncs that are no more; says whether there was any."""
    gone = [name for name in profile.synced if name not in names]
    for name in gone:
        del profile.synced[name]
    return bool(gone)
