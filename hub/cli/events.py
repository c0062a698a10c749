"""Stored events as the commands show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from hub.event import Event, Identifier, Instant, iso, person_text
from hub.store.port import Entry, Fate, Kind

if TYPE_CHECKING:
    from hub.event import PersonId
    from hub.store.sqlite.journal import SqliteJournal
    from hub.store.sqlite.state import SqliteStateReader

_decode = msgspec.json.Decoder(Event).decode
BLOCK = 1000


def event_of(entry: Entry) -> Event:
    """The event of a journal entry, with the times at which it was accepted and happened."""
    event = _decode(entry.body)
    event.accepted(entry.received_at)
    return event


def blocks(journal: SqliteJournal, since: Instant) -> Iterator[list[Entry]]:
    """All entries received since then, in order, a block at a time: memory stays flat."""
    after = journal.first_since(since) - 1 if since else 0
    while entries := journal.read(after, None, BLOCK):
        yield entries
        after = entries[-1].seq


def owners(state: SqliteStateReader | None, entries: Iterable[Entry]) -> dict[int, PersonId | None]:
    """Entry → who it belongs to now; a duplicate is left out, None where nobody is known (yet)."""
    wanted = [entry.seq for entry in entries if entry.kind == Kind.EVENT]
    if state is None:
        return dict.fromkeys(wanted)
    fates = state.fates(wanted)
    people = {row.person for row in fates.values() if row.person is not None}
    survivors = state.survivors(people)
    found: dict[int, PersonId | None] = {}
    for seq in wanted:
        row = fates.get(seq)
        if row is None or row.person is None:
            if row is None or row.fate != Fate.DUPLICATE:
                found[seq] = None
        elif row.fate != Fate.DUPLICATE:
            found[seq] = survivors.get(row.person, row.person)
    return found


def event_row(event: Event, person: PersonId | None) -> dict[str, Any]:
    """An event as `hub export events` writes it."""
    return {
        "id": event.id,
        "source": event.source,
        "name": event.name,
        "name_as_sent": event.name_as_sent or event.name,
        "type": event.type,
        "person": None if person is None else person_text(person),
        "occurred_at": time_text(event.occurred_at) or iso(event.received_at),
        "time": time_text(event.time) or iso(event.received_at),
        "received_at": iso(event.received_at),
        "identifiers": identifier_rows(event.identifiers),
        "properties": event.properties,
        "traits": event.traits,
        "context": event.context,
        "sent_context": event.sent_context,
        "trust": event.trust,
        "historical": event.historical,
    }


def identifier_rows(identifiers: Iterable[Identifier]) -> list[dict[str, str]]:
    """Identifiers as all our JSON writes them."""
    return [{"kind": one.kind, "value": one.value} for one in identifiers]


def time_text(at: Instant | None) -> str | None:
    """ISO 8601; None where no time is known, or one that no calendar has."""
    if at is None:
        return None
    try:
        return iso(at)
    except (OverflowError, ValueError):
        return None
