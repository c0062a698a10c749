"""Rules tried out: lines of a file go through the real journal and engine on a driven clock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from hub.config.following import rules_alone
from hub.daemon.virtual import VirtualHouse
from hub.errors import BadEvent, HubError
from hub.event import KINDS, STRONG_KINDS, Consent, Event, Identifier, Instant, iso, person_text
from hub.schema import normalise
from hub.schema.times import time_of
from hub.store.port import Decision, Draft, Kind

PERSON = "person"
"""The kind of identifier that stands for a person of whom the file says who it is."""
SOURCE = "try"
_KINDS = ("event", "merge", "traits", "consent", "load", "down_until")
_NO_LIMIT = 1_000_000
_BEFORE = 1_000_000
"""How long before its first line a trial begins: a second."""


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
    names: tuple[str, ...] = field(default=())


def line_of(said: Mapping[str, Any], number: int, folder: Path) -> Line:
    """What a line says; raises LineRefused, or ConfigRefused for a rules file that it names."""
    at = _time(said, "at")
    kinds = [kind for kind in _KINDS if kind in said]
    if len(kinds) != 1:
        raise LineRefused(f"says none or several of {', '.join(_KINDS)}")
    [kind] = kinds
    if kind == "down_until":
        return Line(at, down_until=_time(said, "down_until"))
    if kind == "load":
        return Line(at, Draft(Kind.CONFIG, configuration(rules_alone(folder / _text(said, "load")))))
    if kind == "merge":
        return _merge(at, said["merge"])
    if kind == "event":
        return _event(at, said["event"], number)
    person = _text(said, "person")
    event = _said(at, number, person)
    if kind == "traits":
        if not isinstance(said["traits"], dict):
            raise LineRefused("'traits' must be an object")
        event.traits = said["traits"]
    else:
        event.name, event.type = "consent_changed", "track"
        event.consent, event.occurred_at = _consent(said["consent"], at)
    return Line(at, Draft(Kind.EVENT, msgspec.json.encode(event)), person)


def configuration(tables: Mapping[str, Any]) -> bytes:
    """A configuration of rules alone: everybody has an address, and nobody needs channels."""
    kinds = [{"name": PERSON, "strong": True, "max": _NO_LIMIT}]
    kinds += [
        {"name": kind, "strong": kind in STRONG_KINDS, "max": 1 if kind == "user_id" else 5} for kind in KINDS
    ]
    plan = {"identity": {"kinds": kinds}, "everyone": True}
    order = {"rules": list(tables["rules"])} if "rules" in tables else {}
    return json.dumps({"tables": tables, "order": order, "plan": plan}, default=str).encode()


class Trial:
    """Plays lines and tells what was decided, under the names that the file uses."""

    def __init__(self, folder: Path, rules: Mapping[str, Any], *, start: Instant) -> None:
        self._house = VirtualHouse(folder, start=start - _BEFORE)
        self._house.configure(configuration(rules), start - _BEFORE)
        self._down_until: Instant = 0
        self._names: dict[int, str] = {}
        self._unmet: set[str] = set()
        self._told = 0

    def play(self, together: Sequence[Line]) -> None:
        """The lines of one instant: all of them are known before any wait that ends at it."""
        at = together[0].at
        if self._down_until and at >= self._down_until:
            self._up()
        drafts = [draft for line in together for draft in self._drafts(line)]
        if self._down_until:
            self._house.accept_down(drafts, at)
        elif drafts:
            self._house.accept(drafts, at)
        for line in together:
            if line.down_until is not None:
                self._house.forward(at)
                self._down_until = line.down_until
        self._meet(name for line in together for name in line.names or (line.person,) if name)

    def _drafts(self, line: Line) -> Iterator[Draft]:
        """What a line puts into the journal; whoever is merged is known before, be it by name alone."""
        known = self._house.state.owners([Identifier(PERSON, name) for name in line.names])
        for name in line.names:
            if Identifier(PERSON, name) not in known:
                yield Draft(Kind.EVENT, msgspec.json.encode(_said(line.at, name, name)))
        if line.draft is not None:
            yield line.draft

    def finish(self, until: Instant) -> None:
        """Time passes until the end; timers due by then are decided."""
        if self._down_until and until >= self._down_until:
            self._up()
        if not self._down_until:
            self._house.forward(until)

    def decided(self) -> Iterator[dict[str, Any]]:
        """What was decided since the last time, in order."""
        while decisions := self._house.state.decisions_since(self._told, 500):
            self._told = decisions[-1][0]
            for _, decision in decisions:
                yield self._row(decision)

    def traits(self) -> Iterator[dict[str, Any]]:
        """What is known of everybody."""
        for profile in self._house.state.all_profiles():
            traits = {name: trait.value for name, trait in sorted(profile.traits.items())}
            yield {"kind": "traits", "person": self._name(profile.id), "traits": traits}

    def close(self) -> None:
        """Closes the house."""
        self._house.close()

    def _up(self) -> None:
        self._house.resume(self._down_until)
        self._down_until = 0
        unmet, self._unmet = self._unmet, set()
        self._meet(unmet)

    def _meet(self, names: Iterable[str]) -> None:
        """Remembers under which name the file knows each person; the first one stays."""
        wanted = [Identifier(PERSON, name) for name in names]
        owners = self._house.state.owners(wanted)
        for one in wanted:
            owner = owners.get(one)
            if owner is None:
                self._unmet.add(one.value)
            else:
                self._names.setdefault(owner, one.value)

    def _name(self, person: int) -> str:
        return self._names.get(person) or person_text(person)

    def _row(self, decision: Decision) -> dict[str, Any]:
        row: dict[str, Any] = {"kind": "fire", "at": iso(decision.at)}
        if decision.message:
            row |= {"kind": "message", "person": self._name(decision.person), "message": decision.message}
            row["status"] = decision.outcome
        else:
            row |= {"rule": decision.rule, "person": self._name(decision.person)}
            if decision.outcome == "skipped":
                row["kind"] = "skip"
        if decision.reason:
            row["reason"] = decision.reason
        if decision.key:
            row["key"] = decision.key
        if decision.outcome == "sent" and decision.variables:
            row |= {"template": decision.template, "vars": decision.variables}
        return row


def _said(at: Instant, number: int | str, person: str) -> Event:
    return Event(
        id=f"line-{number}",
        type="identify",
        name="traits_updated",
        source=SOURCE,
        identifiers=(Identifier(PERSON, person),),
        occurred_at=at,
        trust="secret",
    )


def _event(at: Instant, said: Any, number: int) -> Line:
    if not isinstance(said, dict):
        raise LineRefused("'event' must be an object")
    person = said.get("person")
    if person is not None and not isinstance(person, str):
        raise LineRefused("'person' must be a text")
    context = said.get("context") or {}
    try:
        event = normalise(
            type="track",
            id=said.get("id") or f"line-{number}",
            name=_text(said, "name"),
            identifiers=() if person is not None else said.get("identifiers") or {},
            properties=said.get("props") or {},
            context=context,
            historical=said.get("historical") is True,
        )
    except BadEvent as fault:
        raise LineRefused(fault.reason) from None
    # The file speaks our own schema already: what it says of the context is what rules read.
    event.context = {**event.context, **context}
    event.occurred_at = time_of(said["time"]) if said.get("time") is not None else at
    event.source, event.trust = str(said.get("source") or SOURCE), "secret"
    if person is not None:
        event.identifiers = (Identifier(PERSON, person),)
    return Line(at, Draft(Kind.EVENT, msgspec.json.encode(event)), person)


def _merge(at: Instant, said: Any) -> Line:
    if not isinstance(said, dict):
        raise LineRefused("'merge' must be an object with 'from' and 'into'")
    into, merged = _text(said, "into"), _text(said, "from")
    command = {"command": "merge", "into": [PERSON, into], "merged": [PERSON, merged]}
    return Line(at, Draft(Kind.COMMAND, msgspec.json.encode(command)), names=(into, merged))


def _consent(said: Any, at: Instant) -> tuple[tuple[Consent, ...], Instant]:
    if not isinstance(said, dict) or said.get("state") not in ("granted", "denied"):
        raise LineRefused("'consent' must be an object with channel, purpose and state (granted or denied)")
    decision = Consent(_text(said, "channel"), _text(said, "purpose"), said["state"])
    return (decision,), time_of(said.get("time")) or at


def _time(said: Mapping[str, Any], name: str) -> Instant:
    at = time_of(said.get(name))
    if at is None:
        raise LineRefused(f"'{name}' must be a time such as 2026-11-24T10:00:00.000Z")
    return at


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise LineRefused(f"'{name}' must be a text")
    return value
