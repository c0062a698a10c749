"""From the tables of rule files to definitions, or to all their faults at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from hub.errors import ConfigFault, ConfigRefused, RuleFault
from hub.event import Instant
from hub.option import duration
from hub.rules.branches import Branches
from hub.rules.condition_grammar import ACTIVITY, Names, read_condition, read_selector
from hub.rules.conditions import Compiler, Read, Test, event_reader
from hub.rules.definitions import Age, Alternative, Definitions, Key, Rule, Send, Span, id_of, span_of
from hub.rules.pattern_grammar import read_pattern, read_repeat
from hub.rules.sinces import refuse_numbers
from hub.rules.situation import SituationScope, is_zone
from hub.rules.tokens import nearest
from hub.rules.tree import Pattern, Repeat
from hub.schema import fold

_TABLES_TO_COME = ("segments", "traits", "journeys", "groups", "caps", "quiet", "pools", "test")
_SETTINGS = ("grace", "fresh", "repeat", "expires", "timezone", "consent")
_SETTINGS_TO_COME = ("collapse",)
_RULE = ("when", "if", "by", "repeat", "restart", "grace", "fresh", "priority", "send", "enabled")
_FOR_PEOPLE = ("title", "description", "tags")
_RULE_TO_COME = ("unless", "emit", "set", "group", "value", "purpose", "holdout", "goal", "credit")
_SEND = ("channel", "template", "via", "purpose", "expires", "vars", "needs", "fallback")
_SEND_TO_COME = ("between",)


def compile(
    tables: Mapping[str, Any],
    activated_at: Instant,
    former: Mapping[str, Age] | None = None,
    *,
    protected: Iterable[str] = (),
) -> Definitions:
    """The definitions of a configuration that takes effect at an instant.

    `tables` are those of plugins.toml and its included files; `former` are the `ages` of the
    definitions before; `protected` are folded names of events that complete nothing and sum nothing under
    a public key. Raises ConfigRefused with every fault, each under its dotted key.
    """
    reading = _Reading(former or {}, activated_at, frozenset(protected))
    definitions = reading.definitions(tables)
    if reading.faults:
        raise ConfigRefused(reading.faults)
    return definitions


@dataclass(frozen=True)
class _Defaults:
    grace: Span
    fresh: Span
    repeat: str
    expires: Span


@dataclass
class _Reading:
    """One reading of all tables; faults are gathered, not raised."""

    former: Mapping[str, Age]
    activated_at: Instant
    protected: frozenset[str]
    faults: list[ConfigFault] = field(default_factory=list)
    names: Names = field(default_factory=Names)

    def definitions(self, tables: Mapping[str, Any]) -> Definitions:
        """Everything that the tables define."""
        for name in _TABLES_TO_COME:
            if name in tables:
                self.fault(name, "is not there yet; leave the table out")
        settings = self.table(tables.get("settings", {}), "settings")
        self.only(settings, "settings", _SETTINGS, _SETTINGS_TO_COME)
        self.names = Names(self._events(tables), self._places(tables))
        self._check_events()
        defaults = _Defaults(
            self.span(settings, "settings", "grace", "15s"),
            self.span(settings, "settings", "fresh", "6h"),
            self.text(settings, "settings", "repeat", "1d"),
            self.span(settings, "settings", "expires", "24h"),
        )
        self.repeat(defaults.repeat, "settings.repeat")
        return Definitions(
            self.activated_at,
            self._rules(tables, defaults),
            self._timezone(settings),
            self._consent(settings),
        )

    def fault(self, key: str, problem: str) -> None:
        """Notes what is wrong at a dotted key."""
        self.faults.append(ConfigFault("", 0, key, problem))

    def table(self, value: Any, key: str) -> Mapping[str, Any]:
        """A value that must be a table."""
        if isinstance(value, Mapping):
            return value
        self.fault(key, f"must be a table; write [{key}]")
        return {}

    def only(self, table: Mapping[str, Any], key: str, known: Iterable[str], to_come: Iterable[str]) -> None:
        """Notes each option that is not known."""
        for name in table:
            if name in to_come:
                self.fault(f"{key}.{name}", "is not there yet; leave it out")
            elif name not in known:
                hint = nearest(name, tuple(known)) or f"; write one of {', '.join(known)}"
                self.fault(f"{key}.{name}", f"unknown option{hint}")

    def text(self, table: Mapping[str, Any], key: str, name: str, default: str = "") -> str:
        """An option that is a text."""
        value = table.get(name, default)
        if isinstance(value, str):
            return value
        self.fault(f"{key}.{name}", "must be a text")
        return default

    def span(self, table: Mapping[str, Any], key: str, name: str, default: Span | str) -> Span:
        """An option that is a duration."""
        value = table.get(name, default)
        if value is default and isinstance(value, int):
            return value
        try:
            return span_of(duration(value))
        except (ValueError, TypeError):
            self.fault(f"{key}.{name}", f"{value!r} is not a duration; write 90s, 15m, 1h30m, 24h, 30d or 2w")
            return 0

    def flag(self, table: Mapping[str, Any], key: str, name: str) -> bool:
        """An option that is true or false, and true where nothing is said."""
        value = table.get(name, True)
        if not isinstance(value, bool):
            self.fault(f"{key}.{name}", "must be true or false")
        return value is not False

    def repeat(self, text: str, key: str) -> Repeat:
        """A `repeat`."""
        try:
            return read_repeat(text)
        except RuleFault as fault:
            self.fault(key, str(fault))
            return Repeat(None, None)

    def _events(self, tables: Mapping[str, Any]) -> dict[str, str]:
        table = self.table(tables.get("events", {}), "events")
        for name, text in table.items():
            if not isinstance(text, str):
                self.fault(f"events.{name}", "must be a selector, as text")
        return {name: text for name, text in table.items() if isinstance(text, str)}

    def _check_events(self) -> None:
        for name, text in self.names.events.items():
            try:
                Branches(self.names.places).selector(read_selector(text, self.names))
            except RuleFault as fault:
                self.fault(f"events.{name}", str(fault))

    def _places(self, tables: Mapping[str, Any]) -> dict[str, dict[str, tuple[float, float]]]:
        found: dict[str, dict[str, tuple[float, float]]] = {}
        for name, table in self.table(tables.get("places", {}), "places").items():
            found[name] = {}
            for place, position in self.table(table, f"places.{name}").items():
                if _is_position(position):
                    found[name][place] = (float(position[0]), float(position[1]))
                else:
                    self.fault(
                        f"places.{name}.{place}", "must be [latitude, longitude], such as [52.52, 13.38]"
                    )
        return found

    def _timezone(self, settings: Mapping[str, Any]) -> str:
        name = self.text(settings, "settings", "timezone", "UTC")
        if not is_zone(name):
            self.fault("settings.timezone", f"'{name}' is not a time zone; write one such as Europe/Berlin")
        return name

    def _consent(self, settings: Mapping[str, Any]) -> str:
        state = self.text(settings, "settings", "consent", "unknown")
        states = ("unknown", "granted", "denied")
        if state not in states:
            self.fault("settings.consent", f"'{state}' is not a state; write one of {', '.join(states)}")
        return state

    def _rules(self, tables: Mapping[str, Any], defaults: _Defaults) -> tuple[Rule, ...]:
        found: list[Rule] = []
        taken: dict[int, str] = {}
        for order, (name, value) in enumerate(self.table(tables.get("rules", {}), "rules").items()):
            table = self.table(value, f"rules.{name}")
            rule = _RuleReading(self, defaults, name, table).rule(order)
            if rule is None:
                continue
            for number in (rule.id, *(each.id for each in rule.alternatives)):
                if number in taken:
                    self.fault(
                        f"rules.{name}", f"cannot be told apart from '{taken[number]}'; rename one of them"
                    )
                taken[number] = name
            if self.flag(table, f"rules.{name}", "enabled"):
                found.append(rule)
        return tuple(found)


def _is_position(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return False
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in value):
        return False
    return bool(abs(value[0]) <= 90 and abs(value[1]) <= 180)


@dataclass
class _RuleReading:
    """Reads one table `[rules.name]`."""

    reading: _Reading
    defaults: _Defaults
    name: str
    table: Mapping[str, Any]

    def rule(self, order: int) -> Rule | None:
        """The rule, or None where something of it is wrong."""
        before = len(self.reading.faults)
        self.reading.only(self.table, self._at(), (*_RULE, *_FOR_PEOPLE), _RULE_TO_COME)
        self._check_for_people()
        pattern = self._pattern()
        by = self._by()
        rule = Rule(
            name=self.name,
            id=id_of(self.name),
            order=order,
            age=self._age(pattern),
            priority=self._priority(),
            condition=None,
            by=by,
            repeat=self.reading.repeat(
                self.reading.text(self.table, self._at(), "repeat", self.defaults.repeat), self._at("repeat")
            ),
            restart=self.reading.flag(self.table, self._at(), "restart"),
            grace=self.reading.span(self.table, self._at(), "grace", self.defaults.grace),
            fresh=self.reading.span(self.table, self._at(), "fresh", self.defaults.fresh),
            sends=(),
        )
        branches = Branches(self.reading.names.places, self.reading.protected)
        rule.alternatives = self._alternatives(branches, rule, pattern)
        compiler = Compiler(
            SituationScope(
                branches.called,
                self.reading.names.places,
                keyed="by" in self.table,
                protected=self.reading.protected,
            ),
            self.reading.names.places,
        )
        rule.condition = self._condition(compiler)
        rule.sends = self._sends(compiler)
        return rule if len(self.reading.faults) == before else None

    def _at(self, *parts: str) -> str:
        return ".".join(("rules", self.name, *parts))

    def _fault(self, part: str, problem: object) -> None:
        self.reading.fault(self._at(part), str(problem))

    def _check_for_people(self) -> None:
        for name in ("title", "description"):
            self.reading.text(self.table, self._at(), name)
        tags = self.table.get("tags", [])
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            self._fault("tags", "must be a list of texts, such as ['cart', 'revenue']")

    def _pattern(self) -> Pattern:
        """The tree of `when`; without branches where it cannot be read, so that the rest is read too."""
        text = self.table.get("when")
        if not isinstance(text, str):
            self._fault("when", "required: the moments at which something happened, such as: product_added")
            return Pattern(())
        try:
            return read_pattern(text, self.reading.names)
        except RuleFault as fault:
            self._fault("when", fault)
            return Pattern(())

    def _alternatives(self, branches: Branches, rule: Rule, pattern: Pattern) -> tuple[Alternative, ...]:
        found: list[Alternative] = []
        for place, branch in enumerate(pattern.branches):
            try:
                found.append(branches.alternative(rule, place, branch))
            except RuleFault as fault:
                self._fault("when", fault)
        return tuple(found)

    def _age(self, pattern: Pattern) -> Age:
        said = repr((pattern, self.table.get("by"), self.table.get("restart", True)))
        text = blake2b(said.encode(), digest_size=8).hexdigest()
        now = self.reading.activated_at
        former = self.reading.former.get(self.name)
        if former is None:
            return Age(now, now, text)
        return former if former.pattern == text else Age(former.activated_at, now, text)

    def _priority(self) -> float:
        value = self.table.get("priority", 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._fault("priority", "must be a number")
            return 0
        return value

    def _by(self) -> Key | None:
        by = self.table.get("by")
        if by is None:
            return None
        if isinstance(by, str):
            read = self._path("by", by)
            return Key({}, read) if read else None
        if not isinstance(by, Mapping) or not by:
            self._fault("by", "must be a path such as cart_id, or a table: { product_added = 'product_id' }")
            return None
        reads: dict[str, Read] = {}
        for name, path in by.items():
            found = self._path(f"by.{name}", path)
            if found is None:
                continue
            for choice in self.reading.names.selection(fold(name), 1).choices:
                reads[choice.name] = found
        return Key(reads, reads.pop(ACTIVITY, None))

    def _path(self, part: str, path: Any) -> Read | None:
        parts = path.split(".") if isinstance(path, str) else []
        if parts and all(each.isidentifier() for each in parts):
            return event_reader(tuple(parts))
        self._fault(part, f"{path!r} is not a path; write one such as cart_id or products.product_id")
        return None

    def _condition(self, compiler: Compiler) -> Test | None:
        if "if" not in self.table:
            return None
        text = self.reading.text(self.table, self._at(), "if", "true")
        try:
            tree = read_condition(text, self.reading.names)
            refuse_numbers(tree)
            return compiler.test(tree)
        except RuleFault as fault:
            self._fault("if", fault)
            return None

    def _sends(self, compiler: Compiler) -> tuple[Send, ...]:
        value = self.table.get("send", [])
        several = isinstance(value, list)
        sends = []
        for number, entry in enumerate(value if several else [value], 1):
            part = f"send[{number}]" if several else "send"
            if isinstance(entry, Mapping):
                sends.append(self._send(compiler, part, entry))
            else:
                self._fault(part, "must be a table; write { channel = 'email', template = '…' }")
        channels = [send.channel for send in sends]
        if len(set(channels)) < len(channels):
            self._fault("send", "two messages on one channel; make them two rules")
        return tuple(sends)

    def _send(self, compiler: Compiler, part: str, entry: Mapping[str, Any]) -> Send:
        key = self._at(part)
        reading = self.reading
        reading.only(entry, key, _SEND, _SEND_TO_COME)
        channel = reading.text(entry, key, "channel")
        if not channel:
            self._fault(f"{part}.channel", "required: the road the message takes, such as email")
        variables = self._variables(compiler, f"{part}.vars", entry.get("vars", {}))
        needs = entry.get("needs", [])
        if not isinstance(needs, list) or any(each not in [*variables] for each in needs):
            self._fault(f"{part}.needs", "must be a list of names that stand in vars")
            needs = []
        return Send(
            channel=channel,
            template=reading.text(entry, key, "template"),
            via=reading.text(entry, key, "via"),
            purpose=reading.text(entry, key, "purpose", "marketing"),
            expires=reading.span(entry, key, "expires", self.defaults.expires),
            variables=variables,
            needs=tuple(needs),
            fallback=reading.text(entry, key, "fallback"),
        )

    def _variables(self, compiler: Compiler, part: str, value: Any) -> dict[str, Read]:
        found: dict[str, Read] = {}
        for name, text in self.reading.table(value, self._at(part)).items():
            try:
                if not isinstance(text, str):
                    raise RuleFault(1, "must be a text such as 'trigger.name'")
                found[name] = compiler.read(read_condition(text, self.reading.names))
            except RuleFault as fault:
                self._fault(f"{part}.{name}", fault)
        return found
