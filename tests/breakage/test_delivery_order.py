"""Each person's deliveries arrive in order, through faults, restarts, kills and changed limits, at random."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from delivery_house import DeliveryHouse, sink

import hub
from hub.connector import Limits
from hub.telemetry import names

ACTIONS = (["moody.track"], ["moody.profile"], ["moody.track", "moody.profile"])


class Moody(hub.Sink[hub.Settings]):
    """Takes what comes, or not, or takes it and says that it did not."""

    name = "moody"
    rng = Random()
    calm = False
    bad: frozenset[int] = frozenset()
    took: list[tuple[str, int, str]] = []

    @hub.action("track")
    async def track(self, deliveries):
        """One."""
        await self._take(deliveries)

    @hub.action("profile")
    async def profile(self, deliveries):
        """Other."""
        await self._take(deliveries)

    async def _take(self, deliveries):
        for _ in range(Moody.rng.randrange(4)):
            await asyncio.sleep(0)
        lot = 1.0 if Moody.calm else Moody.rng.random()
        if lot < 0.12:
            raise hub.RetryLater("busy")
        if lot < 0.14:
            raise hub.CredentialsRejected("no")
        if lot < 0.16:
            raise KeyError("a bug")
        if len(deliveries) == 1 and deliveries[0].event.properties["n"] in Moody.bad:
            raise hub.GiveUp("a bad one")
        Moody.took += [(each.person, each.event.properties["n"], each.id) for each in deliveries]
        if lot < 0.20:
            raise hub.RetryLater("took it, and said no")


def block(rng):
    return sink("moody", Moody, limits=Limits(in_flight=rng.choice([1, 2, 4]), batch=rng.choice([1, 3, 10])))


async def one_life(house, rng):
    """Some traffic, and an end of some kind."""
    async with house.delivering(block(rng)) as role:
        for _ in range(rng.randrange(1, 8)):
            house.plan(rng.choice(ACTIONS), who=rng.choice("abcdefgh"), count=rng.randrange(1, 6))
            for _ in range(rng.randrange(30)):
                role.notify()
                await asyncio.sleep(0)
            if rng.random() < 0.5:
                await house.forward(seconds=rng.choice([0.5, 2, 30, 600]))
        if rng.random() < 0.4:
            # No word reaches the store any more: as after a kill.
            role._settler._writer.settle = lambda *_: None
        elif rng.random() < 0.3:
            await role.replace(house.config(block(rng)))
    house.assert_balanced("moody")


@pytest.mark.parametrize("seed", range(6))
async def test_each_persons_deliveries_arrive_in_order_whatever_happens(tmp_path, seed):
    rng = Moody.rng = Random(seed)
    Moody.took, Moody.calm = [], False
    Moody.bad = frozenset(n for n in range(400) if rng.random() < 0.03)
    house = DeliveryHouse(tmp_path, seed=seed)
    for _ in range(8):
        await one_life(house, rng)
    Moody.calm = True
    async with house.delivering(block(rng)):
        for _ in range(200):
            await house.forward(seconds=20)
            if not house.ledger("moody")["waiting"]:
                break
        said = house.metrics.readings()[names.DELIVERIES_WAITING.name]
    totals = house.assert_balanced("moody")
    first = {id: (who, n) for who, n, id in reversed(Moody.took)}
    house.close()

    assert totals["waiting"] == 0 and said["moody",] == 0
    for person in {who for who, _, _ in Moody.took}:
        came = [first[id][1] for id in dict.fromkeys(id for who, _, id in Moody.took if who == person)]
        assert came == sorted(came)
