"""Reads selectors and conditions: which events, and what must be true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from hub.catalogue import EVENT_ALIASES
from hub.errors import RuleFault
from hub.rules.tokens import DURATION_FORM, METRES, Cursor, nearest
from hub.rules.tree import (
    Aggregate,
    And,
    Between,
    Calculation,
    Choice,
    Compared,
    Comparison,
    Exists,
    Expression,
    Listing,
    Literally,
    Near,
    Not,
    Or,
    Path,
    Selection,
    Window,
)
from hub.schema import fold

ACTIVITY = "activity"
AGGREGATES = frozenset(
    ["count", "did", "sum", "avg", "min", "max", "first", "last", "distinct", "most_frequent", "since"]
)
PLAIN_AGGREGATES = frozenset({"count", "did", "since"})
"""Those that look at the events themselves, not at a property of them."""
_NO_PATH = frozenset(
    ["not", "or", "and", "in", "contains", "starts", "ends", "matches", "between", "exists", "true", "false"]
)
RESERVED = _NO_PATH | {
    *("then", "within", "without", "all", "times", "lasting", "as", "with"),
    *("idle", "for", "becomes", "before", "after", "at"),
}
"""Words of the language; an event of such a name is written in quotes."""
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "contains", "matches"})


@dataclass
class Names:
    """What `[events]` and `[places]` of the configuration define, for the texts that use it."""

    events: Mapping[str, str] = field(default_factory=dict)
    """Own names for selectors, as they are written."""
    places: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    """Named lists of places, each a latitude and a longitude."""
    _read: dict[str, Selection] = field(default_factory=dict, init=False, repr=False)
    _open: list[str] = field(default_factory=list, init=False, repr=False)

    def selection(self, name: str, character: int) -> Selection:
        """The events that a folded name stands for: those of `[events]`, or the event of that name.

        A name of other senders (`purchase`) is the one that such an event is kept under.
        """
        if name not in self._texts:
            return Selection((Choice(EVENT_ALIASES.get(name, name), (), character),))
        if name in self._open:
            circle = " and ".join(f"events.{each}" for each in sorted(set(self._open)))
            raise RuleFault(character, f"{circle} are made of each other; write out what they select")
        if name not in self._read:
            self._open.append(name)
            try:
                self._read[name] = read_selector(self._texts[name], self)
            except RuleFault as fault:
                raise RuleFault(character, f"events.{name}: {fault}") from None
            finally:
                self._open.pop()
        return self._read[name]

    @property
    def _texts(self) -> Mapping[str, str]:
        return {fold(name): text for name, text in self.events.items()}


def read_selector(text: str, names: Names | None = None) -> Selection:
    """The tree of a whole selector."""
    cursor = Cursor(text)
    grammar = ConditionGrammar(cursor, names or Names())
    selection = grammar.selectors()
    cursor.close("or")
    return selection


def read_condition(text: str, names: Names | None = None) -> Expression:
    """The tree of a whole condition."""
    cursor = Cursor(text)
    expression = ConditionGrammar(cursor, names or Names()).condition()
    cursor.close(*_COMPARISONS, "and", "or")
    return expression


class ConditionGrammar:
    """Reads from a cursor, from the loosest words (`or`) to the tightest."""

    def __init__(self, cursor: Cursor, names: Names) -> None:
        self.cursor = cursor
        self.names = names

    def selectors(self) -> Selection:
        """Selectors joined by `or`, as they stand between parentheses."""
        choices = list(self.selector().choices)
        while self.cursor.passes("or"):
            choices += self.selector().choices
        return Selection(tuple(choices))

    def selector(self) -> Selection:
        """One selector, or several in parentheses."""
        if self.cursor.passes("("):
            with self.cursor.deeper():
                selection = self.selectors()
            self.cursor.expect(")", " after the selectors")
            return selection
        return self.filtered()

    def filtered(self) -> Selection:
        """A name, plain or quoted, with its filter."""
        token = self.cursor.token
        if token.kind not in ("name", "text"):
            self.cursor.fail("expected the name of an event")
        if token.kind == "name" and token.text in RESERVED:
            self.cursor.fail(
                "expected the name of an event; this is a word of the language, quote it to mean an event"
            )
        self.cursor.take()
        name = fold(str(token.value))
        if name in ("", "_"):
            raise RuleFault(token.character, "an event's name needs a letter or a digit")
        selection = self.names.selection(name, token.character)
        if not self.cursor.passes("["):
            return selection
        condition = self.condition()
        self.cursor.expect("]", " after the filter")
        return Selection(
            tuple(Choice(c.name, (*c.conditions, condition), c.character) for c in selection.choices)
        )

    def condition(self) -> Expression:
        """Alternatives, of which one must hold."""
        with self.cursor.deeper():
            found = [self._all()]
            while self.cursor.passes("or"):
                found.append(self._all())
        return found[0] if len(found) == 1 else Or(tuple(found))

    def _all(self) -> Expression:
        found = [self._negated()]
        while self.cursor.passes("and"):
            found.append(self._negated())
        return found[0] if len(found) == 1 else And(tuple(found))

    def _negated(self) -> Expression:
        if self.cursor.passes("not"):
            with self.cursor.deeper():
                return Not(self._negated())
        return self._test()

    def _test(self) -> Expression:
        left = self._sum()
        if self.cursor.passes("exists"):
            return Exists(left)
        if self.cursor.passes("between"):
            low = self._sum()
            self.cursor.expect("and", " between the two ends")
            return Between(left, low, self._sum())
        character = self.cursor.token.character
        sign = self._comparison()
        if sign is None:
            return left
        right = self._sum()
        if sign == "matches" and not (isinstance(right, Literally) and isinstance(right.value, str)):
            raise RuleFault(character, "matches needs its expression written out: matches '^/shop'")
        return Compared(sign, left, right, character)

    def _comparison(self) -> Comparison | None:
        cursor = self.cursor
        for words in (("not", "in"), ("starts", "with"), ("ends", "with")):
            if cursor.passes(*words):
                return cast(Comparison, " ".join(words))
        if cursor.token.kind in ("sign", "name") and cursor.token.text in _COMPARISONS:
            return cast(Comparison, cursor.take().text)
        return None

    def _sum(self) -> Expression:
        left = self._product()
        while self.cursor.sees("+") or self.cursor.sees("-"):
            token = self.cursor.take()
            left = Calculation(cast(Any, token.text), left, self._product(), token.character)
        return left

    def _product(self) -> Expression:
        left = self._value()
        while self.cursor.sees("*") or self.cursor.sees("/"):
            token = self.cursor.take()
            left = Calculation(cast(Any, token.text), left, self._value(), token.character)
        return left

    def _value(self) -> Expression:
        cursor = self.cursor
        token = cursor.token
        if token.kind == "number":
            cursor.refuse_split_unit()
        if token.kind in ("text", "number", "duration", "clock"):
            return Literally(cursor.take().value)
        if cursor.passes("-"):
            return self._negative(token.character)
        if cursor.passes("["):
            return self._listing()
        if cursor.passes("("):
            inner = self.condition()
            cursor.expect(")", " after the condition")
            return inner
        if cursor.passes("true") or cursor.passes("false"):
            return Literally(token.text == "true")
        if token.kind == "name" and cursor.ahead().text == "(" and cursor.ahead().kind == "sign":
            return self._call()
        return self.path()

    def _negative(self, character: int) -> Expression:
        with self.cursor.deeper():
            value = self._value()
        if isinstance(value, Literally) and isinstance(value.value, int | float) and value.value is not True:
            return Literally(-value.value)
        return Calculation("-", Literally(0), value, character)

    def _listing(self) -> Expression:
        items: list[Expression] = []
        while not self.cursor.passes("]"):
            if items:
                self.cursor.expect(",", " between the parts of a list")
            with self.cursor.deeper():
                items.append(self._value())
        if all(isinstance(item, Literally) for item in items):
            return Literally([cast(Literally, item).value for item in items])
        return Listing(tuple(items))

    def path(self) -> Path:
        """Names joined by points."""
        token = self.cursor.token
        if token.kind != "name" or token.text in _NO_PATH:
            self.cursor.fail("expected a value")
        return Path((self.cursor.take().text, *self._further()), token.character)

    def _further(self) -> tuple[str, ...]:
        parts: list[str] = []
        while self.cursor.passes("."):
            parts.append(self.cursor.expect_kind("name", "a path such as products.product_id").text)
        return tuple(parts)

    def _call(self) -> Expression:
        token = self.cursor.take()
        self.cursor.expect("(")
        if token.text == "near":
            return self._near(token.character)
        if token.text not in AGGREGATES:
            known = AGGREGATES | {"near"}
            hint = nearest(token.text, known) or f"; write one of {', '.join(sorted(known))}"
            raise RuleFault(token.character, f"'{token.text}' is not known here{hint}")
        return self._aggregate(token.text, token.character)

    def _near(self, character: int) -> Near:
        position = self._sum()
        self.cursor.expect(",", " and the name of the places")
        places = self.cursor.expect_kind("name", "the name of a table [places.…]")
        if places.text not in self.names.places:
            hint = nearest(places.text, self.names.places.keys())
            raise RuleFault(
                places.character,
                f"no places are called '{places.text}'{hint or f'; write [places.{places.text}]'}",
            )
        self.cursor.expect(",", " and a distance such as 5km")
        metres = self.cursor.expect_kind("distance", f"5km; units are {' and '.join(METRES)}")
        self.cursor.expect(")")
        return Near(position, places.text, cast(float, metres.value), character)

    def _aggregate(self, function: str, character: int) -> Aggregate:
        events = self.filtered()
        parts = self._further()
        if function in PLAIN_AGGREGATES and parts:
            raise RuleFault(
                character, f"{function} looks at events; write {function}({events.choices[0].name})"
            )
        if function not in PLAIN_AGGREGATES and not parts:
            raise RuleFault(
                character, f"{function} looks at a property; write {function}({events.choices[0].name}.value)"
            )
        window, same = self._scope()
        self.cursor.expect(")", f" after what {function} looks at")
        if function == "since" and window != "ever":
            raise RuleFault(character, "since has no window; write since(event)")
        return Aggregate(function, events, parts, window, same, character)

    def _scope(self) -> tuple[Window, bool]:
        window: Window = "ever"
        if self.cursor.sees(",") and self.cursor.ahead().text != "same":
            self.cursor.take()
            window = self._window()
        same = self.cursor.passes(",", "same")
        return window, same

    def _window(self) -> Window:
        if self.cursor.passes("ever"):
            return "ever"
        if self.cursor.passes("start"):
            return "start"
        return self.cursor.duration(f"{DURATION_FORM}, ever or start")
