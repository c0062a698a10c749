"""`hub tail`: what comes in and what goes out, as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from hub.cli.options import config_option, data_folder, data_option, json_option

if TYPE_CHECKING:
    from hub.cli.stores import Stores

POLL = 0.1
BLOCK = 500


@click.command()
@config_option
@data_option
@json_option
def tail(config: Path, data: Path | None, as_json: bool) -> None:
    """Shows what happens, as it happens.

    Each event, delivery and bad event is a line; Ctrl-C ends it.
    """
    from hub.cli.lines import json_line

    with suppress(KeyboardInterrupt):
        _follow(data_folder(config, data), json_line if as_json else _print)


def _follow(folder: Path, show: Callable[[dict[str, Any]], None]) -> NoReturn:
    from hub.cli import stores

    with stores.all_of(folder) as opened:
        watch = Watch(opened)
        click.echo(f"watching {folder}; Ctrl-C ends it", err=True)
        while True:
            for row in watch.news():
                show(row)
            time.sleep(POLL)


class Watch:
    """What happens in the stores from the moment at which this was made, or from their very beginning."""

    def __init__(self, stores: Stores, *, from_start: bool = False) -> None:
        self._stores = stores
        journal, state = stores.journal, stores.state
        self._entry = self._bad = self._decision = 0
        self._lanes: dict[tuple[str, str], int] = {}
        self._ended = (0, "")
        if not from_start:
            self._entry = state.position() if state else journal.end()[0]
            self._bad = journal.last_quarantined()
            self._decision = state.last_decision() if state else 0
            self._lanes = self._positions()
            self._ended = (time.time_ns() // 1000, "")

    def news(self) -> Iterator[dict[str, Any]]:
        """What happened since the last call; causes before what follows from them."""
        self._stores.refresh()
        # What followed is read first: what it followed from is there by then.
        followed = [*self._passed(), *self._settled()]
        decided = list(self._decided())
        yield from self._events()
        yield from self._quarantined()
        yield from decided
        yield from followed

    def _events(self) -> Iterator[dict[str, Any]]:
        """Events that the engine has applied, so that each has its person."""
        from hub.cli.events import event_of, event_row, owners
        from hub.store.port import Kind

        state = self._stores.state
        until = state.position() if state else self._entry
        while self._entry < until:
            entries = self._stores.journal.read(self._entry, None, BLOCK)
            entries = [entry for entry in entries if entry.seq <= until]
            if not entries:
                return
            self._entry = entries[-1].seq
            found = owners(state, entries)
            for entry in entries:
                if entry.kind is Kind.EVENT:
                    event = event_of(entry)
                    row = event_row(event, found.get(entry.seq))
                    kind = "event" if entry.seq in found else "duplicate"
                    yield {"at": row["received_at"], "kind": kind, **row}

    def _quarantined(self) -> Iterator[dict[str, Any]]:
        from hub.event import iso

        for bad in self._stores.journal.quarantine(0, self._bad, BLOCK):
            self._bad = bad.seq
            yield {
                "at": iso(bad.received_at),
                "kind": "quarantine",
                "source": bad.source,
                "reason": bad.reason,
            }

    def _decided(self) -> Iterator[dict[str, Any]]:
        """Firings, skips, and what became of messages."""
        from hub.event import iso, person_text

        state = self._stores.state
        while state is not None and (decisions := state.decisions_since(self._decision, BLOCK)):
            self._decision = decisions[-1][0]
            for _, one in decisions:
                kind = "message" if one.message else "firing" if one.outcome == "fired" else "skip"
                yield {
                    "at": iso(one.at),
                    "kind": kind,
                    "rule": one.rule,
                    "person": person_text(one.person),
                    "outcome": one.outcome,
                    "reason": one.reason or None,
                    "channel": one.channel or None,
                    "template": one.template or None,
                }

    def _passed(self) -> Iterator[dict[str, Any]]:
        """Deliveries that simply arrived: their lane has passed them, and they have no row."""
        from hub.cli.deliveries import arrived
        from hub.event import iso

        before, self._lanes = self._lanes, self._positions()
        for lane, position in self._lanes.items():
            for row in arrived(self._stores, lane, before.get(lane, 0), position):
                yield {"kind": "delivery", **row, "at": iso(time.time_ns() // 1000)}

    def _settled(self) -> Iterator[dict[str, Any]]:
        """Deliveries that ended otherwise, or only after several attempts."""
        from hub.cli.deliveries import letters

        kept = self._stores.deliveries
        while kept is not None and (rows := kept.ended_since(self._ended, BLOCK)):
            self._ended = (rows[-1].at, rows[-1].id)
            for row, letter in zip(
                rows, letters(self._stores.journal, rows, self._stores.state), strict=True
            ):
                yield {"kind": "delivery", **letter, "state": row.standing.name.lower()}

    def _positions(self) -> dict[tuple[str, str], int]:
        kept = self._stores.deliveries
        return {} if kept is None else {lane: row.position for lane, row in kept.lanes().items()}


def _print(row: dict[str, Any]) -> None:
    print(line_of(row), flush=True)


def line_of(row: dict[str, Any]) -> str:
    """What happened, as a line for people."""
    from hub.cli.lines import plain

    told = {"event": _event, "duplicate": _event, "delivery": _delivery, "quarantine": _bad}
    said = told.get(row["kind"], _decision)(row)
    return f"{row['at'][11:23]}  {row['kind']:<10}  {plain(said)}"


def _decision(row: dict[str, Any]) -> str:
    if row["kind"] == "message":
        said = f"{row['template']} by {row['channel']}  {row['outcome']}"
    else:
        said = str(row["rule"])
    return f"{said}{': ' + row['reason'] if row['reason'] else ''}  person {row['person']}"


def _event(row: dict[str, Any]) -> str:
    if row["kind"] == "duplicate":
        return f"{row['name']}  from {row['source']}  was here before, and changes nothing"
    who = f"person {row['person']}" if row["person"] else "nobody's"
    return f"{row['name']}  from {row['source']}  {who}"


def _delivery(row: dict[str, Any]) -> str:
    what = row["cause"].get("rule") or row["cause"]["name"]
    said = f"{what}  to {row['sink']}.{row['action']}  {row['state']}"
    if row["person"]:
        said += f"  person {row['person']}"
    return f"{said}  {row['reason']}" if row["reason"] else said


def _bad(row: dict[str, Any]) -> str:
    return f"from {row['source']}: {row['reason']}"
