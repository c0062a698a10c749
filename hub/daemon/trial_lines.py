"""What a line of a trial's file says: an event, a merge, something of a person, or how the engine runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hub.config.following import rules_alone
from hub.config.reading import near
from hub.errors import BadEvent, ConfigRefused, HubError
from hub.event import KINDS, STRONG_KINDS, Consent, Event, Identifier, Instant
from hub.schema import normalise
from hub.schema.times import time_of
from hub.store.port import Draft, Kind

PERSON = "person"
"""The kind of identifier that stands for a person of whom the file says who it is."""
SOURCE = "try"

_KINDS = ("event", "merge", "traits", "consent", "load", "down_until")
_EVENT = ("id", "person", "identifiers", "name", "time", "source", "props", "context", "historical")
_CONSENT = ("channel", "purpose", "state", "time")
_NO_LIMIT = 1_000_000


class LineRefused(HubError):
    """A line of the file cannot be used; the text says why."""


@dataclass(frozen=True)
class Line:
    """One line: an instant, and what happens then."""

    at: Instant
    draft: Draft | None = None
    person: str | None = None
    """Whom it speaks of, where the file says who that is."""
    down_until: Instant | None = None
    names: tuple[str, ...] = ()
    """Who become one."""


def line_of(said: Mapping[str, Any], number: int, folder: Path) -> Line:
    """What a line says; raises LineRefused."""
    at = _time(said, "at")
    kinds = [kind for kind in _KINDS if kind in said]
    if len(kinds) != 1:
        raise LineRefused(f"says none or several of {', '.join(_KINDS)}")
    [kind] = kinds
    of_person = kind in ("traits", "consent")
    _only(said, ("at", kind, "person") if of_person else ("at", kind), "")
    if of_person:
        return _of_person(at, said, kind, number)
    match kind:
        case "down_until":
            return _down(at, said)
        case "load":
            return Line(at, Draft(Kind.CONFIG, _loaded(folder / _text(said, "load"))))
        case "merge":
            return _merge(at, said["merge"])
        case _:
            return _event(at, said["event"], number)


def configuration(tables: Mapping[str, Any]) -> bytes:
    """A configuration of rules alone: everybody has an address, and nobody needs channels."""
    kinds = [{"name": PERSON, "strong": True, "max": _NO_LIMIT}]
    kinds += [
        {"name": kind, "strong": kind in STRONG_KINDS, "max": 1 if kind == "user_id" else 5} for kind in KINDS
    ]
    plan = {"identity": {"kinds": kinds}, "everyone": True}
    order = {"rules": list(tables["rules"])} if "rules" in tables else {}
    return json.dumps({"tables": tables, "order": order, "plan": plan}, default=str).encode()


def known(at: Instant, number: int | str, person: str) -> Event:
    """An event that says no more than that there is such a person."""
    return Event(
        id=f"line-{number}",
        type="identify",
        name="traits_updated",
        source=SOURCE,
        identifiers=(Identifier(PERSON, person),),
        occurred_at=at,
        trust="secret",
    )


def _loaded(path: Path) -> bytes:
    try:
        return configuration(rules_alone(path))
    except ConfigRefused as refused:
        raise LineRefused(f"'load': {refused}") from None


def _down(at: Instant, said: Mapping[str, Any]) -> Line:
    until = _time(said, "down_until")
    if until < at:
        raise LineRefused("'down_until' is earlier than 'at'")
    return Line(at, down_until=until)


def _of_person(at: Instant, said: Mapping[str, Any], kind: str, number: int) -> Line:
    person = _text(said, "person")
    event = known(at, number, person)
    if kind == "traits":
        event.traits = _object(said, "traits")
    else:
        event.name, event.type = "consent_changed", "track"
        event.consent, event.occurred_at = _consent(_object(said, "consent"), at)
    return Line(at, Draft(Kind.EVENT, msgspec.json.encode(event)), person)


def _consent(said: Mapping[str, Any], at: Instant) -> tuple[tuple[Consent, ...], Instant]:
    _only(said, _CONSENT, "consent: ")
    state = said.get("state")
    if state not in ("granted", "denied"):
        raise LineRefused("'state' must be granted or denied")
    decision = Consent(_text(said, "channel"), _text(said, "purpose"), state)
    return (decision,), at if said.get("time") is None else _time(said, "time")


def _merge(at: Instant, said: Any) -> Line:
    if not isinstance(said, dict):
        raise LineRefused("'merge' must be an object with 'from' and 'into'")
    _only(said, ("from", "into"), "merge: ")
    into, merged = _text(said, "into"), _text(said, "from")
    command = {"command": "merge", "into": [PERSON, into], "merged": [PERSON, merged]}
    return Line(at, Draft(Kind.COMMAND, msgspec.json.encode(command)), names=(into, merged))


def _event(at: Instant, said: Any, number: int) -> Line:
    if not isinstance(said, dict):
        raise LineRefused("'event' must be an object")
    _only(said, _EVENT, "event: ")
    person = _text(said, "person") if "person" in said else None
    if person is None and "identifiers" not in said:
        raise LineRefused("event: says neither 'person' nor 'identifiers'")
    historical = said.get("historical", False)
    if not isinstance(historical, bool):
        raise LineRefused("'historical' must be true or false")
    context = _object(said, "context")
    try:
        event = normalise(
            type="track",
            id=said.get("id") or f"line-{number}",
            name=_text(said, "name"),
            identifiers=() if person is not None else _identifiers(said),
            properties=_object(said, "props"),
            context=context,
            historical=historical,
        )
    except BadEvent as fault:
        raise LineRefused(fault.reason) from None
    # The file speaks our own schema already: what it says of the context is what rules read.
    event.context = {**event.context, **context}
    event.occurred_at = at if said.get("time") is None else _time(said, "time")
    event.source = SOURCE if said.get("source") is None else _text(said, "source")
    event.trust = "secret"
    if person is not None:
        event.identifiers = (Identifier(PERSON, person),)
    elif said["identifiers"] and not event.identifiers:
        raise LineRefused("'identifiers' holds none that can be used")
    return Line(at, Draft(Kind.EVENT, msgspec.json.encode(event)), person)


def _identifiers(said: Mapping[str, Any]) -> Mapping[str, Any]:
    identifiers = _object(said, "identifiers")
    _only(identifiers, KINDS, "identifiers: ")
    return identifiers


def _only(said: Iterable[str], allowed: tuple[str, ...], where: str) -> None:
    for key in said:
        if key not in allowed:
            raise LineRefused(f"{where}unknown key '{key}'; {near(key, allowed)}")


def _object(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = said.get(name)
    if value is None and name not in ("traits", "consent"):
        return {}
    if not isinstance(value, dict):
        raise LineRefused(f"'{name}' must be an object")
    return value


def _time(said: Mapping[str, Any], name: str) -> Instant:
    at = time_of(said.get(name))
    if at is None or at <= 0:
        raise LineRefused(f"'{name}' must be a time such as 2026-11-24T10:00:00.000Z")
    return at


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise LineRefused(f"'{name}' must be a text")
    return value
