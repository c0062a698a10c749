"""`hub person`: who somebody is and what is known of them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import NO, Commands
from hub.cli.options import config_option, data_folder, data_option, json_option

if TYPE_CHECKING:
    from hub.event import PersonId, Profile
    from hub.store.sqlite.journal import SqliteJournal
    from hub.store.sqlite.state import SqliteStateReader


@click.group(cls=Commands, table={"show": ("people", "show")})
def person() -> None:
    """Shows people, and what is known of them."""


@click.command()
@click.argument("person")
@config_option
@data_option
@json_option
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=0), default=50, help="How many events; the newest 50."
)
def show(person: str, *, config: Path, data: Path | None, as_json: bool, limit: int) -> None:
    """Shows a person's profile and timeline.

    PERSON is the hub's id of a person, kind:value (email:ann@example.com), or a bare value where it is
    unique.
    """
    from hub.cli import stores
    from hub.cli.lines import json_line

    folder = data_folder(config, data)
    with stores.state(folder) as state, stores.journal(folder) as journal:
        found = find(state, person)
        if found is None:
            click.echo(f"no person is known as '{person}'", err=True)
            sys.exit(NO)
        shown = sheet(state, journal, state.profiles([found])[found], limit)
    if as_json:
        json_line(shown)
    else:
        _print(shown)


def find(state: SqliteStateReader, text: str) -> PersonId | None:
    """Who a text means; a usage error with the candidates where it means several."""
    from hub.event import Identifier, person_from_text, person_text

    number = person_from_text(text)
    if number is not None and state.profiles([number]):
        return number
    kind, colon, value = text.partition(":")
    if colon:
        identifier = Identifier(kind, _as_kept(kind, value))
        owner = state.owners([identifier]).get(identifier)
        if owner is not None:
            return owner
    found = state.named(text) or state.named(text.strip().lower())
    if not found and re.match(r"\s*[+0(]", text):
        found = state.named(_as_kept("phone", text))
    if len({owner for _, owner in found}) > 1:
        candidates = "\n".join(f"  {one}  {person_text(owner)}" for one, owner in found)
        raise click.UsageError(f"'{text}' may be any of these; say which:\n{candidates}")
    return found[0][1] if found else None


def _as_kept(kind: str, value: str) -> str:
    """An identifier's value as it is compared: in lower case, with the country's code …"""
    from hub.errors import BadEvent
    from hub.schema.identifiers import identifiers_of

    try:
        [identifier] = identifiers_of([(kind, value)]) or [None]
    except BadEvent:
        return value
    return value if identifier is None else identifier.value


def sheet(state: SqliteStateReader, journal: SqliteJournal, profile: Profile, limit: int) -> dict[str, Any]:
    """All that is known of a person."""
    from hub.cli.events import identifier_rows, time_text
    from hub.event import person_text

    return {
        "person": person_text(profile.id),
        "identifiers": identifier_rows(profile.identifiers),
        "first_seen_at": time_text(profile.first_seen_at),
        "last_seen_at": time_text(profile.last_seen_at),
        "traits": {
            name: {"value": trait.value, "source": trait.source, "at": time_text(trait.at)}
            for name, trait in sorted(profile.traits.items())
        },
        "counters": profile.counters,
        "segments": [],
        "consent": consent_rows(profile),
        "merges": [
            {"id": one.id, "survivor": person_text(one.survivor), "merged": person_text(one.merged)}
            for one in state.merges(profile.id)
        ],
        "review": [
            {"id": one.id, "other": person_text(one.other if one.person == profile.id else one.person)}
            for one in state.reviews(profile.id)
        ],
        "timeline": timeline(state, journal, profile, limit),
    }


def consent_rows(profile: Profile) -> dict[str, dict[str, Any]]:
    """`channel/purpose` → what was decided, when, and who said so."""
    from hub.cli.events import time_text

    return {
        name: {"state": said.state, "at": time_text(said.at), "source": said.source, "wording": said.wording}
        for name, said in sorted(profile.consent.items())
    }


def timeline(
    state: SqliteStateReader, journal: SqliteJournal, profile: Profile, limit: int
) -> list[dict[str, Any]]:
    """The person's newest events, in the order in which they were accepted."""
    from hub.cli.events import event_of, time_text

    entries = journal.get(state.timeline(profile.heads, limit))
    rows = []
    for _, entry in sorted(entries.items()):
        event = event_of(entry)
        rows.append(
            {
                "at": time_text(event.occurred_at or event.received_at),
                "received_at": time_text(event.received_at),
                "id": event.id,
                "source": event.source,
                "name": event.name,
                "properties": event.properties,
            }
        )
    return rows


def _print(shown: dict[str, Any]) -> None:
    from hub.cli.lines import plain

    print(f"person {shown['person']}, seen {shown['first_seen_at']} to {shown['last_seen_at']}")
    for one in shown["identifiers"]:
        print(f"  {plain(one['kind'])}: {plain(one['value'])}")
    for title, rows in (("traits", shown["traits"]), ("consent", shown["consent"])):
        if rows:
            print(title)
        for name, row in rows.items():
            said = row.get("value", row.get("state"))
            print(f"  {plain(name)}: {plain(said)}  ({plain(row['source'])}, {row['at']})")
    for one in shown["merges"]:
        print(f"merge {one['id']}: {one['merged']} became part of {one['survivor']}")
    for one in shown["review"]:
        print(f"review {one['id']}: may be the same as {one['other']}")
    if shown["timeline"]:
        print("timeline")
    for row in shown["timeline"]:
        print(f"  {row['at']}  {plain(row['name'])}  {plain(row['source'])}")
