"""[templates.*] in plugins.toml: read with their files, checked to the line, kept as they were read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hub.config import from_resolved, read
from hub.errors import ConfigRefused
from hub.plugins import discover


def configured(folder: Path, text: str) -> Any:
    (folder / "plugins.toml").write_text(text)
    return read(folder / "plugins.toml", discover, environ={})


def told(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigRefused) as refused:
        configured(folder, text)
    return [str(fault).removeprefix(f"{folder}/") for fault in refused.value.faults]


def test_a_field_comes_from_a_file_beside_the_file_that_names_it(tmp_path: Path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "cart.html").write_text("<p>{{ name }}</p>\n")
    both = "[templates.cart]\n{0}\n[templates.cart.mobile]\n{0}\n".format('html = { file = "cart.html" }')
    (tmp_path / "rules" / "cart.toml").write_text(both)
    good = configured(tmp_path, '[hub]\ninclude = ["rules/*.toml"]\n')

    said = json.loads(good.resolved)["tables"]["templates"]["cart"]
    assert said == {"html": "<p>{{ name }}</p>\n", "mobile": {"html": "<p>{{ name }}</p>\n"}}


def test_a_changed_file_is_another_configuration(tmp_path: Path):
    text = '[templates.cart]\nhtml = { file = "cart.html" }\n'
    (tmp_path / "cart.html").write_text("one")
    before = configured(tmp_path, text)
    (tmp_path / "cart.html").write_text("two")
    after = configured(tmp_path, text)

    assert before.version != after.version


def test_what_is_in_force_needs_its_files_no_more(tmp_path: Path):
    (tmp_path / "cart.html").write_text("one")
    good = configured(tmp_path, '[templates.cart]\nhtml = { file = "cart.html" }\n')
    (tmp_path / "cart.html").unlink()

    assert from_resolved(good.resolved, discover, base=tmp_path, environ={}).resolved == good.resolved


def test_a_slip_in_a_file_is_told_with_the_line_of_that_file(tmp_path: Path):
    (tmp_path / "cart.html").write_text("<p>\n{{ name | upcas }}\n")

    [fault] = told(tmp_path, '[templates.cart]\nhtml = { file = "cart.html" }\n')

    assert fault.startswith("cart.html:2: there is no filter 'upcas'; did you mean 'upcase'?")
    assert fault.endswith("(used by templates.cart.html, " + str(tmp_path / "plugins.toml") + ":2)")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('subject = "{{ a"', "subject: line 1: expected '}}', found end of file"),
        (
            'html = { file = "none.html" }',
            "html: {folder}/none.html cannot be read: No such file or directory",
        ),
        ("preheader = 3", 'preheader: must be text in quotes, or { file = "path" }'),
        ('needs = ["person."]', "needs: item 1: must be a variable or a path, such as person.first_name"),
        ('needs = ["a b"]', "needs: item 1: must be a variable or a path, such as person.first_name"),
        ("fallbak = 3", "fallbak: unknown option; did you mean 'fallback'?"),
        ('mobile = { needs = "a" }', "mobile.needs: only fields stand here; 'needs' belongs to the template"),
        ('fallbak = "plain"', "fallbak: unknown option; did you mean 'fallback'?"),
        ('Subject = "a"', "Subject: a field has a-z, 0-9 and _ only, such as subject"),
        ('fallback = "plan"', "fallback: no template 'plan'; did you mean 'plain'?"),
        ('needs = "name"', "needs: must be a list: [ … ]"),
        ("subject = 3", "subject: must be text in quotes"),
        ('mobile = { text = "{% if %}" }', "mobile.text: line 1: missing expression"),
        ('fallback = "plain"', None),
    ],
)
def test_every_fault_is_told_with_its_place(tmp_path: Path, text: str, fault: str | None):
    whole = f'[templates.plain]\ntext = "a"\n[templates.cart]\n{text}\n'
    if fault is None:
        configured(tmp_path, whole)
        return
    place = "plugins.toml:4: templates.cart."

    assert told(tmp_path, whole) == [place + fault.replace("{folder}", str(tmp_path))]


def test_templates_that_fall_back_in_a_circle_are_refused_once(tmp_path: Path):
    text = "".join(f'[templates.{name}]\nfallback = "{further}"\n' for name, further in ("ab", "bc", "ca"))

    assert told(tmp_path, text) == [
        "plugins.toml:2: templates.a.fallback: falls back in a circle: a → b → c → a; end it somewhere"
    ]


RULES = """
[sinks.out]
connector = "console"
[channels]
email = "out.send"
[rules.cart]
when = "product_added"
send = { channel = "email", template = "cart", vars = { name = "trigger.name" } }
"""


@pytest.mark.parametrize(
    ("template", "warning"),
    [
        ('[templates.cart]\nsubject = "{{ name }} {{ person.plan }} {{ now }}{{ trigger.x }}"', None),
        ('[templates.cart]\nsubject = "{% for one in trigger.products %}{{ one.name }}{% endfor %}"', None),
        ('[templates.other]\nsubject = "{{ nobody }}"', None),
        (
            '[templates.cart]\nsubject = "{{ first_name }}"',
            "template cart speaks of first_name, which vars does not set: it stays empty; write vars = "
            '{ first_name = "…" }, or person.first_name in the template',
        ),
        (
            '[templates.cart]\nfallback = "plain"\n[templates.plain]\ntext = "{{ nom }}"',
            "template plain speaks of nom, which vars does not set: it stays empty; write vars = "
            '{ nom = "…" }, or person.nom in the template',
        ),
        ('[templates.carts]\ntext = ""', "no template 'cart': only its name is sent; did you mean 'carts'?"),
    ],
)
def test_what_nobody_tells_a_template_is_warned_of(tmp_path: Path, template: str, warning: str | None):
    good = configured(tmp_path, RULES + template)

    expected = [] if warning is None else [f"plugins.toml:8: rules.cart.send.template: {warning}"]
    assert [str(one).removeprefix(f"{tmp_path}/") for one in good.warnings] == expected
