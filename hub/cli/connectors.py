"""`hub connectors`: what is there, and how each is configured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import Commands
from hub.cli.options import config_option, hub_table, json_option

if TYPE_CHECKING:
    from hub.connector import ConnectorType
    from hub.plugins import Known, Registry


_TABLE = {"list": ("connectors", "list_"), "show": ("connectors", "show"), "new": ("new", "new")}


@click.group(cls=Commands, table=_TABLE)
def connectors() -> None:
    """Lists connectors, shows how to use them, and makes new ones."""


@click.command("list")
@config_option
@json_option
def list_(config: Path, as_json: bool) -> None:
    """Lists what is built in, installed, or in the folders of `[hub] plugins`."""
    from hub.cli.lines import json_lines, table

    known = listing(registry(config))
    if as_json:
        json_lines(known)
        return
    names = ("name", "kind", "grade", "package", "version")
    table(names, ([one[name] for name in names] for one in known))


@click.command()
@click.argument("name")
@config_option
@json_option
def show(name: str, config: Path, as_json: bool) -> None:
    """Shows a connector's options, actions and limits, and a block that works."""
    from hub.cli.lines import json_lines

    sheets = shown(registry(config), name)
    if as_json:
        json_lines(sheets)
        return
    for sheet in sheets:
        _print(sheet)


def registry(config: Path | None = None) -> Registry:
    """What there is, with the folders that the configuration names, where there is one."""
    from hub.plugins import discover

    if config is None or not config.exists():
        return discover()
    folders = hub_table(config).get("plugins", [])
    if not isinstance(folders, list) or not all(isinstance(one, str) for one in folders):
        raise click.UsageError(f"{config}: hub.plugins: must be a list of folders; `hub check` says more")
    return discover([config.parent / folder for folder in folders])


def listing(known: Registry) -> list[dict[str, Any]]:
    """Every connector: name, kind (empty where its package is not loaded), grade, package, version."""
    return [
        {
            "name": one.name,
            "kind": one.kind or "",
            "grade": _grade(known, one),
            "package": one.package,
            "version": one.version,
        }
        for one in known.known()
    ]


def _grade(known: Registry, one: Known) -> str:
    """The computed grade; of a package that is not loaded, by the files that are there."""
    from hub.connector import kind
    from hub.testing.examinations import grade_at, grade_of

    if not one.loaded:
        return "none" if one.place is None else grade_at(one.place, one.name).grade
    return next(grade_of(found).grade for found in known.all(one.name) if kind(found) == one.kind)


def shown(known: Registry, name: str) -> list[dict[str, Any]]:
    """Everything about the connectors of one name, a mapping each; a usage error where there is none."""
    found = known.all(name)
    if not found:
        near = known.near(name)
        hint = f"did you mean '{near}'?" if near else "`hub connectors list` shows what there is"
        raise click.UsageError(f"no connector '{name}'; {hint}")
    return [_sheet(connector) for connector in found]


def _sheet(connector: ConnectorType) -> dict[str, Any]:
    from hub.plugins.sheets import sheet
    from hub.testing.examinations import grade_of

    said, graded = sheet(connector), grade_of(connector)
    grade = {"grade": graded.grade, "grade_reason": graded.reason}
    return {"name": said.pop("name"), "kind": said.pop("kind"), **grade, **said}


def _print(sheet: dict[str, Any]) -> None:
    reason = f" ({sheet['grade_reason']})" if sheet["grade_reason"] else ""
    print(f"{sheet['name']}: {sheet['kind']}, grade {sheet['grade']}{reason}\n{sheet['summary']}\n")
    for option in sheet["options"]:
        default = "required" if option["required"] else f"default {option['default'] or 'none'}"
        print(f"  {option['name']} ({option['type']}, {default})\n      {option['help']}")
    for action in sheet["actions"]:
        print(f"\n  action {action['name']}: {action['summary']}")
    if sheet["limits"]:
        print("\n  limits: " + ", ".join(f"{name} {value}" for name, value in sheet["limits"].items()))
    print(f"\n{sheet['example']}\n")
