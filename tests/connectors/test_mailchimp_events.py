"""Events, tags and journeys of members, and of those who are not there yet."""

from __future__ import annotations

import msgspec
import pytest
from mailchimp_house import (
    FAKE,
    FORGOTTEN,
    GONE,
    HEADERS,
    KEPT_OUT,
    answers,
    asked,
    mailchimp,
    member,
    place,
    verdicts,
)
from vendor_house import MESSAGE, delivery, happened, known

import hub
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response


async def said_of(event, **more):
    """The body of the one request for an event."""
    settings = more.pop("settings", {})
    [request] = await asked("track", [delivery(event, **more)], **settings)
    return request.json


# Events


async def test_an_event_goes_out_as_the_vendors_library_sends_it():
    [request] = await asked("track", [delivery(happened("Order Completed", {"order_id": "o1"}))])

    assert (request.method, request.path) == ("POST", place("ann", "/events"))
    assert request.headers == HEADERS
    assert request.json == {
        "name": "order_completed",
        "properties": {"order_id": "o1", "delivery": known(1)},
        "occurred_at": "2026-11-21T10:00:00Z",
    }


@pytest.mark.parametrize(
    ("sent", "settings", "name"),
    [
        ("add_to_cart", {}, "product_added"),
        ("Sprocket Oiled", {}, "sprocket_oiled"),
        ("N" * 300, {}, "n" * 30),
        ("Order Completed", {"events": {"order_completed": "Bought"}}, "Bought"),
        ("Order Completed", {"events": {"Order Completed": "Bought"}}, "Bought"),
        ("x", {"events": {"x": "crossed"}}, "crossed"),
    ],
)
async def test_an_event_is_called_by_our_name_or_the_settings(sent, settings, name):
    assert (await said_of(happened(sent), settings=settings))["name"] == name


async def test_a_name_of_one_character_is_a_dead_letter():
    [verdict] = (await verdicts("track", [delivery(happened("x"))])).values()

    assert isinstance(verdict, hub.GiveUp)
    assert "2 characters" in verdict.reason


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (19.9, "19.9"),
        (3.0, "3"),
        (True, "true"),
        ("19,90", "19,90"),
        ([{"product_id": "p1"}], '[{"product_id":"p1"}]'),
        ({"a": "ä"}, '{"a":"ä"}'),
        (None, None),
    ],
)
async def test_every_property_is_text(value, text):
    said = await said_of(happened("Sprocket Oiled", {"one": value}))

    assert said["properties"].get("one") == text


async def test_the_past_is_recorded_but_starts_no_automation():
    said = await said_of(happened("Order Completed", historical=True))

    assert said["is_syncing"] is True


async def test_a_message_is_an_event_of_its_templates_name_with_the_variables():
    said = await said_of(happened("Product Added", {"price": 19.0}), message=MESSAGE)

    assert said == {
        "name": "cart_reminder",
        "properties": {
            "name": "Monopoly",
            "value": "19",
            "message": MESSAGE.id,
            "rule": "cart_left",
            "channel": "email",
            "purpose": "marketing",
            "delivery": known(1),
        },
        "occurred_at": "2026-11-21T10:00:00Z",
    }


async def test_a_template_kept_at_mailchimp_names_the_event():
    message = msgspec.structs.replace(MESSAGE, words={"subject": "Ann!", "vendor": "Cart left"})
    said = await said_of(happened("Product Added"), message=message)

    assert said["name"] == "Cart left"
    assert "subject" not in said["properties"]


@pytest.mark.parametrize(("message", "error"), [(None, hub.Skip), (MESSAGE, hub.GiveUp)])
async def test_an_event_of_nobody_is_skipped_and_a_message_goes_to_the_next_sink(message, error):
    nobody = delivery(happened("Product Added", who={"device_id": "d"}), message=message)
    [verdict] = (await verdicts("track", [nobody])).values()

    assert type(verdict) is error


# Somebody who is not in the audience


@pytest.mark.parametrize(
    ("action", "event", "rest", "settings"),
    [
        ("track", happened("Order Completed"), "/events", {}),
        ("add", happened("Order Completed"), "/tags", {"tag": "buyer"}),
    ],
)
async def test_somebody_unknown_is_added_first(action, event, rest, settings):
    found = [delivery(event, traits={"first_name": "Ann"})]
    first, added, again = await asked(
        action, found, answers(GONE, member("transactional"), Response(204)), **settings
    )

    assert first.path == again.path == place("ann", rest)
    assert first.json == again.json
    assert (added.method, added.path) == ("PUT", place("ann"))
    assert added.json == {
        "email_address": "ann@example.com",
        "status_if_new": "transactional",
        "merge_fields": {"FNAME": "Ann"},
    }


@pytest.mark.parametrize(("message", "error"), [(None, hub.Skip), (MESSAGE, hub.GiveUp)])
async def test_nobody_is_added_where_that_is_not_wanted(message, error):
    rehearsal = Rehearsal(mailchimp(add_unknown=False), lambda r: GONE)

    with pytest.raises(error, match="not in the audience"):
        await rehearsal.play("track", [delivery(happened("Order Completed"), message=message)])
    assert len(rehearsal.requests) == 1


@pytest.mark.parametrize(
    ("message", "answer", "error"),
    [
        (None, FORGOTTEN, hub.Skip),
        (None, KEPT_OUT, hub.Skip),
        (MESSAGE, FORGOTTEN, hub.GiveUp),
        (None, FAKE, hub.GiveUp),
        (None, GONE, hub.CredentialsRejected),
        (None, Response(429), hub.RetryLater),
    ],
)
async def test_who_cannot_be_added_has_no_event(message, answer, error):
    found = [delivery(happened("Order Completed"), message=message)]
    [verdict] = (await verdicts("track", found, answers(GONE, answer))).values()

    assert isinstance(verdict, error)


# Tags and journeys


@pytest.mark.parametrize(
    ("event", "settings", "name"),
    [
        (happened("segment_entered", {"segment": "big_spenders"}), {}, "big_spenders"),
        (happened("segment_entered", {"segment": "big_spenders"}), {"tags": {"big_spenders": "VIP"}}, "VIP"),
        (happened("segment_entered", {"segment": "other"}), {"tag": "buyer", "tags": {"b": "B"}}, "buyer"),
        (happened("Order Completed"), {"tag": "buyer"}, "buyer"),
        (happened("segment_entered", {"segment": "s" * 300}), {}, "s" * 100),
    ],
)
async def test_a_segment_is_a_tag(event, settings, name):
    [given] = await asked("add", [delivery(event)], **settings)
    [taken] = await asked("remove", [delivery(event)], **settings)

    assert given.path == taken.path == place("ann", "/tags")
    assert given.json == {"tags": [{"name": name, "status": "active"}]}
    assert taken.json == {"tags": [{"name": name, "status": "inactive"}]}


async def test_tags_of_the_past_start_no_automation():
    [request] = await asked("add", [delivery(happened("Order Completed", historical=True))], tag="buyer")

    assert request.json["is_syncing"] is True


async def test_who_is_not_in_the_audience_has_no_tag_to_lose():
    assert await verdicts("remove", [delivery(happened("Order Completed"))], lambda r: GONE, tag="b") == {}


@pytest.mark.parametrize("segment", [None, 7, "", " "])
async def test_an_event_that_means_no_tag_is_skipped(segment):
    event = happened("segment_entered", {"segment": segment})
    [verdict] = (await verdicts("add", [delivery(event)])).values()

    assert isinstance(verdict, hub.Skip)


@pytest.mark.parametrize(
    ("event", "message", "settings"),
    [
        (happened("Account Created"), None, {"journey": "12/34"}),
        (happened("Account Created"), None, {"journey": "1/1", "journeys": {"account_created": "12/34"}}),
        (happened("Product Added"), MESSAGE, {"journeys": {"cart_reminder": "12/34"}}),
        (happened("Product Added"), msgspec.structs.replace(MESSAGE, words={"vendor": "12/34"}), {}),
    ],
)
async def test_a_journey_starts_at_the_step_that_is_meant(event, message, settings):
    [request] = await asked("start", [delivery(event, message=message)], **settings)

    assert request.path == "/customer-journeys/journeys/12/steps/34/actions/trigger"
    assert request.json == {"email_address": "ann@example.com"}


@pytest.mark.parametrize(
    ("event", "message", "settings", "error"),
    [
        (happened("Account Created"), None, {}, hub.Skip),
        (happened("Account Created"), MESSAGE, {}, hub.GiveUp),
        (happened("Account Created", historical=True), None, {"journey": "12/34"}, hub.Skip),
        (happened("Account Created", who={"user_id": "u1"}), None, {"journey": "12/34"}, hub.Skip),
    ],
)
async def test_no_journey_starts_for_nothing(event, message, settings, error):
    [verdict] = (await verdicts("start", [delivery(event, message=message)], **settings)).values()

    assert type(verdict) is error


async def test_a_step_that_is_not_there_is_a_dead_letter():
    found = [delivery(happened("Account Created"))]
    [verdict] = (
        await verdicts("start", found, answers(GONE, member("pending"), GONE), journey="12/34")
    ).values()

    assert isinstance(verdict, hub.GiveUp)
    assert "no such step" in verdict.reason
