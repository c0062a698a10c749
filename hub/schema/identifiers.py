"""Identifiers from what senders write: numbers as text, e-mail in lower case, phone numbers in E.164.

A value that names nobody (empty, null, true, a list) is left out. So is a phone number that cannot be told
apart from the same number in another country: written without `+` or `00` and without a known country.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from hub.errors import BadEvent
from hub.event import Identifier
from hub.schema.names import MAX_NAME

_FORMED = frozenset({"email", "phone"})
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_phones: dict[tuple[str, str | None], str] = {}


def identifiers_of(pairs: Iterable[tuple[str, Any]], country: Any = None) -> tuple[Identifier, ...]:
    """The identifiers in (kind, value) pairs, each once, in their order."""
    kept: list[Identifier] = []
    kinds: set[str] = set()
    for kind, sent in pairs:
        if sent is None:
            continue
        if sent.__class__ is str and sent.isascii() and sent.isprintable():
            value = sent.strip()
        else:
            value = text_of(sent)
        if value and kind in _FORMED:
            value = _formed(kind, value, country)
        if value:
            if len(value) > MAX_NAME:
                raise BadEvent(f"an identifier is longer than {MAX_NAME} characters")
            identifier = Identifier(kind, value)
            if kind not in kinds or identifier not in kept:
                kept.append(identifier)
                kinds.add(kind)
    return tuple(kept)


def _formed(kind: str, value: str, country: Any) -> str:
    if len(value) > MAX_NAME:
        raise BadEvent(f"an identifier is longer than {MAX_NAME} characters")
    if kind == "phone":
        return _phone(value, country if isinstance(country, str) else None)
    value = value.lower()
    return value if _EMAIL.fullmatch(value) else ""


def value_of(kind: str, sent: Any, country: str | None = None) -> str | None:
    """One identifier's value as it is compared; None where it names nobody."""
    found = identifiers_of(((kind, sent),), country)
    return found[0].value if found else None


def text_of(sent: Any) -> str:
    """Text or a number as text; empty for everything else."""
    kind = sent.__class__
    if kind is str:
        text: str = sent.strip()
        return text if text.isascii() and "\0" not in text else _plain(text)
    if kind is int:
        return str(sent) if -(10**300) < sent < 10**300 else ""
    if kind is float and sent == sent and abs(sent) != float("inf"):
        return str(int(sent)) if sent.is_integer() and abs(sent) < 1e18 else repr(sent)
    return ""


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()


def _phone(value: str, country: str | None) -> str:
    known = _phones.get((value, country))
    if known is None:
        known = _parsed(value, country)
        if len(_phones) >= 4096:
            _phones.clear()
        _phones[value, country] = known
    return known


def _parsed(value: str, country: str | None) -> str:
    # The numbering plans of the world take a while to load; most events carry no phone number.
    import phonenumbers

    value = f"+{value[2:]}" if value.startswith("00") else value
    try:
        number = phonenumbers.parse(value, country.upper() if country else None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
