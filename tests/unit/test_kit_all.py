"""The examination finds what is wrong with any connector: options, secrets, pages, exemptions."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit_house import Good, said, sending, sink, without_id

import hub


class Told(hub.Settings):
    api_key: str = hub.Option("The key of the account.", default="")
    where: str = hub.Option("", default="")


class Loose(hub.Settings):
    model_config = {"extra": "ignore"}


def test_options_without_an_explanation_and_credentials_in_plain_text_are_told(written: Path):
    told = {"connector": sink(Settings=Told), "settings": {}}

    assert "'where' has no explanation" in said(Good, "every_option_is_explained", written, **told)
    assert "'api_key' looks like a credential" in said(Good, "credentials_are_secret", written, **told)


def test_unknown_options_that_are_taken_are_told(written: Path):
    loose = {"connector": sink(Settings=Loose), "settings": {}}

    assert "an unknown option is taken" in said(Good, "unknown_options_are_refused", written, **loose)


def test_a_secret_that_can_be_read_is_told(written: Path):
    talks = sink(__repr__=lambda self: f"Till({self.settings.api_key.reveal()})")

    assert "the secret key… can be read in Till(" in said(
        Good, "secrets_are_never_shown", written, connector=talks
    )


def test_an_option_that_goes_away_is_told(written: Path):
    told = said(Good, "settings_have_not_drifted", written, connector=sink(Settings=Told))

    assert "/properties/region: was" in told
    assert "is not there" in told


def test_a_name_that_is_none_and_a_summary_that_is_missing_are_told(written: Path):
    odd = sink(name="Till-1", __doc__="")

    objection = said(Good, "name_and_summary", written, connector=odd)

    assert "not in snake_case" in objection
    assert "the summary" in objection


def test_an_example_that_does_not_pass_the_check_is_told(written: Path):
    odd = sink(example='[sinks.my_till]\nconnector = "till"\nkey = "x"')

    assert "unknown option" in said(Good, "example_passes_check", written, connector=odd)


def test_a_connector_without_a_page_is_told(written: Path):
    assert "there is no docs/how_to/till.md" in said(Good, "docs_page", written)


@pytest.mark.parametrize(
    ("exempt", "told"),
    [
        ({"no_such_check": "because I say so"}, "there is no check 'no_such_check'"),
        ({"exact_host": "no"}, "needs a reason in words"),
        ({"delivery_id_travels:send": "they have no such field"}, ""),
    ],
)
def test_an_exemption_names_a_check_and_gives_a_reason(exempt: Any, told: str, written: Path):
    assert told in said(Good, "exemptions_are_reasoned", written, exempt=exempt)


def test_an_exempted_action_is_left_out(written: Path):
    why = {"delivery_id_travels:send": "they have no such field"}

    assert said(Good, "delivery_id_travels", written, exempt=why, **sending(without_id)) == ""


# A package of its own

PACKAGE = '''
"""Receipts."""
import hub


class Printer(hub.HttpSink[hub.Settings]):
    """Receipts for orders."""

    name = "{name}"
    base_url = "https://till.example"
    limits = hub.Limits(per_second=10)
    {cited}

    @hub.action("send")
    def send(self, deliveries):
        """Sends them."""
        yield hub.Request("POST", "/receipts", json=[deliveries[0].id])

{more}
@hub.hookimpl
def connectors():
    return [Printer]
'''


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes the sink of a package `printer_of_receipts`."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(name: str = "printer_of_receipts", cited: str = "", more: str = "") -> Any:
        text = PACKAGE.format(name=name, cited=cited, more=more)
        (tmp_path / "printer_of_receipts.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module("printer_of_receipts").Printer

    yield made
    sys.modules.pop("printer_of_receipts", None)


@pytest.mark.parametrize(
    ("package", "told"),
    [
        ({}, ""),
        ({"name": "printer"}, "does not bring this sink in its connectors()"),
        ({"more": "open(__file__ + '.x', 'w').close()"}, "for writing; that belongs in open()"),
        ({"more": "@hub.hookimpl\ndef conectors():\n    return []"}, "unknown hook 'conectors'"),
    ],
)
def test_a_package_brings_its_connector_under_its_own_name_and_its_import_does_nothing_else(
    package: dict[str, str], told: str, brought: Any, tmp_path: Path
):
    objection = said(Good, "import_does_no_io", tmp_path, connector=brought(**package), settings={})

    assert told in objection and bool(told) == bool(objection)


@pytest.mark.parametrize(
    ("cited", "told"),
    [
        ('"""10 a second. https://till.example/limits"""', ""),
        ('"""10 a second, they say."""', "left open"),
        ("", "left open"),
    ],
)
def test_limits_without_the_vendors_page_are_told(cited: str, told: str, brought: Any, tmp_path: Path):
    known = {"connector": brought(cited=cited), "settings": {}}
    objection = said(Good, "limits_cite_the_vendors_page", tmp_path, **known)

    assert objection.startswith(told) and bool(told) == bool(objection)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("# Till\n\n## When something goes wrong\n\n## Limits\n", ""),
        ("# Till\n\n## Limits\n\nNothing goes wrong.\n", "left open: its page has no heading with 'wrong'"),
        ("# Till\n\n## When something goes wrong\n", "left open: its page has no heading with 'limit'"),
    ],
)
def test_a_page_that_says_nothing_of_trouble_or_of_limits_is_told(page: str, told: str, tmp_path: Path):
    (tmp_path / "till.md").write_text(page)
    here = {"_page": lambda self: tmp_path / "till.md"}

    assert said(Good, "troubleshooting_is_documented", tmp_path, **here) == told
