"""Every request to HubSpot is one that its contracts describe."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hubspot_house import (
    MEMBERS,
    TYPES,
    answering,
    asked,
    contract_of,
    faults,
    people,
    remembered,
    several,
)
from vendor_house import BREAKING, consent, delivery, happened, needs_contracts

from connectors.hubspot import HubSpot
from hub.catalogue import EVENTS, example
from hub.connector import actions
from hub.testing.contracts import contracts

SETTINGS = {"list_id": "5", "subscriptions": TYPES, "other_traits": True}


@needs_contracts
@pytest.mark.parametrize("name", list(EVENTS))
async def test_every_event_of_the_catalogue_passes_the_vendors_contract(name):
    event = happened(EVENTS[name].spelling, example(name))

    assert await asked("track", [delivery(event)])
    assert await asked("track", [delivery(event, n) for n in (1, 2)])


@needs_contracts
@pytest.mark.parametrize("properties", BREAKING)
async def test_shapes_that_break_mappings_pass_the_vendors_contract(properties):
    for name in ("Order Completed", "Product Added", "N" * 300):
        event = happened(name, properties)
        for action in ("track", "start"):
            assert await asked(action, [delivery(event)])
        assert await asked("profile", [delivery(event, traits=properties)], **SETTINGS)


@needs_contracts
@pytest.mark.parametrize("who", [{}, {"device_id": "d"}, {"user_id": "u1"}])
@pytest.mark.parametrize("action", sorted(actions(HubSpot)))
async def test_somebody_without_an_address_causes_no_request(action, who):
    assert await asked(action, [delivery(happened("Order Completed", who=who))], **SETTINGS) == []


@needs_contracts
@pytest.mark.parametrize(
    "traits",
    [
        {},
        {"first_name": "n" * 300, "n" * 300: 1},
        {"first_name": 7, "title": True, "company": {"id": 3}, "address": [1], "x": [{}], "y": [None]},
        {"address": {"street": None, "city": 7, "postal_code": 1.5, "country": ["DE"]}, "timezone": 3},
    ],
)
async def test_odd_traits_pass_the_vendors_contract(traits):
    crowd = [replace(one, traits=traits) for one in people("ann", "bob")]

    assert await asked("profile", crowd[:1], **SETTINGS)
    assert await asked("profile", crowd, **SETTINGS)


@needs_contracts
@pytest.mark.parametrize(("action", "count"), [("track", 1), ("track", 2), ("track", 500), ("profile", 100)])
async def test_requests_of_any_size_pass_the_vendors_contract(action, count):
    assert await asked(action, several(count))


@needs_contracts
@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said.pop("id"),
        lambda said: said.pop("properties"),
        lambda said: said["properties"].update(age=42),
        lambda said: said["properties"].update(age=None),
        lambda said: said.update(id=7),
        lambda said: said.update(id_property="email"),
    ],
)
async def test_a_spoiled_person_is_refused_by_the_same_check(spoil):
    [request] = await asked("profile", people("ann"))
    body = json.loads(json.dumps(request.json))
    spoil(body["inputs"][0])

    assert faults(replace(request, json=body)) != []


@needs_contracts
@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said.pop("eventName"),
        lambda said: said.update(occurredAt="yesterday"),
        lambda said: said.update(uuid=7),
        lambda said: said["properties"].update(revenue=10.5),
        lambda said: said.update(event_name="pe1_x"),
    ],
)
async def test_a_spoiled_event_is_refused_by_the_same_check(spoil):
    [request] = await asked("track", several(1))
    body = json.loads(json.dumps(request.json))
    spoil(body)

    assert faults(replace(request, json=body)) != []


@needs_contracts
async def test_a_spoiled_membership_or_subscription_is_refused_by_the_same_check():
    rehearsal = answering(remembered("ann@example.com"), MEMBERS, list_id="12")
    await rehearsal.play("add", people("ann"))
    [subscribed] = await asked("subscribe", [delivery(consent())], subscriptions={"marketing": "71"})

    assert faults(replace(rehearsal.requests[1], json=[101])) != []
    assert faults(replace(subscribed, json={**subscribed.json, "legalBasis": "BECAUSE"})) != []


@needs_contracts
def test_the_requests_of_the_vendors_own_library_pass_the_same_check():
    folder = contracts()
    assert folder is not None
    recorded = json.loads((folder / "hubspot/sdk-requests.json").read_text())["requests"]

    for one in recorded:
        headers = {name.lower(): value for name, value in one["headers"].items()}
        path = one["url"].removeprefix("https://api.hubapi.com")
        contract = contract_of(path)
        assert contract is not None
        assert contract.faults(one["method"], path, headers, json.dumps(one["body"]).encode()) == []
