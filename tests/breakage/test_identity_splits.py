"""Whose is it, over the real store: any split into transactions and any restart gives the same people."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.config import read
from hub.daemon.virtual import VirtualHouse
from hub.event import Identifier, Profile
from hub.pipeline import Engine
from hub.plugins import discover
from hub.schema import normalise
from hub.store.port import Draft, Kind
from hub.store.sqlite.journal import SqliteJournal
from hub.store.sqlite.state import SqliteStateReader
from hub.store.sqlite.work import SqliteState

START = 1_700_000_000_000_000
SECOND = 1_000_000
MOST = {"user_id": 1, "email": 5, "anonymous_id": 3, "device_id": 2, "device_token": 5}
CONFIG = """
[sources.site]
connector = "segment"
[identity.kinds.anonymous_id]
max = 3
[identity.kinds.device_id]
max = 2
"""
VALUES = {"user_id": 4, "email": 5, "anonymous_id": 12, "device_id": 7, "device_token": 14}


def entries(folder: Path, seed: int) -> list[tuple[int, Draft]]:
    """People who meet, change devices and are merged, partly told late; each at an instant."""
    chance = random.Random(seed)
    (folder / "plugins.toml").write_text(CONFIG)
    told = [(START, Draft(Kind.CONFIG, read(folder / "plugins.toml", discover, environ={}).resolved))]
    for number in range(1, 150):
        at = START + number * SECOND
        who = {
            kind: f"{kind}-{chance.randrange(n)}@a.test"
            for kind, n in VALUES.items()
            if chance.random() < 0.4
        }
        late = chance.choice([0, 0, 0, 20])
        event = normalise(
            type="track", id=f"m{number}", name="Seen", identifiers=who, occurred_at=at / SECOND - late
        )
        event.source, event.trust = "site", chance.choice(["public", "secret"])
        told.append((at, Draft(Kind.EVENT, msgspec.json.encode(event))))
        if chance.random() < 0.05:
            one, other = (["user_id", f"user_id-{n}@a.test"] for n in chance.sample(range(4), 2))
            command = {"command": "merge", "into": one, "merged": other}
            told.append((at + 1, Draft(Kind.COMMAND, msgspec.json.encode(command))))
    return told


def journal(folder: Path, told: list[tuple[int, Draft]]) -> SqliteJournal:
    house = VirtualHouse(folder, start=START)
    for at, draft in told:
        house.accept_down([draft], at)
    house.close()
    return SqliteJournal(folder)


def lived(folder: Path, log: SqliteJournal, chance: random.Random | None) -> SqliteStateReader:
    """The engine applies the journal; with `chance`, in pieces, and started again after some of them."""
    folder.mkdir()
    end = log.end()[1] + SECOND
    state = SqliteState(folder, durable=False)
    while state.position < log.end()[0]:
        most = chance.randrange(1, 40) if chance else 500
        until = min(end, log.read(state.position, None, most)[-1].received_at + 1)
        Engine(log, state, most=most).cycle(lambda at=until: at)
        if chance and chance.random() < 0.5:
            state.close()
            state = SqliteState(folder, durable=False)
    state.close()
    return SqliteStateReader(folder)


def known(state: SqliteStateReader) -> tuple[list[Profile], dict[Identifier, Any]]:
    people = sorted(state.all_profiles(), key=lambda profile: profile.id)
    return people, state.owners(
        [Identifier(kind, f"{kind}-{n}@a.test") for kind, most in VALUES.items() for n in range(most)]
    )


@pytest.mark.parametrize("seed", range(4))
def test_any_split_and_any_restart_gives_the_same_people(tmp_path: Path, seed: int) -> None:
    log = journal(tmp_path, entries(tmp_path, seed))
    whole, split = (
        lived(tmp_path / name, log, chance) for name, chance in (("a", None), ("b", random.Random(seed)))
    )

    assert known(whole) == known(split)
    assert whole.poisoned() == split.poisoned() == []
    people, owners = known(whole)
    assert {one: person.id for person in people for one in person.identifiers} == owners
    for person in people:
        kinds = Counter(one.kind for one in person.identifiers)
        assert all(kinds[kind] <= most for kind, most in MOST.items() if kind not in ("user_id", "email"))
