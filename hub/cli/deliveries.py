"""Deliveries as the commands show them: what was planned, and how each stands."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hub.cli.events import BLOCK, event_of, time_text
from hub.delivery.ids import delivery_id
from hub.event import Event, PersonId, person_text
from hub.store.port import Kept, LaneRow, Leg, Planned, Standing

if TYPE_CHECKING:
    from hub.cli.stores import Stores
    from hub.store.sqlite.deliveries import SqliteDeliveries
    from hub.store.sqlite.journal import SqliteJournal
    from hub.store.sqlite.state import SqliteStateReader

Rows = Mapping[tuple[str, str, int, str], Kept]
"""Rows by sink, lane, row of the outbox, and action."""


def planned(
    journal: SqliteJournal, state: SqliteStateReader, kept: SqliteDeliveries | None, *, first: int = 0
) -> Iterator[dict[str, Any]]:
    """Every delivery in the order of planning, of events from entry `first` on; a block at a time."""
    after = 0
    while True:
        sets = state.route_sets()
        rows = state.outbox(after, sets, BLOCK)
        if not rows:
            return
        after = rows[-1].seq
        wanted = [row for row in rows if row.entry >= first]
        if wanted:
            yield from _block(wanted, sets, (journal, state, kept))


def _block(
    rows: Sequence[Planned],
    sets: Mapping[int, tuple[Leg, ...]],
    stores: tuple[SqliteJournal, SqliteStateReader, SqliteDeliveries | None],
) -> Iterator[dict[str, Any]]:
    journal, state, kept = stores
    legs = {leg for row in rows for leg in sets[row.routes]}
    lanes, own_rows = _standing(kept, {(leg.sink, leg.lane) for leg in legs}, rows)
    why = {sink: _trouble(kept, sink) for sink in {leg.sink for leg in legs}}
    entries = journal.get({row.entry for row in rows})
    survivors = state.survivors({row.person for row in rows if row.person is not None})
    for row in rows:
        event = event_of(entries[row.entry])
        for leg in sets[row.routes]:
            own = own_rows.get((leg.sink, leg.lane, row.seq, leg.action))
            lane = lanes.get((leg.sink, leg.lane))
            person = row.person if row.person is None else survivors.get(row.person, row.person)
            yield {
                **_about(_id(event, row, leg.sink, leg.action), leg.sink, leg.action, person),
                "cause": cause(event, leg.route, row),
                **_how(own, passed=lane is not None and lane.position >= row.seq, why=why[leg.sink]),
            }


def arrived(stores: Stores, lane: tuple[str, str], after: int, until: int) -> Iterator[dict[str, Any]]:
    """Deliveries of a lane that it has passed between two positions, and that need no row."""
    state, kept = stores.state, stores.deliveries
    if state is None or kept is None:
        return
    sets = {
        number: tuple(leg for leg in legs if (leg.sink, leg.lane) == lane)
        for number, legs in state.route_sets().items()
    }
    mine = {number: legs for number, legs in sets.items() if legs}
    while after < until:
        rows = [row for row in state.outbox(after, mine, BLOCK) if row.seq <= until]
        if not rows:
            return
        after = rows[-1].seq
        for seen in _block(rows, mine, (stores.journal, state, kept)):
            if seen["at"] is None:
                yield seen


def _standing(
    kept: SqliteDeliveries | None, wanted: set[tuple[str, str]], rows: Sequence[Planned]
) -> tuple[Mapping[tuple[str, str], LaneRow], Rows]:
    """How far the lanes are, and the rows of what they passed over.

    In this order: what a lane had passed has its row by the time that rows are read.
    """
    if kept is None:
        return {}, {}
    lanes = kept.lanes()
    found = {
        (one.sink, one.lane, one.seq, one.action): one
        for sink, lane in wanted
        for one in kept.rows(sink, lane, rows[0].seq - 1, rows[-1].seq)
    }
    return lanes, found


def _trouble(kept: SqliteDeliveries | None, sink: str) -> str:
    """Why a sink takes nothing at present."""
    from hub.delivery.gate import trouble

    return "" if kept is None else trouble(kept.memory(sink), time.time_ns() // 1000)


def _how(own: Kept | None, *, passed: bool, why: str) -> dict[str, Any]:
    if own is not None:
        return {
            "state": own.standing.name.lower(),
            "attempts": own.attempts,
            "reason": own.reason,
            "at": time_text(own.at),
        }
    if passed:
        return {"state": Standing.DELIVERED.name.lower(), "attempts": 1, "reason": "", "at": None}
    # Not tried yet: what keeps it waiting is what keeps its sink.
    return {"state": Standing.WAITING.name.lower(), "attempts": 0, "reason": why, "at": None}


def _id(event: Event, row: Planned | None, sink: str, action: str) -> str:
    if row is not None and row.message is not None:
        return delivery_id("message", row.message.id, sink, action)
    if row is not None and row.sync is not None:
        return delivery_id("sync", row.sync.id, sink, action)
    return delivery_id(event.source, event.id, sink, action)


def _about(id: str, sink: str, action: str, person: PersonId | None) -> dict[str, Any]:
    return {
        "id": id,
        "sink": sink,
        "action": action,
        "person": None if person is None else person_text(person),
    }


def cause(event: Event, route: str = "", row: Planned | None = None) -> dict[str, Any]:
    """Why there is a delivery: the event and its route, the rule (and what triggered it), or the sync.

    A sync tells how a person is: the event is the person's newest.
    """
    said = {"event": event.id, "source": event.source, "name": event.name}
    if row is not None and row.message is not None:
        return {"rule": row.message.rule, **said}
    if row is not None and row.sync is not None:
        return {"sync": row.sync.name, **said}
    return {**said, "route": route} if route else said


def letters(
    journal: SqliteJournal, rows: Sequence[Kept], state: SqliteStateReader | None = None
) -> Iterator[dict[str, Any]]:
    """Deliveries that have rows of their own, as listings show them."""
    entries = journal.get({row.entry for row in rows})
    planned = state.outbox_rows({row.seq for row in rows}) if state is not None else {}
    for row in rows:
        event = event_of(entries[row.entry])
        plan = planned.get(row.seq)
        id = row.id or _id(event, plan, row.sink, row.action)
        yield {
            **_about(id, row.sink, row.action, row.person),
            "cause": cause(event, row=plan),
            "reason": row.reason,
            "attempts": row.attempts,
            "at": time_text(row.at),
        }
