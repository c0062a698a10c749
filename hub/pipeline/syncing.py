"""Profile fields to sinks, as they change: what each `[sync.*]` of a configuration wants to tell."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from hub.event import Instant, Profile, person_text
from hub.pipeline.definitions import Definitions, Sync
from hub.pipeline.past import Past
from hub.profiles import syncing
from hub.rules import Situation
from hub.store import port
from hub.store.sqlite.work import Work
from hub.telemetry import names


class Syncer:
    """Looks at people whom something happened to, for one transaction."""

    def __init__(self, work: Work, past: Past, definitions: Definitions) -> None:
        self._work = work
        self._past = past
        self._syncs = definitions.syncs
        self._timezone = definitions.rules.timezone

    def look(self, profile: Profile, now: Instant) -> None:
        """Something became known of a person: what changed goes out, now or when its time has come."""
        for sync in self._syncs:
            self._look(sync, profile, now)

    def wake(self, profile: Profile, now: Instant) -> None:
        """Time has passed. The timer is spent: what waits longer asks for another."""
        if not self._syncs:
            return
        if syncing.forgotten(profile, [sync.name for sync in self._syncs]):
            self._work.changed(profile.id)
        self.look(profile, now)
        for kept in profile.synced.values():
            if kept.due:
                self._work.wake(profile.id, kept.due)

    def _look(self, sync: Sync, profile: Profile, now: Instant) -> None:
        values = self._values(sync, profile, now)
        before = profile.synced.get(sync.name)
        said = syncing.said_of(values, profile.identifiers)
        kept, is_due = syncing.look(before, said, now, every=sync.every)
        if kept is not None and kept is not before:
            profile.synced[sync.name] = kept
            self._work.changed(profile.id)
            if kept.due:
                self._work.wake(profile.id, kept.due)
        if is_due:
            self._plan(sync, profile, values, now)

    def _values(self, sync: Sync, profile: Profile, now: Instant) -> dict[str, Any]:
        situation = Situation(
            profile=profile, history=self._past.of(profile), now=now, timezone=self._timezone, moment=now
        )
        return {
            name: profile.trait(field.trait) if field.trait else field.read(situation)
            for name, field in sync.fields.items()
        }

    def _plan(self, sync: Sync, profile: Profile, values: dict[str, Any], now: Instant) -> None:
        self._work.plan(
            max(profile.heads.values(), default=0),
            profile.id,
            sync.legs,
            more=profile.identifiers,
            sync=port.Sync(
                id=_id(sync, profile, now),
                name=sync.name,
                at=now,
                traits={name: field.trait for name, field in sync.fields.items() if field.trait},
                values={
                    name: values[name]
                    for name, field in sync.fields.items()
                    if not field.trait and values[name] is not None
                },
            ),
        )
        self._work.count(names.DELIVERIES_PLANNED.name, sync.sink, sync.action)


def _id(sync: Sync, profile: Profile, now: Instant) -> str:
    """The same sync of the same person at the same instant is always the same one."""
    said = f"{sync.name}\0{person_text(profile.id)}\0{now}"
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
