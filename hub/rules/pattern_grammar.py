"""Reads patterns, the `when` of a rule: at which moments something happened or failed to happen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar, cast

from hub.errors import RuleFault
from hub.rules.condition_grammar import ConditionGrammar, Names
from hub.rules.tokens import Cursor, Token, nearest
from hub.rules.tree import (
    Becomes,
    Branch,
    Choice,
    Dated,
    Happens,
    Pattern,
    Repeat,
    Selection,
    Sequence,
    Step,
    Together,
    Waits,
)

_WORDS = ("then", "or", "and", "within", "without", "times", "lasting", "as", "all")
_Value = TypeVar("_Value")


def read_pattern(text: str, names: Names | None = None) -> Pattern:
    """The tree of a whole pattern."""
    cursor = Cursor(text)
    pattern = _PatternGrammar(cursor, names or Names()).pattern()
    cursor.close(*_WORDS)
    return pattern


def read_repeat(text: str) -> Repeat:
    """The tree of a `repeat`: `never`, `always` or a duration, each optionally `per` a property."""
    cursor = Cursor(text)
    token = cursor.token
    every: timedelta | None
    if cursor.passes("never"):
        every = None
    elif cursor.passes("always"):
        every = timedelta()
    elif token.kind == "name":
        cursor.fail("expected never, always or a duration" + nearest(token.text, ("never", "always")))
    else:
        every = cursor.duration("never, always or 1d")
    per = ConditionGrammar(cursor, Names()).path() if cursor.passes("per") else None
    cursor.close("per")
    return Repeat(every, per)


@dataclass
class _Clauses:
    """What may follow the events of a step, each once."""

    within: timedelta | None = None
    without: Selection | None = None
    called: str | None = None


class _PatternGrammar:
    """Reads from a cursor: branches, sequences of steps, steps."""

    def __init__(self, cursor: Cursor, names: Names) -> None:
        self._cursor = cursor
        self._conditions = ConditionGrammar(cursor, names)

    def pattern(self) -> Pattern:
        """Branches joined by `or`."""
        branches = [self._branch()]
        while self._cursor.passes("or"):
            branches.append(self._branch())
        return Pattern(tuple(branches))

    def _branch(self) -> Branch:
        token = self._cursor.token
        if self._cursor.passes("becomes"):
            return Becomes(self._conditions.condition(), token.character)
        if self._cursor.passes("idle"):
            return self._idle(token)
        if token.kind == "duration":
            return self._dated(token)
        return self._sequences(token)

    def _idle(self, token: Token) -> Sequence:
        self._cursor.expect("for", " and a duration, as in: idle for 30m")
        activity = Selection((Choice("activity", (), token.character),))
        waits = Waits(activity, self._cursor.duration("30m"), token.character)
        return Sequence((Happens(activity, None, token.character), waits), None, token.character)

    def _dated(self, token: Token) -> Dated:
        offset = self._cursor.duration()
        if self._cursor.passes("before"):
            offset = -offset
        else:
            self._cursor.expect("after", " or 'before', as in: 3d before person.trial_ends_on")
        path = self._conditions.path()
        if len(path.parts) < 2 or path.parts[0] != "person":
            raise RuleFault(path.character, f"'{path}' is no trait; write person.{path.parts[-1]}")
        clock = None
        if self._cursor.passes("at"):
            clock = cast(str, self._cursor.expect_kind("clock", "a time such as 09:00").value)
        return Dated(offset, path, clock, token.character)

    def _sequences(self, token: Token) -> Branch:
        found = [self._sequence()]
        while self._cursor.passes("and"):
            found.append(self._sequence())
        if len(found) == 1:
            _limited(found[0])
            return found[0]
        return self._together(found, token)

    def _together(self, found: list[Sequence], token: Token) -> Together:
        within = self._all_within()
        if within is None:
            # The limit after the last sequence is that of all of them.
            within = found[-1].all_within
            found[-1] = replace(found[-1], all_within=None)
        if within is None:
            raise RuleFault(
                token.character, "'and' needs a limit over all of it; write: a and b all within 1d"
            )
        for sequence in found:
            _limited(sequence)
            for step in sequence.steps:
                if isinstance(step, Waits):
                    raise RuleFault(
                        step.character, "'then not' cannot stand beside 'and'; make it a rule of its own"
                    )
        return Together(tuple(found), within, token.character)

    def _sequence(self) -> Sequence:
        character = self._cursor.token.character
        steps: list[Step] = [self._happens()]
        while self._sees("then"):
            self._passes("then")
            steps.append(self._waits() if self._cursor.sees("not") else self._happens())
        limit = self._all_within()
        if limit is not None and isinstance(steps[-1], Waits):
            raise RuleFault(steps[-1].character, "'all within' stands before the last 'then not'")
        if limit is not None and self._sees("then"):
            self._passes("then")
            if not self._cursor.sees("not"):
                self._cursor.fail(
                    "after 'all within' only 'then not' may follow; move 'all within' to the end"
                )
            steps.append(self._waits())
        return Sequence(tuple(steps), limit, character)

    def _sees(self, *words: str) -> bool:
        return self._cursor.sees(*words) or self._cursor.sees(",", *words)

    def _passes(self, *words: str) -> bool:
        return self._cursor.passes(*words) or self._cursor.passes(",", *words)

    def _all_within(self) -> timedelta | None:
        if not self._passes("all"):
            return None
        self._cursor.expect("within", " after 'all'")
        return self._limit()

    def _limit(self) -> timedelta:
        character = self._cursor.token.character
        span = self._cursor.duration()
        if not span:
            raise RuleFault(character, "a limit of nothing; write how long, as in 15m")
        return span

    def _waits(self) -> Waits:
        character = self._cursor.token.character
        self._cursor.expect("not")
        selection = self._conditions.selector()
        self._cursor.expect("within", " and how long, as in: then not order_completed within 15m")
        return Waits(selection, self._limit(), character)

    def _happens(self) -> Happens:
        character = self._cursor.token.character
        if self._cursor.sees("not"):
            self._cursor.fail("a pattern begins with something that happens, and then: then not … within 15m")
        step = self._counted(Happens(self._conditions.selector(), None, character))
        clauses = self._clauses()
        return replace(step, within=clauses.within, without=clauses.without, called=clauses.called)

    def _counted(self, step: Happens) -> Happens:
        token = self._cursor.token
        if token.kind == "number":
            self._cursor.refuse_split_unit()
            self._cursor.take()
            self._cursor.expect("times", " after the number")
            self._cursor.expect("within", f" and how long, as in: {token.text} times within 7d")
            if not isinstance(token.value, int) or not 1 <= token.value <= 1_000:
                raise RuleFault(token.character, f"'{token.text}' times: write a whole number from 1 to 1000")
            return replace(step, times=token.value, window=self._limit())
        if self._cursor.passes("lasting"):
            return replace(step, lasting=self._limit())
        return step

    def _clauses(self) -> _Clauses:
        found = _Clauses()
        while True:
            token = self._cursor.token
            if self._cursor.passes("within"):
                found.within = self._once(found.within, self._limit(), token)
            elif self._cursor.passes("without"):
                found.without = self._once(found.without, self._conditions.selector(), token)
            elif self._cursor.passes("as"):
                name = self._cursor.expect_kind("name", "a name for the step").text
                found.called = self._once(found.called, name, token)
            else:
                return found

    def _once(self, before: _Value | None, now: _Value, token: Token) -> _Value:
        if before is not None:
            raise RuleFault(token.character, f"a second '{token.text}' in one step; write it once")
        return now


def _limited(sequence: Sequence) -> None:
    first, *others = sequence.steps
    if isinstance(first, Happens) and first.within is not None:
        raise RuleFault(first.character, "the first step follows nothing; leave its 'within' out")
    for step in others:
        if isinstance(step, Happens) and step.within is None and sequence.all_within is None:
            raise RuleFault(step.character, "a step after 'then' needs a limit; write: then … within 10m")
