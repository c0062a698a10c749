"""`hub check --connect` tells good credentials from bad ones, and sends nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.cli import root
from hub.testing.vendors.klaviyo import Klaviyo


@pytest.fixture
def vendor() -> Iterator[Klaviyo]:
    with Klaviyo(keys=["pk_good"]) as vendor:
        yield vendor


@pytest.fixture
def check(tmp_path: Path, vendor: Klaviyo) -> Callable[..., Result]:
    def check(key: str, *options: str, more: str = "") -> Result:
        (tmp_path / "key").write_text(key)
        (tmp_path / "key").chmod(0o600)
        file = tmp_path / "plugins.toml"
        file.write_text(
            f"""
[hub]
allow_private = ["127.0.0.1"]

[sinks.news]
connector = "klaviyo"
api_key   = {{ file = "key" }}
base_url  = "{vendor.url}"
{more}
"""
        )
        return CliRunner().invoke(root, ["check", "--config", str(file), "--connect", *options])

    return check


def test_a_good_key_is_fine(check: Callable[..., Result], vendor: Klaviyo):
    done = check("pk_good")

    assert (done.exit_code, done.stderr) == (0, "")
    assert "sinks.news: its credentials work" in done.stdout
    assert [(heard.method, heard.path) for heard in vendor.heard] == [("GET", "/api/accounts")]


def test_a_key_that_may_not_ask_is_a_key_all_the_same(check: Callable[..., Result], vendor: Klaviyo):
    vendor.down(403)

    assert check("pk_good").exit_code == 0


def test_a_bad_key_is_said(check: Callable[..., Result]):
    done = check("pk_bad")

    assert done.exit_code == 1
    assert "sinks.news: answered 401" in done.stderr
    assert "pk_bad" not in done.output


def test_a_vendor_that_is_not_there_is_said(check: Callable[..., Result], vendor: Klaviyo):
    vendor.stop()
    done = check("pk_good", "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout.splitlines()[-1])["key"] == "sinks.news"
    assert "no connection" in done.stdout


def test_what_cannot_be_asked_is_said_and_no_fault(check: Callable[..., Result]):
    done = check(
        "pk_good",
        more='[sinks.other]\nconnector = "console"\n[sinks.unset]\nconnector = "klaviyo"\n'
        'api_key = { env = "HUB_TEST_NEVER_SET" }',
    )

    assert done.exit_code == 0
    assert "sinks.other: not asked: its connector has no way to try credentials" in done.stderr
    assert "sinks.unset.api_key: the environment variable HUB_TEST_NEVER_SET is not set" in done.stderr
