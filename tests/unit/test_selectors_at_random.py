"""Selectors against an interpreter that walks the tree as the language is described."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.event import Event
from hub.rules import selector
from hub.rules.condition_grammar import read_selector
from hub.rules.regular import Regular
from hub.rules.tree import (
    And,
    Between,
    Calculation,
    Choice,
    Compared,
    Exists,
    Expression,
    Literally,
    Not,
    Or,
    Path,
    Selection,
)

SIGNS = ["==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "starts with", "ends with"]
CLOCKS = ["00:00", "06:30", "12:00", "23:59"]

plain = st.one_of(
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.sampled_from(["", "a", "ab", "3", "true"]),
    st.sampled_from(CLOCKS),
)
literals = st.one_of(plain, st.lists(plain, max_size=3)).map(Literally)
paths = st.sampled_from([("x",), ("y",), ("list", "x"), ("context", "x"), ("deep", "y")]).map(
    lambda parts: Path(parts, 0)
)
operands = st.recursive(
    st.one_of(literals, paths),
    lambda inner: st.builds(Calculation, st.sampled_from("+-*/"), inner, inner, st.just(0)),
    max_leaves=3,
)
tests = st.one_of(
    st.builds(Compared, st.sampled_from(SIGNS), operands, operands, st.just(0)),
    st.builds(Exists, operands),
    st.builds(Between, operands, operands, operands),
    paths,
)
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=5,
)
choices = st.builds(
    Choice, st.sampled_from(["a", "b", "activity"]), st.lists(conditions, max_size=2).map(tuple), st.just(0)
)
found = st.one_of(st.none(), plain, st.lists(plain, max_size=3))
bags = st.fixed_dictionaries(
    {},
    optional={
        "x": found,
        "y": found,
        "list": st.lists(st.dictionaries(st.just("x"), found), max_size=3),
        "deep": st.dictionaries(st.just("y"), found),
    },
)
events = st.builds(
    Event,
    id=st.just("1"),
    type=st.just("track"),
    name=st.sampled_from(["a", "b", "c", "traits_updated", "sms_failed"]),
    properties=bags,
    context=bags,
    system=st.booleans(),
)


def written(tree: Expression) -> str:
    match tree:
        case Literally(list(values)):
            return "[" + ", ".join(written(Literally(each)) for each in values) + "]"
        case Literally(bool(value)):
            return str(value).lower()
        case Literally(str(value)):
            return f"'{value}'"
        case Literally(value):
            return str(value)
        case Path():
            return str(tree)
        case Calculation() | Compared():
            return f"({written(tree.left)} {tree.sign} {written(tree.right)})"
        case Exists():
            return f"({written(tree.value)} exists)"
        case Between():
            return f"({written(tree.value)} between {written(tree.low)} and {written(tree.high)})"
        case Not():
            return f"(not {written(tree.condition)})"
        case And():
            return "(" + " and ".join(map(written, tree.conditions)) + ")"
        case Or():
            return "(" + " or ".join(map(written, tree.conditions)) + ")"
    raise AssertionError(tree)


def kind(value: Any) -> str:
    if value is None:
        return "missing"
    for name, kinds in (("truth", bool), ("number", int | float), ("text", str), ("list", list)):
        if isinstance(value, kinds):
            return name
    return "object"


def same(left: Any, right: Any) -> bool:
    if kind(left) != kind(right) or left is None:
        return False
    if kind(left) == "list":
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    return left == right


def look(bag: Any, parts: tuple[str, ...]) -> Any:
    if not parts or bag is None:
        return bag
    if isinstance(bag, dict):
        return look(bag.get(parts[0]), parts[1:])
    if isinstance(bag, list):
        found = [look(each, parts) for each in bag]
        spread = [each if isinstance(each, list) else [each] for each in found if each is not None]
        return [value for each in spread for value in each]
    return None


def value_of(tree: Expression, event: Event) -> Any:
    match tree:
        case Literally():
            return tree.value
        case Path(("context", *rest)):
            return look(event.context, tuple(rest))
        case Path():
            first = look(event.properties, tree.parts)
            return look(event.context, tree.parts) if first is None else first
        case Calculation():
            left, right = value_of(tree.left, event), value_of(tree.right, event)
            if kind(left) != "number" or kind(right) != "number" or (tree.sign == "/" and right == 0):
                return None
            ways = {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right}
            return ways.get(tree.sign, lambda: left / right)()
    return true_of(tree, event)


def true_of(tree: Expression, event: Event) -> bool:
    match tree:
        case Not():
            return not true_of(tree.condition, event)
        case And():
            return all(true_of(each, event) for each in tree.conditions)
        case Or():
            return any(true_of(each, event) for each in tree.conditions)
        case Exists():
            return value_of(tree.value, event) is not None
        case Between():
            return within(*(value_of(each, event) for each in (tree.value, tree.low, tree.high)))
        case Compared():
            return compared(tree.sign, value_of(tree.left, event), value_of(tree.right, event))
    return value_of(tree, event) is True


def within(value: Any, low: Any, high: Any) -> bool:
    if all(kind(each) == "number" for each in (value, low, high)):
        return low <= value <= high
    if all(each in CLOCKS for each in (value, low, high) if kind(each) == "text") and all(
        kind(each) == "text" for each in (value, low, high)
    ):
        minutes = [int(each[:2]) * 60 + int(each[3:]) for each in (value, low, high)]
        if minutes[1] <= minutes[2]:
            return minutes[1] <= minutes[0] < minutes[2]
        return not minutes[2] <= minutes[0] < minutes[1]
    return False


def compared(sign: str, left: Any, right: Any) -> bool:
    kinds = {kind(left), kind(right)}
    match sign:
        case "==":
            return same(left, right)
        case "!=":
            return not same(left, right)
        case "in" | "not in":
            inside = kind(right) == "list" and any(same(left, each) for each in right)
            return inside == (sign == "in")
        case "contains":
            if kind(left) == "list":
                return any(same(each, right) for each in left)
            return kinds == {"text"} and right in left
        case "starts with":
            return kinds == {"text"} and left[: len(right)] == right
        case "ends with":
            return kinds == {"text"} and left.endswith(right)
    if kinds not in ({"number"}, {"text"}):
        return False
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]


def selected(selection: Selection, event: Event) -> bool:
    inactive = event.system or event.name in ("traits_updated", "sms_failed")
    return any(
        (choice.name == event.name or (choice.name == "activity" and not inactive))
        and all(true_of(condition, event) for condition in choice.conditions)
        for choice in selection.choices
    )


@settings(max_examples=400, deadline=None)
@given(st.lists(choices, min_size=1, max_size=3), st.lists(events, min_size=1, max_size=5))
def test_a_selector_selects_what_its_description_says(parts, asked):
    selection = Selection(tuple(parts))
    text = " or ".join(
        choice.name + (f"[{written(And(choice.conditions))}]" if choice.conditions else "")
        for choice in parts
    )

    compiled = selector(text)

    for event in asked:
        assert compiled.matches(event) == selected(selection, event), (text, event)
        assert compiled.names is None or not compiled.matches(event) or event.name in compiled.names


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab[]()'<>=!. 13,:and or not in\n", max_size=30))
def test_any_text_is_a_selector_or_a_fault_with_its_place(text):
    from hub.errors import RuleFault

    try:
        read_selector(text)
    except RuleFault as fault:
        assert 1 <= fault.character <= len(text) + 1


atoms = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\w", r"\S", r"\.", "^", "$", "ß"])
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(
            inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "{0,1}", "{0}", "*?", "+?"])
        ).map(lambda pair: f"({pair[0]}){pair[1]}"),
    ),
    max_leaves=6,
)


@settings(max_examples=500, deadline=None)
@given(expressions, st.booleans(), st.lists(st.text(alphabet="abcAB1. ß", max_size=8), max_size=6))
def test_an_expression_finds_what_pythons_own_search_finds(expression, folded, texts):
    expression = f"(?i){expression}" if folded else expression
    ours = Regular(expression)

    for text in texts:
        assert ours.search(text) == (re.search(expression, text) is not None), (expression, text)


def test_an_expression_that_undoes_others_takes_time_in_proportion_to_the_text():
    ours = Regular("(a*)*(a|aa)+b$")

    assert not ours.search("a" * 100_000)
