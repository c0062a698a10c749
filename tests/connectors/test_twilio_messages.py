"""A message as Twilio is sent it."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace

import pytest
from twilio_house import (
    ACCOUNT,
    CONTENT,
    NINE,
    PATH,
    SERVICE,
    asked,
    delivery,
    form,
    happened,
    twilio,
    wanted,
)
from vendor_house import MINUTE

import hub
from hub.testing.contracts import contracts
from hub.testing.rehearsal import Rehearsal


async def refusal(*, event=None, message=None, **settings):
    """Why this message makes no request."""
    rehearsal = Rehearsal(twilio(**settings), now_at=NINE)
    with pytest.raises(hub.DeliveryError) as told:
        await rehearsal.play("send", [delivery(message, event=event)])
    assert rehearsal.requests == []
    return told.value


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
