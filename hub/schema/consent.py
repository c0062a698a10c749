"""Consent from what senders say: a trait, an event, a consent banner's categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from hub.catalogue import REFUSALS
from hub.event import Consent

State = Literal["granted", "denied"]

_GRANTED = frozenset({"granted", "given", "true", "yes", "subscribed", "opted_in", "opt_in", "allowed"})
_DENIED = frozenset(
    {
        "denied",
        "false",
        "no",
        "unsubscribed",
        "opted_out",
        "opt_out",
        "revoked",
        "withdrawn",
        "never_subscribed",
    }
)


def state_of(sent: Any) -> State | None:
    """Granted or denied from a switch or a word; None where it is neither."""
    if sent.__class__ is bool:
        return "granted" if sent else "denied"
    if sent.__class__ is str:
        word = sent.strip().lower().replace("-", "_").replace(" ", "_")
        return "granted" if word in _GRANTED else "denied" if word in _DENIED else None
    return None


def from_traits(traits: dict[str, Any]) -> tuple[dict[str, Any], tuple[Consent, ...]]:
    """Traits without the consent in them, and that consent.

    It is said as `consent.email.marketing`, or as the object `consent` with channels and purposes in it.
    """
    said = {key for key in traits if key == "consent" or key.startswith("consent.")}
    if not said:
        return traits, ()
    found = [consent for key in said for consent in _trait(key.split(".")[1:], traits[key])]
    return {key: value for key, value in traits.items() if key not in said}, tuple(sorted(found, key=_place))


def _place(consent: Consent) -> tuple[str, str]:
    return consent.channel, consent.purpose


def _trait(path: list[str], value: Any) -> Iterator[Consent]:
    if len(path) < 2 and value.__class__ is dict:
        for key, inner in value.items():
            yield from _trait([*path, *key.split(".")], inner)
        return
    state = state_of(value)
    if state is not None and path and len(path) <= 2 and all(path):
        yield Consent(path[0].lower(), path[1].lower() if len(path) == 2 else "*", state)


def from_event(name: str, properties: Mapping[str, Any]) -> tuple[Consent, ...]:
    """What an event of this name says of consent."""
    if name in REFUSALS:
        return (Consent(*REFUSALS[name], "denied"),)
    if name != "consent_changed":
        return ()
    channel, purpose = _word(properties.get("channel")), _word(properties.get("purpose"))
    state = state_of(properties.get("state"))
    # Without a purpose a refusal speaks of everything; an agreement to everything must be said.
    purpose = purpose or ("*" if state == "denied" else "")
    if state is None or not channel or not purpose:
        return ()
    return (Consent(channel.lower(), purpose.lower(), state, _word(properties.get("wording"))),)


def _word(sent: Any) -> str:
    return sent if isinstance(sent, str) else ""


def from_categories(context: Mapping[str, Any], categories: Mapping[str, str]) -> tuple[Consent, ...]:
    """A consent banner's categories as our purposes, on every channel (`*`).

    Where several categories stand for one purpose, all of them must agree.
    """
    said = context.get("consent")
    chosen = said.get("categoryPreferences") if said.__class__ is dict else None
    if chosen.__class__ is not dict:
        return ()
    states: dict[str, State] = {}
    for category, agreed in chosen.items():
        purpose = categories.get(category)
        state = state_of(agreed)
        if purpose is not None and state is not None and states.get(purpose) != "denied":
            states[purpose] = state
    return tuple(Consent("*", purpose, state) for purpose, state in sorted(states.items()))
