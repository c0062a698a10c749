"""`hub check`: every fault of the configuration at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli import REFUSED
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

    Each comes with its place and the nearest valid word. The exit code is 2 where there is one.
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
        print(f"{config}: fine: {summary(good)}")
    if connect:
        for label in good.sinks:
            print(f"sinks.{label}: its connector has no way to try credentials", file=sys.stderr)


def summary(config: Config) -> str:
    """How much of everything there is."""
    counts = {"source": len(config.sources), "sink": len(config.sinks), "route": len(config.routes)}
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())


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
