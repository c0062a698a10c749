"""`hub dead`: deliveries that were given up, and putting them back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hub.cli import NO, Commands
from hub.cli.options import config_option, data_folder, data_option, json_option, limit_option

if TYPE_CHECKING:
    from hub.store.port import Kept
    from hub.store.sqlite.deliveries import SqliteDeliveries

F = TypeVar("F", bound=Callable[..., Any])

PAGE = 500
NAMES = ("list", "show", "replay", "drop")
sink_option: Callable[[F], F] = click.option("--sink", metavar="LABEL", help="Only those of this sink.")
all_option: Callable[[F], F] = click.option("--all", "everything", is_flag=True, help="All of them.")
yes_option: Callable[[F], F] = click.option("--yes", is_flag=True, help="Do not ask first.")


@click.group(cls=Commands, table={name: ("dead_letters", f"{name}_") for name in NAMES})
def dead() -> None:
    """Lists, replays and drops what was given up."""


@click.command("list")
@config_option
@data_option
@sink_option
@limit_option
@json_option
def list_(*, config: Path, data: Path | None, sink: str | None, limit: int | None, as_json: bool) -> None:
    """Lists dead letters, the newest first."""
    from itertools import islice

    from hub.cli import stores
    from hub.cli.deliveries import letters
    from hub.cli.lines import json_lines, table

    folder = data_folder(config, data)
    with stores.journal(folder) as journal, stores.deliveries_if_any(folder) as kept:
        found = (letter for page in pages(kept, sink) for letter in letters(journal, page))
        rows = islice(found, limit)
        if as_json:
            json_lines(rows)
            return
        names = ("id", "at", "sink", "action", "person", "attempts", "reason")
        listed = [[row[name] for name in names] for row in rows]
        if listed:
            table(names, listed)
        else:
            click.echo(_none(kept, sink), err=True)


@click.command("show")
@click.argument("delivery")
@config_option
@data_option
@json_option
def show_(delivery: str, config: Path, data: Path | None, as_json: bool) -> None:
    """Shows a dead letter with its event."""
    from hub.cli import stores
    from hub.cli.deliveries import letters
    from hub.cli.events import event_of, event_row
    from hub.cli.lines import json_line

    folder = data_folder(config, data)
    with stores.journal(folder) as journal, stores.deliveries_if_any(folder) as kept:
        [row] = _named(kept, [delivery])
        [letter] = letters(journal, [row])
        event = event_of(journal.get([row.entry])[row.entry])
    shown = {**letter, "event": event_row(event, row.person)}
    if as_json:
        json_line(shown)
        return
    _print(shown)


@click.command("replay")
@click.argument("deliveries", nargs=-1)
@config_option
@data_option
@sink_option
@all_option
@yes_option
def replay_(deliveries: tuple[str, ...], **options: Any) -> None:
    """Puts dead letters back, under the same ids, to be tried again."""
    _tell("replay", "{count} to be sent again", deliveries, **options)


@click.command("drop")
@click.argument("deliveries", nargs=-1)
@config_option
@data_option
@sink_option
@all_option
@yes_option
def drop_(deliveries: tuple[str, ...], **options: Any) -> None:
    """Drops dead letters: they are never sent."""
    _tell("drop", "{count} to be dropped for good", deliveries, **options)


def _tell(
    command: str,
    question: str,
    ids: Sequence[str],
    *,
    config: Path,
    data: Path | None,
    sink: str | None,
    everything: bool,
    yes: bool,
) -> None:
    """Says how many it is about, asks, and gives the command to the hub."""
    from hub.cli import stores
    from hub.cli.changing import command as tell

    if bool(ids) + bool(sink) + everything != 1:
        raise click.UsageError("name deliveries, or --sink LABEL, or --all")
    folder = data_folder(config, data)
    with stores.deliveries_if_any(folder) as kept:
        counts = _counted(_named(kept, ids) if ids else (one for page in pages(kept, sink) for one in page))
        none = _none(kept, sink)
    total = sum(counts.values())
    if not total:
        print(none)
        return
    by_sink = ", ".join(f"{label} {count}" for label, count in sorted(counts.items()))
    print(question.format(count=f"{total} deliver{'y' if total == 1 else 'ies'} ({by_sink})"))
    if not yes and sys.stdin.isatty():
        click.confirm("go on?", abort=True)
    what: dict[str, Any] = {"ids": list(ids)} if ids else {"sink": sink} if sink else {"all": True}
    tell(config, data, command, what)


def _none(kept: SqliteDeliveries | None, sink: str | None) -> str:
    """What to say where there are no dead letters: the label may be a slip."""
    from difflib import get_close_matches

    labels = sorted({label for label, _ in kept.lanes()}) if kept is not None else []
    if sink is None or not labels or sink in labels:
        return "no dead letters"
    near = get_close_matches(sink, labels, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"there is {', '.join(labels)}"
    return f"no dead letters: nothing ever went to a sink '{sink}'; {hint}"


def pages(kept: SqliteDeliveries | None, sink: str | None) -> Iterator[list[Kept]]:
    """All dead letters, the newest first, some at a time."""
    before = None
    while kept is not None:
        page = kept.dead(sink, before, PAGE)
        if not page:
            return
        yield page
        before = (page[-1].at, page[-1].id)


def _named(kept: SqliteDeliveries | None, ids: Sequence[str]) -> list[Kept]:
    """The dead letters with these ids; ends with exit code 1 where one is none."""
    from hub.store.port import Standing

    rows = [] if kept is None else kept.find(ids)
    found = {row.id: row for row in rows if row.standing is Standing.DEAD}
    for wanted in ids:
        if wanted not in found:
            click.echo(f"no dead letter '{wanted}'", err=True)
            sys.exit(NO)
    return list(found.values())


def _counted(rows: Iterator[Kept] | list[Kept]) -> dict[str, int]:
    from collections import Counter

    return Counter(row.sink for row in rows)


def _print(shown: dict[str, Any]) -> None:
    from hub.cli.lines import plain

    for name in ("id", "at", "sink", "action", "person", "attempts", "reason"):
        print(f"{name}: {plain(shown[name])}")
    event = shown["event"]
    print(f"event: {plain(event['name'])} {plain(event['id'])} from {plain(event['source'])}")
    for name, value in event["properties"].items():
        print(f"  {plain(name)}: {plain(value)}")
