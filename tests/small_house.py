"""The real journal and engine in a folder, on a driven clock: tell events, turn the clock, look."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from hub.config import read
from hub.daemon.virtual import VirtualHouse
from hub.event import Instant, Message, Profile, Trust, person_text
from hub.plugins import discover
from hub.schema import normalise
from hub.store.port import Decision, Draft, Kind, Leg, ReviewRow, Sync

SITE = '[sources.site]\nconnector = "segment"\npublic_keys = ["pk"]\n'
START = 1_700_000_000_000_000


class SmallHouse:
    """A house without HTTP: what is told is accepted at once, and the engine runs whenever time moves."""

    def __init__(self, folder: Path, tables: str) -> None:
        self._folder = folder
        self._house = VirtualHouse(folder, start=START)
        self._told = 0
        self.configure(tables)

    @property
    def now(self) -> Instant:
        """When the last thing was told."""
        return self._house.journal.end()[1]

    def configure(self, tables: str) -> None:
        """A configuration is in force from now on."""
        path = self._folder / "plugins.toml"
        path.write_text(SITE + tables)
        self._write(Draft(Kind.CONFIG, read(path, discover, environ={}).resolved))

    def tell(
        self,
        what: str,
        *,
        properties: dict[str, Any] | None = None,
        traits: dict[str, Any] | None = None,
        trust: Trust = "secret",
        ago: float = 0,
        **identifiers: str,
    ) -> None:
        """An event is accepted; `identify` says who somebody is, anything else is the name of a track."""
        self._told += 1
        kind: Literal["identify", "track"] = "identify" if what == "identify" else "track"
        event = normalise(
            type=kind,
            id=f"m{self._told}",
            name=what,
            identifiers=identifiers,
            occurred_at=(self._house.clock.now() - int(ago * 1e6)) / 1e6 if ago else None,
            properties=properties,
            traits=traits,
        )
        event.source, event.trust = "site", trust
        self._write(Draft(Kind.EVENT, msgspec.json.encode(event)))

    def merge(self, into: str, merged: str) -> None:
        """An operator says that two users are one."""
        command = {"command": "merge", "into": ["user_id", into], "merged": ["user_id", merged]}
        self._write(Draft(Kind.COMMAND, msgspec.json.encode(command)))

    def give_up(self, message: Message) -> None:
        """The message's delivery is given up, as the delivery role tells it."""
        [(leg, _)] = [one for one in self.planned() if one[1].next]
        row = next(row for row in self._rows() if row.message and row.message.next)
        told = {
            "delivery": f"{leg.sink}-{message.id}",
            "entry": row.entry,
            "person": person_text(row.person or 0),
            "state": "skipped",
            "reason": "answered 400",
            "message": row.message,
        }
        self._write(Draft(Kind.OUTCOME, msgspec.json.encode(told)))

    def forward(self, *, minutes: float = 0, seconds: float = 0) -> None:
        """Time passes; the engine wakes whenever somebody is due."""
        self._house.forward(self._house.clock.now() + int((minutes * 60 + seconds) * 1e6))

    def restart(self) -> None:
        """Everything is closed and opened again."""
        now = self._house.clock.now()
        self.close()
        self._house = VirtualHouse(self._folder, start=now)

    def close(self) -> None:
        """Closes the stores."""
        self._house.close()

    def messages(self) -> list[Message]:
        return [message for _, message in self.planned()]

    def planned(self) -> list[tuple[Leg, Message]]:
        """Messages that were handed over, with the action that takes each."""
        sets = self._house.state.route_sets()
        return [(sets[row.routes][0], row.message) for row in self._rows() if row.message is not None]

    def syncs(self) -> list[tuple[Instant, Sync, list[str]]]:
        """What syncs were to tell, when, and of whom (the identifiers)."""
        return [
            (row.sync.at, row.sync, [str(one) for one in row.identifiers]) for row in self._rows() if row.sync
        ]

    def decisions(self) -> list[Decision]:
        return [decision for _, decision in self._house.state.decisions_since(0, 1000)]

    def people(self) -> list[Profile]:
        return list(self._house.state.all_profiles())

    def reviews(self) -> list[ReviewRow]:
        """Cases of people who may be one, in the order in which they came up."""
        found = {one for person in self.people() for one in self._house.state.reviews(person.id)}
        return sorted(found)

    def poisoned(self) -> list[str]:
        """What could not be processed, as tracebacks."""
        return [one.traceback for one in self._house.state.poisoned()]

    def _rows(self) -> list[Any]:
        return self._house.state.outbox(0, list(self._house.state.route_sets()), 1000)

    def _write(self, draft: Draft) -> None:
        self._house.accept([draft], self._house.clock.now() + 1000)
