"""What the engine works by, compiled from a configuration in the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import msgspec

from hub.event import Event, Instant, Profile
from hub.identity import IdentityRules, KindRule
from hub.rules import selector
from hub.store.port import Leg
from hub.store.sqlite.work import legs_text
from hub.telemetry import names

HUB = "hub"
"""The source of the hub's own events; a route takes them only where it names it."""


class Rules(Protocol):
    """What should follow from what: asked after each event of a person, and when a timer is due."""

    def decide(self, event: Event, profile: Profile) -> Instant | None:
        """What follows from an event; returns when to look at this person again, if at all."""
        ...

    def wake(self, profile: Profile, now: Instant) -> Instant | None:
        """What follows from time having passed; returns when to look again, if at all."""
        ...


class NoRules:
    """A configuration without rules: nothing follows but routes."""

    def decide(self, event: Event, profile: Profile) -> Instant | None:
        return None

    def wake(self, profile: Profile, now: Instant) -> Instant | None:
        return None


class _Route(msgspec.Struct):
    name: str
    sink: str
    lane: str
    actions: dict[str, str]
    when: str | None
    sources: list[str] | None = msgspec.field(name="from")


class _Kind(msgspec.Struct):
    name: str
    strong: bool
    max: int


class _Identity(msgspec.Struct):
    kinds: list[_Kind] = []
    blocked: list[str] = []


class _Plan(msgspec.Struct):
    routes: list[_Route] = []
    identity: _Identity = msgspec.field(default_factory=_Identity)


class _Resolved(msgspec.Struct):
    plan: _Plan = msgspec.field(default_factory=_Plan)


_decode = msgspec.json.Decoder(_Resolved).decode


class Planned(NamedTuple):
    """Deliveries that were decided: as the outbox names them, and as they are counted."""

    legs: str
    counted: tuple[tuple[str, ...], ...]


_Candidate = tuple[Leg, Callable[[Event], bool] | None]


@dataclass
class Definitions:
    """Routes and rules, ready to be asked; the same configuration always gives the same answers."""

    identity: IdentityRules = field(default_factory=IdentityRules)
    rules: Rules = field(default_factory=NoRules)
    routes: list[tuple[_Route, Any]] = field(default_factory=list)
    _candidates: dict[tuple[str, str, str], tuple[_Candidate, ...]] = field(default_factory=dict)
    _plans: dict[tuple[Leg, ...], Planned] = field(default_factory=dict)

    @classmethod
    def of(cls, resolved: bytes) -> Definitions:
        """From the body of a CONFIG entry."""
        plan = _decode(resolved).plan
        kinds = {kind.name: KindRule(kind.strong, kind.max) for kind in plan.identity.kinds}
        routes = [(route, selector(route.when) if route.when else None) for route in plan.routes]
        return cls(IdentityRules.of(kinds, plan.identity.blocked), routes=routes)

    def plan(self, event: Event) -> Planned | None:
        """The deliveries that an event takes by routes; None for none."""
        key = (event.source, event.name, event.type)
        candidates = self._candidates.get(key)
        if candidates is None:
            if len(self._candidates) > 10_000:
                self._candidates.clear()
            candidates = self._candidates[key] = self._open_to(event)
        taken = tuple(leg for leg, matches in candidates if matches is None or matches(event))
        if not taken:
            return None
        plan = self._plans.get(taken)
        if plan is None:
            legs = _once_each(taken)
            counted = tuple((names.DELIVERIES_PLANNED.name, leg.sink, leg.action) for leg in legs)
            plan = self._plans[taken] = Planned(legs_text(legs), counted)
        return plan

    def _open_to(self, event: Event) -> tuple[_Candidate, ...]:
        """The routes that events of this source, name and type may take."""
        found: list[_Candidate] = []
        for route, when in self.routes:
            action = route.actions.get(event.type)
            named = event.source in route.sources if route.sources is not None else event.source != HUB
            selected = when is None or when.names is None or event.name in when.names
            if action is not None and named and selected:
                leg = Leg(route.sink, action, route.lane, route.name)
                found.append((leg, None if when is None else when.matches))
        return tuple(found)


def _once_each(legs: tuple[Leg, ...]) -> list[Leg]:
    """One delivery per action of a sink, whichever routes lead there; the first one names it."""
    kept: dict[tuple[str, str], Leg] = {}
    for leg in legs:
        kept.setdefault((leg.sink, leg.action), leg)
    return list(kept.values())
