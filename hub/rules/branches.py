"""From the branches of a pattern to the alternatives that are followed."""

from __future__ import annotations

from hub.errors import RuleFault
from hub.rules.condition_grammar import ACTIVITY
from hub.rules.conditions import Places
from hub.rules.definitions import Alternative, Key, Occurrence, Rule, Span, id_of, span_of
from hub.rules.selection import Matches, Selector, compile_selection, proven
from hub.rules.tree import (
    And,
    Branch,
    Compared,
    Expression,
    Happens,
    Literally,
    Path,
    Selection,
    Sequence,
    Waits,
)
from hub.schema import snake


class Branches:
    """Compiles the branches of one rule, and gathers the names by which steps can be called."""

    def __init__(self, places: Places, protected: frozenset[str] = frozenset()) -> None:
        self._places = places
        self._protected = protected
        self.called: set[str] = set()

    def selector(self, selection: Selection) -> Selector:
        """The compiled form of a selection."""
        return compile_selection(selection, self._places)

    def alternative(self, rule: Rule, place: int, branch: Branch) -> Alternative:
        """One branch of a pattern; raises RuleFault for a form that is not followed yet."""
        if not isinstance(branch, Sequence):
            raise RuleFault(branch.character, f"{_FORMS[type(branch).__name__]} is not there yet")
        *middle, last = branch.steps
        for step in middle:
            if isinstance(step, Waits):
                raise RuleFault(step.character, "'then not' with a step behind it is not there yet")
        happens = [step for step in branch.steps if isinstance(step, Happens)]
        for step in happens:
            self._check(step, rule.by)
        begins = self._step(happens[0].selection)
        waits = last if isinstance(last, Waits) else None
        breaks = None if waits is None else self.selector(waits.selection)
        selections = [step.selection for step in happens]
        selections += [step.without for step in happens if step.without is not None]
        selections += [waits.selection] if waits is not None else []
        return Alternative(
            id=id_of(rule.name, str(place)),
            rule=rule,
            place=place,
            steps=tuple(self._occurrence(step) for step in happens),
            all_within=None if branch.all_within is None else span_of(branch.all_within),
            breaks=None if breaks is None else breaks.matches,
            broken_by=() if breaks is None else tuple(sorted(breaks.names or {ACTIVITY})),
            wait=0 if waits is None else span_of(waits.within),
            names=_names([self.selector(selection) for selection in selections]),
            begins=begins,
            demands=_demands(happens[0].selection),
            reach=_reach(branch),
        )

    def _step(self, selection: Selection) -> Selector:
        """The events that complete a step; anything that is selected breaks, but not all of it completes."""
        return proven(self.selector(selection), self._protected)

    def _check(self, step: Happens, by: Key | None) -> None:
        if step.lasting:
            raise RuleFault(step.character, "'lasting' is not there yet")
        self.called |= {choice.name for choice in step.selection.choices}
        if step.called is not None:
            self.called.add(step.called)
        if by is None or by.everywhere is not None:
            return
        for choice in step.selection.choices:
            if choice.name != ACTIVITY and choice.name not in by.reads:
                raise RuleFault(
                    choice.character, f"'by' says no path for '{choice.name}', so it could never match"
                )

    def _occurrence(self, step: Happens) -> Occurrence:
        without: Matches | None = None
        if step.without is not None:
            without = self.selector(step.without).matches
        return Occurrence(
            matches=self._step(step.selection).matches,
            called=step.called,
            times=step.times,
            window=span_of(step.window),
            within=None if step.within is None else span_of(step.within),
            without=without,
        )


_FORMS = {
    "Together": "'and' between patterns",
    "Becomes": "'becomes'",
    "Dated": "a moment relative to a date",
}


def _names(selectors: list[Selector]) -> frozenset[str] | None:
    found: set[str] = set()
    for selector in selectors:
        if selector.names is None:
            return None
        found |= selector.names
    return frozenset(found)


def _demands(selection: Selection) -> dict[str, tuple[str, str]]:
    """What the index can ask before the selector: a property that must have one text."""
    found: dict[str, tuple[str, str]] = {}
    names = [choice.name for choice in selection.choices]
    for choice in selection.choices:
        demanded = [each for condition in choice.conditions for each in _demanded(condition)]
        if demanded and names.count(choice.name) == 1:
            found[choice.name] = demanded[0]
    return found


def _demanded(condition: Expression) -> list[tuple[str, str]]:
    if isinstance(condition, And):
        return [each for part in condition.conditions for each in _demanded(part)]
    if not isinstance(condition, Compared) or condition.sign != "==":
        return []
    path, literal = condition.left, condition.right
    if not isinstance(path, Path) or not isinstance(literal, Literally) or len(path.parts) > 1:
        return []
    if snake(path.parts[0]) != path.parts[0]:
        return []
    return [(path.parts[0], literal.value)] if isinstance(literal.value, str) else []


def _reach(sequence: Sequence) -> Span:
    """From the first event of a match to its end, at most."""
    reach = 0
    for step in sequence.steps:
        if isinstance(step, Happens):
            reach += span_of(step.window) + (0 if step.within is None else span_of(step.within))
    if sequence.all_within is not None:
        reach = span_of(sequence.all_within)
    last = sequence.steps[-1]
    return reach + (span_of(last.within) if isinstance(last, Waits) else 0)
