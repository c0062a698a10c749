"""People become contacts of HubSpot, with their traits as its properties."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hubspot_house import (
    HEADERS,
    UPSERT,
    answering,
    asked,
    identified,
    people,
    refused,
    several,
)
from hypothesis import given
from hypothesis import strategies as st
from vendor_house import delivery, happened, known

import hub
from connectors.hubspot.values import internal, text

# A person


async def test_a_person_goes_out_as_the_vendors_library_sends_it():
    [request] = await asked("profile", [delivery(identified(), traits={"first_name": "A"})])

    assert (request.method, request.path) == ("POST", UPSERT)
    assert request.headers == HEADERS
    assert request.json == {
        "inputs": [
            {
                "id": "ann@example.com",
                "idProperty": "email",
                "objectWriteTraceId": known(1),
                "properties": {"firstname": "A", "email": "ann@example.com"},
            }
        ]
    }


TRAITS = {
    "first_name": "Ann",
    "last_name": "Smith",
    "title": "Dr",
    "company": {"name": "Acme"},
    "address": {"street": "Main 1", "city": "Berlin", "postal_code": 10115, "country": "DE", "floor": 3},
    "phone": "0171 555",
    "plan": "pro",
    "age": 42,
    "forgotten": None,
    "consent.email.marketing": "granted",
}


USUAL = {
    "firstname": "Ann",
    "lastname": "Smith",
    "jobtitle": "Dr",
    "company": "Acme",
    "address": "Main 1",
    "city": "Berlin",
    "zip": "10115",
    "country": "DE",
    "phone": "0171 555",
    "email": "ann@example.com",
}


async def properties_of(said, event=None, **settings):
    [request] = await asked("profile", [delivery(event or identified(), traits=said)], **settings)
    return request.json["inputs"][0]["properties"]


async def test_only_what_every_account_has_is_sent_without_being_asked_for():
    assert await properties_of(TRAITS) == USUAL


async def test_named_traits_travel_under_hubspots_names():
    said = await properties_of(TRAITS, traits={"plan": "subscription_plan", "title": "salutation"})

    usual = {name: value for name, value in USUAL.items() if name != "jobtitle"}
    assert said == {**usual, "subscription_plan": "pro", "salutation": "Dr"}


async def test_all_other_traits_travel_where_that_is_wanted_in_lower_case_and_as_text():
    traits = {
        "Lifetime Value": 99.5,
        "isVIP": True,
        "toys": ["car", "doll"],
        "pet": {"kind": "cat"},
        "2nd": 1,
    }
    said = await properties_of(traits, other_traits=True)

    assert said == {
        "email": "ann@example.com",
        "lifetime_value": "99.5",
        "isvip": "true",
        "toys": "car;doll",
        "pet": '{"kind":"cat"}',
    }


async def test_what_is_said_of_consent_and_identity_is_no_property():
    said = await properties_of({**TRAITS, "id": "u1"}, other_traits=True)

    assert said == {**USUAL, "plan": "pro", "age": "42"}


async def test_the_phone_number_that_names_the_person_is_the_contacts():
    assert (await properties_of({"phone": "0171 555"}, happened("", type="identify")))[
        "phone"
    ] == "+15005550006"


async def test_odd_traits_of_a_usual_name_are_left_out():
    said = await properties_of({"first_name": ["Ann"], "company": 7.5, "address": "Main 1", "title": True})

    assert said == {"address": "Main 1", "email": "ann@example.com"}


async def test_traits_that_the_hub_does_not_know_yet_are_those_of_the_event():
    event = identified(traits={"first_name": "Ann"})

    assert (await properties_of({}, event))["firstname"] == "Ann"


async def test_people_may_be_known_by_a_property_of_their_own():
    [request] = await asked("profile", [delivery(happened("", type="identify"))], unique_property="shop_id")

    [said] = request.json["inputs"]
    assert (said["id"], said["idProperty"]) == ("u1", "shop_id")
    assert said["properties"] == {"email": "ann@example.com", "shop_id": "u1", "phone": "+15005550006"}


@pytest.mark.parametrize(
    ("who", "settings", "missing"),
    [
        ({"user_id": "u1", "phone": "+15005550006"}, {}, "no e-mail address"),
        ({"email": "ann@example.com"}, {"unique_property": "shop_id"}, "no user id"),
    ],
)
async def test_somebody_whom_hubspot_cannot_know_is_skipped_without_a_request(who, settings, missing):
    rehearsal = answering(**settings)
    [verdict] = (await rehearsal.play("profile", [delivery(happened("", type="identify", who=who))])).values()

    assert isinstance(verdict, hub.Skip)
    assert missing in verdict.reason
    assert rehearsal.requests == []


async def test_a_batch_names_each_person_once_with_their_newest_traits():
    crowd = people("ann", "bob", "ann")
    crowd[2] = replace(crowd[2], traits={"first_name": "Anna"})
    [request] = await asked("profile", crowd)

    assert [one["id"] for one in request.json["inputs"]] == ["ann@example.com", "bob@example.com"]
    assert request.json["inputs"][0]["properties"]["firstname"] == "Anna"


def synced(number=1, **fields):
    """What `[sync]` tells of Ann."""
    event = identified(traits=fields)
    event.source = "hub"
    return delivery(event, number, traits=fields)


async def test_a_sync_tells_all_that_it_names():
    [request] = await asked("profile", [synced(lifecyclestage="customer", score=7, first_name="Ann")])

    assert request.json["inputs"][0]["properties"] == {
        "email": "ann@example.com",
        "lifecyclestage": "customer",
        "score": "7",
        "firstname": "Ann",
    }


async def test_two_syncs_of_a_person_are_one_contact_with_both():
    [request] = await asked("profile", [synced(1, score=7), synced(2, lifecyclestage="customer")])

    [said] = request.json["inputs"]
    assert said["properties"].items() >= {"score": "7", "lifecyclestage": "customer"}.items()


@pytest.mark.parametrize("count", [1, 2])
async def test_a_field_of_a_sync_that_the_account_lacks_pauses_the_sink(count):
    answer = refused(400, "VALIDATION_ERROR", ("PROPERTY_DOESNT_EXIST", "score"))
    with pytest.raises(hub.CredentialsRejected, match="no contact property score"):
        await answering(answer).play("profile", [synced(score=7), *people("ann", "bob")[1:]][:count])


async def test_a_second_attempt_sends_the_same():
    for action in ("profile", "track"):
        first = await asked(action, several(3))

        assert first == await asked(action, [replace(one, attempt=2) for one in several(3)])


# Names and values


@given(st.text(max_size=120))
def test_an_internal_name_is_one_that_hubspot_takes(name):
    said = internal(name)

    assert said == "" or (said[0].isascii() and said[0].isalpha() and internal(said) == said)
    assert all(one.isascii() and (one.isdigit() or one.islower() or one == "_") for one in said)


@pytest.mark.parametrize(
    ("said", "as_text"),
    [
        (None, None),
        ("", ""),
        (True, "true"),
        (7, "7"),
        (7.0, "7"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        ([], ""),
        (["a", None, 2, True], "a;2;true"),
        ([{"a": "ä"}], '[{"a":"ä"}]'),
    ],
)
def test_every_value_is_text(said, as_text):
    assert text(said) == as_text
