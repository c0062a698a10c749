"""What Mailchimp is sent, and what is made of its answers."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace

import httpx
import msgspec
import pytest
import respx
from delivery_house import DeliveryHouse, sink
from hypothesis import given
from hypothesis import strategies as st
from mailchimp_house import (
    CONTRACT,
    GONE,
    KEPT_OUT,
    LIST,
    answers,
    asked,
    batch,
    consent,
    faults,
    mailchimp,
    member,
    out,
    people,
    place,
    problem,
    there,
    untaken,
    verdicts,
)
from pydantic import ValidationError
from vendor_house import MESSAGE, NINE, delivery, happened, known

import hub
from connectors.mailchimp import Mailchimp
from hub.catalogue import EVENTS, example
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response

needs_contracts = pytest.mark.skipif(contracts() is None, reason="HUB_SHARED names no folder of contracts")
HEADERS = {
    "authorization": f"Basic {b64encode(b'hub:0123abc-us6').decode()}",
    "accept": "application/json",
    "content-type": "application/json",
}
OPTIONAL = {"skip_merge_validation": "true"}
FORGOTTEN = problem(400, "Forgotten Email Not Subscribed", "ann@example.com was permanently deleted")
FAKE = problem(400, "Invalid Resource", "ann@example.com looks fake or invalid")
CROWDED = problem(400, "Invalid Resource", "ann@example.com has signed up to a lot of lists very recently")


def traits_of(**traits):
    return delivery(happened("", type="identify"), traits=traits)


async def said_of(event, **more):
    """The body of the one request for an event."""
    settings = more.pop("settings", {})
    [request] = await asked("track", [delivery(event, **more)], **settings)
    return request.json


# People


async def test_a_person_alone_goes_out_as_the_vendors_library_sends_it():
    [request] = await asked("profile", [traits_of(first_name="Ann")], status_if_new="subscribed")

    assert (request.method, request.path, request.query) == ("PUT", place("ann"), OPTIONAL)
    assert request.headers == HEADERS
    assert request.json == {
        "email_address": "ann@example.com",
        "status_if_new": "subscribed",
        "merge_fields": {"FNAME": "Ann"},
    }


async def test_somebody_new_gets_no_marketing_unless_the_settings_say_so():
    [request] = await asked("profile", [traits_of()])

    assert request.json == {"email_address": "ann@example.com", "status_if_new": "transactional"}


async def test_the_hash_is_that_of_the_address_in_lower_case():
    event = happened("", type="identify")
    event.identifiers = (hub.Identifier("email", "Ann@Example.COM"),)
    [request] = await asked("profile", [delivery(event)])

    assert request.path == place("ann")
    assert request.json["email_address"] == "ann@example.com"


ADDRESS = {"street": "Main 1", "city": "Berlin", "state": "BE", "postal_code": 10115, "country": "DE"}


@pytest.mark.parametrize(
    ("traits", "settings", "fields"),
    [
        ({"first_name": "Ann", "last_name": "Smith", "plan": "pro"}, {}, {"FNAME": "Ann", "LNAME": "Smith"}),
        ({"plan": "pro"}, {"merge_fields": {"plan": "TIER"}}, {"TIER": "pro"}),
        ({"first_name": "Ann"}, {"merge_fields": {"first_name": "GIVEN"}}, {"GIVEN": "Ann"}),
        (
            {"Lifetime Value": 7.5, "größe": 42, "email": "x", "consent.email.marketing": "granted"},
            {"other_traits": True},
            {"LIFETIME_V": 7.5, "GROSSE": 42},
        ),
        ({"fname": "x", "first_name": "Ann"}, {"other_traits": True}, {"FNAME": "Ann"}),
        ({"vip": True, "n": None}, {"other_traits": True}, {"VIP": "true"}),
        ({"likes": ["a", 1, None]}, {"other_traits": True}, {"LIKES": "a, 1"}),
        ({"deep": {"a": [1]}}, {"other_traits": True}, {"DEEP": '{"a":[1]}'}),
        ({"first_name": "ä" * 200}, {}, {"FNAME": "ä" * 127}),
        ({"born": "1990-02-28"}, {"merge_fields": {"born": "BIRTHDAY"}}, {"BIRTHDAY": "02/28"}),
        ({"born": "long ago"}, {"merge_fields": {"born": "BIRTHDAY"}}, {}),
        (
            {"address": ADDRESS},
            {"merge_fields": {"address": "ADDRESS"}},
            {
                "ADDRESS": {
                    "addr1": "Main 1",
                    "city": "Berlin",
                    "state": "BE",
                    "zip": "10115",
                    "country": "DE",
                }
            },
        ),
        ({"address": {"city": "Berlin"}}, {"merge_fields": {"address": "ADDRESS"}}, {}),
        ({"address": {"street": ["x"], "city": 1}}, {"other_traits": True}, {}),
    ],
)
async def test_traits_become_merge_fields(traits, settings, fields):
    [request] = await asked("profile", [traits_of(**traits)], **settings)

    assert request.json.get("merge_fields", {}) == fields


async def test_all_that_a_sync_tells_is_wanted():
    event = happened("", type="identify", traits={"engagement score": 7})
    event.source = "hub"
    [request] = await asked("profile", [delivery(event)])

    assert request.json["merge_fields"] == {"ENGAGEMENT": 7}


@pytest.mark.parametrize(
    ("locale", "language"), [("de_DE", "de"), ("en", "en"), ("Deutsch", None), (7, None)]
)
async def test_a_locale_is_the_language(locale, language):
    [request] = await asked("profile", [traits_of(locale=locale)])

    assert request.json.get("language") == language


async def test_nobody_without_an_address_is_a_member():
    visitor = delivery(happened("", type="identify", who={"user_id": "u1"}))
    [verdict] = (await verdicts("profile", [visitor])).values()

    assert isinstance(verdict, hub.Skip)
    assert "no e-mail address" in verdict.reason


# Several people


async def test_several_people_travel_in_one_request_that_touches_nobody_who_is_there():
    [request] = await asked("profile", people("ann", "bob"), lambda r: batch(taken=["ann", "bob"]))

    assert (request.method, request.path, request.query) == ("POST", LIST, OPTIONAL)
    assert request.json == {
        "members": [
            {
                "email_address": f"{who}@example.com",
                "status": "transactional",
                "merge_fields": {"FNAME": who.title()},
            }
            for who in ("ann", "bob")
        ],
        "update_existing": False,
    }


async def test_who_is_there_already_follows_alone_and_keeps_their_status():
    first, *others = await asked(
        "profile",
        people("ann", "bob", "cat"),
        answers(batch(there("ann"), out("cat"), taken=["bob"]), member("unsubscribed"), member("cleaned")),
        status_if_new="subscribed",
    )

    assert first.path == LIST
    assert [(one.method, one.path) for one in others] == [("PUT", place("ann")), ("PUT", place("cat"))]
    assert all("status" not in one.json for one in others)


async def test_each_person_is_in_a_batch_once_with_all_that_is_said_of_them():
    first, second, third = people("ann", "bob", "ann")
    third.event.identifiers = (hub.Identifier("email", "Ann@example.com"),)
    third = replace(third, traits={"last_name": "Smith"})
    [request] = await asked("profile", [first, second, third], lambda r: batch())

    ann, bob = request.json["members"]
    assert ann["merge_fields"] == {"FNAME": "Ann", "LNAME": "Smith"}
    assert bob["email_address"] == "bob@example.com"


async def test_exactly_those_whom_a_batch_did_not_take_end_so():
    several = people("ann", "bob", "cat", "dan", "ann")
    said = batch(
        untaken("ann", field="BIRTHDAY"),
        untaken("CAT", "looks fake or invalid, please enter a real email address."),
        untaken("dan", "was permanently deleted and cannot be re-imported."),
        taken=["bob"],
    )
    found = await verdicts("profile", several, lambda r: said)

    assert {one: type(fault) for one, fault in found.items()} == {
        known(1): hub.GiveUp,
        known(3): hub.GiveUp,
        known(4): hub.Skip,
        known(5): hub.GiveUp,
    }
    assert str(found[known(1)]) == "answered 200: ERROR_GENERIC at BIRTHDAY"
    assert "fake or invalid" in str(found[known(3)])


async def test_where_it_is_not_said_who_was_refused_all_who_may_be_are_asked_alone():
    requests = await asked(
        "profile",
        people("ann", "bob", "cat"),
        answers(batch(untaken("nobody"), taken=["bob"]), member("pending"), member("pending")),
    )

    assert [one.path for one in requests[1:]] == [place("ann"), place("cat")]


async def test_an_answer_that_is_too_long_is_asked_again_one_by_one():
    cut = replace(batch(taken=["ann"]), truncated=True)
    requests = await asked(
        "profile", people("ann", "bob"), answers(cut, member("pending"), member("pending"))
    )

    assert requests[0].longest_answer > 500 * 5000
    assert [one.path for one in requests[1:]] == [place("ann"), place("bob")]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b"\xff"])
async def test_a_batchs_answer_that_cannot_be_read_is_asked_for_again(body):
    found = await verdicts("profile", people("ann", "bob"), lambda r: Response(200, {}, body))

    assert {type(fault) for fault in found.values()} == {hub.RetryLater}
    assert len(found) == 2


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_batch_that_is_refused_as_a_whole_is_left_to_the_lane(status):
    with pytest.raises(hub.GiveUp, match=f"answered {status}"):
        await Rehearsal(mailchimp(), lambda r: Response(status)).play("profile", people("ann", "bob"))


async def test_trouble_among_those_that_follow_alone_costs_nobody_who_arrived():
    names = [f"p{n}" for n in range(10)]
    busy = Response(429)
    said = answers(batch(*map(there, names)), *[member("pending")] * 5, busy, *[member("pending")] * 9)
    found = await verdicts("profile", people(*names), said)

    assert found.keys() == {known(n) for n in range(5, 11)}
    assert {type(fault).__mro__[1] for fault in found.values()} == {hub.RetryLater}


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (KEPT_OUT, hub.Skip, "only they themselves can change that"),
        (FORGOTTEN, hub.Skip, "deleted for good"),
        (FAKE, hub.GiveUp, "fake or invalid"),
        (CROWDED, hub.RetryLater, "many audiences"),
        (problem(400, "Invalid Resource", "…", "BIRTHDAY"), hub.GiveUp, "Invalid Resource at BIRTHDAY"),
        (problem(400, "ann@example.com"), hub.GiveUp, "answered 400"),
        (GONE, hub.CredentialsRejected, "no audience a6b5da1054"),
    ],
)
async def test_a_refused_person_ends_as_the_refusal_means(answer, error, reason):
    [verdict] = (await verdicts("profile", [traits_of()], lambda r: answer)).values()

    assert isinstance(verdict, error)
    assert reason in verdict.reason
    assert "ann@" not in verdict.reason


async def test_an_address_that_signed_up_too_often_is_given_an_hour():
    [verdict] = (await verdicts("profile", [traits_of()], lambda r: CROWDED)).values()

    assert verdict.after.total_seconds() == 3600


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


# Consent


async def test_somebody_who_agrees_is_subscribed():
    event = consent(traits={"first_name": "Ann"})
    [request] = await asked("subscribe", [delivery(event)])

    assert (request.method, request.path) == ("PUT", place("ann"))
    assert request.json == {
        "email_address": "ann@example.com",
        "status_if_new": "subscribed",
        "status": "subscribed",
        "merge_fields": {"FNAME": "Ann"},
        "timestamp_opt": "2026-11-21T10:00:00Z",
    }


async def test_somebody_who_refuses_is_unsubscribed_whether_they_are_there_or_not():
    [request] = await asked("unsubscribe", [delivery(consent("denied"), traits={"first_name": "Ann"})])

    assert request.json == {
        "email_address": "ann@example.com",
        "status_if_new": "unsubscribed",
        "status": "unsubscribed",
    }


@pytest.mark.parametrize(("action", "state"), [("subscribe", "granted"), ("unsubscribe", "denied")])
async def test_several_are_subscribed_and_unsubscribed_together(action, state):
    [request] = await asked(action, people("ann", "bob", event=consent(state)), lambda r: batch())

    assert request.path == LIST
    assert request.json["update_existing"] is True
    assert {one["status"] for one in request.json["members"]} == {f"{action}d"}


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("subscribe", consent(channel="*")),
        ("subscribe", consent(purpose="*")),
        ("subscribe", happened("Form Submitted")),
        ("unsubscribe", consent("denied", channel="*")),
        ("unsubscribe", happened("Unsubscribed")),
        ("unsubscribe", happened("Email Marked as Spam")),
    ],
)
async def test_what_an_event_says_of_marketing_by_mail_counts(action, event):
    [request] = await asked(action, [delivery(event)])

    assert request.json["status"] == f"{action}d"


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("subscribe", consent("denied")),
        ("subscribe", consent(channel="sms")),
        ("subscribe", consent(purpose="transactional")),
        ("subscribe", consent(who={"user_id": "u1"})),
        ("unsubscribe", consent()),
        ("unsubscribe", consent("denied", channel="push")),
    ],
)
async def test_nobody_is_subscribed_or_unsubscribed_beyond_what_was_said(action, event):
    rehearsal = Rehearsal(mailchimp())
    [verdict] = (await rehearsal.play(action, [delivery(event)])).values()

    assert isinstance(verdict, hub.Skip)
    assert rehearsal.requests == []


async def test_who_once_left_is_not_brought_back_without_their_doing():
    [verdict] = (await verdicts("subscribe", [delivery(consent())], lambda r: KEPT_OUT)).values()

    assert isinstance(verdict, hub.GiveUp)
    assert "`confirmation` lets Mailchimp ask them" in verdict.reason


async def test_who_once_left_and_agrees_again_is_asked_where_that_is_wanted():
    first, again = await asked(
        "subscribe", [delivery(consent())], answers(KEPT_OUT, member("pending")), confirmation="again"
    )

    assert (first.json["status"], again.json["status"]) == ("subscribed", "pending")
    assert first.path == again.path


async def test_who_once_left_is_asked_out_of_a_batch_too():
    requests = await asked(
        "subscribe",
        people("ann", "bob", event=consent()),
        answers(batch(out("bob"), taken=["ann"]), KEPT_OUT, member("pending")),
        confirmation="again",
    )

    assert [one.path for one in requests] == [LIST, place("bob"), place("bob")]


@pytest.mark.parametrize(
    ("status", "statuses"),
    [
        ("pending", [None]),
        ("subscribed", [None]),
        ("unsubscribed", [None, "pending"]),
        ("transactional", [None, "pending"]),
        ("archived", [None, "pending"]),
    ],
)
async def test_everybody_is_asked_but_who_is_subscribed_already(status, statuses):
    requests = await asked(
        "subscribe", [delivery(consent())], answers(member(status), member("pending")), confirmation="always"
    )

    assert [one.json.get("status") for one in requests] == statuses
    assert {one.json["status_if_new"] for one in requests} == {"pending"}


@pytest.mark.parametrize("answer", [KEPT_OUT, FORGOTTEN])
async def test_who_is_out_already_is_unsubscribed(answer):
    assert await verdicts("unsubscribe", [delivery(consent("denied"))], lambda r: answer) == {}


# Erasure


async def test_a_person_is_deleted_for_good_under_every_address():
    event = happened("", type="identify")
    requests = await asked(
        "forget", [delivery(event, identifiers=(hub.Identifier("email", "old@example.com"),))]
    )

    assert [(one.method, one.path, one.body()) for one in requests] == [
        ("POST", place(who, "/actions/delete-permanent"), (b"", None)) for who in ("ann", "old")
    ]


async def test_whom_mailchimp_does_not_know_is_forgotten():
    assert await verdicts("forget", [delivery(happened("", type="identify"))], lambda r: GONE) == {}


# Statuses


@pytest.mark.parametrize("action", ["track", "profile", "subscribe", "unsubscribe", "add", "start", "forget"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(400), hub.GiveUp),
        (Response(401), hub.CredentialsRejected),
        (Response(403), hub.RetryLater),
        (problem(403, "User Disabled"), hub.CredentialsRejected),
        (Response(405), hub.GiveUp),
        (Response(429), hub.RetryLater),
        (Response(500), hub.RetryLater),
        (Response(503), hub.RetryLater),
    ],
)
async def test_each_status_means_what_mailchimp_means_by_it(action, answer, error):
    event = consent("denied" if action == "unsubscribe" else "granted")
    [verdict] = (await verdicts(action, [delivery(event)], lambda r: answer, tag="b", journey="1/2")).values()

    assert isinstance(verdict, error)


async def test_a_403_with_words_says_them():
    [verdict] = (await verdicts("profile", [traits_of()], lambda r: problem(403, "User Disabled"))).values()

    assert "answered 403: User Disabled" in verdict.reason


async def test_a_second_attempt_sends_the_same():
    first = await asked("track", [delivery(happened("Order Completed"))])
    second = await asked("track", [delivery(happened("Order Completed"), attempt=2)])

    assert first == second


# The contract


@needs_contracts
@pytest.mark.parametrize("name", list(EVENTS))
async def test_every_event_of_the_catalogue_passes_the_vendors_contract(name):
    event = happened(EVENTS[name].spelling, example(name))

    assert await asked("track", [delivery(event)])
    assert await asked("add", [delivery(event)], tag="t")


@needs_contracts
@pytest.mark.parametrize(
    "properties",
    [
        {"products": []},
        {"products": None},
        {"products": {"product_id": "p1"}},
        {"products": ["p1", 7, None, [], {}, {"name": 3, "category": {"a": 1}}]},
        {"revenue": "19.90", "total": "free", "price": [], "currency": 7},
        {"value": 1e300, "currency": "EURO"},
        {"value": -5, "currency": ""},
        {"n" * 300: "n" * 300},
        {"$value": 3, "deep": {"a": [{"b": None}]}},
    ],
)
async def test_shapes_that_break_mappings_pass_the_vendors_contract(properties):
    for name in ("Order Completed", "Product Added", "N" * 300):
        assert await asked("track", [delivery(happened(name, properties))])


@needs_contracts
@pytest.mark.parametrize(
    "traits",
    [
        {},
        {"first_name": "n" * 300, "n" * 300: 1},
        {"first_name": 7, "last_name": True, "address": [1], "locale": {}},
        {"address": {"street": None, "city": 7, "postal_code": 1.5, "country": ["DE"]}, "timezone": 3},
    ],
)
async def test_odd_traits_pass_the_vendors_contract(traits):
    assert await asked("profile", [traits_of(**traits)], other_traits=True)
    assert await asked("profile", people("ann", "bob", **traits), lambda r: batch(), other_traits=True)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(said=st.dictionaries(st.sampled_from(["first_name", "address", "birthday", "é", "x y", "7"]), ODD))
def test_whatever_a_trait_is_the_member_has_text_numbers_or_a_whole_address(said):
    rehearsal = Rehearsal(mailchimp(other_traits=True, merge_fields={"birthday": "BIRTHDAY"}))
    rehearsal.run("profile", [traits_of(**said)])

    [request] = rehearsal.requests
    for tag, value in request.json.get("merge_fields", {}).items():
        assert 0 < len(tag) <= 10
        if isinstance(value, dict):
            assert {"addr1", "city", "state", "zip"} <= value.keys()
        else:
            assert isinstance(value, str | int | float)
            assert not isinstance(value, str) or len(value.encode()) <= 255


@needs_contracts
@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said.pop("name"),
        lambda said: said["properties"].update(order_id=7),
        lambda said: said.update(occurred_at="yesterday"),
        lambda said: said.update(occured_at="2026-11-21T10:00:00Z"),
        lambda said: said.update(is_syncing="yes"),
    ],
)
async def test_a_spoiled_event_is_refused_by_the_same_check(spoil):
    [request] = await asked("track", [delivery(happened("Order Completed", {"order_id": "o1"}))])
    body = json.loads(json.dumps(request.json))
    spoil(body)

    assert faults(replace(request, json=body)) != []


@needs_contracts
@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said.pop("status_if_new"),
        lambda said: said.update(status="active"),
        lambda said: said.update(merge_fields=["FNAME"]),
        lambda said: said.update(mergefields={}),
        lambda said: said.update(timestamp_opt="yesterday"),
    ],
)
async def test_a_spoiled_member_is_refused_by_the_same_check(spoil):
    [request] = await asked("subscribe", [delivery(consent())])
    body = json.loads(json.dumps(request.json))
    spoil(body)

    assert faults(replace(request, json=body)) != []


@needs_contracts
def test_the_requests_of_the_vendors_own_library_pass_the_same_check():
    contract, folder = Contract.of(CONTRACT), contracts()
    assert contract is not None and folder is not None
    recorded = json.loads((folder / "mailchimp/sdk-requests.json").read_text())["requests"]

    for one in recorded:
        headers = {name.lower(): value for name, value in one["headers"].items()}
        path = one["url"].removeprefix("https://us1.api.mailchimp.com/3.0")
        assert contract.faults(one["method"], path, headers, json.dumps(one["body"]).encode()) == []


# The wire


@pytest.mark.parametrize(
    ("action", "method", "count", "path"),
    [
        ("track", "POST", 1, place("p0", "/events")),
        ("profile", "PUT", 1, place("p0")),
        ("profile", "POST", 3, LIST),
    ],
)
async def test_requests_go_to_the_accounts_own_data_centre(tmp_path, action, method, count, path):
    house = DeliveryHouse(tmp_path)
    block = sink("letters", Mailchimp, {"api_key": "0123abc-us6", "list_id": "a6b5da1054"})
    for n in range(count):
        event = happened("Product Added", who={"email": f"p{n}@example.com"}, id=f"e{n}")
        house.plan_events([event], [_leg(action)], f"p{n}")
    query = "?skip_merge_validation=true" if action == "profile" else ""
    with respx.mock:
        route = respx.route(method=method, url=f"https://us6.api.mailchimp.com/3.0{path}{query}").mock(
            return_value=httpx.Response(200, json={})
        )
        async with house.delivering(block):
            await house.quiet()
    [call] = route.calls
    house.close()

    assert {name: call.request.headers[name] for name in HEADERS} == HEADERS
    assert house.ledger("letters")["delivered"] == count


def _leg(action):
    from hub.store.port import Leg

    return Leg("letters", action, "forward", "everything")


# The settings


async def test_good_credentials_and_the_audience_are_asked_for():
    asking = mailchimp().check()
    ping = next(asking)
    audience = asking.send(Response(200))

    assert [(one.method, one.path) for one in (ping, audience)] == [("GET", "/ping"), ("GET", LIST)]
    assert [faults(mailchimp().sign(one, NINE)) for one in (ping, audience)] == [[], []]
    with pytest.raises(hub.CredentialsRejected, match="no audience a6b5da1054"):
        asking.send(Response(404))


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://us6.api.mailchimp.com/3.0"),
        ({"api_key": "a-b-us21"}, "https://us21.api.mailchimp.com/3.0"),
        ({"api_key": "plain", "server": "us3"}, "https://us3.api.mailchimp.com/3.0"),
        ({"api_key": "unset-LETTERS"}, "https://us1.api.mailchimp.com/3.0"),
    ],
)
def test_the_key_says_where_the_account_is(settings, address):
    assert mailchimp(**settings).address() == address


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"api_key": "plain_key"}, "data centre"),
        ({"api_key": "key-us6.evil.example/"}, "data centre"),
        ({"server": "us6.evil.example"}, "server"),
        ({"list_id": "a/../b"}, "list_id"),
        ({"merge_fields": {"plan": "plan"}}, "merge_fields.plan"),
        ({"events": {"order_completed": "x"}}, "events.order_completed"),
        ({"journeys": {"account_created": "12"}}, "journeys.account_created"),
        ({"journey": "12"}, "journey"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(settings, words):
    with pytest.raises(ValidationError, match=words) as told:
        mailchimp(**settings)
    assert "plain_key" not in str(told.value)


def test_the_key_shows_nowhere():
    sink = mailchimp()

    assert "0123abc" not in repr(sink.settings) + str(sink.settings) + sink.settings.model_dump_json()


def test_the_vendors_ten_connections_are_never_used_up():
    limits = [Mailchimp.limits, *(mark.limits for mark in _actions().values() if mark.limits)]

    assert max(one.in_flight for one in limits) <= 8
    assert {name: _actions()[name].limits.batch for name in ("profile", "subscribe", "unsubscribe")} == {
        "profile": 100,
        "subscribe": 500,
        "unsubscribe": 500,
    }


def _actions():
    from hub.connector import actions

    return actions(Mailchimp)
