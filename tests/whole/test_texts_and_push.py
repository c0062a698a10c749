"""From what an app posts to the telephone: push notifications, texts, and one where the other fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from running_hub import SECRET_KEY, SITE, RunningHub, wait_for
from twilio_house import ACCOUNT, CONTENT

from connectors.fcm import Fcm as Push
from connectors.twilio import Twilio as Texts
from hub.connector import actions
from hub.testing.vendors.fcm import Fcm
from hub.testing.vendors.twilio import Twilio

Hubs = Callable[..., RunningHub]
NUMBER = "+15005550006"
SINKS = """
[sinks.phones]
connector       = "fcm"
service_account = {{ file = "firebase.json" }}
base_url        = "{fcm}"

[sinks.texts]
connector   = "twilio"
account_sid = "{account}"
auth_token  = {{ file = "secret_key" }}
sender      = "+15005550001"
base_url    = "{twilio}"
"""
WORDS = """
[channels]
sms  = "texts.send"
push = ["phones.send", "texts.send"]

[templates.cart]
title = "Your cart"
text  = "{{ name }} is waiting"

[templates.kept]
vendor = "CONTENT"

[settings]
grace = "200ms"
"""
RULE = """
[rules.{name}]
when = "{event} then not order_completed within 300ms"
send = {{ channel = "{channel}", template = "{template}", vars = {{ name = "trigger.name" }} }}
"""
RULES = (
    RULE.format(name="pushed", event="product_added", channel="push", template="cart")
    + RULE.format(name="texted", event="checkout_started", channel="sms", template="cart")
    + RULE.format(name="kept", event="product_viewed", channel="sms", template="kept")
)


@dataclass
class Town:
    """A hub, and the two vendors that it reaches people by."""

    hub: RunningHub
    fcm: Fcm
    twilio: Twilio

    def ann(self, *devices: str, **traits: Any) -> None:
        """Ann agrees to everything, on each of her devices."""
        agreed = {"consent.push.marketing": True, "consent.sms.marketing": True}
        for device in devices or (None,):
            context = {"device": {"token": device}} if device else {}
            who = {"userId": "ann", "traits": {**agreed, **traits}, "context": context}
            assert self.hub.post("/v1/identify", who, key=SECRET_KEY)[0] == 200

    def deliveries(self) -> list[tuple[str, str, str]]:
        return [(row["sink"], row["state"], row["reason"]) for row in self.hub.exported("deliveries")]


@pytest.fixture
def town(hubs: Hubs) -> Iterator[Town]:
    with Fcm() as fcm, Twilio(accounts={ACCOUNT: SECRET_KEY}) as twilio:
        sinks = SINKS.format(fcm=fcm.url, twilio=twilio.url, account=ACCOUNT)
        hub = hubs(SITE + sinks + WORDS.replace("CONTENT", CONTENT) + RULES)
        secret = hub.folder / "firebase.json"
        secret.write_text(fcm.service_account)
        secret.chmod(0o600)
        yield Town(hub.start(), fcm, twilio)


def test_a_message_arrives_on_every_device(town: Town):
    town.ann("device-1", "device-2")
    town.hub.track("ann", "Product Added", properties={"name": "Monopoly"})

    wait_for(lambda: len(town.fcm.messages) == 2)
    assert {message.token for message in town.fcm.messages} == {"device-1", "device-2"}
    assert {(message.title, message.body) for message in town.fcm.messages} == {
        ("Your cart", "Monopoly is waiting")
    }
    assert town.fcm.messages[0].data["name"] == "Monopoly"
    wait_for(lambda: town.deliveries() == [("phones", "delivered", "")])
    assert town.twilio.messages == []


def test_a_message_arrives_on_the_telephone(town: Town):
    town.ann(phone=NUMBER)
    town.hub.track("ann", "Checkout Started", properties={"name": "Monopoly"})

    [message] = wait_for(lambda: town.twilio.messages)
    assert (message.to, message.body) == (NUMBER, "Monopoly is waiting")
    wait_for(lambda: town.deliveries() == [("texts", "delivered", "")])
    town.hub.command("audit")


def test_words_that_twilio_keeps_get_the_variables(town: Town):
    town.ann(phone=NUMBER)
    town.hub.track("ann", "Product Viewed", properties={"name": "Monopoly"})

    [message] = wait_for(lambda: town.twilio.messages)
    assert (message.content, message.variables) == (CONTENT, {"name": "Monopoly"})


def test_where_the_app_is_gone_the_message_comes_as_a_text(town: Town):
    town.fcm.unregister("device-1")
    town.ann("device-1", phone=NUMBER)
    town.hub.track("ann", "Product Added", properties={"name": "Monopoly"})

    [message] = wait_for(lambda: town.twilio.messages)
    assert message.body == "Monopoly is waiting"
    wait_for(lambda: town.deliveries() == [("phones", "skipped", "fallback"), ("texts", "delivered", "")])
    town.hub.command("audit")


def test_vendors_that_are_full_for_a_moment_are_waited_for(town: Town):
    town.fcm.full(after=1, times=1)
    town.twilio.full(after=1, times=1)
    town.ann("device-1", phone=NUMBER)
    town.hub.track("ann", "Product Added", properties={"name": "Monopoly"})
    town.hub.track("ann", "Checkout Started", properties={"name": "Monopoly"})

    wait_for(lambda: town.fcm.messages and town.twilio.messages)
    wait_for(lambda: {state for _, state, _ in town.deliveries()} == {"delivered"})
    assert town.fcm.answered.count(429) == town.twilio.answered.count(429) == 1
    assert (len(town.fcm.messages), len(town.twilio.messages)) == (1, 1)
    town.hub.command("audit")


def test_who_said_stop_gets_nothing_and_nobody_is_alarmed(town: Town):
    town.twilio.unsubscribe(NUMBER)
    town.ann(phone=NUMBER)
    town.hub.track("ann", "Checkout Started", properties={"name": "Monopoly"})

    [(sink, state, reason)] = wait_for(lambda: [row for row in town.deliveries() if row[1] == "skipped"])
    assert sink == "texts"
    assert "the person has unsubscribed at Twilio" in reason
    assert town.hub.command("dead", "list", "--json") == ""
    town.hub.command("audit")


def test_a_device_that_changes_hands_gets_nothing_of_the_person_before(town: Town):
    town.ann("device-1")
    bob = {"userId": "bob", "traits": {}, "context": {"device": {"token": "device-1"}}}
    assert town.hub.post("/v1/identify", bob, key=SECRET_KEY)[0] == 200
    town.hub.track("ann", "Product Added", properties={"name": "Monopoly"})

    wait_for(lambda: "unreachable" in town.hub.command("why", "ann", "--json"))
    assert town.fcm.messages == []


def test_good_credentials_are_told_from_bad_ones(town: Town):
    assert town.hub.command("check", "--connect")

    (town.hub.folder / "secret_key").write_text("another")
    assert "20003" in town.hub.command("check", "--connect", code=1)


def test_a_preview_shows_the_requests_and_no_secret(town: Town):
    event = {"type": "identify", "userId": "ann", "context": {"device": {"token": "device-1"}}}
    event |= {"traits": {"phone": NUMBER, "consent.push.marketing": True, "consent.sms.marketing": True}}
    lines = [{**event, "timestamp": "2026-11-01T10:00:00Z"}]
    for name in ("Product Added", "Checkout Started"):
        said = {"type": "track", "userId": "ann", "event": name, "properties": {"name": "Monopoly"}}
        lines.append({**said, "timestamp": "2026-11-01T10:00:01Z"})
    (town.hub.folder / "events.jsonl").write_text("\n".join(map(json.dumps, lines)))
    pushed = town.hub.command("preview", "phones", "events.jsonl")
    texted = town.hub.command("preview", "texts", "events.jsonl")

    asked = [json.loads(line) for line in pushed.splitlines()]
    assert [line["body"]["message"]["token"] for line in asked if "messages:send" in line["url"]] == [
        "device-1"
    ]
    assert "BEGIN" not in pushed
    assert "eyJ" not in pushed
    assert "Body=Monopoly+is+waiting" in texted
    assert SECRET_KEY not in texted
    assert town.fcm.heard == town.twilio.heard == []


def test_a_preview_needs_no_secret(town: Town):
    (town.hub.folder / "firebase.json").unlink()
    event = {"type": "track", "userId": "ann", "event": "Product Added", "properties": {"name": "Monopoly"}}
    who = {"type": "identify", "userId": "ann", "traits": {"consent.push.marketing": True}}
    who["context"] = {"device": {"token": "device-1"}}
    lines = [{**one, "timestamp": f"2026-11-01T10:00:0{n}Z"} for n, one in enumerate((who, event))]
    (town.hub.folder / "events.jsonl").write_text("\n".join(map(json.dumps, lines)))

    [line] = town.hub.command("preview", "phones", "events.jsonl").splitlines()
    assert json.loads(line)["url"].endswith("/v1/projects/PROJECT/messages:send")


def test_both_offer_what_the_documentation_says():
    assert list(actions(Push)) == list(actions(Texts)) == ["send"]
