"""`hub why`: why something was said to somebody, or was not, and what they are waiting for."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import NO
from hub.cli.options import config_option, data_folder, data_option, json_option

if TYPE_CHECKING:
    from hub.event import Profile
    from hub.pipeline import Definitions
    from hub.store.port import Decision, Kept
    from hub.store.sqlite.deliveries import SqliteDeliveries
    from hub.store.sqlite.journal import SqliteJournal
    from hub.store.sqlite.state import SqliteStateReader

MOST = 10_000


@click.command()
@click.argument("person")
@click.argument("rule", required=False)
@config_option
@data_option
@json_option
def why(person: str, rule: str | None, *, config: Path, data: Path | None, as_json: bool) -> None:
    """Says why rules fired for a person, or did not, and what they are waiting for.

    PERSON is the hub's id of a person, kind:value (email:ann@example.com), or a bare value where it is
    unique. With RULE only that rule is told of.
    """
    from hub.cli import stores
    from hub.cli.lines import json_lines
    from hub.cli.people import find, timeline

    folder = data_folder(config, data)
    with (
        stores.state(folder) as state,
        stores.journal(folder) as journal,
        stores.deliveries_if_any(folder) as kept,
    ):
        found = find(state, person)
        if found is None:
            click.echo(f"no person is known as '{person}'", err=True)
            sys.exit(NO)
        profile = state.profiles([found])[found]
        definitions = _definitions(state, journal)
        rows = [*_decided(state, kept, profile, definitions), *_awaited(state, definitions, profile)]
        told = {} if as_json else {row["id"]: row["name"] for row in timeline(state, journal, profile, MOST)}
    _refuse_unknown(rule, {row["rule"] for row in rows}, definitions)
    rows = [row for row in rows if rule in (None, row["rule"])]
    if as_json:
        json_lines(rows)
        return
    for row in rows:
        print(_line(row, told))
    if not rows:
        said = f"rule {rule} has decided nothing" if rule else "no rule has decided anything"
        print(f"{said} about {person}, and nothing is waiting")


def _decided(
    state: SqliteStateReader,
    kept: SqliteDeliveries | None,
    profile: Profile,
    definitions: Definitions | None,
) -> list[dict[str, Any]]:
    """What was decided, the oldest first."""
    decisions = state.decisions({profile.id, *profile.heads}, MOST)
    ended = _ended(kept, decisions, definitions)
    return [_told(one, profile, ended.get(one.delivery)) for one in reversed(decisions)]


def _told(one: Decision, profile: Profile, ended: Kept | None) -> dict[str, Any]:
    """One decision; `ended` is how its message ended on the way, where it did not arrive."""
    from hub.event import iso, person_text

    at, outcome, reason = one.at, one.outcome, one.reason
    if one.message and one.outcome == "sent" and ended is not None:
        at, reason = ended.at, ended.reason
        outcome = "dropped" if ended.standing.name == "SKIPPED" else "dead"
    return {
        "at": iso(at),
        "rule": one.rule,
        "person": person_text(profile.id),
        "outcome": outcome,
        "reason": reason or None,
        "due": iso(one.due) if one.due else None,
        "key": one.key or None,
        "events": list(one.events),
        "gate": reason if one.message and outcome == "dropped" else None,
        "message": one.message or None,
        "channel": one.channel or None,
        "version": one.version,
        "waiting_for": None,
        "broken_by": None,
    }


def _ended(
    kept: SqliteDeliveries | None, decisions: Iterable[Decision], definitions: Definitions | None
) -> dict[str, Kept]:
    """Of the messages that were handed over: those that a gate stopped later, or that were given up."""
    from hub.delivery.ids import delivery_id
    from hub.pipeline.obeying import FALLBACK
    from hub.store.port import Standing

    if kept is None or definitions is None:
        return {}
    plan = definitions.messages
    targets = [*plan.vias.values(), *(one for listed in plan.channels.values() for one in listed)]
    messages = {
        delivery_id("message", one.delivery, target.sink, target.action): one.delivery
        for one in decisions
        if one.delivery and one.outcome == "sent"
        for target in targets
    }
    rows = [row for row in kept.find(messages) if row.standing in (Standing.DEAD, Standing.SKIPPED)]
    return {messages[row.id]: row for row in rows if row.reason != FALLBACK}


def _definitions(state: SqliteStateReader, journal: SqliteJournal) -> Definitions | None:
    """The rules that are followed now."""
    from hub.pipeline import Definitions

    seq, ages = state.configuration()
    entry = journal.get((seq,)).get(seq)
    return None if entry is None else Definitions.of(entry.body, entry.received_at, ages)


def _refuse_unknown(rule: str | None, decided: set[str], definitions: Definitions | None) -> None:
    """A rule may be gone from the configuration and still have decided something."""
    known = decided | set(definitions.versions if definitions else ())
    if rule is None or rule in known:
        return
    near = get_close_matches(rule, known, 1)
    there = f"there are: {', '.join(sorted(known))}" if known else "there are no rules"
    hint = f"did you mean '{near[0]}'?" if near else there
    raise click.UsageError(f"no rule '{rule}'; {hint}")


def _awaited(
    state: SqliteStateReader, definitions: Definitions | None, profile: Profile
) -> list[dict[str, Any]]:
    """What the person is waiting for now."""
    from hub.event import iso, person_text
    from hub.rules import unpack, waiting

    memory = state.memory(profile.id)
    if memory is None or definitions is None:
        return []
    return [
        {
            "at": iso(one.since),
            "rule": one.rule,
            "person": person_text(profile.id),
            "outcome": "waiting",
            "reason": None,
            "due": iso(one.due),
            "key": one.key or None,
            "events": [],
            "gate": None,
            "message": None,
            "channel": None,
            "version": definitions.versions.get(one.rule, ""),
            "waiting_for": iso(one.decided_at),
            "broken_by": list(one.broken_by),
        }
        for one in waiting(definitions.rules, unpack(memory))
    ]


def _line(row: dict[str, Any], told: dict[str, str]) -> str:
    """One decision in a sentence; `told` are the names of events by their ids."""
    from hub.cli.lines import plain

    about = f" for {plain(row['key'])}" if row["key"] else ""
    if row["outcome"] == "waiting":
        said = f"is waiting since {row['at']}; it is due at {row['due']} and decided at {row['waiting_for']}"
        if row["broken_by"]:
            said += f", unless there is {' or '.join(map(plain, row['broken_by']))}"
        return f"{row['at']}  {plain(row['rule'])}{about}  {said}"
    subject = f"message by {plain(row['channel'])} " if row["message"] else ""
    reason = f": {plain(row['reason'])}" if row["reason"] else ""
    events = ", ".join(plain(f"{told[one]} ({one})" if one in told else one) for one in row["events"])
    because = f"  because of {events}" if events else ""
    return f"{row['at']}  {plain(row['rule'])}{about}  {subject}{row['outcome']}{reason}{because}"
