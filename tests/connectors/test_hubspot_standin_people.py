"""The stand-in for HubSpot keeps people as strictly as the vendor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot_house import READ, UPSERT, identified, people
from hubspot_standin_house import codes, one, opened, sent, shop, told, upsert
from vendor_house import delivery, happened, known

import hub
from hub.testing.vendors.hubspot import HubSpot


@pytest.fixture
def vendor() -> Iterator[HubSpot]:
    with opened() as vendor:
        yield vendor


async def test_traits_are_kept_and_change(vendor: HubSpot):
    person = identified()
    plan = {"plan": "plan"}
    await told(vendor, "profile", delivery(person, traits={"first_name": "Ann", "plan": "free"}), traits=plan)
    await told(vendor, "profile", delivery(person, traits={"plan": "pro", "company": "Acme"}), traits=plan)

    [contact] = vendor.contacts
    assert contact.properties == {
        "email": "ann@example.com",
        "firstname": "Ann",
        "company": "Acme",
        "plan": "pro",
    }


async def test_many_people_arrive_in_one_request(vendor: HubSpot):
    crowd = people(*(f"p{n}" for n in range(100)))

    assert await told(vendor, "profile", *crowd) == {}
    assert len(vendor.contacts) == 100
    assert vendor.answered == [200]


def test_an_empty_value_clears_a_property(vendor: HubSpot):
    sent(vendor, "POST", UPSERT, upsert(one(plan="pro")))
    sent(vendor, "POST", UPSERT, upsert(one(plan="")))

    assert vendor.contacts[0].properties == {"email": "ann@example.com"}


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        (one(shoe_size="42"), "PROPERTY_DOESNT_EXIST"),
        (one("ann"), "INVALID_EMAIL"),
        (one(email="ann"), "INVALID_EMAIL"),
    ],
)
def test_one_bad_contact_refuses_a_batch_of_addresses(vendor: HubSpot, spoiled: Any, code: str):
    answer = sent(vendor, "POST", UPSERT, upsert(one("bob@example.com"), spoiled))

    assert (answer.status, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert codes(answer) == [code]
    assert f'"error": "{code}"' in answer.json()["message"]
    assert vendor.contacts == []


def test_contacts_known_by_a_property_of_their_own_are_taken_each_for_itself(vendor: HubSpot):
    answer = sent(vendor, "POST", UPSERT, upsert(shop("1"), shop("2", shoe_size="42"), shop("3")))

    [error] = answer.json()["errors"]
    assert answer.status == 207
    assert error["context"] == {"objectWriteTraceId": ["t-2"]}
    assert [one["objectWriteTraceId"] for one in answer.json()["results"]] == ["t-1", "t-3"]
    assert [contact.properties["shop_id"] for contact in vendor.contacts] == ["1", "3"]


async def test_exactly_what_is_refused_in_part_gives_up(vendor: HubSpot):
    crowd = [
        delivery(happened("", type="identify", who={"user_id": f"u{n}"}), n, traits={"plan": f"p{n}"})
        for n in range(1, 7)
    ]
    vendor.reject(lambda properties: properties.get("plan") in ("p4", "p5"))
    verdicts = await told(vendor, "profile", *crowd, unique_property="shop_id", traits={"plan": "plan"})

    assert verdicts.keys() == {known(4), known(5)}
    assert [contact.properties["plan"] for contact in vendor.contacts] == ["p1", "p2", "p3", "p6"]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([one(), one("ANN@example.com")], "Duplicate IDs"),
        ([{**one(), "idProperty": "plan"}], "non-unique"),
        ([one(f"p{n}@example.com") for n in range(101)], "limit of inputs is 100"),
        ([], "required fields"),
    ],
)
def test_batches_have_their_rules(vendor: HubSpot, inputs: Any, words: str):
    answer = sent(vendor, "POST", UPSERT, {"inputs": inputs})

    assert answer.status == 400
    assert words in answer.json()["message"]


def test_any_property_is_taken_where_that_is_said():
    with HubSpot(properties=None) as vendor:
        assert sent(vendor, "POST", UPSERT, upsert(one(shoe_size="42"))).status == 200


async def test_an_address_of_somebody_who_has_another_one_first_leads_to_them(vendor: HubSpot):
    sent(vendor, "POST", UPSERT, upsert(one()))
    vendor.contacts[0].others.add("ann@work.example")
    late = happened("", type="identify", who={"email": "ann@work.example"})

    assert await told(vendor, "profile", delivery(late, traits={"first_name": "Ann"})) == {}
    [contact] = vendor.contacts
    assert contact.properties == {"email": "ann@example.com", "firstname": "Ann"}
    assert vendor.answered == [200, 409, 200]


async def test_an_address_of_another_contact_is_a_conflict(vendor: HubSpot):
    sent(vendor, "POST", UPSERT, upsert(one()))
    person = happened("", type="identify", who={"user_id": "u1", "email": "ann@example.com"})
    [verdict] = (await told(vendor, "profile", delivery(person), unique_property="shop_id")).values()

    assert isinstance(verdict, hub.GiveUp)
    assert "CONFLICT" in verdict.reason


def test_a_contact_that_is_not_there_cannot_be_changed(vendor: HubSpot):
    path = "/crm/v3/objects/contacts/7"

    assert sent(vendor, "PATCH", path, {"properties": {"city": "Berlin"}}).status == 404


def test_a_contact_is_changed_by_the_same_rules(vendor: HubSpot):
    sent(vendor, "POST", UPSERT, upsert(one()))
    path = f"/crm/v3/objects/contacts/{vendor.contacts[0].id}"

    assert codes(sent(vendor, "PATCH", path, {"properties": {"shoe_size": "42"}})) == [
        "PROPERTY_DOESNT_EXIST"
    ]


def test_contacts_are_looked_up_and_those_that_are_missing_are_told(vendor: HubSpot):
    sent(vendor, "POST", UPSERT, upsert(one()))
    said = {"idProperty": "email", "properties": ["email"], "propertiesWithHistory": []}
    wanted = [{"id": "ANN@example.com"}, {"id": "bob@example.com"}]
    answer = sent(vendor, "POST", READ, {**said, "inputs": wanted})

    assert answer.status == 207
    assert [found["properties"]["email"] for found in answer.json()["results"]] == ["ann@example.com"]
    assert answer.json()["errors"][0]["context"] == {"ids": ["bob@example.com"]}
