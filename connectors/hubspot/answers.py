"""What HubSpot's answers say: what arrived, what was refused, and why.

Every field of an error may be missing. https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hub

_WORD = re.compile(r"[A-Za-z][\w.$:-]{0,99}", re.ASCII)
_RECORD = re.compile(r"\d{1,20}", re.ASCII)
_EXISTING = re.compile(r"Existing ID: (\d{1,20})\b")
_ALREADY = re.compile(r"\bis already (un)?subscribed\b")
_MISSING = "PROPERTY_DOESNT_EXIST"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that HubSpot did not take: the kind of error, what exactly, and of which inputs it speaks."""

    category: str
    details: tuple[tuple[str, str], ...]
    """Code and property, each empty where it is not said."""
    inputs: frozenset[str]
    """Trace ids, and the values by which contacts are known."""

    @property
    def missing(self) -> frozenset[str]:
        """Contact properties that the account does not have."""
        return frozenset(name for code, name in self.details if code == _MISSING and name)

    @property
    def conflicts(self) -> bool:
        """Somebody else has this already."""
        return self.category in ("CONFLICT", "OBJECT_ALREADY_EXISTS")

    @property
    def passes(self) -> bool:
        """It is worth trying again as it is."""
        return self.category in ("RATE_LIMITS", "INTERNAL_ERROR")

    def __str__(self) -> str:
        # The vendor's `message` may quote what was sent, so it is left where it is.
        said = [f"{code or 'refused'} at {name}" if name else code for code, name in self.details]
        parts = dict.fromkeys(part for part in (self.category, *said) if part)
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact in an answer."""

    id: str
    trace: str
    properties: dict[str, Any]


def refusal(answer: Any) -> Refusal:
    """What the answer to a refused request says was wrong."""
    body = _body(answer)
    return _refusal(body)


def refusals(answer: hub.Response) -> list[Refusal]:
    """What a partly fine answer (207) says was wrong with single inputs."""
    return [_refusal(error) for error in _dicts(_body(answer).get("errors"))]


def contacts_in(answer: hub.Response) -> Iterator[Contact]:
    """The contacts that an answer is about."""
    for result in _dicts(_body(answer).get("results")):
        known, trace, said = (result.get(name) for name in ("id", "objectWriteTraceId", "properties"))
        if isinstance(known, str) and _RECORD.fullmatch(known):
            yield Contact(
                known, trace if isinstance(trace, str) else "", said if isinstance(said, dict) else {}
            )


def existing(answer: Any) -> str | None:
    """The contact that is in the way of a new one; None where the answer names none."""
    found = _EXISTING.search(_message(answer))
    return found[1] if found is not None else None


def is_already_so(answer: Any) -> bool:
    """Somebody is subscribed or unsubscribed already."""
    return _ALREADY.search(_message(answer)) is not None


def scopes(answer: hub.Response) -> list[str]:
    """The scopes that the token lacks."""
    found: dict[str, None] = {}
    for error in (_body(answer), *_dicts(_body(answer).get("errors"))):
        for name in ("requiredGranularScopes", "requiredScopes"):
            found |= dict.fromkeys(word for said in _texts(_context(error, name)) if (word := _plain(said)))
    return list(found)


def policy(answer: hub.Response) -> str:
    """Which limit was reached: TEN_SECONDLY_ROLLING, SECONDLY, DAILY …; empty where it is not said."""
    return _plain(_body(answer).get("policyName"))


def ids_missing(answer: hub.Response) -> frozenset[str]:
    """The contacts that a list could not take because they are no longer there."""
    return frozenset(_texts(_body(answer).get("recordIdsMissing")))


def _refusal(said: dict[str, Any]) -> Refusal:
    details = [
        (_plain(error.get("code")), name)
        for error in _dicts(said.get("errors"))
        for name in _names(error) or [""]
    ]
    # Some answers say it only inside the message, as JSON behind the words.
    details += [(_plain(one.get("error")), _plain(one.get("name"))) for one in _inside(said.get("message"))]
    found = dict.fromkeys(one for one in details if any(one))
    named = ("objectWriteTraceId", "ids", "id")
    errors = (said, *_dicts(said.get("errors")))
    inputs = {text for error in errors for name in named for text in _texts(_context(error, name))}
    return Refusal(_plain(said.get("category")), tuple(found), frozenset(inputs))


def _names(error: dict[str, Any]) -> list[str]:
    """The properties that an error speaks of."""
    said = [*_texts(_context(error, "propertyName")), *_texts(error.get("in"))]
    return list(dict.fromkeys(word for one in said if (word := _plain(one))))


def _inside(message: Any) -> Iterator[dict[str, Any]]:
    start = message.find("[{") if isinstance(message, str) else -1
    if start < 0:
        return
    try:
        said, _ = json.JSONDecoder().raw_decode(message, start)
    except (ValueError, RecursionError):
        return
    yield from _dicts(said)


def _message(answer: Any) -> str:
    said = _body(answer).get("message")
    return said if isinstance(said, str) else ""


def _body(answer: Any) -> dict[str, Any]:
    body = answer.json() if isinstance(answer, hub.Response) else None
    return body if isinstance(body, dict) else {}


def _context(error: dict[str, Any], name: str) -> Any:
    context = error.get("context")
    return context.get(name) if isinstance(context, dict) else None


def _dicts(said: Any) -> list[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def _texts(said: Any) -> list[str]:
    if isinstance(said, str):
        return [said]
    return [one for one in said if isinstance(one, str)] if isinstance(said, list) else []


def _plain(said: Any) -> str:
    return said if isinstance(said, str) and _WORD.fullmatch(said) else ""
