"""The examination finds what is wrong with a source: each check has one that fails it."""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kit_house import said

import hub
from hub.testing import SourceConformance, golden
from hub.testing.checking import checks


class DeskSettings(hub.Settings):
    secret: hub.Secret = hub.Option("What signs the webhooks.")


class Desk(hub.Source[DeskSettings]):
    """What comes in at the desk."""

    name = "desk"

    def authenticate(self, inbound: hub.Inbound) -> str:
        time = inbound.header("x-time") or ""
        given = (inbound.header("x-signature") or "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, signature(time, inbound.body).encode()):
            raise hub.BadSignature("wrong")
        if abs(int(time) - inbound.received_at // 1_000_000) > 300:
            raise hub.BadSignature("old")
        return "secret"

    def receive(self, inbound: hub.Inbound):
        said = inbound.json()
        if not isinstance(said, dict):
            raise hub.BadPayload("no object")
        yield hub.normalise(
            type="track",
            id=said.get("id"),
            name=said.get("event"),
            identifiers={"email": said.get("email")},
        )


def signature(time: str, body: bytes) -> str:
    return hmac.new(b"secret_made_up", time.encode("utf-8", "replace") + body, "sha256").hexdigest()


class GoodDesk(SourceConformance):
    connector = Desk
    settings = {"secret": "secret_made_up"}
    tolerance = timedelta(minutes=5)

    def sign(self, inbound: hub.Inbound) -> hub.Inbound:
        time = str(inbound.received_at // 1_000_000)
        proof = {"x-time": time, "x-signature": signature(time, inbound.body)}
        return replace(inbound, headers={**inbound.headers, **proof})


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    """A golden request for a desk, with what a good one makes of it."""
    body = {"id": "w1", "event": "Parcel Came", "email": "ben@example.com"}
    (tmp_path / "parcel.json").write_text(json.dumps({"inbound": {"json": body}, "signed": True}))
    golden.write(True)
    try:
        for name in ("golden_events", "settings_have_not_drifted"):
            assert said(GoodDesk, name, tmp_path) == ""
    finally:
        golden.write(False)
    return tmp_path


def desk(**members: Any) -> dict[str, Any]:
    return {"connector": type("Desk", (Desk,), {"__doc__": "What comes in at the desk.", **members})}


@pytest.mark.parametrize(
    "name", sorted(set(checks(SourceConformance, Desk)) - {"import_does_no_io", "docs_page"})
)
def test_a_good_source_is_objected_to_by_nobody(name: str, requests: Path):
    objection = said(GoodDesk, name, requests)

    assert objection == "" or objection.startswith("left open")


def believing(self, inbound):
    return "secret"


def timeless(self, inbound):
    given = inbound.header("x-signature") or ""
    if given.encode("utf-8", "replace") != signature(inbound.header("x-time") or "", inbound.body).encode():
        raise hub.BadSignature("wrong")
    return "secret"


def on_text(self, inbound):
    if not hmac.compare_digest(
        inbound.header("x-signature") or "", signature(inbound.headers["x-time"], inbound.body)
    ):
        raise hub.BadSignature("wrong")
    return "secret"


def hasty(self, inbound):
    said = inbound.json()
    yield hub.normalise(type="track", id=said["id"], name=said["event"])


def nameless(self, inbound):
    yield hub.normalise(type="track", id=None, name="Parcel Came")


def unfolded(self, inbound):
    yield hub.Event(id="w1", type="track", name="Parcel Came")


def quoting(self, inbound):
    said = inbound.json()
    if not isinstance(said, dict) or not isinstance(said.get("id"), str):
        raise hub.BadPayload(f"no id: {inbound.body!r}")
    yield hub.normalise(type="track", id=said["id"], name="Parcel Came")


def other_words(self, inbound):
    return [{"name": "parcel_came"}]


@pytest.mark.parametrize(
    ("members", "check", "told"),
    [
        ({"authenticate": believing}, "altered_bodies_are_refused", "was changed, and it is believed"),
        ({"authenticate": timeless}, "old_timestamps_are_refused", "after it was signed: it is believed"),
        ({"authenticate": on_text}, "odd_headers_are_survived", "header x-time missing: KeyError"),
        ({"authenticate": on_text}, "odd_headers_are_survived", "x-signature is 'Ã¤': TypeError"),
        ({"receive": hasty}, "hostile_bodies_are_survived", "TypeError"),
        ({"receive": hasty}, "odd_fields_are_survived", "field id missing: KeyError"),
        ({"receive": nameless}, "same_inbound_same_ids", "an event has no id of its own"),
        ({"receive": nameless}, "golden_events", "/events/0/id, from character 0: was"),
        ({"receive": unfolded}, "odd_fields_are_survived", "is not folded"),
        ({"receive": other_words}, "odd_fields_are_survived", "yields dict"),
        (
            {"receive": quoting},
            "reasons_hold_no_secret_and_nobodys_data",
            "a reason shows ben@example.com",
        ),
    ],
)
def test_a_source_that_does_wrong_is_told_so(members: Any, check: str, told: str, requests: Path):
    assert told in said(GoodDesk, check, requests, **desk(**members))


def each_for_itself(self, inbound):
    said = inbound.json()
    for one in said if isinstance(said, list) else [said]:
        known = isinstance(one, dict) and isinstance(one.get("id"), str) and one["id"]
        yield letter(one) if known else hub.BadEvent("no id")


def all_or_none(self, inbound):
    said = inbound.json()
    if not isinstance(said, list) or not all(isinstance(one, dict) and one.get("id") for one in said):
        raise hub.BadPayload("one of them has no id")
    yield from map(letter, said)


def letter(said):
    return hub.normalise(type="track", id=said["id"], name="Parcel Came")


@pytest.mark.parametrize(("receive", "told"), [(each_for_itself, ""), (all_or_none, "left open")])
def test_a_bad_event_that_costs_its_neighbours_is_told(receive: Any, told: str, requests: Path):
    body = [{"id": "w1"}, {}, {"id": "w2"}]
    (requests / "parcel.json").write_text(json.dumps({"inbound": {"json": body}, "signed": True}))
    objection = said(GoodDesk, "a_bad_event_costs_nobody_else", requests, **desk(receive=receive))

    assert objection.startswith(told) and bool(told) == bool(objection)


def test_a_golden_request_says_from_which_library_it_was_recorded(requests: Path):
    name, kept = "agrees_with_the_vendors_library", json.loads((requests / "parcel.json").read_text())

    assert said(GoodDesk, name, requests).startswith("left open: no golden request says")

    (requests / "parcel.json").write_text(json.dumps({**kept, "recorded_from": "parcels 1.2"}))
    assert said(GoodDesk, name, requests) == ""


def test_a_source_with_a_secret_needs_a_signed_request_and_an_age(requests: Path):
    assert "`tolerance`" in said(GoodDesk, "old_timestamps_are_refused", requests, tolerance=None)

    kept = json.loads((requests / "parcel.json").read_text())
    (requests / "parcel.json").write_text(json.dumps({**kept, "signed": False}))

    assert '"signed": true' in said(GoodDesk, "altered_bodies_are_refused", requests)


def test_a_source_without_a_request_to_look_at_is_told(tmp_path: Path):
    assert "there is no golden request" in said(GoodDesk, "golden_events", tmp_path)
