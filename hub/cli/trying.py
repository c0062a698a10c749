"""`hub try`: what rules would decide about a file of events, on a clock of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hub.event import Instant


@click.command(name="try")
@click.argument("rules", metavar="RULES", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("events", metavar="EVENTS", type=click.File("rb"))
@click.option(
    "--until",
    metavar="TIME",
    help="When to stop, and until when waits are decided; by default the last line.",
)
@click.option("--config", metavar="FILE", help="Taken as everywhere, but not read: RULES says it all.")
@click.option("--state", "with_state", is_flag=True, help="Also what is known of everybody at the end.")
def try_(rules: Path, events: IO[bytes], *, until: str | None, config: str | None, with_state: bool) -> None:
    """Runs rules over a file of events and prints what would be decided.

    RULES is a file of rules, EVENTS holds a JSON object a line, in the order of their times: an event, a
    merge, traits, a consent, other rules, or a time until which the engine is down. Nothing is sent.
    """
    import tempfile

    from hub.cli.lines import json_line
    from hub.cli.tried_lines import read_lines, read_time
    from hub.config.following import rules_alone
    from hub.daemon.trial import Trial

    first = rules_alone(rules)
    lines = read_lines(events, Path(getattr(events, "name", "-")))
    end = None if until is None else read_time(until)
    if end is None and until is not None:
        raise click.BadParameter(f"'{until}' is no time; write 2026-11-24T10:00:00Z")
    if end is not None:
        lines = [line for line in lines if line.at <= end]
    with tempfile.TemporaryDirectory(prefix="hub-try-") as folder:
        trial = Trial(Path(folder), first, start=lines[0].at if lines else end or 0)
        try:
            for row in _played(trial, lines, end):
                json_line(row)
            if with_state:
                for row in trial.traits():
                    json_line(row)
        finally:
            trial.close()


def _played(trial: Any, lines: list[Any], end: Instant | None) -> Iterator[dict[str, Any]]:
    """Plays the lines, those of one instant together; yields decisions as they are made."""
    from itertools import groupby

    for _, together in groupby(lines, key=lambda line: line.at):
        trial.play(list(together))
        yield from trial.decided()
    trial.finish(max(end or 0, lines[-1].at if lines else 0))
    yield from trial.decided()
