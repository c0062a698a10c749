"""What one event teaches about its person."""

from __future__ import annotations

from typing import Any

from hub.event import Event, Profile, Trait
from hub.profiles.consents import UNREACHABLE, newer, state_of

MOST_COUNTERS = 200
OTHER = "~other"
"""Counts the events of a person whose names came after `MOST_COUNTERS` others."""

LEARNED = "~learned"
"""The source of traits that nobody said: they were seen in the context of an event."""

_FROM_CONTEXT = (
    ("device", "last_device"),
    ("country", "country"),
    ("timezone", "timezone"),
    ("locale", "locale"),
)
_MOST_TRAITS = 1000


def learn(profile: Profile, event: Event) -> None:
    """Teaches the profile, in place: the caller owns it for the length of its transaction.

    Traits keep the time at which they were so; the newest said one wins, and a claim under a public key
    never replaces what was proven. What the context shows never replaces what was said.
    """
    at = event.time
    if not profile.first_seen_at or at < profile.first_seen_at:
        profile.first_seen_at = at
    if at > profile.last_seen_at:
        profile.last_seen_at = at
    profile.seen_at = max(profile.seen_at, event.received_at)
    count(profile, event.name)
    if event.traits:
        _say(profile, event)
    _see(profile, event)
    for decision in event.consent:
        road = f"{decision.channel}/{decision.purpose}"
        profile.consent[road] = newer(profile.consent.get(road), state_of(decision, at, event.source))
    if event.name in UNREACHABLE and event.properties.get("bounce_type", "hard") != "soft":
        _keep(profile, "unreachable", _with(profile, UNREACHABLE[event.name]), event)


def count(profile: Profile, name: str, times: int = 1) -> None:
    """Counts an event's name, in place; what comes after `MOST_COUNTERS` other names is counted together."""
    counters = profile.counters
    if name not in counters and len(counters) >= MOST_COUNTERS:
        name = OTHER
    counters[name] = counters.get(name, 0) + times


def _say(profile: Profile, event: Event) -> None:
    for name, value in event.traits.items():
        _keep(profile, name, value, event)


def _keep(profile: Profile, name: str, value: Any, event: Event) -> None:
    kept = profile.traits.get(name)
    proven = event.trust == "secret"
    if kept is not None and kept.source != LEARNED:
        if kept.proven and not proven:
            return
        if kept.at > event.time and kept.proven == proven:
            return
    elif kept is None and len(profile.traits) >= _MOST_TRAITS:
        return
    profile.traits[name] = Trait(value, event.source, event.time, proven)


def _see(profile: Profile, event: Event) -> None:
    context = event.context
    for field, name in _FROM_CONTEXT:
        value = context.get(field)
        if value is not None:
            _learn_trait(profile, name, value, event)
    currency = event.properties.get("currency")
    if isinstance(currency, str):
        _learn_trait(profile, "currency", currency, event)


def _learn_trait(profile: Profile, name: str, value: Any, event: Event) -> None:
    kept = profile.traits.get(name)
    if kept is None or (kept.source == LEARNED and kept.at <= event.time):
        profile.traits[name] = Trait(value, LEARNED, event.time, False)


def _with(profile: Profile, channel: str) -> list[str]:
    kept = profile.trait("unreachable")
    channels = kept if isinstance(kept, list) else []
    return [*channels, channel] if channel not in channels else channels
