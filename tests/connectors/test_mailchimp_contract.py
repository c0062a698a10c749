"""Every request to Mailchimp is one that its contract describes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailchimp_house import (
    CONTRACT,
    asked,
    batch,
    consent,
    faults,
    mailchimp,
    people,
    traits_of,
)
from vendor_house import BREAKING, delivery, happened, needs_contracts

from hub.catalogue import EVENTS, example
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Rehearsal


@needs_contracts
@pytest.mark.parametrize("name", list(EVENTS))
async def test_every_event_of_the_catalogue_passes_the_vendors_contract(name):
    event = happened(EVENTS[name].spelling, example(name))

    assert await asked("track", [delivery(event)])
    assert await asked("add", [delivery(event)], tag="t")


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
