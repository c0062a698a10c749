"""A message's words: filled in when it is decided, frozen, and never a reason for the engine to stumble."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_house import SmallHouse

TABLES = """
[sinks.out]
connector = "webhook"
url = "https://receiver.example.com"

[channels]
email = "out.send"

[settings]
consent = "granted"

[rules.cart]
when   = "product_added"
repeat = "always"
send   = { channel = "email", template = "cart", vars = { first_name = "person.first_name" } }
"""
CART = """
[templates.cart]
subject = "{{ first_name | default: 'You' }}, your {{ trigger.name }} is waiting"
html    = "<p>{{ trigger.name }}</p>"
"""

House = Callable[..., SmallHouse]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    houses: list[SmallHouse] = []

    def build(templates: str, tables: str = TABLES) -> SmallHouse:
        houses.append(SmallHouse(tmp_path, tables + templates))
        return houses[0]

    yield build
    for one in houses:
        one.close()


def ann_fills_a_cart(house: SmallHouse, **traits: Any) -> None:
    house.tell("identify", user_id="ann", email="ann@example.com", traits=traits)
    house.tell("Product Added", user_id="ann", properties={"name": "Shoe & <Boot>"})


def test_a_message_says_what_its_template_says(house: House):
    home = house(CART)
    ann_fills_a_cart(home, first_name="Ann")

    [message] = home.messages()
    assert message.words == {
        "subject": "Ann, your Shoe & <Boot> is waiting",
        "html": "<p>Shoe &amp; &lt;Boot&gt;</p>",
    }
    assert (message.template, message.variables) == ("cart", {"first_name": "Ann"})


def test_the_words_stay_when_the_person_changes(house: House):
    home = house(CART)
    ann_fills_a_cart(home, first_name="Ann")
    home.tell("identify", user_id="ann", traits={"first_name": "Anna"})
    home.configure(TABLES + CART.replace("waiting", "gone"))
    home.restart()

    assert home.messages()[0].words["subject"] == "Ann, your Shoe & <Boot> is waiting"


def test_a_message_without_a_template_of_its_name_has_variables_alone(house: House):
    home = house(CART.replace("templates.cart", "templates.other"))
    ann_fills_a_cart(home, first_name="Ann")

    [message] = home.messages()
    assert (message.template, message.words) == ("cart", {})


def test_what_the_template_needs_is_there_or_nothing_is_sent(house: House):
    home = house(CART + 'needs = ["first_name"]\n')
    ann_fills_a_cart(home)

    assert home.messages() == []
    assert [(one.outcome, one.reason) for one in home.decisions()] == [
        ("fired", ""),
        ("dropped", "incomplete"),
    ]


def test_the_fallback_speaks_where_something_is_missing(house: House):
    needy = 'needs = ["first_name"]\nfallback = "plain"\n[templates.plain]\nsubject = "Hello"\n'
    home = house(CART + needy)
    ann_fills_a_cart(home)

    [message] = home.messages()
    assert (message.template, message.words) == ("plain", {"subject": "Hello"})


def test_a_template_that_breaks_a_limit_drops_its_message_and_holds_up_nobody(house: House):
    endless = '\ntext = "{% for a in (1..9000) %}{% for b in (1..9000) %}{{ b }}{% endfor %}{% endfor %}"\n'
    home = house(CART + endless)
    ann_fills_a_cart(home)

    [_, dropped] = home.decisions()
    assert (dropped.outcome, dropped.reason) == (
        "dropped",
        "words: template cart, text: takes too long: it loops too often, or works on too much",
    )
    assert home.poisoned() == []


def test_who_was_last_seen_on_a_small_screen_gets_the_words_for_it(house: House):
    home = house(CART + '[templates.cart.mobile]\nsubject = "Cart!"\n')
    ann_fills_a_cart(home, last_device="mobile")

    assert home.messages()[0].words["subject"] == "Cart!"
