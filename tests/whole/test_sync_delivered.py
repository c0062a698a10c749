"""What a sync tells, on its way to the sink: at Klaviyo, at a webhook, in a preview, in what is exported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from delivery_house import DeliveryHouse, person, webhook
from running_hub import SECRET_KEY, SITE, RunningHub, wait_for

from hub.cli import root
from hub.event import Identifier
from hub.store.port import Leg, Sync
from hub.store.sqlite.work import legs_text
from hub.testing.vendors.klaviyo import Klaviyo
from hub.testing.vendors.receiver import Receiver

TABLES = """
[sinks.crm]
connector = "klaviyo"
api_key   = {{ file = "secret_key" }}
base_url  = "{url}"

[sync.crm]
to     = "crm"
fields = {{ stage = "person.lifecycle", orders = "count(order_completed)" }}
every  = "{every}"
"""
NINE = 1_795_255_200_000_000


@pytest.fixture
def vendor() -> Iterator[Klaviyo]:
    with Klaviyo() as vendor:
        yield vendor


def ann(hub: RunningHub, **traits: Any) -> None:
    who = {"userId": "ann", "traits": {"email": "ann@example.com", **traits}}
    assert hub.post("/v1/identify", who, key=SECRET_KEY)[0] == 200


def test_three_changes_in_an_interval_are_one_update_at_once_and_one_at_its_end(
    hubs: Callable[..., RunningHub], vendor: Klaviyo
):
    hub = hubs(SITE + TABLES.format(url=vendor.url, every="3s")).start()
    ann(hub, lifecycle="lead", secret="of no concern")
    wait_for(lambda: vendor.profiles)
    ann(hub, lifecycle="customer")
    ann(hub, lifecycle="champion")
    ann(hub, lifecycle="champion")

    wait_for(lambda: len(vendor.heard) == 2)
    first, second = [heard.json["data"]["attributes"] for heard in vendor.heard]
    assert (first["properties"], second["properties"]) == (
        {"stage": "lead", "orders": 0},
        {"stage": "champion", "orders": 0},
    )
    assert second["email"] == "ann@example.com"
    wait_for(lambda: [row["state"] for row in hub.exported("deliveries")] == ["delivered"] * 2)
    hub.kill()
    hub.start()
    ann(hub, lifecycle="champion")
    wait_for(lambda: len(hub.exported("events")) == 5)
    hub.command("audit")
    assert len(vendor.heard) == len(hub.exported("deliveries")) == 2
    assert hub.exported("deliveries")[0]["cause"]["sync"] == "crm"
    assert hub.stop() == 0


def plan(house: DeliveryHouse, **values: Any) -> None:
    """A sync of ann's is decided, as the engine does it."""
    house.plan("elsewhere.send")
    sync = Sync(id="5a" * 16, name="crm", at=NINE, traits={"stage": "lifecycle"}, values=values)
    with house.state.transaction() as work:
        legs = legs_text([Leg("audit", "send", "sync", "crm")])
        names = [Identifier("user_id", "ann"), Identifier("email", "ann@example.com")]
        work.plan(1, person("ann"), legs, more=names, sync=sync)


async def test_a_sink_without_profiles_gets_an_event_with_the_traits_of_this_moment(house: DeliveryHouse):
    house.know("ann", lifecycle="lead", secret="of no concern")
    plan(house, orders=3)
    house.know("ann", lifecycle="customer")
    with Receiver() as receiver:
        async with house.delivering(webhook("audit", receiver.url)):
            await house.quiet()

    [told] = receiver.objects
    assert (told["type"], told["timestamp"]) == ("traits_updated", "2026-11-21T10:00:00.000Z")
    assert told["data"]["traits"] == {"stage": "customer", "orders": 3}
    assert told["data"]["identifiers"] == {"user_id": "ann", "email": "ann@example.com"}
    assert told["data"]["properties"] == {}


async def test_who_was_forgotten_is_not_told_of(house: DeliveryHouse):
    plan(house, orders=3)
    with Receiver() as receiver:
        async with house.delivering(webhook("audit", receiver.url)):
            await house.quiet()

    assert receiver.objects == []
    assert house.assert_balanced("audit")["skipped"] == 1


async def test_a_sync_is_tried_again_under_its_id_with_newer_traits(house: DeliveryHouse):
    house.know("ann", lifecycle="lead")
    plan(house)
    with Receiver() as receiver:
        receiver.broken(times=1)
        async with house.delivering(webhook("audit", receiver.url)):
            await house.quiet()
            house.know("ann", lifecycle="customer")
            await house.forward(seconds=60, step=1)

    ids = {heard.headers["webhook-id"] for heard in receiver.heard}
    assert [told["data"]["traits"]["stage"] for told in receiver.objects][-1] == "customer"
    assert len(ids) == 1
    assert house.assert_balanced("audit")["delivered"] == 1


def test_a_preview_shows_what_a_sync_would_tell(tmp_path: Path):
    (tmp_path / "secret_key").write_text("sk")
    (tmp_path / "secret_key").chmod(0o600)
    tables = SITE + TABLES.format(url="https://a.klaviyo.com", every="1h")
    (tmp_path / "plugins.toml").write_text(tables)
    lines = [
        {
            "type": "identify",
            "userId": "ann",
            "messageId": f"m{n}",
            "timestamp": at,
            "traits": {"lifecycle": stage},
        }
        for n, (at, stage) in enumerate(
            [
                ("2026-03-01T10:00:00Z", "lead"),
                ("2026-03-01T10:10:00Z", "customer"),
                ("2026-03-01T10:20:00Z", "champion"),
            ]
        )
    ]
    (tmp_path / "events.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    words = ["preview", "crm", str(tmp_path / "events.jsonl"), "--config", str(tmp_path / "plugins.toml")]
    result = CliRunner().invoke(root, words)

    requests = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["body"]["data"]["attributes"]["properties"]["stage"] for one in requests] == [
        "lead",
        "champion",
    ]
    assert [one["action"] for one in requests] == ["profile", "profile"]
