"""Rules tried out: lines of a file go through the real journal and engine on a driven clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from hub.daemon.trial_lines import PERSON, Line, configuration, known
from hub.daemon.virtual import VirtualHouse
from hub.event import Identifier, Instant, iso, person_text
from hub.store.port import Decision, Draft, Kind

_BEFORE = 1_000_000
"""How long before its first line a trial begins: a second."""


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
        if self._down_until and at > self._down_until:
            self._up()
        until = max((line.down_until for line in together if line.down_until is not None), default=0)
        if until and not self._down_until:
            self._house.forward(at - 1)
        self._down_until = max(self._down_until, until)
        drafts = [draft for line in together for draft in self._drafts(line)]
        if self._down_until:
            self._house.accept_down(drafts, at)
        elif drafts:
            self._house.accept(drafts, at)
        self._meet(name for line in together for name in line.names or (line.person,) if name)

    def _drafts(self, line: Line) -> Iterator[Draft]:
        """What a line puts into the journal; whoever is merged is known before, be it by name alone."""
        met = self._house.state.owners([Identifier(PERSON, name) for name in line.names])
        for name in line.names:
            if Identifier(PERSON, name) not in met:
                yield Draft(Kind.EVENT, msgspec.json.encode(known(line.at, name, name)))
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
        found: list[Decision] = []
        while decisions := self._house.state.decisions_since(self._told, 500):
            self._told = decisions[-1][0]
            found += [decision for _, decision in decisions]
        for _, instant in groupby(found, key=lambda decision: decision.at):
            for decision in sorted(instant, key=self._place):
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

    def _place(self, decision: Decision) -> tuple[Any, ...]:
        """The order of one instant, over all people: the engine takes one of them after the other."""
        rules = {rule.name: (-rule.priority, rule.order) for rule in self._house.definitions.rules.rules}
        priority, order = rules.get(decision.rule, (0, 0))
        person = self._name(decision.person)
        if decision.message:
            return (1, priority, decision.message, person, decision.key)
        return (0, decision.due, priority, order, person, decision.key)

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
        if decision.outcome == "sent" and self._declares(decision):
            row |= {"template": decision.template, "vars": decision.variables}
        return row

    def _declares(self, decision: Decision) -> bool:
        """Does the rule say variables for this message, be they all missing?"""
        return any(
            send.variables
            for rule in self._house.definitions.rules.rules
            if rule.name == decision.rule
            for send in rule.sends
            if send.channel == decision.channel
        )
