"""What Google's consent mode says of a person's choice.

Only a choice counts: a state that a page sets before it has asked (`p` and `t` of `gcd`) decides nothing.
Source: https://developers.google.com/tag-platform/security/guides/consent; the letters of `gcd` are not
documented by Google, they were read off its own tags.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import hub

Choice = dict[str, Literal["granted", "denied"]]
"""Google's kinds of consent → what the person chose."""

KINDS = ("ad_storage", "analytics_storage", "ad_user_data", "ad_personalization")
"""In the order of `gcd`."""
_ADS = ("ad_storage", "ad_user_data", "ad_personalization")

_GCD = re.compile(r"1[0-9a-z]([a-z])[0-9]([a-z])[0-9]([a-z])[0-9]([a-z])[0-9]?.*", re.ASCII)
_GCS = re.compile(r"G1([01])([01]).*", re.ASCII)
_LETTERS: Mapping[str, Literal["granted", "denied"]] = {
    "n": "granted",  # asked, without a state before
    "r": "granted",  # denied before
    "v": "granted",  # granted before
    "m": "denied",  # asked, without a state before
    "q": "denied",  # denied before
    "u": "denied",  # granted before
}
_WORDS: Mapping[Any, Literal["granted", "denied"]] = {
    "granted": "granted",
    "denied": "denied",
    True: "granted",
    False: "denied",
}


def from_codes(gcd: Any, gcs: Any) -> Choice:
    """The choice in `gcd`, which tells it from a preset; in `gcs` where a tag is too old for the other."""
    found = _GCD.fullmatch(gcd) if isinstance(gcd, str) else None
    if found is not None:
        letters = zip(KINDS, found.groups(), strict=True)
        return {kind: _LETTERS[letter] for kind, letter in letters if letter in _LETTERS}
    found = _GCS.fullmatch(gcs) if isinstance(gcs, str) else None
    if found is None:
        return {}
    ads, analytics = (_WORDS[digit == "1"] for digit in found.groups())
    return {"ad_storage": ads, "analytics_storage": analytics}


def from_words(said: Any) -> Choice:
    """The choice in an object of Google's kinds: `GRANTED`, `denied` or switches; anything else is none."""
    if not isinstance(said, dict):
        return {}
    words = {kind: said.get(kind) for kind in KINDS}
    states = {
        kind: _WORDS.get(word.lower() if isinstance(word, str) else word)
        for kind, word in words.items()
        if isinstance(word, str | bool)
    }
    return {kind: state for kind, state in states.items() if state is not None}


def consents(choice: Choice) -> tuple[hub.Consent, ...]:
    """The choice as consent to the purposes `analytics` and `advertising`, on every channel.

    Advertising is granted only where none of its kinds is denied.
    """
    found = []
    if "analytics_storage" in choice:
        found.append(hub.Consent("*", "analytics", choice["analytics_storage"]))
    ads = {choice[kind] for kind in _ADS if kind in choice}
    if ads:
        found.append(hub.Consent("*", "advertising", "denied" if "denied" in ads else "granted"))
    return tuple(found)
