"""What Twilio is sent, and what is made of its answers."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace

import httpx
import pytest
import respx
from delivery_house import sink
from hypothesis import given
from hypothesis import strategies as st
from on_the_wire import carried
from pydantic import ValidationError
from twilio_house import (
    ACCOUNT,
    CONTENT,
    NINE,
    PATH,
    SERVICE,
    asked,
    delivery,
    faults,
    happened,
    refused,
    texts,
    twilio,
    wanted,
)
from vendor_house import MINUTE, needs_contracts

import hub
from connectors.twilio import Twilio
from hub.catalogue import EVENTS, example
from hub.clock import DrivenClock
from hub.delivery.credentials import ask
from hub.testing.contracts import contracts
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response


async def form(message=None, *, event=None, identifiers=(), **settings):
    """What the one request for this message says."""
    [request] = await asked(delivery(message, event=event, identifiers=identifiers), **settings)
    return request.form


async def refusal(*, event=None, message=None, **settings):
    """Why this message makes no request."""
    rehearsal = Rehearsal(twilio(**settings), now_at=NINE)
    with pytest.raises(hub.DeliveryError) as told:
        await rehearsal.play("send", [delivery(message, event=event)])
    assert rehearsal.requests == []
    return told.value


# A message


async def test_a_message_goes_out_as_the_vendors_library_sends_it():
    [request] = await asked(delivery(), status_callback="https://hub.example/cb")

    assert (request.method, request.path) == ("POST", PATH)
    assert request.form == {
        "To": "+15005550006",
        "From": "+15005550001",
        "Body": "Your cart is waiting",
        "StatusCallback": "https://hub.example/cb",
        "ValidityPeriod": "600",
    }
    scheme, _, pair = request.headers["authorization"].partition(" ")
    assert (scheme, b64decode(pair)) == ("Basic", f"{ACCOUNT}:token".encode())


@pytest.mark.skipif(contracts() is None, reason="HUB_SHARED names no folder of contracts")
async def test_credentials_and_names_are_those_of_the_vendors_library():
    recorded = json.loads((contracts() / "twilio/sdk-requests.json").read_text())["requests"][0]
    [request] = await asked(delivery(wanted({"text": "Hello"})), status_callback="https://hub.example/cb")
    body, content_type = request.body()
    theirs = dict(pair.split("=") for pair in recorded["body_text"].split("&"))
    ours = dict(pair.split("=") for pair in body.decode().split("&"))

    assert "https://api.twilio.com" + request.path == recorded["url"]
    assert request.headers["authorization"] == recorded["headers"]["Authorization"]
    assert content_type == recorded["headers"]["Content-Type"]
    assert theirs.items() <= ours.items()


async def test_a_messaging_service_chooses_the_sender():
    said = await form(sender=None, messaging_service=SERVICE)

    assert said["MessagingServiceSid"] == SERVICE
    assert "From" not in said


async def test_an_api_key_stands_for_the_account():
    key = "SK" + "d" * 32
    [request] = await asked(delivery(), auth_token=None, api_key_sid=key, api_secret=hub.Secret("hidden"))

    assert b64decode(request.headers["authorization"].partition(" ")[2]) == f"{key}:hidden".encode()
    assert request.path == PATH


@pytest.mark.parametrize(
    ("words", "variables", "body"),
    [
        ({"text": "Hi Ann", "html": "<p>Hi</p>"}, {}, "Hi Ann"),
        ({"body": "Hi Ann"}, {"text": "not this"}, "Hi Ann"),
        ({}, {"text": "Hi Ann"}, "Hi Ann"),
        ({}, {"body": "Hi Ann", "text": 7}, "Hi Ann"),
        ({"text": "n" * 1600}, {}, "n" * 1600),
        ({"text": "Für Sie: 20 % & mehr? 🛒"}, {}, "Für Sie: 20 % & mehr? 🛒"),
    ],
)
async def test_the_text_is_the_templates_or_a_variable_of_that_name(words, variables, body):
    assert (await form(wanted(words, **variables)))["Body"] == body


async def test_a_template_kept_at_twilio_travels_by_its_sid_with_the_variables_as_texts():
    variables = {"name": "Ann", "value": 19.5, "gift": True, "items": ["Monopoly"], "code": None}
    said = await form(wanted({"vendor": CONTENT}, **variables))

    assert said["ContentSid"] == CONTENT
    assert json.loads(said["ContentVariables"]) == {
        "name": "Ann",
        "value": "19.5",
        "gift": "true",
        "items": '["Monopoly"]',
        "code": "",
    }
    assert "Body" not in said


async def test_a_template_kept_at_twilio_needs_no_variables():
    assert "ContentVariables" not in await form(wanted({"vendor": CONTENT}))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({}, "'cart_reminder' has no words for a text message; give its template a `text`"),
        ({"text": "  "}, "no words"),
        ({"subject": "Hi", "html": "<p>Hi</p>"}, "no words"),
        ({"text": "n" * 1601}, "the text has 1601 characters, and Twilio takes 1600"),
        ({"vendor": "d-4711"}, "no ContentSid of Twilio"),
    ],
)
async def test_a_message_that_cannot_be_said_gives_up_so_that_the_next_sink_gets_it(words, reason):
    fault = await refusal(message=wanted(words))

    assert isinstance(fault, hub.GiveUp)
    assert reason in fault.reason


@pytest.mark.parametrize("who", [{"user_id": "u1"}, {"email": "ann@example.com"}, {"device_id": "d"}])
async def test_who_has_no_telephone_number_is_left_to_the_next_sink(who):
    fault = await refusal(event=happened(who=who))

    assert isinstance(fault, hub.GiveUp)
    assert "no telephone number" in fault.reason


async def test_a_number_of_the_person_that_the_event_does_not_carry_is_used():
    event = happened(who={"anonymous_id": "a1"})
    said = await form(event=event, identifiers=(hub.Identifier("phone", "+4915112345678"),))

    assert said["To"] == "+4915112345678"


async def test_a_number_that_is_not_e164_is_never_called():
    event = happened(who={"user_id": "u1"})
    event.identifiers = (hub.Identifier("phone", "0171 555"),)

    assert isinstance(await refusal(event=event), hub.GiveUp)


async def test_an_event_without_words_is_skipped():
    rehearsal = Rehearsal(twilio())
    with pytest.raises(hub.Skip, match="an event has no words"):
        await rehearsal.play("send", [replace(delivery(), message=None)])

    assert rehearsal.requests == []


@pytest.mark.parametrize(
    ("now", "seconds"),
    [(NINE, "600"), (NINE + 9 * MINUTE, "60"), (NINE + 11 * MINUTE, "1"), (0, "36000")],
)
async def test_twilio_keeps_a_message_no_longer_than_it_is_worth_sending(now, seconds):
    rehearsal = Rehearsal(twilio(), now_at=now)
    await rehearsal.play("send", [delivery()])

    assert rehearsal.requests[0].form["ValidityPeriod"] == seconds


async def test_a_second_attempt_sends_the_same():
    assert await asked(delivery()) == await asked(replace(delivery(), attempt=2))


# What is made of answers


async def answered(answer):
    await Rehearsal(twilio(), lambda request: answer, now_at=NINE).play("send", [delivery()])


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, 21211, hub.GiveUp),
        (400, 21408, hub.GiveUp),
        (403, 21408, hub.GiveUp),
        (400, 21606, hub.GiveUp),
        (400, 21610, hub.Skip),
        (400, 21612, hub.GiveUp),
        (400, 21614, hub.GiveUp),
        (400, 21617, hub.GiveUp),
        (400, 21655, hub.GiveUp),
        (400, 99999, hub.GiveUp),
        (400, 21212, hub.CredentialsRejected),
        (400, 21703, hub.CredentialsRejected),
        (404, 20404, hub.CredentialsRejected),
        (401, 20003, hub.CredentialsRejected),
        (403, 20003, hub.CredentialsRejected),
        (403, 99999, hub.CredentialsRejected),
        (400, 20429, hub.RetryLater),
        (429, 20429, hub.RetryLater),
        (429, 14107, hub.RetryLater),
        (400, 21611, hub.RetryLater),
        (500, 20500, hub.RetryLater),
        (503, 20503, hub.RetryLater),
    ],
)
async def test_each_code_means_what_twilio_means_by_it(status, code, error):
    with pytest.raises(error, match=str(code) if status < 403 else str(status)):
        await answered(refused(status, code))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, hub.CredentialsRejected),
        (400, hub.GiveUp),
        (401, hub.CredentialsRejected),
        (403, hub.CredentialsRejected),
        (404, hub.GiveUp),
        (408, hub.RetryLater),
        (409, hub.GiveUp),
        (410, hub.CredentialsRejected),
        (413, hub.GiveUp),
        (415, hub.GiveUp),
        (422, hub.GiveUp),
        (425, hub.RetryLater),
        (429, hub.RetryLater),
        (500, hub.RetryLater),
        (502, hub.RetryLater),
        (503, hub.RetryLater),
        (504, hub.RetryLater),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"code": "x"}', b'{"code": true}', b'{"code": [1]}']
)
async def test_a_status_without_a_code_means_what_everybody_means_by_it(status, error, body):
    with pytest.raises(error, match=f"answered {status}"):
        await answered(Response(status, {}, body))


@given(st.integers(300, 599), st.one_of(st.none(), st.integers(), st.text(), st.lists(st.none())))
def test_whatever_it_answers_there_is_a_verdict(status, code):
    response = Response(status, {}, json.dumps({"code": code}).encode())

    assert isinstance(twilio().judge(response), hub.DeliveryError | None)


@pytest.mark.parametrize("code", [21610, 21611, 20003, 21211, 99999])
async def test_nothing_that_somebody_sent_is_in_a_reason(code):
    with pytest.raises(hub.DeliveryError) as told:
        await answered(refused(400, code))

    assert "+1" not in told.value.reason
    assert "token" not in told.value.reason


@pytest.mark.parametrize("code", [20429, 14107])
async def test_a_refusal_that_asks_for_patience_is_obeyed(code):
    with pytest.raises(hub.RetryLater) as told:
        await answered(refused(429, code, retry_after="7"))

    assert told.value.after is not None
    assert told.value.after.total_seconds() == 7


async def test_a_sender_with_ten_hours_of_work_before_it_is_left_in_peace():
    with pytest.raises(hub.RetryLater) as told:
        await answered(refused(400, 21611))

    assert told.value.after is not None
    assert told.value.after.total_seconds() == 300


async def test_a_message_that_was_taken_and_failed_at_once_is_no_delivery():
    with pytest.raises(hub.GiveUp, match="21614"):
        await answered(Response(201, {}, b'{"status": "failed", "error_code": 21614}'))
    with pytest.raises(hub.GiveUp, match="30034"):
        await answered(Response(201, {}, b'{"status": "failed", "error_code": 30034}'))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error_code": null}', b'{"error_code": "x"}'])
async def test_a_message_that_was_taken_is_delivered_whatever_else_is_said(body):
    await answered(Response(201, {}, body))


# The settings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"sender": None}, "give a sender or a messaging_service"),
        ({"auth_token": None}, "give an auth_token, or an api_key_sid"),
        ({"api_key_sid": "SK" + "d" * 32}, "belong together"),
        ({"api_secret": hub.Secret("s")}, "belong together"),
        ({"account_sid": "4711"}, "account_sid"),
        ({"messaging_service": "4711"}, "messaging_service"),
        ({"status_callback": "hub.example"}, "status_callback"),
        ({"from": "+15005550001"}, "from"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        twilio(**settings)


def test_secrets_are_not_shown():
    assert "token" not in repr(twilio().settings).replace("auth_token", "")


async def test_a_question_that_only_good_credentials_answer():
    asking = twilio().check()
    request = next(asking)

    assert (request.method, request.path, request.query) == ("GET", PATH, {"PageSize": "1"})
    assert faults(twilio().sign(request, NINE)) == []


# The contract


@needs_contracts
@pytest.mark.parametrize("name", list(EVENTS))
async def test_a_message_about_every_event_of_the_catalogue_passes_the_vendors_contract(name):
    properties = example(name)
    event = happened(EVENTS[name].spelling, properties, who={"phone": "+15005550006"})

    assert await asked(delivery(wanted({"text": f"About {name}"}, **properties), event=event))
    assert await asked(delivery(wanted({"vendor": CONTENT}, **properties), event=event))


@needs_contracts
@pytest.mark.parametrize(
    "variables",
    [
        {"n" * 300: "n" * 300},
        {"products": [{"name": 3, "price": None}], "value": 1e300},
        {"smile": "🛒" * 400, "": "", "line": "a\nb\0"},
        {"deep": {"a": [{"b": None}]}, "lone": "\ud800".encode("utf-8", "replace").decode()},
    ],
)
async def test_odd_words_and_variables_pass_the_vendors_contract(variables):
    assert await asked(delivery(wanted({"vendor": CONTENT}, **variables)))
    assert await asked(delivery(wanted({"text": "🛒" * 1600}, **variables)), sender="Shop")


@needs_contracts
@pytest.mark.parametrize(
    "spoil",
    [
        lambda form: form.pop("To"),
        lambda form: form.update(Bdy="Hi"),
        lambda form: form.update(ValidityPeriod="an hour"),
        lambda form: form.update(ContentSid="4711"),
        lambda form: form.update(MessagingServiceSid="4711"),
        lambda form: form.update(ScheduleType="later"),
    ],
)
async def test_a_spoiled_request_is_refused_by_the_same_check(spoil):
    [request] = await asked(delivery())
    said = dict(request.form)
    spoil(said)

    assert faults(replace(request, form=said)) != []


@needs_contracts
async def test_a_request_without_credentials_or_to_another_path_is_refused_by_the_same_check():
    [request] = await asked(delivery())

    assert faults(replace(request, headers={})) != []
    assert faults(replace(request, path=request.path.replace("Messages", "Texts"))) != []


# Over the wire


@pytest.mark.parametrize(
    "base_url", [None, "https://api.dublin.ie1.twilio.com", "https://proxy.example/twilio"]
)
async def test_a_message_goes_to_the_exact_address(base_url):
    block = sink("texts", Twilio, texts(), base_url=base_url)
    with respx.mock:
        route = respx.post((base_url or "https://api.twilio.com") + PATH)
        route.mock(return_value=httpx.Response(201, json={"sid": "SM1"}))
        assert await carried(block, "send", delivery()) == {}
    [call] = route.calls

    assert call.request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert call.request.content.startswith(b"To=%2B15005550006&From=%2B15005550001&Body=Your+cart+is+waiting")


@pytest.mark.parametrize(
    "trouble", [httpx.ReadTimeout("t"), httpx.ConnectError("c"), httpx.RemoteProtocolError("r")]
)
async def test_a_lost_answer_is_a_passing_fault(trouble):
    with respx.mock:
        respx.post(f"https://api.twilio.com{PATH}").mock(side_effect=trouble)
        with pytest.raises(hub.RetryLater):
            await carried(sink("texts", Twilio, texts()), "send", delivery())


@pytest.mark.parametrize(
    ("status", "fault"), [(200, None), (401, hub.CredentialsRejected), (404, hub.CredentialsRejected)]
)
async def test_good_credentials_are_told_from_bad_ones(status, fault):
    code = {200: 0, 401: 20003, 404: 20404}[status]
    with respx.mock:
        route = respx.get(f"https://api.twilio.com{PATH}", params={"PageSize": "1"})
        route.mock(return_value=httpx.Response(status, json={"code": code}))
        found = await ask(sink("texts", Twilio, texts()), (), DrivenClock())

    assert found is None if fault is None else isinstance(found, fault)
