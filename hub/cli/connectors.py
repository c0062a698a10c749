"""`hub connectors`: what is there, and how each is configured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import Commands
from hub.cli.options import config_option, hub_table, json_option

if TYPE_CHECKING:
    from hub.connector import ConnectorType, Limits
    from hub.plugins import Registry

NO_GRADE = "none"
"""The grade of a connector that took no examination."""


@click.group(cls=Commands, table={"list": ("connectors", "list_"), "show": ("connectors", "show")})
def connectors() -> None:
    """Lists connectors, and shows how to use them."""


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
    return discover([config.parent / str(folder) for folder in hub_table(config).get("plugins", [])])


def listing(known: Registry) -> list[dict[str, Any]]:
    """Every connector: name, kind (empty where its package is not loaded), grade, package, version."""
    return [
        {
            "name": one.name,
            "kind": one.kind or "",
            "grade": NO_GRADE,
            "package": one.package,
            "version": one.version,
        }
        for one in known.known()
    ]


def shown(known: Registry, name: str) -> list[dict[str, Any]]:
    """Everything about the connectors of one name, a mapping each; a usage error where there is none."""
    found = known.all(name)
    if not found:
        near = known.near(name)
        hint = f"did you mean '{near}'?" if near else "`hub connectors list` shows what there is"
        raise click.UsageError(f"no connector '{name}'; {hint}")
    return [_sheet(connector) for connector in found]


def _sheet(connector: ConnectorType) -> dict[str, Any]:
    from dataclasses import asdict
    from inspect import cleandoc

    from hub.config import explain
    from hub.connector import HttpSink, Sink, actions, kind

    sink = connector if issubclass(connector, HttpSink | Sink) else None
    options = [asdict(option) for option in explain(connector)]
    return {
        "name": connector.name,
        "kind": kind(connector),
        "grade": NO_GRADE,
        "summary": cleandoc(connector.__doc__ or "").partition("\n")[0],
        "options": options,
        "actions": [
            {"name": action.name, "summary": action.summary, "fields": [], "limits": _limits(action.limits)}
            for action in (actions(sink).values() if sink else ())
        ],
        "limits": _limits(sink.limits) if sink else {},
        "example": connector.example.strip() or _example(connector.name, kind(connector), options),
    }


def _limits(limits: Limits | None) -> dict[str, Any]:
    from dataclasses import asdict

    return {name: value for name, value in asdict(limits).items() if value} if limits else {}


def _example(name: str, kind: str, options: list[dict[str, Any]]) -> str:
    """The shortest block that names everything required."""
    lines = [f"[{kind}s.my_{name}]", f'connector = "{name}"']
    if kind == "transform":
        lines.append('on = ["source:site"]')
    samples = {"secret": f'{{ env = "{name.upper()}_%s" }}', "whole number": "1", "number": "1.0"}
    samples |= {"true or false": "true", "duration": '"1h"'}
    for option in options:
        if option["required"]:
            sample = samples.get(option["type"], '"…"').replace("%s", option["name"].upper())
            lines.append(f"{option['name']} = {sample}")
    return "\n".join(lines)


def _print(sheet: dict[str, Any]) -> None:
    print(f"{sheet['name']}: {sheet['kind']}, grade {sheet['grade']}\n{sheet['summary']}\n")
    for option in sheet["options"]:
        default = "required" if option["required"] else f"default {option['default'] or 'none'}"
        print(f"  {option['name']} ({option['type']}, {default})\n      {option['help']}")
    for action in sheet["actions"]:
        print(f"\n  action {action['name']}: {action['summary']}")
    if sheet["limits"]:
        print("\n  limits: " + ", ".join(f"{name} {value}" for name, value in sheet["limits"].items()))
    print(f"\n{sheet['example']}\n")
