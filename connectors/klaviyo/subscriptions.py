"""Which channels somebody agreed to, or took back, as Klaviyo's subscriptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import hub

from .profiles import phone

State = Literal["granted", "denied"]
Channel = Literal["email", "sms"]

_PURPOSES: dict[str, tuple[str, ...]] = {"email": ("marketing",), "sms": ("marketing", "transactional")}
"""What Klaviyo keeps consent for, by channel."""


def subscription(delivery: hub.Delivery, state: State, otherwise: Sequence[Channel]) -> dict[str, Any]:
    """The profile of a subscription job: who, and which channels; raises Skip where there is nothing to say.

    What the event says of consent decides; one that says nothing means marketing on the channels `otherwise`.
    An agreement on every channel means no more than those: nobody gets text messages for a banner's click.
    """
    chosen = _chosen(delivery.event.consent, state, otherwise)
    if not chosen:
        raise hub.Skip(f"its event says nothing {state} that Klaviyo keeps")
    addresses = {"email": delivery.identifier("email"), "sms": phone(delivery)}
    word = "SUBSCRIBED" if state == "granted" else "UNSUBSCRIBED"
    reached = {
        channel: {purpose: {"consent": word} for purpose in purposes}
        for channel, purposes in chosen.items()
        if addresses[channel]
    }
    if not reached:
        raise hub.Skip(f"no address for {' or '.join(chosen)}")
    names = {"email": addresses["email"], "phone_number": addresses["sms"]}
    return {**{name: value for name, value in names.items() if value}, "subscriptions": reached}


def _chosen(said: Sequence[hub.Consent], state: State, otherwise: Sequence[Channel]) -> dict[str, list[str]]:
    if not said:
        said = [hub.Consent(channel, "marketing", state) for channel in otherwise]
    chosen: dict[str, list[str]] = {}
    for channel, kept in _PURPOSES.items():
        everywhere = state == "denied" or channel in otherwise
        spoken = (channel, "*") if everywhere else (channel,)
        meant = [one for one in said if one.channel in spoken and one.state == state]
        purposes = {one.purpose for one in meant}
        found = [purpose for purpose in kept if purpose in purposes or "*" in purposes]
        if found:
            chosen[channel] = found
    return chosen


def joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two subscriptions of the same person as one."""
    channels = {**one["subscriptions"]}
    for channel, purposes in other["subscriptions"].items():
        channels[channel] = {**channels.get(channel, {}), **purposes}
    return {**one, **other, "subscriptions": channels}


def consented(profile: dict[str, Any], at: str) -> dict[str, Any]:
    """The same with the time of the consent, as a historical import needs it."""
    channels = {
        channel: {purpose: {**said, "consented_at": at} for purpose, said in purposes.items()}
        for channel, purposes in profile["subscriptions"].items()
    }
    return {**profile, "subscriptions": channels}
