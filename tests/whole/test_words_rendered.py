"""`hub render`: what a template would say to somebody, while the hub's stores are in use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from small_house import SmallHouse

from hub.cli import root

TABLES = """
[sinks.out]
connector = "console"

[channels]
email = "out.send"

[rules.cart]
when = "product_added then not order_completed within 15m"
send = { channel = "email", template = "cart", vars = { first = "person.name", n = "count(product_added)" } }

[templates.cart]
subject = "{{ first | default: 'You' }}: {{ trigger.name }}"
text    = "{{ n }} things\\nfor {{ person.plan }}\\u001b[31m"
"""
NEEDY = """
[templates.needy]
text  = "{{ person.first_name }}"
needs = ["person.first_name"]
"""
Render = Callable[..., Result]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SmallHouse]:
    house = SmallHouse(tmp_path, TABLES + NEEDY)
    house.tell("identify", user_id="ann", email="ann@example.com", traits={"plan": "pro"})
    house.tell("Product Added", user_id="ann", properties={"name": "Shoe"})
    house.tell("Page Viewed", user_id="ann", properties={"name": "Home"})
    yield house
    house.close()


@pytest.fixture
def render(house: SmallHouse, tmp_path: Path) -> Render:
    def run(*words: str) -> Result:
        at = ["--config", str(tmp_path / "plugins.toml"), "--data", str(tmp_path)]
        return CliRunner().invoke(root, ["render", *words, *at])

    return run


def shown(result: Result) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def test_a_template_is_shown_as_its_rule_would_send_it_for_the_newest_event_that_would(render: Render):
    result = render("cart", "email:ann@example.com", "--json")

    said = shown(result)
    assert result.exit_code == 0
    assert said["words"] == {"subject": "You: Shoe", "text": "1 things\nfor pro\x1b[31m"}
    assert (said["rule"], said["trigger"]["name"]) == ("cart", "product_added")
    assert said["missing"] == ["first"]


def test_an_event_of_a_file_takes_the_place_of_the_persons_own(render: Render, tmp_path: Path):
    event = {"type": "track", "event": "Product Added", "userId": "ann", "properties": {"name": "Boot"}}
    (tmp_path / "event.json").write_text(json.dumps(event, indent=2))

    said = shown(render("cart", "ann", "--trigger", str(tmp_path / "event.json"), "--json"))

    assert said["words"]["subject"] == "You: Boot"


def test_for_people_each_field_stands_on_its_own_and_what_is_missing_is_said(render: Render):
    said = render("cart", "ann").stdout

    assert "\nsubject\n  You: Shoe\n" in said
    assert "\ntext\n  1 things\n  for pro\\x1b[31m\n" in said
    assert "\nempty, for want of a value: first\n" in said


def test_what_a_template_needs_and_has_not_is_said_with_exit_code_1(render: Render):
    result = render("needy", "ann")

    assert result.exit_code == 1
    assert "nothing is sent: it needs person.first_name" in result.stdout
    assert "which no rule sends" in result.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["crt", "ann"], 2, "no template 'crt'; did you mean 'cart'?"),
        (["cart", "bob"], 1, "no person is known as 'bob'"),
        (["cart", "ann", "--rule", "cat"], 2, "no rule 'cat'; did you mean 'cart'?"),
        (["needy", "ann", "--rule", "cart"], 2, "rule cart does not send needy"),
    ],
)
def test_what_is_not_there_is_named_with_the_nearest(render: Render, words: list[str], code: int, said: str):
    result = render(*words)

    assert result.exit_code == code
    assert said in result.output


def test_the_template_is_the_one_on_disk(render: Render, tmp_path: Path):
    text = (tmp_path / "plugins.toml").read_text()
    (tmp_path / "plugins.toml").write_text(text.replace("things", "treasures"))

    assert "1 treasures" in render("cart", "ann").stdout
