"""What the engine works by, compiled from a configuration in the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from hub.config.following import RULE_TABLES
from hub.config.resolved import in_stored_order
from hub.event import Event, Instant
from hub.identity import IdentityRules, KindRule
from hub.rules import Age, Expressed, Send, compile, express, selector
from hub.rules import Definitions as Rules
from hub.store.port import Leg
from hub.store.sqlite.work import legs_text
from hub.telemetry import names
from hub.templates import Templates
from hub.templates import compile as compile_templates

HUB = "hub"
"""The source of the hub's own events; a route takes them only where it names it."""
SYNC = "sync"
"""The class of what syncs tell."""


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
    protected: list[str] = []


class _Target(msgspec.Struct):
    sink: str
    action: str


class _Sync(msgspec.Struct):
    name: str
    sink: str
    action: str
    fields: dict[str, str]
    every: int


class _Plan(msgspec.Struct):
    routes: list[_Route] = []
    identity: _Identity = msgspec.field(default_factory=_Identity)
    channels: dict[str, list[_Target]] = {}
    vias: dict[str, _Target] = {}
    syncs: list[_Sync] = []
    everyone: bool = False
    """Everybody has an address on every channel: rules are only tried out."""


class _Resolved(msgspec.Struct):
    plan: _Plan = msgspec.field(default_factory=_Plan)


_decode = msgspec.json.Decoder(_Resolved).decode
_ages = msgspec.json.Decoder(dict[str, Age]).decode


class Planned(NamedTuple):
    """Deliveries that were decided: as the outbox names them, and as they are counted."""

    legs: str
    counted: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Sync:
    """One `[sync.NAME]`, ready to be asked."""

    name: str
    sink: str
    action: str
    legs: str
    """The delivery that it takes, as the outbox names it."""
    fields: dict[str, Expressed]
    every: int
    """The shortest distance between two for one person, in microseconds."""


_Candidate = tuple[Leg, Callable[[Event], bool] | None]


@dataclass
class Definitions:
    """Routes and rules, ready to be asked; the same configuration always gives the same answers."""

    identity: IdentityRules = field(default_factory=IdentityRules)
    rules: Rules = field(default_factory=lambda: compile({}, 0))
    versions: dict[str, str] = field(default_factory=dict)
    """Each rule's version: a hash of its text."""
    routes: list[tuple[_Route, Any]] = field(default_factory=list)
    messages: _Plan = field(default_factory=_Plan)
    syncs: tuple[Sync, ...] = ()
    templates: dict[str, Any] = field(default_factory=dict)
    """`[templates]` as it is written, files read."""
    _candidates: dict[tuple[str, str, str], tuple[_Candidate, ...]] = field(default_factory=dict)
    _plans: dict[tuple[Leg, ...], Planned] = field(default_factory=dict)
    _single: dict[Leg, str] = field(default_factory=dict)

    @classmethod
    def of(cls, resolved: bytes, at: Instant, ages: str = "{}") -> Definitions:
        """From the body of a CONFIG entry that is in force since an instant.

        `ages` say since when each rule of the configuration before was in force.
        """
        plan = _decode(resolved).plan
        kinds = {kind.name: KindRule(kind.strong, kind.max) for kind in plan.identity.kinds}
        routes = [(route, selector(route.when) if route.when else None) for route in plan.routes]
        tables = in_stored_order(resolved)
        rules = tables.get("rules", {})
        return cls(
            identity=IdentityRules.of(kinds, plan.identity.blocked),
            rules=compile(
                {name: tables[name] for name in RULE_TABLES if name in tables},
                at,
                _ages(ages.encode()),
                protected=plan.identity.protected,
            ),
            versions={name: _version(rule) for name, rule in rules.items()},
            routes=routes,
            messages=plan,
            syncs=tuple(_sync(one, tables, plan.identity.protected) for one in plan.syncs),
            templates=tables.get("templates", {}),
        )

    @cached_property
    def words(self) -> Templates:
        """The templates, read when the first message wants to say something."""
        return compile_templates(self.templates)

    @property
    def ages(self) -> str:
        """Since when each rule is in force, for the definitions that come after these."""
        return msgspec.json.encode(self.rules.ages).decode()

    @property
    def changed_at(self) -> Instant:
        """When a pattern was last new or edited."""
        return max((rule.age.edited_at for rule in self.rules.rules), default=0)

    def targets(self, send: Send) -> list[str]:
        """The actions that take a message, the next where the one before gives up; none where all are off."""
        via = self.messages.vias.get(send.via)
        by_channel = [] if send.via else self.messages.channels.get(send.channel, [])
        listed = by_channel if via is None else [via]
        return [f"{target.sink}.{target.action}" for target in listed]

    def legs_of(self, leg: Leg) -> str:
        """One delivery, as the outbox names it."""
        text = self._single.get(leg)
        if text is None:
            text = self._single[leg] = legs_text([leg])
        return text

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


def _sync(said: _Sync, tables: dict[str, Any], protected: list[str]) -> Sync:
    events = tables.get("events", {})
    fields = {name: express(text, events, protected=protected) for name, text in said.fields.items()}
    legs = legs_text([Leg(said.sink, said.action, SYNC, said.name)])
    return Sync(said.name, said.sink, said.action, legs, fields, said.every)


def _version(rule: Any) -> str:
    return blake2b(msgspec.json.encode(rule, order="deterministic"), digest_size=6).hexdigest()


def _once_each(legs: tuple[Leg, ...]) -> list[Leg]:
    """One delivery per action of a sink, whichever routes lead there; the first one names it."""
    kept: dict[tuple[str, str], Leg] = {}
    for leg in legs:
        kept.setdefault((leg.sink, leg.action), leg)
    return list(kept.values())
