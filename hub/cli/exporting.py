"""`hub export`: everything that is kept, as JSON lines; the data is the user's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import Commands
from hub.cli.options import config_option, data_folder, data_option, since_instant

if TYPE_CHECKING:
    from hub.event import Instant

COMMANDS = {name: ("exporting", name) for name in ("events", "people", "deliveries", "quarantine")}
PATIENCE = 10.0
"""Seconds that an export waits for a running engine to reach the end of the journal."""


@click.group(cls=Commands, table=COMMANDS)
def export() -> None:
    """Writes what is kept as JSON lines."""


def _command(function: Callable[[Path, Instant], Iterator[dict[str, Any]]]) -> click.Command:
    """A command that writes what `function` yields."""

    @config_option
    @data_option
    @click.option(
        "--since", metavar="TIME", help="Only what came since then: 2h, 30d, or an instant in ISO 8601."
    )
    @click.option("--json", "as_json", is_flag=True, help="JSON lines; they are written in any case.")
    def run(config: Path, data: Path | None, since: str | None, as_json: bool) -> None:
        from hub.cli.lines import json_lines

        json_lines(function(data_folder(config, data), since_instant(since, time.time_ns() // 1000)))

    run.__doc__ = function.__doc__
    return click.command(function.__name__)(run)


@_command
def events(folder: Path, since: Instant) -> Iterator[dict[str, Any]]:
    """Writes the accepted events in the order of the journal, each once.

    While a hub runs, what it has just accepted is waited for, so that each event has its person.
    """
    from hub.cli import stores
    from hub.cli.events import blocks, event_of, event_row, owners

    with stores.journal(folder) as journal, stores.state_if_any(folder) as state:
        end = journal.end()[0]
        if state is not None:
            await_engine(folder, state.position, end)
        for entries in blocks(journal, since):
            found = owners(state, entries)
            ours = (entry for entry in entries if entry.seq in found)
            yield from (event_row(event_of(entry), found[entry.seq]) for entry in ours)


@_command
def people(folder: Path, since: Instant) -> Iterator[dict[str, Any]]:
    """Writes everybody who is known; people who were merged into others are left out."""
    from hub.cli import stores
    from hub.cli.events import identifier_rows, time_text
    from hub.cli.people import consent_rows
    from hub.event import person_text

    with stores.state(folder) as state:
        for profile in state.all_profiles():
            if profile.last_seen_at < since:
                continue
            yield {
                "person": person_text(profile.id),
                "identifiers": identifier_rows(profile.identifiers),
                "traits": {name: trait.value for name, trait in profile.traits.items()},
                "segments": [],
                "consent": consent_rows(profile),
                "first_seen_at": time_text(profile.first_seen_at),
                "last_seen_at": time_text(profile.last_seen_at),
            }


@_command
def deliveries(folder: Path, since: Instant) -> Iterator[dict[str, Any]]:
    """Writes every delivery that was planned, and how it stands."""
    from hub.cli import stores
    from hub.cli.deliveries import planned

    with (
        stores.journal(folder) as journal,
        stores.state(folder) as state,
        stores.deliveries_if_any(folder) as kept,
    ):
        yield from planned(journal, state, kept, first=journal.first_since(since) if since else 0)


@_command
def quarantine(folder: Path, since: Instant) -> Iterator[dict[str, Any]]:
    """Writes bad events with the reason why they were not accepted."""
    from hub.cli import stores
    from hub.event import iso

    after = 0
    with stores.journal(folder) as journal:
        while kept := journal.quarantine(since, after, 100):
            for bad in kept:
                yield {
                    "source": bad.source,
                    "received_at": iso(bad.received_at),
                    "reason": bad.reason,
                    "body": bad.body.decode(errors="replace"),
                }
            after = kept[-1].seq


def await_engine(folder: Path, position: Callable[[], int], end: int) -> None:
    """Waits, while a hub runs, until it has applied the journal up to `end`; not for ever."""
    from hub.cli.calling import is_running

    if position() >= end or not is_running(folder):
        return
    deadline = time.monotonic() + PATIENCE
    while position() < end and time.monotonic() < deadline:
        time.sleep(0.02)
