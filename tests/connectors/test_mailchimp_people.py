"""People become members of an audience, one by one or together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mailchimp_house import (
    FAKE,
    FORGOTTEN,
    GONE,
    HEADERS,
    KEPT_OUT,
    LIST,
    answers,
    asked,
    batch,
    mailchimp,
    member,
    out,
    people,
    place,
    problem,
    there,
    traits_of,
    untaken,
    verdicts,
)
from vendor_house import delivery, happened, known

import hub
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response

OPTIONAL = {"skip_merge_validation": "true"}


CROWDED = problem(400, "Invalid Resource", "ann@example.com has signed up to a lot of lists very recently")


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

    assert found.keys() == {known(n) for n in (6, 9, 10)}
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
