"""The options that many commands share, and where the data folder is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

config_option: Callable[[F], F] = click.option(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("plugins.toml"),
    help="The configuration; plugins.toml by default.",
)
data_option: Callable[[F], F] = click.option(
    "--data",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data folder, instead of the one that the configuration names.",
)
json_option: Callable[[F], F] = click.option(
    "--json", "as_json", is_flag=True, help="JSON, for programs; a line each."
)
limit_option: Callable[[F], F] = click.option(
    "--limit", metavar="N", type=click.IntRange(min=1), help="At most so many; all by default."
)


def hub_table(config: Path) -> dict[str, Any]:
    """The `[hub]` table as it is written: enough to find the data folder without checking everything."""
    import tomllib

    try:
        table = tomllib.loads(config.read_text(encoding="utf-8")).get("hub", {})
    except FileNotFoundError:
        raise click.UsageError(f"{config}: no such file; --config names another") from None
    except (OSError, ValueError):
        table = _read_with_care(config)
    return table if isinstance(table, dict) else {}


def _read_with_care(config: Path) -> Any:
    """The table of a file that the plain parser does not take; a usage error names the line."""
    from hub.config.files import load
    from hub.errors import ConfigFault

    found = load(config)
    if isinstance(found, ConfigFault):
        raise click.UsageError(str(found))
    return found.tables.get("hub", {})


def data_folder(config: Path, data: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the stores are: the option, else HUB_DATA_DIR, else `[hub] data_dir` beside the configuration."""
    if data is not None:
        return data
    if told := environ.get("HUB_DATA_DIR"):
        return Path(told)
    written = hub_table(config).get("data_dir", "data")
    if not isinstance(written, str) or not written:
        raise click.UsageError(f"{config}: hub.data_dir: must be a path in quotes; `hub check` says more")
    return config.parent / written


def since_instant(text: str | None, now: int) -> int:
    """`--since`: a length of time back from now (`2h`, `30d`), or an instant in ISO 8601."""
    from datetime import datetime

    from hub.event import instant

    if text is None:
        return 0
    try:
        return instant(datetime.fromisoformat(text))
    except ValueError:
        pass
    span = _span(text)
    if span is None:
        raise click.BadParameter(f"'{text}' is neither a length of time (2h, 30d) nor an instant in ISO 8601")
    return now - span


def _span(text: str) -> int | None:
    import re

    # hub.option knows durations too, and costs the import of pydantic.
    sizes = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    parts = re.findall(r"(\d+)([smhdw])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(int(number) * sizes[unit] for number, unit in parts) * 1_000_000
