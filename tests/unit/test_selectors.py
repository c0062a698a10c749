"""Selectors: which events a text means, and what is said of a text that means none."""

from __future__ import annotations

from typing import Any

import pytest

from hub.errors import RuleFault
from hub.event import Event
from hub.rules import selector

STORES = {"stores": {"mitte": (52.5163, 13.3777), "schwabing": (48.1642, 11.5866)}}


def event(name: str = "product_added", *, system: bool = False, **properties: Any) -> Event:
    context = properties.pop("context", {})
    return Event(id="1", type="track", name=name, properties=properties, context=context, system=system)


def selects(text: str, asked: Event) -> bool:
    return selector(text, events={"micro": "peered[depth >= 50] or hovered"}, places=STORES).matches(asked)


def holds(condition: str, **properties: Any) -> bool:
    return selects(f"product_added[{condition}]", event(**properties))


def test_a_name_selects_its_events_and_no_others():
    assert selects("product_added", event())
    assert not selects("product_added", event("product_viewed"))


def test_a_name_may_be_written_as_it_is_sent():
    assert selects("'Product Added'", event())
    assert selects('"Product  Added"', event())


def test_several_selectors_select_what_any_of_them_does():
    text = "(order_completed or product_added[price > 10])"

    assert selects(text, event("order_completed"))
    assert selects(text, event(price=11))
    assert not selects(text, event(price=10))


def test_names_tell_which_events_a_selector_can_begin_with():
    assert selector("a or 'B c'[x > 1] or a").names == {"a", "b_c"}
    assert selector("activity").names is None
    assert selector("a or activity[x > 1]").names is None


def test_activity_is_what_the_person_did_themselves():
    assert selects("activity", event())
    assert selects("activity", event("email_link_clicked"))
    for name in ("segment_entered", "traits_updated", "email_delivered", "message_sent", "consent_changed"):
        assert not selects("activity", event(name))
    assert not selects("activity", event(system=True))


def test_a_name_of_our_own_stands_for_its_selectors_and_can_be_filtered_further():
    assert selects("micro", event("peered", depth=50))
    assert not selects("micro", event("peered", depth=49))
    assert selects("micro[device == 'mobile']", event("peered", depth=90, context={"device": "mobile"}))
    assert not selects("micro[device == 'mobile']", event("hovered", context={"device": "tablet"}))


def test_names_of_our_own_may_use_each_other_but_not_in_a_circle():
    chain = {"strong": "micro[x > 1]", "micro": "a or b"}
    circle = {"strong": "micro[x > 1]", "micro": "a or strong"}

    assert selector("strong", events=chain).matches(event("b", x=2))
    with pytest.raises(RuleFault, match=r"events\.micro and events\.strong are made of each other"):
        selector("strong", events=circle)


def test_a_bare_path_is_looked_up_in_the_properties_and_then_in_the_context():
    assert holds("device == 'mobile'", device="mobile", context={"device": "tablet"})
    assert holds("device == 'tablet'", device=None, context={"device": "tablet"})
    assert holds("context.device == 'tablet'", device="mobile", context={"device": "tablet"})
    assert not holds("context.device == 'mobile'", device="mobile")


def test_a_path_through_a_list_finds_the_list_of_its_values():
    products = [{"product_id": "A", "tags": ["x"]}, {"product_id": "B", "tags": ["y", "z"]}, {}]

    assert holds("products.product_id contains 'B'", products=products)
    assert holds("products.product_id == ['A', 'B']", products=products)
    assert holds("products.tags contains 'z'", products=products)
    assert not holds("products.product_id == 'A'", products=products)
    assert not holds("products.product_id.more exists", products="A")


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("x == 3", 3.0),
        ("x == true", True),
        ("x == [1, 'a']", [1, "a"]),
        ("x != 3", "3"),
        ("x != 1", True),
        ("x != 3", None),
        ("x < 3", 2.5),
        ("x >= 'b'", "b"),
        ("x in ['a', 3]", 3),
        ("x not in ['a', 3]", None),
        ("x contains 'a'", "cat"),
        ("x contains 2", [1, 2.0]),
        ("x starts with '/shop'", "/shop/1"),
        ("x ends with 'html'", "a.html"),
        ("x matches '^/(cart|checkout)/'", "/cart/1"),
        ("x exists", False),
        ("not x exists", None),
        ("x between 1 and 3", 3),
        ("x between 09:00 and 17:00", "09:00"),
        ("x between 22:00 and 06:00", "05:59"),
        ("near(x, stores, 5km)", [52.52, 13.40]),
        ("near(x, stores, 5mi)", [52.58, 13.38]),
        ("x + 2 * 3 == 10", 4),
        ("x / 0 == 1 or x - 1 == -3", -2),
        ("x", True),
        ("not not (x > 1 and x < 3)", 2),
        ("x == 1 or x == 2 and x == 3", 1),
    ],
)
def test_the_condition_holds(condition, value):
    assert holds(condition, x=value)


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("x == 3", "3"),
        ("x == 1", True),
        ("x == false", 0),
        ("x == 3", None),
        ("x < 3", "2"),
        ("x < 3", True),
        ("x < y", None),
        ("x in ['3']", 3),
        ("x in 'abc'", "a"),
        ("x contains 'a'", None),
        ("x starts with '/'", ["/"]),
        ("x matches 'a'", 7),
        ("x exists", None),
        ("x between 1 and 3", "2"),
        ("x between 09:00 and 17:00", "17:00"),
        ("x between 22:00 and 06:00", "06:00"),
        ("near(x, stores, 5km)", [52.58, 13.38]),
        ("near(x, stores, 5km)", "52.52,13.40"),
        ("x / 0 == 1 or x / 0 != x / 0 and false", 1),
        ("x", 1),
        ("not x == 3", 3),
    ],
)
def test_the_condition_does_not_hold(condition, value):
    assert not holds(condition, x=value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "character 1: expected the name of an event, found the end"),
        ("then", "character 1: expected the name of an event; this is a word of the language"),
        ("a[x = 3]", "character 5: '=' is no sign of this language; write =="),
        ("a[x == 15 mins]", "character 8: '15 mins' is not a duration; write 15m"),
        ("a[x == 15min]", "character 8: '15min' is not a duration; write 15m"),
        ("a[x between 9:00 and 10:00]", "character 13: '9:00' is not a clock time; write it as 09:00"),
        ("a[x > 1", "character 8: expected ']' after the filter, found the end"),
        ("a[x == 'y]", "character 8: a text begins here and never ends"),
        ("a and b", "character 3: expected the end, found 'and'"),
        ("a[cuont(b) > 1]", "character 3: 'cuont' is not known here; did you mean 'count'?"),
        ("a[count(b) > 1]", r"character 3: count\(…\) is not known inside brackets"),
        ("a[person.vip]", "character 3: 'person.vip' is not known inside brackets"),
        ("a[near(x, storse, 5km)]", "character 11: no places are called 'storse'; did you mean 'stores'?"),
        ("a[near(x, stores, 5 km)]", "character 19: '5 km' is not a distance; write 5km"),
        (r"a[x matches '(a)\1']", "character 5: matches: .*linear time"),
        ("a[x matches y]", "character 5: matches needs its expression written out"),
        ("a[" + "(" * 60 + "x" + ")" * 60 + "]", "more than 50 parts inside each other"),
        ("a[" + "not " * 5000 + "x]", "more than 50 parts inside each other"),
    ],
)
def test_a_fault_names_the_character_and_what_to_write(text, fault):
    with pytest.raises(RuleFault, match=fault):
        selector(text, places=STORES)


def test_a_fault_in_a_name_of_our_own_names_both_places():
    with pytest.raises(RuleFault, match=r"^character 6: events\.micro: character 3: "):
        selector("a or micro", events={"micro": "a[= 3]"})
