"""`hub audit`: proves from the rows themselves that nothing was lost."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import NO
from hub.cli.options import config_option, data_folder, data_option, json_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.store.port import Fate, LaneRow
    from hub.store.sqlite.state import SqliteStateReader

Lane = tuple[str, str]


@click.command()
@config_option
@data_option
@json_option
def audit(config: Path, data: Path | None, as_json: bool) -> None:
    """Proves that nothing was lost.

    Both ledgers are counted row by row; the exit code is 1 if one does not balance.

    \b
    accepted = processed + duplicate + poison + waiting in the journal
    planned  = delivered + waiting + dead + skipped, for each sink
    """
    from hub.cli.lines import json_lines

    folder = data_folder(config, data)
    ledgers = [accepted(folder), *planned(folder)]
    if as_json:
        json_lines(ledgers)
    else:
        for ledger in ledgers:
            print(said(ledger))
    if not all(ledger["balanced"] for ledger in ledgers):
        sys.exit(NO)


def accepted(folder: Path) -> dict[str, Any]:
    """What became of the accepted events.

    The state is read first: what it has applied is in the journal by then, and what comes later waits.
    """
    from hub.cli import stores
    from hub.store.port import Fate, Kind

    with stores.journal(folder) as journal, stores.state_if_any(folder) as state:
        position, fates = _applied(state)
        end = journal.end()[0]
        total = journal.count(Kind.EVENT, end)
        parts = {
            "processed": fates.get(Fate.PROCESSED, 0),
            "duplicate": fates.get(Fate.DUPLICATE, 0),
            "poison": fates.get(Fate.POISON, 0),
            "waiting": total - journal.count(Kind.EVENT, position),
        }
        return {
            **_ledger({"ledger": "events"}, "accepted", total, parts),
            "quarantined": journal.quarantined(),
        }


def _applied(state: SqliteStateReader | None) -> tuple[int, dict[Fate, int]]:
    """The engine's position and the fates up to it, of one instant."""
    if state is None:
        return 0, {}
    state.snapshot()
    try:
        position = state.position()
        return position, state.fate_counts(position)
    finally:
        state.release()


def planned(folder: Path) -> list[dict[str, Any]]:
    """How the deliveries of each sink stand.

    Those that a lane has passed are counted by delivery, those behind it by the engine: what a lane has
    passed without an end and without a row is missing here.
    """
    from hub.cli import stores

    with stores.state_if_any(folder) as state, stores.deliveries_if_any(folder) as kept:
        lanes, waiting, skipped = kept.ledger() if kept is not None else ({}, {}, {})
        total = _planned(state, None)
        ahead = {lane: count - _passed(state, lanes, lane) for lane, count in total.items()}
    found = []
    for sink in sorted({sink for sink, _ in {*total, *lanes}}):
        mine = [lane for lane in {*total, *lanes} if lane[0] == sink]
        ended = [lanes[lane] for lane in mine if lane in lanes]
        parts = {
            "delivered": sum(row.delivered for row in ended),
            "waiting": sum(waiting.get(lane, 0) + ahead.get(lane, 0) for lane in mine),
            "dead": sum(row.dead for row in ended),
            "skipped": sum(row.skipped for row in ended),
        }
        ledger = _ledger(
            {"ledger": "deliveries", "sink": sink}, "planned", sum(total.get(lane, 0) for lane in mine), parts
        )
        found.append({**ledger, "skipped_reasons": skipped.get(sink, {})})
    return found


def _planned(state: SqliteStateReader | None, until: int | None) -> Counter[Lane]:
    """Deliveries by lane, counted in the outbox up to a row."""
    counts: Counter[Lane] = Counter()
    if state is not None:
        sets = state.route_sets()
        for routes, count in state.outbox_counts(until=until).items():
            for leg in sets[routes]:
                counts[leg.sink, leg.lane] += count
    return counts


def _passed(state: SqliteStateReader | None, lanes: Mapping[Lane, LaneRow], lane: Lane) -> int:
    """Deliveries that a lane's position stands for."""
    return _planned(state, lanes[lane].position)[lane] if lane in lanes else 0


def _ledger(about: dict[str, Any], whole: str, total: int, parts: dict[str, int]) -> dict[str, Any]:
    difference = total - sum(parts.values())
    return {**about, whole: total, **parts, "difference": difference, "balanced": difference == 0}


def said(ledger: dict[str, Any]) -> str:
    """A ledger as a line for people."""
    whole, *parts = [
        f"{name} {count}"
        for name, count in ledger.items()
        if name not in ("difference", "quarantined") and type(count) is int
    ]
    name = f"deliveries to {ledger['sink']}" if "sink" in ledger else "events"
    verdict = "balanced" if ledger["balanced"] else f"NOT balanced: {ledger['difference']} unaccounted for"
    aside = f" (in quarantine besides: {ledger['quarantined']})" if ledger.get("quarantined") else ""
    return f"{name}: {whole} = {' + '.join(parts)}: {verdict}{aside}"
