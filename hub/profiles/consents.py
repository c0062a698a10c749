"""Consent as a person's decisions: per channel and purpose the latest one holds."""

from __future__ import annotations

from collections.abc import Mapping

from hub.event import Consent, ConsentState, Instant

UNREACHABLE = {"email_bounced": "email"}
"""Events after which a channel's address is known to be dead."""


def newer(kept: ConsentState | None, fresh: ConsentState) -> ConsentState:
    """Of two decisions the later one; at the same instant a refusal wins."""
    if kept is None or fresh.at > kept.at or (fresh.at == kept.at and fresh.state == "denied"):
        return fresh
    return kept


def united(one: Mapping[str, ConsentState], other: Mapping[str, ConsentState]) -> dict[str, ConsentState]:
    """The decisions of two people who are one."""
    both = dict(one)
    for road, state in other.items():
        both[road] = newer(both.get(road), state)
    return both


def state_of(decision: Consent, at: Instant, source: str) -> ConsentState:
    """A decision as it is kept."""
    return ConsentState(decision.state, at, source, decision.wording)
