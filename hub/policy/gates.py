"""The gates: expiry, consent, address. Asked when a message is decided, and again before each attempt.

In doubt a message is not sent. The order is that of the rules' reference: what fails first is the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hub.event import Identifier, Instant, Message, Profile
from hub.profiles.consents import newer

Gate = Literal["expired", "consent", "unreachable"]

_NEEDS = {"email": "email", "sms": "phone", "push": "device_token"}
"""Which kind of identifier a channel delivers to; other channels need none."""

WHOLE_CHANNEL = "*"
EVERY_CHANNEL = "*"


def refusal(
    message: Message,
    profile: Profile,
    now: Instant,
    *,
    identifiers: Sequence[Identifier],
    assumed: str,
    everyone: bool = False,
) -> Gate | None:
    """The first gate that does not let the message through; None where all do.

    `identifiers` are those that the message is delivered by, `assumed` the consent where none is recorded
    (`granted`, `denied` or `unknown`). `everyone` has an address, where rules are only tried out.
    """
    if now > message.expires_at:
        return "expired"
    if not permitted(message.channel, message.purpose, profile, assumed=assumed):
        return "consent"
    if is_dead(message.channel, profile):
        return "unreachable"
    if not everyone and not addresses(message.channel, profile, identifiers):
        return "unreachable"
    return None


def permitted(channel: str, purpose: str, profile: Profile, *, assumed: str) -> bool:
    """May we, by this road and for this purpose?

    `denied` for the channel as a whole blocks everything. `transactional` needs only not to be denied, any
    other purpose needs `granted`.
    """
    whole = _state(channel, WHOLE_CHANNEL, profile, "unknown")
    if whole == "denied":
        return False
    state = _state(channel, purpose, profile, assumed)
    return state != "denied" if purpose == "transactional" else state == "granted"


def is_dead(channel: str, profile: Profile) -> bool:
    """Is the channel's address known to lead nowhere?"""
    dead = profile.trait("unreachable")
    return isinstance(dead, list) and channel in dead


def addresses(channel: str, profile: Profile, identifiers: Sequence[Identifier]) -> bool:
    """Is there an address for this channel?"""
    kind = _NEEDS.get(channel)
    return kind is None or any(one.kind == kind for one in (*identifiers, *profile.identifiers))


def _state(channel: str, purpose: str, profile: Profile, assumed: str) -> str:
    kept = profile.consent.get(f"{channel}/{purpose}")
    # A consent banner asks for a purpose, on all channels at once.
    everywhere = profile.consent.get(f"{EVERY_CHANNEL}/{purpose}")
    kept = kept if everywhere is None else newer(kept, everywhere)
    return assumed if kept is None else kept.state
