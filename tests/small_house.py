"""The real journal and engine in a folder, on a driven clock: tell events, turn the clock, look."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from hub.clock import DrivenClock
from hub.config import read
from hub.event import Instant, Message, Profile, Trust, person_text
from hub.pipeline import Engine
from hub.plugins import discover
from hub.schema import normalise
from hub.store.port import Decision, Draft, Kind, Leg
from hub.store.sqlite.journal import Batch, SqliteJournal, SqliteJournalWriter
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState

SITE = '[sources.site]\nconnector = "segment"\npublic_keys = ["pk"]\n'
IDENTIFIERS = ("user_id", "email", "phone", "anonymous_id")


class SmallHouse:
    """A house without HTTP: what is told is accepted at once, and the engine runs whenever time moves."""

    def __init__(self, folder: Path, tables: str) -> None:
        self._folder = folder
        self._clock = DrivenClock()
        self._writer = SqliteJournalWriter(folder, self._clock.now, durable=False)
        self._told = 0
        self._open()
        self.configure(tables)

    @property
    def now(self) -> Instant:
        """When the last thing was told."""
        return self._journal.end()[1]

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
            occurred_at=(self._clock.now() - int(ago * 1e6)) / 1e6 if ago else None,
            properties=properties,
            traits=traits,
        )
        event.source, event.trust = "site", trust
        self._write(Draft(Kind.EVENT, msgspec.json.encode(event)))

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
        end = self._clock.now() + int((minutes * 60 + seconds) * 1e6)
        while (wake := self._state.next_wake()) is not None and wake <= end:
            # The horizon is the present less 1 µs: a moment later it has come.
            self._clock.set(wake + 1)
            self._run()
        self._clock.set(end)
        self._run()

    def restart(self) -> None:
        """Everything is closed and opened again."""
        self._journal.close()
        self._state.close()
        self._reader.close()
        self._open()

    def messages(self) -> list[Message]:
        return [message for _, message in self.planned()]

    def planned(self) -> list[tuple[Leg, Message]]:
        """Messages that were handed over, with the action that takes each."""
        sets = self._reader.route_sets()
        return [(sets[row.routes][0], row.message) for row in self._rows() if row.message is not None]

    def decisions(self) -> list[Decision]:
        return [decision for _, decision in self._reader.decisions_since(0, 1000)]

    def people(self) -> list[Profile]:
        return list(self._reader.all_profiles())

    def _rows(self) -> list[Any]:
        return self._reader.outbox(0, list(self._reader.route_sets()), 1000)

    def _open(self) -> None:
        self._journal = SqliteJournal(self._folder, readonly=False)
        self._state = SqliteState(self._folder, durable=False)
        self._reader = SqliteStateReader(self._folder)
        self._engine = Engine(self._journal, self._state)

    def _write(self, draft: Draft) -> None:
        self._clock.forward(seconds=0.001)
        self._writer.write([Batch([draft])])
        self._clock.forward(seconds=0.001)
        self._run()

    def _run(self) -> None:
        while self._engine.cycle(self._clock.now):
            pass
