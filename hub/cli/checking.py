"""`hub check`: every fault of the configuration at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import NO, REFUSED
from hub.cli.options import config_option, json_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.config import Config
    from hub.errors import ConfigFault


@click.command()
@config_option
@json_option
@click.option("--connect", is_flag=True, help="Try the credentials of every sink that can be asked.")
def check(config: Path, as_json: bool, connect: bool) -> None:
    """Says every fault of the configuration at once.

    Each comes with its place and the nearest valid word. The exit code is 2 where there is one, and 1 where a
    sink refuses our credentials.
    """
    from hub.config import read
    from hub.errors import ConfigRefused
    from hub.plugins import discover

    try:
        good = read(config, discover, unset="warn")
    except ConfigRefused as refused:
        _say(refused.faults, "fault", as_json)
        sys.exit(REFUSED)
    _say(good.warnings, "warning", as_json)
    if not as_json:
        print(f"{config}: fine: {summary(good)}", flush=True)
    if connect and not _connected(good, as_json):
        sys.exit(NO)


def _connected(config: Config, as_json: bool) -> bool:
    """Asks every sink whose secrets are set, if it can be asked; says whether none refused us."""
    from asyncio import run

    from hub.clock import WallClock
    from hub.delivery.credentials import ask, can_be_asked

    clock = WallClock()
    good = True
    for label, block in config.sinks.items():
        if not can_be_asked(block):
            _tell(label, "warning", "not asked: its connector has no way to try credentials", as_json)
        else:
            fault = run(ask(block, config.hub.allow_private, clock))
            good = good and fault is None
            _tell(label, "fine" if fault is None else "fault", "" if fault is None else fault.reason, as_json)
    return good


def _tell(label: str, level: str, problem: str, as_json: bool) -> None:
    from hub.cli.lines import json_lines

    if as_json:
        json_lines([{"level": level, "file": "", "line": 0, "key": f"sinks.{label}", "problem": problem}])
    else:
        click.echo(f"sinks.{label}: {problem or 'its credentials work'}", err=level != "fine")


def summary(config: Config) -> str:
    """How much of everything is written."""
    import json

    tables = json.loads(config.resolved)["tables"]
    counts = {kind: _switched_on(tables.get(f"{kind}s", {})) for kind in ("source", "sink", "route", "rule")}
    if not counts["rule"]:
        del counts["rule"]
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())


def _switched_on(table: dict[str, Any]) -> int:
    """How many blocks are to run, also those whose secrets are not set here."""
    return sum(block.get("enabled", True) is not False for block in table.values())


def _say(faults: Iterable[ConfigFault], level: str, as_json: bool) -> None:
    from hub.cli.lines import json_lines

    if as_json:
        json_lines(
            {"level": level, "file": one.file, "line": one.line, "key": one.key, "problem": one.problem}
            for one in faults
        )
        return
    for fault in faults:
        click.echo(f"{fault}" if level == "fault" else f"{fault} (warning)", err=True)
