"""`hub send`: puts events in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from hub.cli.options import config_option, data_option, json_option
from hub.errors import HubError

if TYPE_CHECKING:
    from hub.cli.changing import Call
    from hub.config import Config

MOST_BYTES = 1 << 20
MOST_LINES = 500


@click.command()
@click.argument("file", metavar="FILE", type=click.File("rb"))
@config_option
@data_option
@json_option
@click.option(
    "--source", metavar="LABEL", help="The source that reads the lines; by default the only segment source."
)
def send(file: IO[bytes], *, config: Path, data: Path | None, as_json: bool, source: str | None) -> None:
    """Puts the events of a file in.

    FILE holds a JSON message on each line, as the source receives them: Segment messages for a segment
    source. It is - for standard input. Where a source reads headers too, a line is the whole request:
    {"headers": {…}, "body": …}. The events count as proven.
    """
    from hub.cli.changing import hub
    from hub.config import read
    from hub.plugins import discover

    # The running hub may be told of a source that this file does not have, or no longer.
    label = source or source_of(read(config, discover, unset="placeholder"), None)
    counts = {"accepted": 0, "quarantined": 0}
    name = getattr(file, "name", "-")
    path = f"/api/send?{urlencode({'source': label})}"
    with hub(config, data) as call, _told_of_what_was_kept(counts):
        for first, body in chunks(file):
            answer = _sent(call, path, body, place=(name, first))
            for kept in counts:
                counts[kept] += answer[kept]
            for bad in answer.get("reasons", ()):
                click.echo(f"{name}:{first + bad['line']}: quarantined: {bad['reason']}", err=True)
    if as_json:
        print(json.dumps(counts))
    else:
        print(_said(counts))


@contextmanager
def _told_of_what_was_kept(counts: dict[str, int]) -> Iterator[None]:
    """Where sending ends early: who mends the file and sends it again must know what is in already."""
    try:
        yield
    except (click.UsageError, HubError):
        if any(counts.values()):
            click.echo(f"before that: {_said(counts)}", err=True)
        raise


def _said(counts: dict[str, int]) -> str:
    return f"accepted {counts['accepted']}, quarantined {counts['quarantined']}"


def chunks(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The file in portions that one request takes, each with the number of lines before it."""
    before = 0
    lines: list[bytes] = []
    size = 0
    for line in file:
        lines.append(line)
        size += len(line)
        if len(lines) >= MOST_LINES or size >= MOST_BYTES:
            yield before, b"".join(lines)
            before += len(lines)
            lines, size = [], 0
    if lines:
        yield before, b"".join(lines)


def _sent(call: Call, path: str, body: bytes, *, place: tuple[str, int]) -> Any:
    """The hub's answer to one portion; a line that it refuses is named by its place in the file."""
    from hub.cli.calling import Refusal

    name, before = place
    try:
        return call(path, body)
    except Refusal as refused:
        line = re.match(r"line (\d+): (.*)", refused.reason, re.DOTALL)
        if line is None:
            raise
        raise click.UsageError(f"{name}:{before + int(line[1])}: {line[2]}") from None


def source_of(config: Config, named: str | None) -> str:
    """The label of the source that reads the lines: the one that is named, else the only segment source."""
    from hub.config.reading import near

    if named is not None:
        if named not in config.sources:
            raise click.UsageError(f"no source '{named}' is switched on; {near(named, config.sources)}")
        return named
    labels = [label for label, block in config.sources.items() if block.connector.name == "segment"]
    if len(labels) != 1:
        known = ", ".join(sorted(config.sources)) or "none"
        raise click.UsageError(f"name the source with --source LABEL (there are: {known})")
    return labels[0]
