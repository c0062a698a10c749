"""Which events are meant: a selector compiled to one quick question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hub.catalogue import NO_ACTIVITY
from hub.event import Event
from hub.rules.condition_grammar import ACTIVITY, Names, read_selector
from hub.rules.conditions import Compiler, EventScope, Places, Test
from hub.rules.tree import Choice, Selection

Matches = Callable[[Event], bool]


@dataclass(frozen=True, slots=True)
class Selector:
    """The events that a text selects."""

    names: frozenset[str] | None
    """Folded names that a selected event can have; None: any (`activity`)."""
    matches: Matches = field(repr=False, compare=False)
    """Is this event selected?"""


def selector(text: str, *, events: Mapping[str, str] | None = None, places: Places | None = None) -> Selector:
    """The selector that a text writes out: `order_completed or product_added[price > 10]`.

    `events` are the names of `[events]` with their texts, `places` the tables of `[places]`. Raises
    RuleFault, which names the character and what to write there.
    """
    names = Names(events or {}, places or {})
    return compile_selection(read_selector(text, names), names.places)


def compile_selection(selection: Selection, places: Places) -> Selector:
    """A selector that was read before."""
    compiler = Compiler(EventScope(), places)
    by_name: dict[str, list[Choice]] = {}
    for choice in selection.choices:
        by_name.setdefault(choice.name, []).append(choice)
    tests = {name: _any_of(choices, compiler) for name, choices in by_name.items()}
    anything = tests.pop(ACTIVITY, None)
    if anything is not None:
        return Selector(None, _active(anything, tests))
    return Selector(frozenset(tests), _named(tests))


def proven(selector: Selector, protected: frozenset[str]) -> Selector:
    """The same selector without claims of protected events: under a public key they prove nothing."""
    if not protected or (selector.names is not None and not selector.names & protected):
        return selector
    matches = selector.matches

    def asks(event: Event) -> bool:
        return not (event.trust == "public" and event.name in protected) and matches(event)

    return Selector(selector.names, asks)


def is_activity(event: Event) -> bool:
    """Did the person themselves cause this event?"""
    return not event.system and event.name not in NO_ACTIVITY


def _any_of(choices: list[Choice], compiler: Compiler) -> Test:
    tests = [_all_of(choice, compiler) for choice in choices]
    if any(test is _always for test in tests):
        return _always
    if len(tests) == 1:
        return tests[0]
    return lambda event: any(test(event) for test in tests)


def _all_of(choice: Choice, compiler: Compiler) -> Test:
    tests = [compiler.test(condition) for condition in choice.conditions]
    if not tests:
        return _always
    if len(tests) == 1:
        return tests[0]
    return lambda event: all(test(event) for test in tests)


def _always(event: Event) -> bool:
    return True


def _never(event: Event) -> bool:
    return False


def _named(tests: dict[str, Test]) -> Matches:
    if all(test is _always for test in tests.values()):
        names = frozenset(tests)
        return lambda event: event.name in names
    if len(tests) == 1:
        [(name, test)] = tests.items()
        return lambda event: event.name == name and test(event)
    return lambda event: tests.get(event.name, _never)(event)


def _active(anything: Test, tests: dict[str, Test]) -> Matches:
    named = _named(tests) if tests else _never
    return lambda event: (is_activity(event) and anything(event)) or named(event)
