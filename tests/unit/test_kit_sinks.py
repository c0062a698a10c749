"""The examination finds what is wrong with a sink: each check has one that fails it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kit_house import Good, Till, said, sending, sink, without_id
from source_tree import ROOT

import hub
from hub.testing import Contract, Receiver, SinkConformance
from hub.testing.checking import checks

SINK_CHECKS = sorted(
    set(checks(SinkConformance, Till)) - {"import_does_no_io", "docs_page", "limits_cite_the_vendors_page"}
)


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
    products = deliveries[0].event.properties.get("products", [])
    yield hub.Request("POST", "/receipts", json=[deliveries[0].id, [one["name"] for one in products]])


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
        (careless, "odd_events_are_survived", "send: full of None: TypeError"),
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


def test_a_contract_that_is_nowhere_is_named(written: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUB_SHARED", str(written))
    (written / "contracts").mkdir()

    objection = said(Good, "fits_the_contract", written, contract="till.json")

    assert "there is no contract" in objection
    assert "till.json" in objection


def test_the_guides_sink_gives_the_verdicts_that_its_suite_promises(written: Path):
    page = (ROOT / "docs" / "how_to" / "test_a_connector.md").read_text(encoding="utf-8")
    guide: dict[str, Any] = {"__name__": __name__}
    exec(page.partition("```python\n")[2].partition("```")[0], guide)

    for name in ("statuses_mean_what_was_agreed", "delivery_id_travels", "the_second_attempt_sends_the_same"):
        assert said(guide["TestTill"], name, written) == ""


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


# Silver and gold


def naive(self):
    """Asks, and does not look."""
    yield hub.Request("GET", "/me", expect=(401,))


def sour(self):
    """Finds fault with everything."""
    yield hub.Request("GET", "/me")
    raise hub.CredentialsRejected("nobody is welcome")


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (naive, "401 is delivered where credentials are checked, agreed is credentials"),
        (sour, "where all is well it says: nobody is welcome"),
        (lambda self: None, "left open: it has no check()"),
    ],
)
def test_a_question_that_does_not_tell_good_credentials_from_bad_ones_is_told(
    check: Any, told: str, written: Path
):
    name = "check_tells_good_from_bad_credentials"

    assert told in said(Good, name, written, connector=sink(check=check))


def test_whether_people_can_be_forgotten_stays_open_without_an_action_for_it(written: Path):
    @hub.action("forget")
    def forget(self, deliveries):
        yield hub.Request("DELETE", f"/people/{deliveries[0].id}")

    name = "people_can_be_forgotten"

    assert said(Good, name, written).startswith("left open: it has no action `forget`")
    assert said(Good, name, written, connector=sink(forget=forget)) == ""


def test_a_repeat_that_the_vendor_keeps_twice_is_told(written: Path):
    def stand_in(self):
        return Receiver()

    def each_once(self, vendor):
        return len({str(one) for one in vendor.objects})

    name = "a_repeat_has_one_effect"

    assert "1 at the vendor, and 2 after a repeat" in said(Good, name, written, stand_in=stand_in)
    assert said(Good, name, written, stand_in=stand_in, effects=each_once) == ""
    assert said(Good, name, written).startswith("left open: there is no `stand_in`")


def test_a_stand_in_of_which_nothing_is_seen_proves_nothing(written: Path):
    blind = {"stand_in": lambda self: Receiver(), "effects": lambda self, vendor: 0}

    assert said(Good, "a_repeat_has_one_effect", written, **blind).startswith("left open: `effects` sees")


@pytest.mark.parametrize(("path", "told"), [("/receipts", ""), ("/bills", "recording 1: /url")])
def test_what_the_vendors_library_sends_otherwise_is_told(path: str, told: str, written: Path):
    def recorded(self):
        url = f"https://till.example{path}"
        yield "send", self.deliveries()["order_completed"], {"method": "POST", "url": url}

    objection = said(Good, "agrees_with_the_vendors_library", written, recorded=recorded)

    assert told in objection and bool(told) == bool(objection)


def test_a_sink_that_is_slow_is_told(written: Path, monkeypatch: pytest.MonkeyPatch):
    hours = iter(range(100))
    monkeypatch.setattr("hub.testing.sinks.process_time", lambda: 3600.0 * next(hours))

    assert "send: a hundred deliveries take 3600.0 s" in said(Good, "throughput_is_measured", written)


# Sinks with a client of their own


class Printer(hub.Sink[hub.Settings]):
    """Prints receipts."""

    name = "printer"
    limits = hub.Limits(batch=10)

    @hub.action("send")
    async def send(self, deliveries):
        """Prints them."""
        for one in deliveries:
            print(one.id)


class GoodPrinter(SinkConformance):
    connector = Printer


async def only_the_first(self, deliveries):
    print(deliveries[0].id)


async def in_a_word(self, deliveries):
    print("printed", len(deliveries))


async def by_the_attempt(self, deliveries):
    print(deliveries[0].id, deliveries[0].attempt)


def printing(send: Any) -> dict[str, Any]:
    send.__name__, send.__doc__ = "send", "Prints them."
    return {
        "connector": type("Printer", (Printer,), {"send": hub.action("send")(send), "__doc__": "Prints."})
    }


@pytest.mark.parametrize("name", ["batches_are_exact", "throughput_is_measured", "open_and_close_are_safe"])
def test_a_good_sink_with_its_own_client_is_objected_to_by_nobody(name: str, written: Path):
    assert said(GoodPrinter, name, written) == ""


@pytest.mark.parametrize(
    ("send", "check", "told"),
    [
        (only_the_first, "batches_are_exact", "send: 10 together arrive otherwise than one by one"),
        (in_a_word, "delivery_id_travels", "is nowhere"),
        (by_the_attempt, "the_second_attempt_sends_the_same", "another request the second time"),
        (in_a_word, "golden_deliveries", "there is no such file yet"),
    ],
)
def test_a_sink_with_its_own_client_that_does_wrong_is_told_so(
    send: Any, check: str, told: str, tmp_path: Path
):
    assert told in said(GoodPrinter, check, tmp_path, **printing(send))


def test_a_sink_that_cannot_be_closed_twice_is_told(tmp_path: Path):
    async def close(self):
        del self.settings

    odd = type("Printer", (Printer,), {"close": close, "__doc__": "Prints."})

    assert "AttributeError" in said(GoodPrinter, "open_and_close_are_safe", tmp_path, connector=odd)
