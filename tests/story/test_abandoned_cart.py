"""Added to the cart, no checkout within a quarter of an hour: the message leaves once, or rightly not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running_hub import SITE, RunningHub, wait_for
from small_house import SmallHouse

RULES = """
[sinks.first]
connector = "console"

[sinks.second]
connector = "console"

[channels]
email = ["first.send", "second.send"]

[rules.cart]
when = "product_added then not order_completed within 15m"
send = { channel = "email", template = "cart", vars = { name = "trigger.name" } }
"""
GRANTED = {"consent.email.marketing": True}


@pytest.fixture
def house(tmp_path: Path) -> SmallHouse:
    return SmallHouse(tmp_path, RULES)


def ann(house: SmallHouse, **more: Any) -> None:
    house.tell("identify", user_id="ann", email="ann@example.com", traits=GRANTED, **more)


def test_it_fires_once_at_due_plus_grace_to_the_millisecond(house: SmallHouse) -> None:
    ann(house)
    house.tell("Product Added", user_id="ann", properties={"name": "Shoe"})
    added = house.now

    house.forward(minutes=20)

    [message] = house.messages()
    assert message.created_at == added + (15 * 60 + 15) * 1_000_000
    assert (message.template, message.variables) == ("cart", {"name": "Shoe"})
    house.forward(minutes=60)
    assert len(house.messages()) == 1


@pytest.mark.parametrize("road", ["email = 'off.send'", "email = 'first.send'"])
def test_a_message_that_only_a_sink_takes_that_is_off_is_dropped_and_said_to_be(
    tmp_path: Path, road: str
) -> None:
    sent = "" if "off" in road else ", via = 'off.send'"
    house = SmallHouse(
        tmp_path,
        f"[channels]\n{road}\n[sinks.first]\nconnector = 'console'\n"
        "[sinks.off]\nconnector = 'console'\nenabled = false\n"
        f"[rules.cart]\nwhen = 'product_added'\nsend = {{ channel = 'email', template = 'cart'{sent} }}\n",
    )
    ann(house)
    house.tell("Product Added", user_id="ann")

    assert house.messages() == []
    assert [(one.outcome, one.reason) for one in house.decisions()][-1] == ("dropped", "unreachable")


def test_it_fires_once_over_a_restart_in_between(house: SmallHouse) -> None:
    ann(house)
    house.tell("Product Added", user_id="ann")

    house.forward(minutes=10)
    house.restart()
    house.forward(minutes=10)

    assert len(house.messages()) == 1


def test_a_checkout_on_another_device_of_the_same_person_keeps_us_quiet(house: SmallHouse) -> None:
    ann(house)
    house.tell("Product Added", anonymous_id="phone")
    house.forward(minutes=5)
    house.tell("identify", anonymous_id="phone", user_id="ann")

    house.forward(minutes=5)
    house.tell("Order Completed", anonymous_id="desktop", user_id="ann")
    house.forward(minutes=30)

    assert house.messages() == []


def test_two_people_who_turn_out_to_be_one_share_their_past(house: SmallHouse) -> None:
    ann(house)
    house.tell("Product Added", anonymous_id="phone")
    house.tell("Order Completed", user_id="ann")
    house.forward(minutes=5)

    house.tell("identify", anonymous_id="phone", user_id="ann")
    house.forward(minutes=30)

    assert len(house.people()) == 1
    assert house.messages() == []


def test_a_checkout_that_arrives_late_but_before_the_decision_keeps_us_quiet(house: SmallHouse) -> None:
    ann(house)
    house.tell("Product Added", user_id="ann")
    house.forward(minutes=15, seconds=10)

    house.tell("Order Completed", user_id="ann", ago=300)
    house.forward(minutes=30)

    assert house.messages() == []


def test_without_consent_nothing_leaves_and_the_gate_is_named(house: SmallHouse) -> None:
    house.tell("identify", user_id="bob", email="bob@example.com")
    house.tell("Product Added", user_id="bob")

    house.forward(minutes=20)

    assert house.messages() == []
    assert ("dropped", "consent") in [(one.outcome, one.reason) for one in house.decisions()]


def test_without_an_address_nothing_leaves(house: SmallHouse) -> None:
    house.tell("identify", user_id="bob", traits=GRANTED)
    house.tell("Product Added", user_id="bob")

    house.forward(minutes=20)

    assert ("dropped", "unreachable") in [(one.outcome, one.reason) for one in house.decisions()]


def test_where_the_first_road_gives_up_the_next_one_takes_over(house: SmallHouse) -> None:
    ann(house)
    house.tell("Product Added", user_id="ann")
    house.forward(minutes=20)
    [(leg, message)] = house.planned()
    assert leg.sink == "first"

    house.give_up(message)
    house.give_up(message)

    assert [leg.sink for leg, _ in house.planned()] == ["first", "second"]
    assert house.planned()[1][1].id == message.id


def test_a_claim_of_a_protected_event_breaks_the_wait_and_completes_nothing(tmp_path: Path) -> None:
    house = SmallHouse(
        tmp_path,
        RULES
        + '[identity]\nprotected = ["Order Completed"]\n[rules.thanks]\nwhen = "order_completed"\n'
        + 'send = { channel = "email", template = "thanks" }\n',
    )
    ann(house)
    house.tell("Product Added", user_id="ann")

    house.tell("Order Completed", user_id="ann", trust="public")
    house.forward(minutes=30)

    assert house.messages() == []
    house.tell("Order Completed", user_id="ann", trust="secret")
    house.forward(minutes=1)
    assert [message.template for message in house.messages()] == ["thanks"]


def test_a_rule_that_is_loaded_later_fires_for_waits_that_end_later(tmp_path: Path) -> None:
    house = SmallHouse(tmp_path, RULES.replace("15m", "20m"))
    ann(house)
    house.tell("Product Added", user_id="ann")
    house.forward(minutes=5)

    house.configure(RULES + RULES.partition("[rules.cart]")[2].join(["[rules.other]", ""]))
    house.forward(minutes=30)

    assert sorted(one.rule for one in house.decisions() if one.outcome == "fired") == ["cart", "other"]


def test_the_daemon_tells_why(hubs: Callable[..., RunningHub]) -> None:
    hub = hubs(
        SITE
        + '[sinks.kept]\nconnector = "file"\npath = "kept.jsonl"\n[channels]\nemail = "kept.send"\n'
        + '[settings]\ngrace = "100ms"\n[rules.cart]\n'
        + 'when = "product_added then not order_completed within 300ms"\n'
        + 'send = { channel = "email", template = "cart" }\n'
    ).start()
    hub.post(
        "/v1/identify", {"userId": "ann", "traits": {"email": "a@b.de", **GRANTED}}, key="sk_test_0123456789"
    )
    hub.track("ann", "Product Added")
    hub.track("bob", "Product Added")

    kept = hub.folder / "kept.jsonl"
    wait_for(lambda: kept.exists() and kept.read_text())

    assert json.loads(kept.read_text())["message"]["template"] == "cart"
    told = [json.loads(line) for line in hub.command("why", "ann", "cart", "--json").splitlines()]
    assert [row["outcome"] for row in told] == ["fired", "sent"]
    wait_for(lambda: "consent" in hub.command("why", "bob"))
