"""What the commands say about a hub that has run: in a data folder made by the real engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli import root
from hub.delivery.ids import delivery_id
from hub.errors import HubError
from hub.store.port import Kept, Settlement, Standing
from hub.store.sqlite.deliveries import SqliteDeliveriesWriter
from hub.store.sqlite.state import SqliteStateReader

LINES = '''
"""A source of lines and a sink for them, for tests."""

import hub


class Lines(hub.Source[hub.Settings]):
    """Reads one event from a JSON object: id, name, who, properties."""

    name = "lines"

    def receive(self, inbound):
        said = inbound.json()
        if "name" not in said:
            yield hub.BadEvent("an event has a name")
            return
        yield hub.normalise(
            type="track",
            id=said["id"],
            name=said["name"],
            identifiers=said.get("who", {}),
            properties=said.get("properties", {}),
            traits=said.get("traits", {}),
        )


class Keep(hub.Sink[hub.Settings]):
    """Keeps nothing."""

    name = "lines"

    @hub.action("send")
    async def send(self, deliveries):
        """Does nothing."""


@hub.hookimpl
def connectors():
    return [Lines, Keep]
'''

CONFIG = """
[hub]
plugins = ["plugins"]
[sources.shop]
connector = "lines"
[sinks.archive]
connector = "lines"
[routes.everything]
to = "archive.send"
"""

EVENTS: list[dict[str, Any]] = [
    {"id": "e1", "name": "Product Added", "who": {"anonymous_id": "a1"}, "properties": {"productId": "p1"}},
    {"id": "e2", "name": "Order Completed", "who": {"email": "Ann@Example.com", "anonymous_id": "a1"}},
    {"id": "e2", "name": "Order Completed", "who": {"email": "ann@example.com"}},
    {"id": "e3", "name": "Product Viewed", "who": {"anonymous_id": "b1"}},
    {"id": "e4"},
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and a file of events."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "lines.py").write_text(LINES)
    (tmp_path / "plugins.toml").write_text(CONFIG)
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_DATA_DIR", raising=False)
    return tmp_path


@pytest.fixture
def used(place: Path) -> Path:
    """The same, after the events were sent."""
    assert hub("send", "events.jsonl", "--source", "shop").exit_code == 0
    return place


def hub(*words: str) -> Result:
    """Runs a command; errors of ours become what the console script makes of them."""
    result = CliRunner().invoke(root, words, standalone_mode=True)
    if result.exception is not None and not isinstance(result.exception, SystemExit | HubError):
        raise result.exception
    return result


def rows(*words: str) -> list[dict[str, Any]]:
    result = hub(*words)
    assert result.exit_code in (0, 1), result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def settle(place: Path, *settlements: Settlement) -> None:
    """What delivery would write."""
    store = SqliteDeliveriesWriter(place / "data")
    store.settle(store.number() + 1, settlements, {})
    store.close()


def kept(seq: int, entry: int, standing: Standing, event: str, reason: str) -> Kept:
    numbers = {"batch": 0, "attempts": 3, "failures": 3, "first_at": 1, "retry_at": 0, "at": 2_000_000}
    return Kept(
        "archive",
        "forward",
        seq,
        "send",
        entry,
        None,
        standing,
        id=delivery_id("shop", event, "archive", "send"),
        reason=reason,
        **numbers,
    )


def entry_of(place: Path, seq: int) -> int:
    state = SqliteStateReader(place / "data")
    try:
        return state.outbox_rows([seq])[seq].entry
    finally:
        state.close()


def test_sending_without_a_running_hub_says_what_was_kept(place: Path):
    result = hub("send", "events.jsonl", "--source", "shop")

    assert result.stdout == "accepted 4, quarantined 1\n"
    assert "events.jsonl:5: quarantined: an event has a name" in result.stderr


def test_sending_from_standard_input_works_too(place: Path):
    text = (place / "events.jsonl").read_text()
    result = CliRunner().invoke(root, ["send", "-", "--source", "shop", "--json"], input=text)

    assert json.loads(result.stdout) == {"accepted": 4, "quarantined": 1}


def test_a_source_must_be_named_where_it_is_not_clear(place: Path):
    result = hub("send", "events.jsonl")

    assert result.exit_code == 2
    assert "--source LABEL (there are: shop)" in result.stderr


def test_a_line_that_is_no_event_is_named_by_its_place(place: Path):
    (place / "bad.jsonl").write_text(json.dumps(EVENTS[0]) + "\n\nnot json\n")
    result = hub("send", "bad.jsonl", "--source", "shop")

    assert result.exit_code == 2
    assert "bad.jsonl:3: the body is not JSON" in result.stderr


def test_an_export_of_events_has_each_once_in_order(used: Path):
    events = rows("export", "events")

    assert [event["id"] for event in events] == ["e1", "e2", "e3"]
    assert [event["name"] for event in events] == ["product_added", "order_completed", "product_viewed"]
    assert events[0]["name_as_sent"] == "Product Added"
    assert events[0]["properties"] == {"product_id": "p1"}
    assert events[1]["identifiers"][0] == {"kind": "email", "value": "ann@example.com"}
    assert events[0]["person"] == events[1]["person"] != events[2]["person"]
    assert all(event["time"] <= event["received_at"] for event in events)


def test_an_export_can_begin_at_an_instant(used: Path):
    first, second, *_ = rows("export", "events")

    assert rows("export", "events", "--since", "2999-01-01T00:00:00Z") == []
    assert len(rows("export", "events", "--since", "1h")) == 3
    assert hub("export", "events", "--since", "yesterday").exit_code == 2
    assert first["received_at"] <= second["received_at"]


def test_an_export_of_people_leaves_nobody_out(used: Path):
    people = rows("export", "people")

    assert len(people) == 2
    assert {one["value"] for person in people for one in person["identifiers"]} == {
        "ann@example.com",
        "a1",
        "b1",
    }
    assert all(person["segments"] == [] and person["consent"] == {} for person in people)


def test_an_export_of_the_quarantine_has_the_reason_and_the_body(used: Path):
    [bad] = rows("export", "quarantine")

    assert bad["source"] == "shop"
    assert bad["reason"] == "an event has a name"
    assert json.loads(bad["body"]) == {"id": "e4"}


def test_an_export_of_deliveries_says_how_each_stands(used: Path):
    dead = kept(2, entry_of(used, 2), Standing.DEAD, "e2", "no such list")
    settle(used, Settlement("archive", "forward", 2, 1, 1, 0, rows=[dead]))
    deliveries = rows("export", "deliveries")

    assert [one["state"] for one in deliveries] == ["delivered", "dead", "waiting"]
    assert [one["attempts"] for one in deliveries] == [1, 3, 0]
    assert deliveries[1]["reason"] == "no such list"
    assert deliveries[0]["id"] == delivery_id("shop", "e1", "archive", "send")
    assert deliveries[0]["cause"] == {
        "event": "e1",
        "source": "shop",
        "name": "product_added",
        "route": "everything",
    }


def test_a_person_is_found_by_id_by_identifier_and_by_value(used: Path):
    [by_mail] = rows("person", "show", "email:ANN@example.com", "--json")
    [by_value] = rows("person", "show", "a1", "--json")
    [by_id] = rows("person", "show", by_mail["person"], "--json")

    assert by_mail == by_value == by_id
    assert [event["name"] for event in by_id["timeline"]] == ["product_added", "order_completed"]
    assert {"person", "identifiers", "traits", "segments", "consent", "merges", "timeline"} <= set(by_id)


def test_a_person_is_shown_to_people_as_well(used: Path):
    shown = hub("person", "show", "ann@example.com").stdout

    assert "email: ann@example.com" in shown
    assert "order_completed" in shown


@pytest.mark.parametrize("written", ["+49 151 2345 6789", "0049 151 23456789", "phone:+49 (151) 23456789"])
def test_a_person_is_found_by_a_phone_number_however_it_is_written(place: Path, written: str):
    (place / "phone.jsonl").write_text(
        json.dumps({"id": "p", "name": "A", "who": {"phone": "+4915123456789"}})
    )
    hub("send", "phone.jsonl", "--source", "shop")

    assert "phone: +4915123456789" in hub("person", "show", written).stdout


def test_a_person_whom_nobody_knows_is_a_no(used: Path):
    result = hub("person", "show", "email:nobody@example.com")

    assert result.exit_code == 1
    assert "no person is known" in result.stderr


def test_a_value_that_means_several_people_lists_them(place: Path):
    shared = [{"anonymous_id": "42"}, {"device_id": "42"}]
    lines = [json.dumps({"id": f"s{n}", "name": "Seen", "who": who}) for n, who in enumerate(shared)]
    (place / "shared.jsonl").write_text("\n".join(lines))
    hub("send", "shared.jsonl", "--source", "shop")
    result = hub("person", "show", "42")

    assert result.exit_code == 2
    assert "anonymous_id:42" in result.stderr
    assert "device_id:42" in result.stderr


def test_an_audit_balances_both_ledgers(used: Path):
    events, deliveries = rows("audit", "--json")

    assert events["accepted"] == 4
    assert (events["processed"], events["duplicate"], events["poison"], events["waiting"]) == (3, 1, 0, 0)
    assert events["quarantined"] == 1
    assert deliveries["sink"] == "archive"
    assert (deliveries["planned"], deliveries["waiting"]) == (3, 3)
    assert hub("audit").exit_code == 0


def test_an_audit_finds_a_delivery_that_nobody_accounts_for(used: Path):
    settle(used, Settlement("archive", "forward", 2, 1, 0, 0))
    result = hub("audit")

    assert result.exit_code == 1
    assert "NOT balanced: 1 unaccounted for" in result.stdout


def test_skipped_deliveries_are_counted_with_their_reasons(used: Path):
    skipped = kept(1, entry_of(used, 1), Standing.SKIPPED, "e1", "no consent")
    settle(used, Settlement("archive", "forward", 1, 0, 0, 1, rows=[skipped]))
    _, deliveries = rows("audit", "--json")

    assert deliveries["skipped"] == 1
    assert deliveries["skipped_reasons"] == {"no consent": 1}
    assert deliveries["balanced"]


def test_dead_letters_are_listed_and_shown(used: Path):
    dead = kept(2, entry_of(used, 2), Standing.DEAD, "e2", "no such list")
    settle(used, Settlement("archive", "forward", 2, 1, 1, 0, rows=[dead]))
    [letter] = rows("dead", "list", "--json")
    [shown] = rows("dead", "show", letter["id"], "--json")

    assert letter["id"] == dead.id
    assert (letter["sink"], letter["action"], letter["attempts"]) == ("archive", "send", 3)
    assert letter["reason"] == "no such list"
    assert letter["at"] == "1970-01-01T00:00:02.000Z"
    assert shown["event"]["id"] == "e2"
    assert rows("dead", "list", "--sink", "other", "--json") == []
    assert hub("dead", "show", "0" * 32).exit_code == 1


def test_a_replay_says_first_how_many_it_will_send(used: Path):
    dead = kept(2, entry_of(used, 2), Standing.DEAD, "e2", "no such list")
    settle(used, Settlement("archive", "forward", 2, 1, 1, 0, rows=[dead]))
    result = hub("dead", "replay", "--sink", "archive")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "1 delivery (archive 1) to be sent again",
        "written down; it is carried out as soon as delivery runs",
    ]


def test_a_replay_of_nothing_says_so(used: Path):
    assert hub("dead", "replay", "--all").stdout == "no dead letters\n"


def test_a_slip_in_a_sinks_label_is_not_taken_for_an_answer(used: Path):
    settle(used, Settlement("archive", "forward", 1, 1, 1, 0))

    assert "did you mean 'archive'?" in hub("dead", "list", "--sink", "archiv").stderr
    assert "there is archive" in hub("dead", "drop", "--sink", "news").stdout


def test_where_sending_ends_early_it_is_said_what_is_in_already(place: Path):
    good = "".join(json.dumps({"id": f"g{number}", "name": "A"}) + "\n" for number in range(500))
    (place / "half.jsonl").write_text(good + "no json\n")
    result = hub("send", "half.jsonl", "--source", "shop")

    assert result.exit_code == 2
    assert "half.jsonl:501: " in result.stderr
    assert "before that: accepted 500, quarantined 0" in result.stderr


def test_a_replay_needs_to_know_what(used: Path):
    result = hub("dead", "replay")

    assert result.exit_code == 2
    assert "name deliveries, or --sink LABEL, or --all" in result.stderr


def test_questions_to_a_hub_that_never_ran_cannot_be_answered(place: Path):
    result = hub("audit")

    assert "no hub has run" in str(result.exception)


def test_a_reload_without_a_running_hub_is_a_no(used: Path):
    result = hub("reload")

    assert result.exit_code == 1
    assert "no hub runs on" in result.stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["sned", "x"], "'sned' is no command; did you mean 'send'?"),
        (["dead", "lst"], "'lst' is no command; did you mean 'list'?"),
        (["frobnicate"], "'frobnicate' is no command; `hub --help` lists them"),
        (["connectors", "show", "linse"], "did you mean 'lines'?"),
    ],
)
def test_a_slip_of_the_pen_is_answered_with_the_nearest_word(place: Path, words: list[str], hint: str):
    result = CliRunner().invoke(root, words, prog_name="hub")

    assert result.exit_code == 2
    assert hint in result.stderr


def test_connectors_are_listed_with_kind_and_grade(place: Path):
    known = rows("connectors", "list", "--json")
    ours = [one for one in known if one["name"] == "lines"]

    assert ours
    assert {"name", "kind", "grade"} <= set(ours[0])


def test_a_connector_is_shown_with_what_it_can_do(place: Path):
    sink, source = rows("connectors", "show", "lines", "--json")

    assert (sink["kind"], source["kind"]) == ("sink", "source")
    [action] = sink["actions"]
    assert action["name"] == "send"
    assert {"event", "person", "identifiers", "traits", "message"} <= set(action["fields"])
    assert sink["example"] == '[sinks.my_lines]\nconnector = "lines"'


def test_a_check_says_what_is_there(place: Path):
    result = hub("check")

    assert result.exit_code == 0
    assert result.stdout == "plugins.toml: fine: 1 source, 1 sink, 1 route\n"


def test_a_check_names_every_fault_at_once(place: Path):
    (place / "plugins.toml").write_text(CONFIG + 'form = "shop"\n[sinks.other]\nconnector = "linse"\n')
    result = hub("check")

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 2
    assert "plugins.toml:10: routes.everything.form: unknown option; did you mean 'from'?" in result.stderr
