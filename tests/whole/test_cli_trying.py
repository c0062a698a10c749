"""`hub try` and `hub preview`: what would be decided, and what would be asked, with nothing sent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HUB = Path(sys.executable).parent / "hub"
CART = """
[rules.cart]
when = "product_added then not order_completed within 15m"
send = { channel = "email", template = "cart", vars = { name = "trigger.name" } }
"""
YES = {"channel": "email", "purpose": "marketing", "state": "granted"}


def at(clock: str) -> str:
    return f"2026-11-20T{clock}Z"


def added(clock: str, person: str, **more: Any) -> dict[str, Any]:
    event = {"id": f"{person}-{clock}", "person": person, "name": "product_added", "props": {"name": "Shoe"}}
    return {"at": at(clock), "event": {**event, **more}}


def ordered(clock: str, person: str, **more: Any) -> dict[str, Any]:
    return added(clock, person, name="order_completed", **more)


def agreed(clock: str, person: str) -> dict[str, Any]:
    return {"at": at(clock), "person": person, "consent": YES}


def tried(
    folder: Path, lines: list[dict[str, Any]], *options: str, rules: str = CART
) -> list[dict[str, Any]]:
    (folder / "rules.toml").write_text(rules)
    (folder / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run("try", str(folder / "rules.toml"), str(folder / "events.jsonl"), *options)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HUB), *words], capture_output=True, text=True, timeout=60, **more)


def test_a_firing_and_its_message_are_told_to_the_millisecond(tmp_path: Path) -> None:
    lines = [agreed("10:00:00", "ann"), added("10:01:00", "ann")]

    assert tried(tmp_path, lines, "--until", at("11:00:00")) == [
        {"kind": "fire", "at": at("10:16:15.000"), "rule": "cart", "person": "ann"},
        {
            "kind": "message",
            "at": at("10:16:15.000"),
            "person": "ann",
            "message": "cart",
            "status": "sent",
            "template": "cart",
            "vars": {"name": "Shoe"},
        },
    ]


def test_what_is_not_due_by_the_last_line_is_not_told(tmp_path: Path) -> None:
    assert tried(tmp_path, [added("10:01:00", "ann")], "--config", "plugins.toml") == []


def test_merged_people_are_one_from_then_on(tmp_path: Path) -> None:
    lines = [
        added("10:01:00", "phone"),
        {"at": at("10:05:00"), "merge": {"from": "phone", "into": "ann"}},
        ordered("10:06:00", "phone"),
    ]

    assert tried(tmp_path, lines, "--until", at("11:00:00")) == []


def test_a_merge_of_people_nobody_has_heard_of_holds_for_later(tmp_path: Path) -> None:
    lines = [
        {"at": at("10:00:00"), "merge": {"from": "phone", "into": "ann"}},
        added("10:01:00", "phone"),
    ]

    told = tried(tmp_path, lines, "--until", at("11:00:00"))

    assert [row["person"] for row in told if row["kind"] == "fire"] == ["ann"]


def test_what_arrives_at_an_instant_comes_before_waits_that_end_at_it(tmp_path: Path) -> None:
    lines = [added("10:00:00", "ann"), ordered("10:15:15", "ann", time=at("10:15:00"))]

    assert tried(tmp_path, lines, "--until", at("11:00:00")) == []


def test_while_the_engine_is_down_nothing_is_decided(tmp_path: Path) -> None:
    lines = [
        added("10:00:00", "ann"),
        added("10:00:00", "bob"),
        {"at": at("10:01:00"), "down_until": at("12:00:00")},
        ordered("10:20:00", "bob", time=at("10:10:00")),
    ]

    told = tried(tmp_path, lines, "--until", at("13:00:00"))

    assert [(row["kind"], row["person"], row["at"]) for row in told if row["kind"] == "fire"] == [
        ("fire", "ann", at("12:00:00.000"))
    ]


def test_a_standstill_ends_when_the_last_of_several_does_and_takes_in_what_arrives_by_then(
    tmp_path: Path,
) -> None:
    lines = [
        added("10:00:00", "ann"),
        added("10:00:00", "bob"),
        {"at": at("10:15:15"), "down_until": at("11:00:00")},
        {"at": at("10:30:00"), "down_until": at("12:00:00")},
        ordered("12:00:00", "bob", time=at("10:10:00")),
    ]

    told = tried(tmp_path, lines, "--until", at("13:00:00"))

    assert [(row["person"], row["at"]) for row in told if row["kind"] == "fire"] == [
        ("ann", at("12:00:00.000"))
    ]


def test_all_that_one_instant_decides_is_told_by_priority_then_by_person_and_messages_behind_it(
    tmp_path: Path,
) -> None:
    first = CART.replace("rules.cart", "rules.first") + "priority = 1\n"
    lines = [added("10:00:00", "bob"), added("10:00:00", "ann", time=at("10:00:00"))]

    told = tried(tmp_path, lines, "--until", at("11:00:00"), rules=CART + first)

    assert [(row["kind"], row.get("rule", row.get("message")), row["person"]) for row in told] == [
        (kind, rule, person)
        for kind in ("fire", "message")
        for rule in ("first", "cart")
        for person in ("ann", "bob")
    ]


def test_nothing_happens_after_the_end_that_was_asked_for(tmp_path: Path) -> None:
    lines = [added("10:00:00", "ann"), added("12:00:00", "bob")]

    told = tried(tmp_path, lines, "--until", at("11:00:00"))

    assert {row["person"] for row in told} == {"ann"}


def test_a_message_that_declares_variables_tells_them_though_all_are_missing(tmp_path: Path) -> None:
    lines = [agreed("10:00:00", "ann"), added("10:01:00", "ann", props={})]

    told = tried(tmp_path, lines, "--until", at("11:00:00"))

    assert told[-1]["vars"] == {}


def test_other_rules_can_be_loaded_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(CART.replace("rules.cart", "rules.other"))
    lines = [added("10:00:00", "ann"), {"at": at("10:05:00"), "load": "other.toml"}]

    told = tried(tmp_path, lines, "--until", at("11:00:00"))

    assert [row["rule"] for row in told if row["kind"] == "fire"] == ["other"]


def test_a_shorter_grace_holds_for_who_is_waiting_already(tmp_path: Path) -> None:
    (tmp_path / "shorter.toml").write_text(CART + 'grace = "1m"')
    lines = [added("10:00:00", "ann"), {"at": at("10:05:00"), "load": "shorter.toml"}]

    told = tried(tmp_path, lines, "--until", at("12:00:00"), rules=CART + 'grace = "1h"')

    assert [row["at"] for row in told if row["kind"] == "fire"] == [at("10:16:00.000")]


def test_gates_and_skips_are_told_with_their_reasons(tmp_path: Path) -> None:
    lines = [
        {"at": at("10:00:00"), "person": "ann", "traits": {"unreachable": ["email"]}},
        agreed("10:00:00", "ann"),
        added("10:01:00", "ann"),
        added("10:20:00", "ann"),
        added("10:01:00", "bob") | {"at": at("10:20:00")},
    ]

    told = tried(tmp_path, lines, "--until", at("11:00:00"))

    assert {(row["kind"], row["person"], row.get("reason")) for row in told} >= {
        ("message", "ann", "unreachable"),
        ("skip", "ann", "repeat"),
        ("message", "bob", "consent"),
    }


def test_a_bad_line_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(CART)
    (tmp_path / "events.jsonl").write_text("\n" + json.dumps(added("10:00:00", "ann", time="soon")))

    done = run("try", str(tmp_path / "rules.toml"), str(tmp_path / "events.jsonl"))

    assert (done.returncode, "events.jsonl:2: 'time' must be a time" in done.stderr) == (2, True)


def test_bad_rules_are_named_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(CART.replace("15m", "15 mins"))
    (tmp_path / "events.jsonl").write_text("")

    done = run("try", str(tmp_path / "rules.toml"), str(tmp_path / "events.jsonl"))

    assert done.returncode == 2
    assert (
        "rules.toml:3: rules.cart.when: character 47: '15 mins' is not a duration; write 15m" in done.stderr
    )


PREVIEWED = (
    """
[sources.site]
connector = "segment"
public_keys = ["pk"]

[sinks.hook]
connector = "webhook"
url = "https://receiver.example.com/hook"
headers = { A-Shop = { env = "HOOK_SHOP" }, Authorization = { env = "HOOK_TOKEN" } }

[channels]
email = "hook.send"

[routes.orders]
to = "hook.send"
when = "order_completed"
"""
    + CART
)


def previewed(folder: Path, sink: str = "hook") -> subprocess.CompletedProcess[str]:
    (folder / "plugins.toml").write_text(PREVIEWED)
    traits = {"email": "ann@example.com", "consent.email.marketing": True}
    lines = [
        {"type": "identify", "userId": "ann", "traits": traits, "timestamp": at("10:00:00")},
        {"type": "track", "userId": "ann", "event": "Product Added", "timestamp": at("10:01:00")},
        {"type": "track", "userId": "ann", "event": "Order Completed", "timestamp": at("12:00:00")},
    ]
    (folder / "day.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("preview", sink, str(folder / "day.jsonl"), "--config", str(folder / "plugins.toml"))
    return run(*words, env={"HOOK_TOKEN": "canary-4711", "HOOK_SHOP": "canary", "PATH": "/usr/bin:/bin"})


def test_a_preview_shows_every_request_of_routes_and_rules(tmp_path: Path) -> None:
    done = previewed(tmp_path)

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["body"]["type"] for row in rows] == ["message", "order_completed"]
    assert rows[0]["body"]["timestamp"] == at("10:16:15.000")
    assert {row["url"] for row in rows} == {"https://receiver.example.com/hook"}
    assert rows[0]["deliveries"] == [rows[0]["body"]["data"]["delivery"]]


SHOP = """
[sources.shop]
connector = "shopify"
secret = { env = "SHOPIFY_SECRET" }

[sinks.hook]
connector = "webhook"
url = "https://receiver.example.com/hook"

[routes.all]
to = "hook.send"
"""


@pytest.mark.parametrize("as_sent", [json.dumps, lambda body: body], ids=["as text", "as JSON"])
def test_a_line_can_be_a_whole_request_where_the_source_reads_headers(tmp_path: Path, as_sent: Any) -> None:
    (tmp_path / "plugins.toml").write_text(SHOP)
    body = {"id": 1, "email": "ann@example.com", "updated_at": at("10:00:00"), "total_price": "20.00"}
    line = {"headers": {"X-Shopify-Topic": "orders/create"}, "body": as_sent(body)}

    done = run("preview", "hook", "-", "--source", "shop", cwd=tmp_path, input=json.dumps(line))

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["body"]["type"] == "order_completed"


def test_a_preview_shows_no_secret(tmp_path: Path) -> None:
    done = previewed(tmp_path)

    # Not even the rest of one that begins with another.
    assert "4711" not in done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[0])["headers"]["authorization"] == "[hidden]"


def test_a_preview_of_an_unknown_sink_names_those_there_are(tmp_path: Path) -> None:
    done = previewed(tmp_path, "hok")

    assert (done.returncode, "there are: hook" in done.stderr) == (2, True)
