"""Conditions as functions: a tree is compiled once, and asked for each event.

What a path means depends on where the condition stands, so the compiler is given a `Scope`: the
brackets of a selector see one event (`EventScope`), an `if` sees a person and their past.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeAlias

from hub.errors import RuleFault
from hub.event import Event
from hub.rules import values
from hub.rules.regular import NotRegular, Regular
from hub.rules.tree import (
    Aggregate,
    And,
    Between,
    Calculation,
    Compared,
    Exists,
    Expression,
    Listing,
    Literally,
    Near,
    Not,
    Or,
    Path,
)
from hub.schema import snake

Read: TypeAlias = Callable[[Any], Any]
"""Finds a value in what the condition is asked about."""
Test: TypeAlias = Callable[[Any], bool]
Places: TypeAlias = Mapping[str, Mapping[str, tuple[float, float]]]

_OF_PEOPLE = frozenset({"person", "local", "segment", "armed", "journey", "trigger"})


class Scope(Protocol):
    """What paths and aggregates mean at one place of the rules."""

    def path(self, path: Path) -> Read:
        """How a path is read; raises RuleFault where it means nothing here."""

    def aggregate(self, aggregate: Aggregate) -> Read:
        """How a person's past is asked; raises RuleFault where it cannot be."""


class EventScope:
    """The brackets of a selector: an event's properties, then its context."""

    def path(self, path: Path) -> Read:
        """Looks in the properties, then in the context; after `context.` only there."""
        first, *rest = path.parts
        if first in _OF_PEOPLE and rest:
            raise RuleFault(
                path.character,
                f"'{path}' is not known inside brackets, which see one event; ask in the rule's if",
            )
        return event_reader(path.parts)

    def aggregate(self, aggregate: Aggregate) -> Read:
        """Brackets see one event, not the past."""
        raise RuleFault(
            aggregate.character, f"{aggregate.function}(…) is not known inside brackets; ask in the rule's if"
        )


def event_reader(parts: tuple[str, ...]) -> Read:
    """How a path is read from an event: keys are kept in snake_case, whatever a sender or a rule writes."""
    if parts[0] == "context" and len(parts) > 1:
        return partial(_of_context, parts[1:])
    if len(parts) > 1:
        return partial(_of_event, tuple(map(snake, parts)), parts)
    [name], kept = parts, snake(parts[0])

    def read(event: Event) -> Any:
        found = event.properties.get(kept)
        return event.context.get(name) if found is None else found

    return read


def _of_event(kept: tuple[str, ...], parts: tuple[str, ...], event: Event) -> Any:
    found = values.follow(event.properties, kept)
    return values.follow(event.context, parts) if found is None else found


def _of_context(parts: tuple[str, ...], event: Event) -> Any:
    # Rules read the scalars of `context`; what else the sender said of itself is kept beside them.
    found = values.follow(event.context, parts)
    return values.follow(event.sent_context, parts) if found is None else found


class Compiler:
    """Turns trees into functions for one scope."""

    def __init__(self, scope: Scope, places: Places) -> None:
        self._scope = scope
        self._places = places

    def test(self, tree: Expression) -> Test:
        """The condition as a function that answers true or false; a bare value holds where it is true."""
        match tree:
            case Not():
                return _negation(self.test(tree.condition))
            case And():
                return _conjunction([self.test(each) for each in tree.conditions])
            case Or():
                return _disjunction([self.test(each) for each in tree.conditions])
            case Compared():
                return self._compared(tree)
            case Exists():
                return partial(_exists, self.read(tree.value))
            case Between():
                return partial(_between, self.read(tree.value), self.read(tree.low), self.read(tree.high))
            case Near():
                places = tuple(self._places[tree.places].values())
                return partial(_near, self.read(tree.position), places, tree.metres)
            case _:
                return partial(_is_true, self.read(tree))

    def read(self, tree: Expression) -> Read:
        """The expression as a function that answers its value."""
        match tree:
            case Literally():
                return partial(_constant, tree.value)
            case Path():
                return self._scope.path(tree)
            case Listing():
                return partial(_listed, tuple(self.read(item) for item in tree.items))
            case Calculation():
                return partial(_calculated, tree.sign, self.read(tree.left), self.read(tree.right))
            case Aggregate():
                return self._scope.aggregate(tree)
            case _:
                return self.test(tree)

    def _compared(self, tree: Compared) -> Test:
        left = self.read(tree.left)
        if isinstance(tree.right, Literally):
            known = _with_literal(tree, left, tree.right.value)
            if known is not None:
                return known
        right = self.read(tree.right)
        match tree.sign:
            case "==":
                return lambda asked: values.equal(left(asked), right(asked))
            case "!=":
                return lambda asked: not values.equal(left(asked), right(asked))
            case "in":
                return lambda asked: values.one_of(left(asked), right(asked))
            case "not in":
                return lambda asked: not values.one_of(left(asked), right(asked))
            case "contains":
                return lambda asked: values.contains(left(asked), right(asked))
            case "starts with":
                return lambda asked: _starts(left(asked), right(asked))
            case "ends with":
                return lambda asked: _ends(left(asked), right(asked))
            case _:
                return partial(_ordered, values.ORDERS[tree.sign], left, right)


def _with_literal(tree: Compared, left: Read, literal: Any) -> Test | None:
    """The forms that most filters have, with the kinds settled beforehand; None for the others."""
    kind = type(literal)
    if tree.sign == "matches":
        return partial(_matches, left, _regular(tree))
    if tree.sign in values.ORDERS and kind in (int, float):
        order = values.ORDERS[tree.sign]
        return lambda asked: type(found := left(asked)) in _NUMBERS and order(found, literal)
    if tree.sign == "==" and kind is str:
        return lambda asked: bool(left(asked) == literal)
    if tree.sign == "!=" and kind is str:
        return lambda asked: bool(left(asked) != literal)
    if tree.sign in ("in", "not in") and kind is list and all(type(each) is str for each in literal):
        wanted, within = frozenset(literal), tree.sign == "in"
        return lambda asked: (type(found := left(asked)) is str and found in wanted) is within
    if tree.sign == "starts with" and kind is str:
        return lambda asked: type(found := left(asked)) is str and found.startswith(literal)
    return None


_NUMBERS = frozenset({int, float})


def _regular(tree: Compared) -> Regular:
    assert isinstance(tree.right, Literally), "the grammar lets matches stand before a literal only"
    try:
        return Regular(tree.right.value)
    except NotRegular as fault:
        raise RuleFault(tree.character, f"matches: {fault}") from None


def _negation(test: Test) -> Test:
    return lambda asked: not test(asked)


def _conjunction(tests: list[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda asked: first(asked) and second(asked)
    return lambda asked: all(test(asked) for test in tests)


def _disjunction(tests: list[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda asked: first(asked) or second(asked)
    return lambda asked: any(test(asked) for test in tests)


def _is_true(read: Read, asked: Any) -> bool:
    return read(asked) is True


def _exists(read: Read, asked: Any) -> bool:
    return read(asked) is not None


def _between(value: Read, low: Read, high: Read, asked: Any) -> bool:
    return values.between(value(asked), low(asked), high(asked))


def _near(position: Read, places: tuple[tuple[float, float], ...], metres: float, asked: Any) -> bool:
    return values.within_metres(position(asked), places, metres)


def _constant(value: Any, asked: Any) -> Any:
    return value


def _listed(items: tuple[Read, ...], asked: Any) -> list[Any]:
    return [item(asked) for item in items]


def _calculated(sign: str, left: Read, right: Read, asked: Any) -> Any:
    return values.calculate(sign, left(asked), right(asked))


def _ordered(order: values.Order, left: Read, right: Read, asked: Any) -> bool:
    return values.in_order(order, left(asked), right(asked))


def _matches(read: Read, expression: Regular, asked: Any) -> bool:
    found = read(asked)
    return type(found) is str and expression.search(found)


def _starts(whole: Any, part: Any) -> bool:
    return type(whole) is str and type(part) is str and whole.startswith(part)


def _ends(whole: Any, part: Any) -> bool:
    return type(whole) is str and type(part) is str and whole.endswith(part)
