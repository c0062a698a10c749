"""Every request to Klaviyo is one that its contract describes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from klaviyo_house import CONTRACT, asked, faults, several
from vendor_house import BREAKING, delivery, happened, needs_contracts

from hub.catalogue import EVENTS, example
from hub.testing.contracts import Contract, contracts


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
        assert await asked("track", [delivery(happened(name, properties))])


@needs_contracts
@pytest.mark.parametrize(
    "traits",
    [
        {},
        {"first_name": "n" * 300, "n" * 300: 1},
        {"first_name": 7, "title": True, "company": {"id": 3}, "locale": {}, "address": [1]},
        {"address": {"street": None, "city": 7, "postal_code": 1.5, "country": ["DE"]}, "timezone": 3},
    ],
)
async def test_odd_traits_pass_the_vendors_contract(traits):
    event = happened("", type="identify")

    assert await asked("profile", [delivery(event, traits=traits)])
    assert await asked(
        "profile",
        [
            delivery(happened("", type="identify", who={"user_id": w}), n, traits=traits)
            for n, w in enumerate("ab")
        ],
    )


@needs_contracts
@pytest.mark.parametrize("count", [1, 2, 1000])
async def test_jobs_of_any_size_pass_the_vendors_contract(count):
    assert await asked("track", several(count))


@needs_contracts
@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said["attributes"].pop("metric"),
        lambda said: said["attributes"].update(value="19.90"),
        lambda said: said["attributes"].update(time="yesterday"),
        lambda said: said["attributes"].update(unique_id=7),
        lambda said: said.update(type="events"),
        lambda said: said["attributes"].update(uniqueid="7"),
        lambda said: said["attributes"]["profile"]["data"]["attributes"].update(phone="+15005550006"),
    ],
)
async def test_a_spoiled_request_is_refused_by_the_same_check(spoil):
    [request] = await asked("track", several(1))
    body = json.loads(json.dumps(request.json))
    spoil(body["data"])

    assert faults(replace(request, json=body)) != []


@needs_contracts
@pytest.mark.parametrize("header", ["revision", "authorization", "content-type"])
async def test_a_request_without_a_needed_header_is_refused_by_the_same_check(header):
    [request] = await asked("track", several(1))
    headers = {name: value for name, value in request.headers.items() if name != header}

    assert faults(replace(request, headers=headers)) != []


@needs_contracts
def test_the_requests_of_the_vendors_own_library_pass_the_same_check():
    contract, folder = Contract.of(CONTRACT), contracts()
    assert contract is not None and folder is not None
    recorded = json.loads((folder / "klaviyo/sdk-requests.json").read_text())["requests"]

    for one in recorded:
        headers = {name.lower(): value for name, value in one["headers"].items()}
        path = one["url"].removeprefix("https://a.klaviyo.com")
        assert contract.faults(one["method"], path, headers, json.dumps(one["body"]).encode()) == []
