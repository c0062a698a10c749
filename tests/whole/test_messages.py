"""A rule's message on its way out: over a kill, by the next road, and not without consent at that moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from far_sides import FarSide
from running_hub import SECRET_KEY, SITE, RunningHub, wait_for

Hubs = Callable[..., RunningHub]
RULE = """
[settings]
grace = "200ms"

[rules.cart]
when = "product_added then not order_completed within {wait}"
send = {{ channel = "email", template = "cart", vars = {{ name = "trigger.name" }} }}
"""


class Mood:
    """What a far side does with the next request."""

    def __init__(self) -> None:
        self.now = "take"


@pytest.fixture
def sides() -> Iterator[tuple[FarSide, FarSide, Mood]]:
    mood = Mood()
    first, second = FarSide(lambda: mood.now), FarSide()
    yield first, second, mood
    first.close()
    second.close()


def tables(first: FarSide, second: FarSide, *, wait: str = "300ms") -> str:
    sinks = "".join(
        f'[sinks.{name}]\nconnector = "webhook"\nurl = "{side.url}"\n'
        for name, side in (("first", first), ("second", second))
    )
    roads = '[channels]\nemail = ["first.send", "second.send"]\n'
    return SITE + sinks + roads + RULE.format(wait=wait)


def ann_fills_a_cart(hub: RunningHub) -> None:
    who = {"userId": "ann", "traits": {"email": "ann@example.com", "consent.email.marketing": True}}
    assert hub.post("/v1/identify", who, key=SECRET_KEY)[0] == 200
    hub.track("ann", "Product Added", properties={"name": "Shoe"})


def deliveries(hub: RunningHub) -> list[tuple[Any, ...]]:
    return [(row["sink"], row["state"], row["reason"]) for row in hub.exported("deliveries")]


def test_a_message_arrives_with_its_words_and_variables(hubs: Hubs, sides: Any) -> None:
    first, second, _ = sides
    hub = hubs(tables(first, second)).start()
    ann_fills_a_cart(hub)

    [said] = wait_for(lambda: first.arrived)

    assert said["type"] == "message"
    assert said["data"]["message"]["template"] == "cart"
    assert said["data"]["message"]["variables"] == {"name": "Shoe"}
    assert hub.exported("deliveries")[0]["cause"]["rule"] == "cart"


def test_it_is_sent_once_over_a_kill_in_between(hubs: Hubs, sides: Any) -> None:
    first, second, _ = sides
    hub = hubs(tables(first, second, wait="2s")).start()
    ann_fills_a_cart(hub)

    hub.kill()
    hub.start()
    wait_for(lambda: first.arrived)
    hub.kill()
    hub.start()

    hub.command("audit")
    wait_for(lambda: [state for _, state, _ in deliveries(hub)] == ["delivered"])
    told = [line for line in hub.command("why", "ann", "--json").splitlines() if '"fired"' in line]
    assert len(told) == 1
    assert len({said["data"]["delivery"] for said in first.arrived}) == 1


def test_where_the_first_road_gives_up_the_second_delivers(hubs: Hubs, sides: Any) -> None:
    first, second, mood = sides
    mood.now = "refuse"
    hub = hubs(tables(first, second)).start()
    ann_fills_a_cart(hub)

    [said] = wait_for(lambda: second.arrived)

    assert said["data"]["message"]["template"] == "cart"
    wait_for(lambda: deliveries(hub) == [("first", "skipped", "fallback"), ("second", "delivered", "")])
    hub.command("audit")
    assert hub.command("dead", "list", "--json") == ""
    skipped = 'hub_deliveries_skipped_total{action="send",sink="first"} 1.0'
    wait_for(lambda: skipped in hub.get("/metrics")[1].decode())
    assert "hub_deliveries_died_total{" not in hub.get("/metrics")[1].decode()


def test_consent_is_asked_again_at_the_moment_of_sending(hubs: Hubs, sides: Any) -> None:
    first, second, mood = sides
    mood.now = "fail"
    hub = hubs(tables(first, second)).start()
    ann_fills_a_cart(hub)
    wait_for(lambda: hub.exported("deliveries"))

    hub.track("ann", "Unsubscribed", key=SECRET_KEY)
    wait_for(lambda: "denied" in hub.command("person", "show", "ann"))
    mood.now = "take"

    wait_for(lambda: deliveries(hub) == [("first", "skipped", "consent")])
    assert first.arrived == second.arrived == []
    told = [json.loads(line) for line in hub.command("why", "ann", "--json").splitlines()]
    assert [(row["outcome"], row["gate"]) for row in told if row["message"]] == [("dropped", "consent")]
    hub.command("audit")
