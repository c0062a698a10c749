"""SIGKILL of the whole hub under load: nothing accepted is lost, no delivery has two ids, order is kept."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from far_sides import FarSide, unlucky
from running_hub import SITE, RunningHub, wait_for

PEOPLE = 20


class Sender(threading.Thread):
    """Sends numbered events of each person, again and again until each is answered 200."""

    def __init__(self, hub: RunningHub, part: int) -> None:
        super().__init__(daemon=True)
        self._hub = hub
        self._part = part
        self.stopping = threading.Event()
        self.accepted: list[str] = []

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            batch = [self._event(number * 10 + n) for n in range(10)]
            number += 1
            while not self._taken(batch):
                if self.stopping.is_set():
                    return
                time.sleep(0.01)
            self.accepted += [event["messageId"] for event in batch]

    def _event(self, number: int) -> dict[str, object]:
        person = (self._part * 7 + number) % PEOPLE
        return {
            "type": "track",
            "event": "Product Viewed",
            "messageId": f"{self._part}-{number}",
            "userId": f"{self._part}-{person}",
            "properties": {"number": number},
        }

    def _taken(self, batch: list[dict[str, object]]) -> bool:
        try:
            return self._hub.post("/v1/batch", {"batch": batch})[0] == 200
        except (OSError, http.client.HTTPException, ValueError):
            return False


@pytest.fixture
def far_sides() -> Iterator[dict[str, FarSide]]:
    sides = {
        "good": FarSide(),
        "failing": FarSide(unlucky(1, 0.1, "fail")),
        "resetting": FarSide(unlucky(2, 0.1, "reset")),
    }
    yield sides
    for side in sides.values():
        side.close()


def killed(hub: RunningHub, far_sides: dict[str, FarSide], kills: int) -> None:
    rng = random.Random(kills)
    hub.start()
    senders = [Sender(hub, part) for part in range(3)]
    for sender in senders:
        sender.start()
    for number in range(kills):
        if number % 2:
            # However slow the machine: every second kill meets a hub that has taken something.
            before = _taken(senders)
            wait_for(lambda before=before: _taken(senders) > before)
        time.sleep(rng.uniform(0.1, 0.9))  # The instant of a kill is what is drawn by lot.
        hub.kill()
        hub.start(ready=False)
    wait_for(hub.is_ready)
    for sender in senders:
        sender.stopping.set()
    for sender in senders:
        sender.join()
    accepted = [known for sender in senders for known in sender.accepted]
    assert len(accepted) > 4 * kills

    wait_for(lambda: _is_done(hub), seconds=90)
    stored = [event["id"] for event in hub.exported("events")]
    assert set(accepted) <= set(stored)
    hub.command("audit")
    for side in far_sides.values():
        _check(side, set(accepted))


def _taken(senders: list[Sender]) -> int:
    return sum(len(sender.accepted) for sender in senders)


def _is_done(hub: RunningHub) -> bool:
    """Whether everything that was accepted is applied, and everything planned has ended."""
    text = hub.get("/metrics")[1].decode()
    names = ("hub_deliveries_waiting{", "hub_engine_behind_entries ")
    left = [line for line in text.splitlines() if line.startswith(names)]
    return len(left) == 4 and all(float(line.split()[-1]) == 0 for line in left)


def _check(side: FarSide, accepted: set[str]) -> None:
    ids: dict[str, set[str]] = {}
    newest: dict[str, int] = {}
    seen: set[str] = set()
    for said in side.arrived:
        data = said["data"]
        ids.setdefault(data["id"], set()).add(data["delivery"])
        if data["id"] in seen:
            continue
        seen.add(data["id"])
        person, number = data["person"], data["properties"]["number"]
        assert newest.get(person, -1) < number, "a person's events arrived out of order"
        newest[person] = number
    assert accepted <= seen
    assert all(len(known) == 1 for known in ids.values())


def tables(far_sides: dict[str, FarSide]) -> str:
    blocks = [
        f'[sinks.{name}]\nconnector = "webhook"\nurl = "{side.url}"\nlimits = {{ batch = 20 }}\n'
        f'[routes.{name}]\nto = "{name}.send"\n'
        for name, side in far_sides.items()
    ]
    return SITE + "".join(blocks)


def test_ten_kills_lose_nothing(hubs: Callable[..., RunningHub], far_sides: dict[str, FarSide]) -> None:
    killed(hubs(tables(far_sides)), far_sides, 10)


@pytest.mark.long
def test_fifty_kills_lose_nothing(hubs: Callable[..., RunningHub], far_sides: dict[str, FarSide]) -> None:
    killed(hubs(tables(far_sides)), far_sides, 50)
