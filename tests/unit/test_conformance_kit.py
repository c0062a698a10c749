"""The examination finds what is wrong with a connector: each check has one that fails it."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import hub
from hub.testing import (
    Contract,
    PollingConformance,
    SinkConformance,
    SourceConformance,
    TransformConformance,
    golden,
)
from hub.testing.checking import checks

KEY = "key_made_up"


def said(suite: type, name: str, folder: Path, **attributes: Any) -> str:
    """What a check objects to; empty where it passes. Golden files stand in a folder of the test."""
    attributes["golden"] = classmethod(lambda cls: folder)
    one = type(suite.__name__, (suite,), attributes)()
    try:
        getattr(one, f"test_{name}")()
    except pytest.fail.Exception as failed:
        return str(failed.msg)
    except pytest.skip.Exception as skipped:
        return f"left open: {skipped.msg}"
    finally:
        one.teardown_method()
    return ""


class Settings(hub.Settings):
    api_key: hub.Secret = hub.Option("The key of the account.")
    region: str = hub.Option("Where the account is.", default="eu")


class Till(hub.HttpSink[Settings]):
    """Receipts for orders."""

    name = "till"
    base_url = "https://till.example"
    limits = hub.Limits(batch=10)

    @hub.action("send")
    def send(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Sends them."""
        yield hub.Request("POST", "/receipts", json=[{"id": one.id} for one in deliveries])
        return None

    def check(self) -> hub.Requests:
        """Asks who we are."""
        yield hub.Request("GET", "/me")
        return None

    def sign(self, request: hub.Request, now: int) -> hub.Request:
        return replace(request, headers={**request.headers, "authorization": self.settings.api_key.reveal()})


class Good(SinkConformance):
    connector = Till
    settings = {"api_key": KEY}
    exempt = {"fits_the_contract": "there is no such vendor"}


def sink(**members: Any) -> type[Till]:
    """A till that does something else."""
    return type("Till", (Till,), {"__doc__": "Receipts for orders.", **members})


def sending(send: Any, **members: Any) -> dict[str, Any]:
    """A suite's attributes for a till whose action is this."""
    send.__name__, send.__doc__ = "send", "Sends them."
    return {"connector": sink(send=hub.action("send")(send), **members)}


SINK_CHECKS = sorted(
    set(checks(SinkConformance, Till)) - {"import_does_no_io", "docs_page", "limits_cite_the_vendors_page"}
)


@pytest.fixture
def written(tmp_path: Path):
    """Golden files of a good till."""
    golden.write(True)
    try:
        for name in ("golden_requests", "settings_have_not_drifted"):
            assert said(Good, name, tmp_path) == ""
    finally:
        golden.write(False)
    return tmp_path


@pytest.mark.parametrize("name", SINK_CHECKS)
def test_a_good_sink_is_objected_to_by_nobody(name: str, written: Path):
    objection = said(Good, name, written, exempt={"fits_the_contract": "there is no such vendor"})

    if name != "fits_the_contract":
        assert objection == "" or objection.startswith("left open")


# Sinks that do something wrong


def elsewhere(self, deliveries):
    yield hub.Request("POST", "https://other.example/receipts", json=[deliveries[0].id])


def by_attempt(self, deliveries):
    yield hub.Request("POST", "/receipts", json=[deliveries[0].id, deliveries[0].attempt])


def without_id(self, deliveries):
    yield hub.Request("POST", "/receipts", json={"event": deliveries[0].event.name})


def swallows(self, deliveries):
    try:
        yield hub.Request("POST", "/receipts", json=[deliveries[0].id])
    except hub.DeliveryError:
        return None


def impatient(self, deliveries):
    try:
        yield hub.Request("POST", "/receipts", json=[deliveries[0].id])
    except hub.RetryLater:
        raise hub.RetryLater("later") from None


def trusting(self, deliveries):
    answer = yield hub.Request("POST", "/receipts", json=[deliveries[0].id])
    if answer.json()["errors"]:
        raise hub.GiveUp("refused")


def gossiping(self, deliveries):
    try:
        yield hub.Request("POST", "/receipts", json=[deliveries[0].id])
    except hub.DeliveryError as fault:
        raise hub.GiveUp(f"refused: {fault.answer.body!r}") from None


def careless(self, deliveries):
    yield hub.Request("POST", "/receipts", json=[deliveries[0].properties])


def stubborn(self, deliveries):
    while True:
        try:
            yield hub.Request("POST", "/receipts", json=[deliveries[0].id])
            return
        except GeneratorExit:
            yield hub.Request("POST", "/goodbye")


@pytest.mark.parametrize(
    ("send", "check", "told"),
    [
        (elsewhere, "exact_host", "asks https://other.example"),
        (by_attempt, "the_second_attempt_sends_the_same", "another request the second time"),
        (without_id, "delivery_id_travels", "is nowhere"),
        (swallows, "statuses_mean_what_was_agreed", "send: 400 is delivered, agreed is give_up"),
        (swallows, "broken_answers_are_survived", "no answer in time: delivered, agreed is retry"),
        (impatient, "retry_after_is_obeyed", "429 with Retry-After 7: waits None"),
        (trusting, "broken_answers_are_survived", "where all is well it stumbles: TypeError"),
        (gossiping, "reasons_hold_no_secret_and_nobodys_data", "a reason shows ann@example.com"),
        (gossiping, "reasons_hold_no_secret_and_nobodys_data", "a reason shows the secret key…"),
        (stubborn, "open_and_close_are_safe", "when it is cancelled: RuntimeError"),
        (by_attempt, "golden_requests", "/order_completed/requests/0/json: was"),
    ],
)
def test_a_sink_that_does_wrong_is_told_so(send: Any, check: str, told: str, written: Path):
    assert told in said(Good, check, written, **sending(send))


def test_a_vendors_own_meaning_of_a_status_is_believed_with_its_reason(written: Path):
    def known(self, deliveries):
        yield hub.Request("POST", "/receipts", json=[deliveries[0].id], expect=(409,))

    name, own = "statuses_mean_what_was_agreed", {409: ("delivered", "it has it already")}

    assert "409 is delivered, agreed is give_up" in said(Good, name, written, **sending(known))
    assert said(Good, name, written, verdicts=own, **sending(known)) == ""


def test_an_address_without_tls_is_told(written: Path):
    plain = sink(base_url="http://till.example")

    assert "the address http://till.example is not https" in said(
        Good, "exact_host", written, connector=plain
    )


def test_a_request_that_the_contract_does_not_know_is_told(written: Path):
    (written.parent / "till.json").write_text(
        json.dumps(
            {
                "openapi": "3.1.0",
                "info": {"title": "Till", "version": "1"},
                "servers": [{"url": "https://till.example"}],
                "paths": {"/bills": {"post": {"responses": {"200": {"description": "Taken."}}}}},
            }
        )
    )
    assert Contract.at(written.parent / "till.json").covers("https://till.example/bills")

    folder = written.parent / "golden" / "till_sink"
    folder.mkdir(parents=True)
    objection = said(Good, "fits_the_contract", folder, contract=str(written.parent / "till.json"))

    assert "the request" in objection


def test_one_that_is_not_in_the_contracts_folder_needs_an_exemption(written: Path):
    assert "name the vendor's OpenAPI document" in said(Good, "fits_the_contract", written)


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (lambda self, request, place: hub.Response(207, {}, json.dumps({"bad": place}).encode()), ""),
        (lambda self, request, place: hub.Response(207, {}, b'{"bad": 99}'), "failed"),
        (lambda self, request, place: None, "left open"),
    ],
)
def test_of_a_batch_exactly_the_refused_one_fails(refused: Any, told: str, written: Path):
    def careful(self, deliveries):
        answer = yield hub.Request("POST", "/receipts", json=[one.id for one in deliveries])
        bad = (answer.json() or {}).get("bad")
        if bad is not None and bad < len(deliveries):
            return {deliveries[bad].id: hub.GiveUp("refused")}
        return None

    objection = said(Good, "batches_are_exact", written, partial=refused, **sending(careful))

    assert told in objection
    assert bool(told) == bool(objection)


# What all connectors are asked


class Told(hub.Settings):
    api_key: str = hub.Option("The key of the account.", default="")
    where: str = hub.Option("", default="")


class Loose(hub.Settings):
    model_config = {"extra": "ignore"}


def test_options_without_an_explanation_and_credentials_in_plain_text_are_told(written: Path):
    told = {"connector": sink(Settings=Told), "settings": {}}

    assert "'where' has no explanation" in said(Good, "every_option_is_explained", written, **told)
    assert "'api_key' looks like a credential" in said(Good, "credentials_are_secret", written, **told)


def test_unknown_options_that_are_taken_are_told(written: Path):
    loose = {"connector": sink(Settings=Loose), "settings": {}}

    assert "an unknown option is taken" in said(Good, "unknown_options_are_refused", written, **loose)


def test_a_secret_that_can_be_read_is_told(written: Path):
    talks = sink(__repr__=lambda self: f"Till({self.settings.api_key.reveal()})")

    assert "the secret key… can be read in Till(" in said(
        Good, "secrets_are_never_shown", written, connector=talks
    )


def test_an_option_that_goes_away_is_told(written: Path):
    told = said(Good, "settings_have_not_drifted", written, connector=sink(Settings=Told))

    assert "/properties/region: was" in told
    assert "is not there" in told


def test_a_name_that_is_none_and_a_summary_that_is_missing_are_told(written: Path):
    odd = sink(name="Till-1", __doc__="")

    objection = said(Good, "name_and_summary", written, connector=odd)

    assert "not in snake_case" in objection
    assert "the summary" in objection


def test_an_example_that_does_not_pass_the_check_is_told(written: Path):
    odd = sink(example='[sinks.my_till]\nconnector = "till"\nkey = "x"')

    assert "unknown option" in said(Good, "example_passes_check", written, connector=odd)


def test_a_connector_without_a_page_is_told(written: Path):
    assert "there is no docs/how_to/till.md" in said(Good, "docs_page", written)


@pytest.mark.parametrize(
    ("exempt", "told"),
    [
        ({"no_such_check": "because I say so"}, "there is no check 'no_such_check'"),
        ({"exact_host": "no"}, "needs a reason in words"),
        ({"delivery_id_travels:send": "they have no such field"}, ""),
    ],
)
def test_an_exemption_names_a_check_and_gives_a_reason(exempt: Any, told: str, written: Path):
    assert told in said(Good, "exemptions_are_reasoned", written, exempt=exempt)


def test_an_exempted_action_is_left_out(written: Path):
    why = {"delivery_id_travels:send": "they have no such field"}

    assert said(Good, "delivery_id_travels", written, exempt=why, **sending(without_id)) == ""


# Sources


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


def test_a_source_with_a_secret_needs_a_signed_request_and_an_age(requests: Path):
    assert "`tolerance`" in said(GoodDesk, "old_timestamps_are_refused", requests, tolerance=None)

    kept = json.loads((requests / "parcel.json").read_text())
    (requests / "parcel.json").write_text(json.dumps({**kept, "signed": False}))

    assert '"signed": true' in said(GoodDesk, "altered_bodies_are_refused", requests)


def test_a_source_without_a_request_to_look_at_is_told(tmp_path: Path):
    assert "there is no golden request" in said(GoodDesk, "golden_events", tmp_path)


# Transforms


class Blot(hub.Transform[hub.Settings]):
    """Blots out prices."""

    name = "blot"

    def change(self, event: hub.Event) -> hub.Event | None:
        event.properties = {name: value for name, value in event.properties.items() if name != "price"}
        return event


class GoodBlot(TransformConformance):
    connector = Blot


class Counting(Blot):
    """Counts."""

    seen = 0

    def change(self, event: hub.Event) -> hub.Event | None:
        self.seen += 1
        event.properties = {"seen": self.seen}
        return event


class Renaming(Blot):
    """Renames."""

    def change(self, event: hub.Event) -> hub.Event | None:
        event.id = f"{event.id}-2"
        return event


class Adding(Blot):
    """Adds."""

    def change(self, event: hub.Event) -> hub.Event | None:
        event.properties = {"sum": sum(event.properties.values())} if event.properties else {}
        return event


@pytest.mark.parametrize("name", ["pure", "keeps_the_id", "odd_events_are_survived"])
def test_a_good_transform_is_objected_to_by_nobody(name: str, tmp_path: Path):
    assert said(GoodBlot, name, tmp_path) == ""


@pytest.mark.parametrize(
    ("connector", "check", "told"),
    [
        (Counting, "pure", "goes on otherwise"),
        (Renaming, "keeps_the_id", "the id or the source has changed"),
        (Adding, "odd_events_are_survived", "TypeError"),
        (Blot, "golden_changes", "there is no such file yet"),
    ],
)
def test_a_transform_that_does_wrong_is_told_so(connector: Any, check: str, told: str, tmp_path: Path):
    assert told in said(GoodBlot, check, tmp_path, connector=connector)


# Sources that ask


class Letters(hub.PollingSource[hub.Settings]):
    """What lies in the letter box."""

    name = "letters"

    def pages(self, cursor: str | None) -> hub.Pages:
        answer = yield hub.Request("GET", f"https://box.example/after/{cursor or 0}")
        said = answer.json()
        if not isinstance(said, dict) or not isinstance(said.get("ids"), list):
            raise hub.RetryLater("the box answers oddly")
        ids = [one for one in said["ids"] if isinstance(one, str) and one]
        yield hub.Page([letter(one) for one in ids], str(said.get("next")), more=said.get("more") is True)


def letter(id: str) -> hub.Event | hub.BadEvent:
    try:
        return hub.normalise(type="track", id=id, name="Letter Came")
    except hub.BadEvent as bad:
        return bad


class GoodLetters(PollingConformance):
    connector = Letters
    hosts = ["box.example"]


class Trusting(Letters):
    """Trusts what it is told."""

    def pages(self, cursor: str | None) -> hub.Pages:
        answer = yield hub.Request("GET", f"https://box.example/after/{cursor or 0}")
        events = [hub.normalise(type="track", id=one, name="Letter Came") for one in answer.json()["ids"]]
        yield hub.Page(events, "0", more=answer.json()["more"])


class Elsewhere(Letters):
    """Asks somebody else."""

    def pages(self, cursor: str | None) -> hub.Pages:
        yield hub.Request("GET", "http://box.example/")


class Forgetful(Letters):
    """Keeps no id."""

    def pages(self, cursor: str | None) -> hub.Pages:
        yield hub.Request("GET", "https://box.example/")
        yield hub.Page([hub.normalise(type="track", name="Letter Came")], "1")


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """Golden answers of two pages."""
    pages = [{"ids": ["a", "b"], "next": "2", "more": True}, {"ids": ["c"], "next": "3", "more": False}]
    said = {"cursor": None, "answers": [{"status": 200, "json": page} for page in pages]}
    (tmp_path / "box.json").write_text(json.dumps(said))
    golden.write(True)
    try:
        assert said_of_letters("golden_pages", tmp_path) == ""
    finally:
        golden.write(False)
    return tmp_path


def said_of_letters(name: str, folder: Path, **attributes: Any) -> str:
    return said(GoodLetters, name, folder, **attributes)


@pytest.mark.parametrize(
    "name",
    [
        "golden_pages",
        "same_answers_same_ids",
        "exact_host",
        "odd_answers_are_survived",
        "reasons_hold_no_secret_and_nobodys_data",
        "a_restart_loses_and_repeats_nothing",
    ],
)
def test_a_good_source_that_asks_is_objected_to_by_nobody(name: str, box: Path):
    assert said_of_letters(name, box) == ""


def test_what_it_asks_and_gets_is_kept_page_by_page(box: Path):
    kept = json.loads((box / "box.json").read_text())

    assert [one["url"] for one in kept["requests"]] == [
        "https://box.example/after/0",
        "https://box.example/after/2",
    ]
    assert [[event["id"] for event in page["events"]] for page in kept["pages"]] == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("connector", "check", "told"),
    [
        (Trusting, "odd_answers_are_survived", "TypeError"),
        (Trusting, "golden_pages", "/requests/1/url"),
        (Elsewhere, "exact_host", "asks http://box.example, not in `hosts`"),
        (Forgetful, "same_answers_same_ids", "an event has no id of its own"),
    ],
)
def test_a_source_that_asks_and_does_wrong_is_told_so(connector: Any, check: str, told: str, box: Path):
    assert told in said_of_letters(check, box, connector=connector)


def test_a_restart_that_goes_on_elsewhere_is_told(box: Path):
    class Counts(Letters):
        """Counts its pages, and forgets the count with the process."""

        count = 0

        def pages(self, cursor: str | None) -> hub.Pages:
            answer = yield hub.Request("GET", "https://box.example/")
            self.count += 1
            events = [hub.normalise(type="track", id=str(self.count), name="Letter Came")]
            yield hub.Page(events, "1", more=answer.json()["more"])

    told = said_of_letters("a_restart_loses_and_repeats_nothing", box, connector=Counts)

    assert "begun anew behind page 1, it goes on elsewhere" in told
