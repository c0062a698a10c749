"""The lines of a file for `hub try`: read whole before anything runs, so that a bad one is told at once."""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path
from typing import IO, Any

import click
import msgspec

from hub.daemon.trial_lines import Line, LineRefused, line_of
from hub.event import Instant


def read_lines(file: IO[bytes], path: Path) -> list[Line]:
    """Every line; a usage error names the first one that cannot be used."""
    lines: list[Line] = []
    for number, text in enumerate(file.read().removeprefix(BOM_UTF8).split(b"\n"), 1):
        if not text.strip():
            continue
        try:
            line = line_of(_parsed(text), number, path.parent)
        except LineRefused as fault:
            raise click.UsageError(f"{path}:{number}: {fault}") from None
        if lines and line.at < lines[-1].at:
            raise click.UsageError(f"{path}:{number}: 'at' is earlier than in the line before")
        lines.append(line)
    return lines


def read_time(text: str) -> Instant | None:
    """A time of the command line."""
    from hub.schema.times import time_of

    return time_of(text)


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise LineRefused("is not JSON") from None
    if not isinstance(value, dict):
        raise LineRefused("is no JSON object")
    return value
