"""A message as FCM is sent it, to each of a person's devices."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fcm_house import (
    NINE,
    SENDING,
    TAKEN,
    UNREGISTERED,
    asked,
    delivery,
    fcm,
    google,
    happened,
    refused,
    said,
    sent_to,
    two,
    wanted,
)
from vendor_house import MINUTE, needs_contracts

import hub
from hub.testing.contracts import contracts
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response

# A message


async def test_a_message_is_a_notification_with_the_variables_as_data():
    [request] = await asked(delivery(wanted(name="Monopoly", value=19.5, gift=True, none=None, items=["a"])))

    assert (request.method, request.path) == ("POST", SENDING)
    assert request.headers["authorization"] == "Bearer ya29.1"
    assert request.json == {
        "message": {
            "token": "device-1",
            "notification": {"title": "Your cart", "body": "It is waiting"},
            "data": {
                "name": "Monopoly",
                "value": "19.5",
                "gift": "true",
                "items": '["a"]',
                "message": "5f" * 16,
                "rule": "cart_left",
                "template": "cart_reminder",
            },
            "android": {
                "priority": "high",
                "collapseKey": "cart_reminder",
                "notification": {"tag": f"{1:032x}"},
                "ttl": "600s",
            },
            "apns": {
                "headers": {
                    "apns-priority": "10",
                    "apns-push-type": "alert",
                    "apns-expiration": "1795255800",
                    "apns-collapse-id": f"{1:032x}",
                }
            },
            "webpush": {"headers": {"Urgency": "high", "TTL": "600"}},
        }
    }


@needs_contracts
async def test_every_field_is_one_that_the_vendors_library_sends_too():
    recorded = json.loads((contracts() / "fcm/sdk-requests.json").read_text())["requests"][0]
    [request] = await asked(delivery(), sound="default")
    theirs, ours = recorded["body"]["message"], request.json["message"]

    assert "https://fcm.googleapis.com" + request.path == recorded["url"]
    assert request.headers["authorization"].startswith("Bearer ya29.")
    assert set(ours) == set(theirs)
    assert set(ours["notification"]) == set(theirs["notification"])
    assert (ours["android"]["priority"], ours["android"]["ttl"][-1]) == ("high", "s")
    assert ours["apns"]["headers"]["apns-priority"] == theirs["apns"]["headers"]["apns-priority"]
    assert ours["apns"]["payload"]["aps"]["sound"] == theirs["apns"]["payload"]["aps"]["sound"]
    assert ours["webpush"]["headers"]["TTL"].isdecimal()


@pytest.mark.parametrize(
    ("words", "variables", "shown"),
    [
        ({"title": "T", "body": "B", "text": "no"}, {}, {"title": "T", "body": "B"}),
        ({"subject": "S", "text": "B", "html": "<p>"}, {}, {"title": "S", "body": "B"}),
        ({"text": "B"}, {"title": "not this"}, {"body": "B"}),
        (
            {"title": "T", "image": "https://x.example/a.png"},
            {},
            {"title": "T", "image": "https://x.example/a.png"},
        ),
        ({}, {"title": "T", "body": "B"}, {"title": "T", "body": "B"}),
    ],
)
async def test_title_and_text_are_the_templates_or_variables_of_those_names(words, variables, shown):
    assert (await said(wanted(words, **variables)))["notification"] == shown


async def test_without_words_the_app_gets_the_templates_name_and_the_variables_silently():
    message = await said(wanted({}, name="Monopoly"), sound="default")

    assert "notification" not in message
    assert message["data"]["template"] == "cart_reminder"
    assert message["data"]["name"] == "Monopoly"
    assert message["android"] == {"priority": "normal", "ttl": "600s"}
    assert message["apns"]["payload"] == {"aps": {"content-available": 1}}
    assert message["apns"]["headers"]["apns-push-type"] == "background"
    assert message["apns"]["headers"]["apns-priority"] == "5"


async def test_further_words_are_data_and_a_link_opens_in_the_browser():
    words = {
        "title": "T",
        "link": "https://shop.example/cart",
        "badge": "new",
        "html": "<p>",
        "vendor": "d-1",
    }
    message = await said(wanted(words))

    assert message["data"]["link"] == "https://shop.example/cart"
    assert message["data"]["badge"] == "new"
    assert not {"html", "vendor", "title"} & message["data"].keys()
    assert message["webpush"]["fcmOptions"] == {"link": "https://shop.example/cart"}


async def test_names_that_fcm_keeps_for_itself_are_written_otherwise():
    message = await said(
        wanted(**{"from": "a", "message_type": "b", "google.x": "c", "gcm.y": "d", "fromage": "e"})
    )

    assert {"_from": "a", "_message_type": "b", "_google.x": "c", "_gcm.y": "d", "fromage": "e"}.items() <= (
        message["data"].items()
    )


async def test_the_sink_says_how_loud_messages_are():
    message = await said(priority="normal", sound="ping.caf")

    assert message["android"]["priority"] == "normal"
    assert message["android"]["notification"]["sound"] == "ping.caf"
    assert message["apns"]["headers"]["apns-priority"] == "5"
    assert message["apns"]["payload"] == {"aps": {"sound": "ping.caf"}}
    assert message["webpush"]["headers"]["Urgency"] == "normal"


async def test_another_project_than_the_accounts_own_can_be_named():
    [request] = await asked(delivery(), project="example.com:other")

    assert request.path == "/v1/projects/example.com%3Aother/messages:send"


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (NINE, 600),
        (NINE + 9 * MINUTE, 60),
        (NINE + 11 * MINUTE, 1),
        (NINE - 60 * 24 * 60 * MINUTE, 28 * 86400),
    ],
)
async def test_fcm_keeps_a_message_no_longer_than_it_is_worth_sending(now, seconds):
    rehearsal = Rehearsal(fcm(), google(), now_at=now)
    await rehearsal.play("send", [delivery()])
    message = rehearsal.requests[-1].json["message"]

    assert message["android"]["ttl"] == f"{seconds}s"
    assert message["webpush"]["headers"]["TTL"] == str(seconds)


async def test_a_message_that_is_too_long_gives_up_so_that_the_next_sink_gets_it():
    rehearsal = Rehearsal(fcm(), google(), now_at=NINE)
    with pytest.raises(hub.GiveUp, match="bytes, and FCM takes 4096"):
        await rehearsal.play("send", [delivery(wanted(text="ä" * 2048))])

    assert rehearsal.requests == []


async def test_an_event_without_words_is_skipped():
    with pytest.raises(hub.Skip, match="an event has no words"):
        await Rehearsal(fcm()).play("send", [replace(delivery(), message=None)])


async def test_a_second_attempt_sends_the_same():
    assert await asked(delivery()) == await asked(replace(delivery(), attempt=2))


# Devices


async def test_each_device_gets_it_once_the_one_of_the_event_first():
    rehearsal = Rehearsal(fcm(), google(), now_at=NINE)
    known = tuple(hub.Identifier("device_token", one) for one in ("device-1", "device-2"))
    await rehearsal.play("send", [delivery(event=happened(devices=["device-2"]), identifiers=known)])

    assert sent_to(rehearsal) == ["device-2", "device-1"]


@pytest.mark.parametrize("devices", [[], ["two words"], ["\u00e4"], ["line\nend"]])
async def test_who_has_no_device_is_left_to_the_next_sink(devices):
    event = happened(devices=())
    event.identifiers += tuple(hub.Identifier("device_token", one) for one in devices)
    rehearsal = Rehearsal(fcm(), google(), now_at=NINE)
    with pytest.raises(hub.GiveUp, match="no device token"):
        await rehearsal.play("send", [delivery(event=event)])

    assert rehearsal.requests == []


def by_device(**answers):
    return google(lambda request: answers[request.json["message"]["token"].replace("-", "_")])


async def test_it_is_delivered_when_one_device_took_it():
    rehearsal = Rehearsal(fcm(), by_device(device_1=UNREGISTERED, device_2=TAKEN), now_at=NINE)

    assert await rehearsal.play("send", [two()]) == {}


async def test_when_no_device_took_it_the_reasons_are_told():
    stranger = refused(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH")
    with pytest.raises(hub.GiveUp) as told:
        await Rehearsal(fcm(), by_device(device_1=UNREGISTERED, device_2=stranger), now_at=NINE).play(
            "send", [two()]
        )

    assert "UNREGISTERED, the device's token is stale" in told.value.reason
    assert "SENDER_ID_MISMATCH, the device's token belongs to another Firebase project" in told.value.reason


@pytest.mark.parametrize("answer", [refused(503, "UNAVAILABLE", "UNAVAILABLE"), Response(429), Response(403)])
async def test_a_fault_after_one_device_took_it_does_not_show_it_there_twice(answer):
    rehearsal = Rehearsal(fcm(), by_device(device_1=TAKEN, device_2=answer), now_at=NINE)

    assert await rehearsal.play("send", [two()]) == {}


async def test_a_passing_fault_before_any_device_took_it_is_tried_again():
    answer = refused(503, "UNAVAILABLE", "UNAVAILABLE")
    rehearsal = Rehearsal(fcm(), by_device(device_1=UNREGISTERED, device_2=answer), now_at=NINE)
    with pytest.raises(hub.RetryLater):
        await rehearsal.play("send", [two()])
