"""The reference of the configuration and the repo's own plugins.toml say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from source_tree import ROOT

from hub.config import OptionHelp, hub_options, read
from hub.config.following import RULE_TABLES
from hub.config.tables import LATER, TABLES
from hub.plugins import discover

PAGE = ROOT / "docs" / "reference" / "configuration.md"
OWN = ROOT / "plugins.toml"
SWITCHED_OFF = re.compile(r"^# (?=\[[a-z_.]+\]|[a-z_]+ +=|[a-z_]+=)", re.MULTILINE)
MASK = '''
import hub


class Mask(hub.Transform[hub.Settings]):
    """Hides nothing."""

    name = "mask"


@hub.hookimpl
def connectors():
    return [Mask]
'''


def row(option: OptionHelp) -> str:
    """An option as the page shows it."""
    default = "required" if option.required else f"`{option.default}`" if option.default is not None else ""
    return f"| `{option.name}` | {option.type} | {default} | {option.help} |"


def test_every_option_stands_in_the_reference_under_its_table():
    sections = dict(re.findall(r"^## `\[(.+?)\]`\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S))

    for table, options in hub_options().items():
        rows = [line for line in sections.pop(table).splitlines() if line.startswith("| `")]
        assert rows == [row(option) for option in options]
    assert not sections


def test_every_table_of_a_later_version_is_named_in_the_reference():
    page = PAGE.read_text()

    assert [name for name in LATER if f"`{name}`" not in page] == []
    assert {name.partition(".")[0] for name in hub_options()} == set(TABLES) - {*RULE_TABLES, "channels"}
    assert [name for name in (*RULE_TABLES, "channels") if f"[{name}" not in page] == []


def test_the_repos_own_configuration_runs_without_any_account():
    good = read(OWN, discover, environ={})

    assert good.warnings == ()
    assert (set(good.sources), set(good.sinks), len(good.routes)) == ({"site"}, {"screen", "kept"}, 2)


def test_the_repos_own_configuration_shows_every_option():
    text = OWN.read_text()
    missing = [
        f"{table}: {option.name}"
        for table, options in hub_options().items()
        for option in options
        if not re.search(rf"\b{option.name.rpartition('.')[2]}\b", text)
    ]

    assert [one for one in missing if "limits." not in one] == []


def test_what_is_switched_off_in_the_repos_own_configuration_is_right_too(tmp_path: Path):
    (tmp_path / "our_connectors").mkdir()
    (tmp_path / "our_connectors" / "mask.py").write_text(MASK)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "more.toml").write_text("")
    text = SWITCHED_OFF.sub("", OWN.read_text())
    (tmp_path / "plugins.toml").write_text(text)

    good = read(tmp_path / "plugins.toml", discover, environ={}, unset="warn")

    assert all("is not set" in warning.problem for warning in good.warnings)
    assert len(good.transforms) == 1
    assert "loyalty_id" in {kind.name for kind in good.identity.kinds}
