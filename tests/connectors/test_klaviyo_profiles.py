"""People become profiles of Klaviyo, alone or together."""

from __future__ import annotations

from klaviyo_house import asked, attributes, klaviyo, refused
from vendor_house import delivery, happened

import hub
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response

TRAITS = {
    "first_name": "Ann",
    "last_name": "Smith",
    "title": "Dr",
    "company": {"name": "Acme"},
    "locale": "de_DE",
    "avatar": "https://example.com/a.png",
    "address": {"street": "Main 1", "city": "Berlin", "postal_code": 10115, "country": "DE"},
    "timezone": "Europe/Berlin",
    "email": "ann@example.com",
    "plan": "pro",
    "age": 42,
    "forgotten": None,
}


async def test_traits_become_the_profiles_own_attributes_or_properties():
    known = delivery(happened("", type="identify"), traits=TRAITS)
    [request] = await asked("profile", [known])

    assert request.path == "/api/profile-import"
    assert request.json["data"]["attributes"] == {
        "email": "ann@example.com",
        "phone_number": "+15005550006",
        "external_id": "u1",
        "first_name": "Ann",
        "last_name": "Smith",
        "title": "Dr",
        "organization": "Acme",
        "locale": "de-DE",
        "image": "https://example.com/a.png",
        "location": {
            "address1": "Main 1",
            "city": "Berlin",
            "zip": "10115",
            "country": "DE",
            "timezone": "Europe/Berlin",
        },
        "properties": {"plan": "pro", "age": 42},
    }


async def test_odd_traits_stay_properties():
    odd = {"first_name": ["Ann"], "company": 7.5, "address": "Main 1, Berlin", "country": {"code": "DE"}}
    said = await attributes(delivery(happened("", type="identify"), traits=odd), action="profile")

    assert said["properties"] == odd


async def test_several_profiles_are_one_job_with_each_person_once():
    people = [
        delivery(happened("", type="identify", who={"user_id": who}), n, traits={"plan": who})
        for n, who in enumerate(("ann", "bob", "ann"), 1)
    ]
    [request] = await asked("profile", people)

    assert request.path == "/api/profile-bulk-import-jobs"
    said = request.json["data"]["attributes"]["profiles"]["data"]
    assert [one["attributes"]["external_id"] for one in said] == ["ann", "bob"]


async def test_what_two_syncs_say_of_one_person_goes_out_together():
    first, second = happened("Traits Updated", id="1"), happened("Traits Updated", id="2")
    first.traits, second.traits = {"score": 7, "city": "Oslo"}, {"score": 8, "stage": "vip"}
    [request] = await asked("profile", [delivery(first, number=1), delivery(second, number=2)])

    said = request.json["data"]["attributes"]
    assert said["properties"] == {"score": 8, "stage": "vip"}
    assert said["location"] == {"city": "Oslo"}


async def test_a_refused_profile_gives_up_for_all_deliveries_that_stand_on_it():
    people = [
        delivery(happened("", type="identify", who={"user_id": who}), n)
        for n, who in enumerate(("ann", "bob", "ann"), 1)
    ]
    answers = [refused(400, ("invalid", "/data/attributes/profiles/data/0/attributes/email")), Response(202)]
    verdicts = await Rehearsal(klaviyo(), lambda request: answers.pop(0)).play("profile", people)

    assert verdicts.keys() == {f"{1:032x}", f"{3:032x}"}


async def test_two_profiles_in_each_others_way_are_a_dead_letter():
    known = delivery(happened("", type="identify"))
    [verdict] = (await Rehearsal(klaviyo(), lambda request: Response(409)).play("profile", [known])).values()

    assert isinstance(verdict, hub.GiveUp)
    assert "different profiles" in str(verdict)


async def test_an_anonymous_visitor_has_no_profile():
    visitor = delivery(happened("", type="identify", who={"anonymous_id": "a1"}))
    [verdict] = (await Rehearsal(klaviyo()).play("profile", [visitor])).values()

    assert isinstance(verdict, hub.Skip)
