"""[sync.*] in plugins.toml: what it takes, and what is said of a slip."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.config import Sync, from_resolved, read
from hub.errors import ConfigRefused
from hub.plugins import discover

SINKS = """
[sinks.crm]
connector = "klaviyo"
api_key = { file = "key" }
[sinks.audit]
connector = "webhook"
url = "https://audit.example.com"
[sinks.off]
connector = "klaviyo"
api_key = { file = "key" }
enabled = false
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("pk")
    (tmp_path / "key").chmod(0o600)
    return tmp_path


def configured(folder: Path, sync: str) -> Any:
    (folder / "plugins.toml").write_text(f"{SINKS}{sync}")
    return read(folder / "plugins.toml", discover, environ={})


def test_a_bare_label_is_the_profile_and_without_every_each_change_goes(folder: Path):
    good = configured(folder, '[sync.crm]\nto = "crm"\nfields = { plan = "person.plan" }\n')

    assert good.syncs == (Sync("crm", "crm", "profile", {"plan": "person.plan"}, timedelta(0)),)


def test_the_engine_is_told_all_of_it(folder: Path):
    text = '[sync.x]\nto = "audit.send"\nfields = { n = "count(a) + 1" }\nevery = "1h"\n[sync.b]\n'
    good = configured(folder, text + 'to = "crm"\nfields = { plan = "person.plan" }\n')

    [first, second] = json.loads(good.resolved)["plan"]["syncs"]
    assert first == {
        "name": "x",
        "sink": "audit",
        "action": "send",
        "fields": {"n": "count(a) + 1"},
        "every": 3_600_000_000,
    }
    assert second["name"] == "b"
    again = from_resolved(good.resolved, discover, base=folder, environ={})
    assert again.syncs == good.syncs


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('to = "crn"\nfields = { a = "person.a" }', "to: no sink 'crn'; did you mean 'crm'?"),
        (
            'to = "crm.profil"\nfields = { a = "person.a" }',
            "to: crm has no action 'profil'; did you mean 'profile'?",
        ),
        (
            'to = "audit"\nfields = { a = "person.a" }',
            "to: audit has no action 'profile'; there is send",
        ),
        ('to = "crm"\nfields = {}', "fields: must not be empty"),
        (
            'to = "crm"',
            "fields: required: The sink's name of a field → what it holds: person.x, or as in a rule's "
            "if: count(order_completed).",
        ),
        (
            'to = "crm"\nfields = { a = "plan" }',
            "fields.a: character 1: 'plan' is not known here; write person.plan",
        ),
        (
            'to = "crm"\nfields = { a = "trigger.plan" }',
            "fields.a: character 1: 'trigger.plan' is not known here; write person.plan",
        ),
        (
            'to = "crm"\nfields = { a = "since(activity)" }',
            "fields.a: character 1: since changes all the time; write last(name.property)",
        ),
        ('to = "crm"\nfields = { a = "person." }', "fields.a: character 8: expected a name"),
        ('to = "crm"\nfields = { a = "person.a" }\nevery = "15 mins"', "every: '15 mins' is not a duration"),
        (
            'to = "crm"\nfields = { a = "person.a" }\never = "15m"',
            "ever: unknown option; did you mean 'every'?",
        ),
    ],
)
def test_every_fault_is_told(folder: Path, text: str, fault: str):
    with pytest.raises(ConfigRefused) as refused:
        configured(folder, f"[sync.crm]\n{text}\n")

    [one] = refused.value.faults
    assert f"{one.key}: {one.problem}".startswith(f"sync.crm.{fault}")


def test_a_sync_to_a_sink_that_is_switched_off_tells_nothing_and_says_so(folder: Path):
    good = configured(folder, '[sync.crm]\nto = "off"\nfields = { a = "person.a" }\n')

    assert good.syncs == ()
    assert good.warnings[0].problem == "sinks.off is switched off, so nothing is synced"


def test_a_sync_that_is_switched_off_is_checked_and_left_out(folder: Path):
    good = configured(folder, '[sync.crm]\nto = "crm"\nfields = { a = "person.a" }\nenabled = false\n')

    assert good.syncs == ()
