"""`hub preview`: the exact requests that events would cause at a sink."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from hub.cli.options import config_option

if TYPE_CHECKING:
    from hub.config import Config
    from hub.event import Instant
    from hub.store.port import Draft


@click.command()
@click.argument("sink", metavar="SINK")
@click.argument("file", metavar="FILE", type=click.File("rb"))
@config_option
@click.option(
    "--source", metavar="LABEL", help="The source of the lines; by default the only segment source."
)
@click.option(
    "--until", metavar="TIME", help="Until when time passes; the last event and the longest wait by default."
)
@click.option("--json", "as_json", is_flag=True, help="JSON, for programs; a line each. It is the default.")
def preview(
    sink: str, file: IO[bytes], *, config: Path, source: str | None, until: str | None, as_json: bool
) -> None:
    """Shows the exact requests that the events of a file would cause at a sink.

    SINK is the sink's label; FILE has the lines that `hub send` takes. The events pass routes and rules on a
    clock of their own, in the order of the file, each received at its timestamp; every request is answered as
    if it was accepted. Nothing is sent, and secrets are not shown.
    """
    from hub.cli.lines import json_lines
    from hub.cli.sending import source_of
    from hub.config import read
    from hub.connector import HttpSink
    from hub.plugins import discover

    good = read(config, discover, unset="placeholder")
    block = good.sinks.get(sink)
    if block is None:
        raise click.UsageError(
            f"no sink '{sink}' is switched on (there are: {', '.join(good.sinks) or 'none'})"
        )
    if not issubclass(block.connector, HttpSink):
        raise click.UsageError(f"'{sink}' makes no HTTP requests, so there is nothing to preview")
    end = _instant(until)
    drafts = _drafts(good, source_of(good, source), file)
    json_lines(_requests(good, sink, drafts, end))


def _instant(text: str | None) -> Instant | None:
    from hub.cli.tried_lines import read_time

    at = None if text is None else read_time(text)
    if text is not None and at is None:
        raise click.BadParameter(f"'{text}' is no time; write 2026-11-24T10:00:00Z")
    return at


def _requests(
    config: Config, sink: str, drafts: list[Draft], until: Instant | None
) -> Iterator[dict[str, Any]]:
    """Carries the events through a house of their own; yields what the sink would have been asked."""
    import tempfile
    import time

    from hub.daemon.rehearsing import Stage, claimed_at
    from hub.daemon.virtual import VirtualHouse

    if not drafts:
        return
    # Before the first event that says when it happened, it is as late as then; where none says it, it is now.
    said = (claimed_at(draft, 0) for draft in drafts)
    start = next(filter(None, said), time.time_ns() // 1000)
    with tempfile.TemporaryDirectory(prefix="hub-preview-") as folder:
        stage = Stage(config, sink)
        house = VirtualHouse(Path(folder), start=start, settled=stage.play)
        stage.house = house
        try:
            house.configure(config.resolved, start)
            for draft in drafts:
                house.accept([draft], claimed_at(draft, house.clock.now()))
            house.forward(until or house.clock.now() + house.longest() + 1_000_000)
            yield from stage.requests
        finally:
            house.close()


def _drafts(config: Config, label: str, file: IO[bytes]) -> list[Draft]:
    """The events of a file, as the source receives them; they count as proven."""
    import asyncio

    from hub.ingest import lines

    drafts, refused = asyncio.run(lines(config, label, file.read()))
    for number, reason in refused:
        click.echo(f"{getattr(file, 'name', '-')}:{number}: quarantined: {reason}", err=True)
    return drafts
