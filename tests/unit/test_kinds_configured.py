"""The kinds of identifier that a source's mapping names: those that the hub knows, or one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.config import Config, read
from hub.errors import ConfigRefused
from hub.plugins import discover

PARTNER = '[sources.partner]\nconnector = "webhook"\n'


def configured(folder: Path, text: str) -> Config:
    (folder / "plugins.toml").write_text(text)
    return read(folder / "plugins.toml", discover, environ={})


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigRefused) as refused:
        configured(folder, text)
    return [f"{fault.line}: {fault.key}: {fault.problem}" for fault in refused.value.faults]


def test_a_misspelt_kind_of_identifier_is_a_fault_with_the_nearest_one(tmp_path: Path):
    text = f'{PARTNER}[sources.partner.identifiers]\nemail = "data.email"\nuserid = "data.user"\n'

    assert faults(tmp_path, text) == [
        "5: sources.partner.identifiers.userid: no such kind of identifier; did you mean 'user_id'? "
        "(or declare [identity.kinds.userid])"
    ]


def test_a_kind_of_ones_own_is_as_good_wherever_it_is_declared(tmp_path: Path):
    text = f'{PARTNER}identifiers = {{ loyalty_id = "card", email = "data.email" }}\n'

    assert configured(tmp_path, f"{text}[identity.kinds.loyalty_id]\nstrong = true\n").sources
    assert len(faults(tmp_path, text)) == 1


def test_a_source_that_is_switched_off_is_checked_too(tmp_path: Path):
    assert len(faults(tmp_path, f'{PARTNER}enabled = false\nidentifiers = {{ emial = "data.email" }}\n')) == 1
