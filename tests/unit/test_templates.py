"""Templates: what they may say, what they can never do, and what is said of a slip in one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import GiveUp
from hub.event import Identifier, Message, PersonId, Profile, Trait
from hub.liquid import MOST_BYTES, Form, Template, TemplateRefused
from hub.templates import Said, compile, values_for

ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ x.__class__.__mro__ }}",
    "{{ x.__init__.__globals__ }}",
    "{{ x.upper }}",
    "{{ x.format }}",
    "{{ x['__class__'] }}",
    "{{ items.append }}",
    "{{ items.__len__ }}",
    "{{ forloop }}",
    "{{ self }}",
    "{{ environment }}",
    "{{ context }}",
    "{{ template }}",
    "{{ now.year }}",
    "{{ today }}",
    "{{ request.application }}",
    "{{ config }}",
    "{{ cycler.__init__ }}",
    "{{ 7 | __class__ }}",
    "{{ x | map: '__class__' }}",
    "{{ items | map: '__class__' }}",
    "{{ items | where: '__class__' }}",
    "{{ items | sort: '__class__' }}",
    "{% include '/etc/passwd' %}",
    "{% render '../secret' %}",
    "{% extends 'base' %}",
    "{% import os %}",
    "{% set a = 1 %}",
    "{%- python -%}1{%- endpython -%}",
    "{% assign a = x.__class__ %}{{ a }}",
    "{% for a in x.__class__ %}{{ a }}{% endfor %}",
    "{% capture a %}{{ x.__dict__ }}{% endcapture %}{{ a }}",
]
"""What gets out of other template languages."""

ENDLESS = {
    "a range without an end": "{% for i in (1..1000000000) %}x{% endfor %}",
    "a range by a value": "{% for i in (1..big) %}{% endfor %}",
    "a loop in a loop": "{% for i in (1..9000) %}{% for j in (1..9000) %}{{ j }}{% endfor %}{% endfor %}",
    "loops one after the other": "{% for i in (1..9000) %}{{ i }}{% endfor %}" * 50,
    "much in a loop": "{% for i in (1..9000) %}" + "{% if i %}{% endif %}" * 50 + "{% endfor %}",
    "a table": "{% tablerow i in (1..9000) %}{% for j in (1..9000) %}{% endfor %}{% endtablerow %}",
    "doubling": "{% assign t = 'a' %}{% for i in (1..99) %}{% assign t = t | append: t %}{% endfor %}",
    "doubling a list": "{% assign t = items %}" + "{% assign t = t | concat: t %}" * 30,
    "a tower of numbers": "{% assign t = 9 %}{% for i in (1..99) %}{% assign t = t | times: t %}{% endfor %}",
    "replacing nothing": "{{ long | replace: '', long }}",
    "joining by much": "{{ long | split: '' | join: long }}",
    "a letter a part": "{{ long | split: '' | uniq }}",
    "a long text often": "{% for i in (1..5000) %}{{ long }}{% endfor %}",
    "a filter on much": "{% for i in (1..5000) %}{{ long | upcase | size }}{% endfor %}",
}
VALUES = {"x": "text", "items": [1, {"a": 2}, "b"], "big": 10**30, "long": "<" * 100_000}


@pytest.mark.parametrize("text", ESCAPES)
def test_there_is_no_way_out_of_a_template(text: str):
    try:
        said = Template(text).render(VALUES)
    except (TemplateRefused, GiveUp):
        return

    assert said.strip() in ("", "text") or "class" not in said


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_a_template_that_would_not_end_is_ended_always_at_the_same_place(text: str):
    said = set()
    for _ in range(2):
        with pytest.raises(GiveUp) as ended:
            Template(text).render(VALUES)
        said.add(str(ended.value))

    assert len(said) == 1


@pytest.mark.parametrize(
    "name", ["strip_html", "squish", "escape", "url_encode", "truncatewords", "newline_to_br"]
)
def test_a_filter_takes_hostile_text_in_its_stride(name: str):
    Template(f"{{{{ long | slice: 0, 40000 | {name} | size }}}}").render(VALUES)


def test_data_is_never_read_as_a_template():
    said = Template("Dear {{ name }}").render({"name": "{{ secret }}{% for i in (1..9) %}", "secret": "s"})

    assert said == "Dear {{ secret }}{% for i in (1..9) %}"


def test_what_values_hold_is_escaped_in_html_and_not_in_text():
    template = Template("Dear {{ name }}, {{ names | join: ', ' }}, {{ names }}")
    values = {"name": "<b>Ann</b> & Co", "names": ["<i>", "b"]}

    assert template.render(values) == "Dear <b>Ann</b> & Co, <i>, b, <i>b"
    escaped = "Dear &lt;b&gt;Ann&lt;/b&gt; &amp; Co, &lt;i&gt;, b, &lt;i&gt;b"
    assert template.render(values, form="html") == escaped


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5), st.text())
@settings(max_examples=60, deadline=None)
def test_no_value_ends_a_text_of_json_or_changes_another(value: Any, word: str):
    template = Template('{"word": "{{ word }}", "value": {{ value | json }}, "last": "{{ last }}{{ word }}"}')

    said = json.loads(template.render({"word": word, "value": value, "last": "z"}, form="json"))

    assert said == {"word": word, "value": value, "last": f"z{word}"}


def test_captured_text_goes_into_json_once():
    text = '{% capture whole %}{{ first }} {{ last }}{% endcapture %}{"name": "{{ whole }}"}'

    said = Template(text).render({"first": '"A"', "last": "\n"}, form="json")

    assert json.loads(said) == {"name": '"A" \n'}


@pytest.mark.parametrize("form", ["text", "html", "json"])
def test_the_clock_is_not_read(form: Form):
    template = Template("{{ now }}{{ today }}{{ 'now' | date: '%Y' }}")

    assert template.render({}, form=form) == "now"
    assert template.render({"now": "2026-03-01T10:00:00.000Z"}, form=form) == "2026-03-01T10:00:00.000Z2026"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("2026-03-01T22:30:00.000Z", "01.03.2026 22:30"),
        ("2026-03-01T22:30:00+02:00", "01.03.2026 22:30"),
        ("2026-03-01", "01.03.2026 00:00"),
        (1_772_400_600, "01.03.2026 21:30"),
        ("soon", "soon"),
        (None, ""),
    ],
)
def test_a_time_is_shown_in_the_form_that_is_asked_for(said: Any, shown: str):
    assert Template("{{ at | date: '%d.%m.%Y %H:%M' }}").render({"at": said}) == shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a\n{{ name", "line 2: expected '}}', found end of file"),
        ("a\n{% if a %}\nb\n", "line 3: expected tag endif, but it ends here"),
        ("a\n\n{% for a in %}{% endfor %}", "line 3: expected a primitive expression, but it ends here"),
        ("a\n{{ name | upcas }}", "line 2: there is no filter 'upcas'; did you mean 'upcase'?"),
        ("{% include 'a' %}", "line 1: 'include' is not here: a template stands for itself"),
        ("{{ (1..9) | join }}", "line 1: a range such as (1..5) can only stand behind 'in'"),
        ("x" * (MOST_BYTES + 1), "is larger than 256 KB"),
    ],
)
def test_a_slip_is_told_with_its_line(text: str, problem: str):
    with pytest.raises(TemplateRefused) as refused:
        Template(text)

    assert str(refused.value) == problem


def test_a_fault_while_filling_in_does_not_repeat_what_was_filled_in():
    with pytest.raises(GiveUp) as ended:
        Template("a\n{{ 3 | divided_by: secret }}").render({"secret": "ann@example.com"})

    assert "example" not in str(ended.value)
    assert str(ended.value).startswith("line 2: cannot be filled in")


def test_liquid_is_loaded_with_the_first_template_only():
    code = "import sys, hub.pipeline, hub.config; print('liquid' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout == "False\n"


# ---------------------------------------------------------------- templates of a configuration

NINE = 1_795_255_200_000_000
CART = {"subject": "{{ first_name }}, your cart is waiting", "html": "<p>{{ trigger.name }}</p>"}


def ann(**traits: Any) -> Profile:
    return Profile(
        id=PersonId(1),
        identifiers=[Identifier("user_id", "u1"), Identifier("email", "ann@example.com")],
        traits={name: Trait(value, "site", NINE) for name, value in traits.items()},
    )


def message(**variables: Any) -> Message:
    return Message(
        id="m1",
        rule="cart",
        channel="email",
        purpose="marketing",
        template="cart",
        variables=variables,
        created_at=NINE,
        expires_at=NINE,
    )


def say(templates: dict[str, Any], profile: Profile | None = None, **variables: Any) -> Said:
    values = values_for(message(**variables), profile or ann(), None, {})
    return compile(templates).say("cart", values)


def test_a_template_says_its_fields_with_the_messages_variables():
    said = say({"cart": CART}, first_name="Ann")

    assert said == Said(
        "cart", {"subject": "Ann, your cart is waiting", "html": "<p></p>"}, empty=("trigger.name",)
    )


def test_a_template_knows_the_person_by_traits_and_identifiers():
    text = "{{ person.plan }} {{ person.user_id }} {{ person.id }} {{ message.rule }}"

    assert say({"cart": {"text": text}}, ann(plan="pro")).words["text"] == "pro u1 0000000000000001 cart"


def test_without_a_template_of_that_name_there_are_no_words():
    assert say({"other": CART}) == Said("cart")


def test_a_template_kept_at_the_vendor_is_named():
    assert say({"cart": {"vendor": "d-4711"}}).words == {"vendor": "d-4711"}


def test_on_a_small_screen_its_own_fields_take_the_place_of_the_others():
    templates = {"cart": {**CART, "mobile": {"subject": "Cart!"}}}

    assert say(templates, ann(last_device="mobile")).words == {"subject": "Cart!", "html": "<p></p>"}
    assert say(templates, ann(last_device="desktop")).words["subject"] == ", your cart is waiting"


def test_what_a_template_needs_and_has_not_leads_to_its_fallback_or_to_nothing():
    needy = {"text": "{{ person.first_name }}", "needs": ["person.first_name"]}
    plain = {"cart": {**needy, "fallback": "plain"}, "plain": {"text": "Hello"}}

    assert say({"cart": needy}) == Said("cart", lacking=("person.first_name",))
    assert say(plain) == Said("plain", {"text": "Hello"})
    assert say(plain, ann(first_name="Ann")) == Said("cart", {"text": "Ann"})


def test_a_limit_that_is_broken_is_told_with_template_and_field():
    templates = {"cart": {"text": "fine", "html": ENDLESS["a loop in a loop"]}}

    with pytest.raises(GiveUp, match=r"^template cart, html: takes too long"):
        say(templates)
