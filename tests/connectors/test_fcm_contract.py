"""Every request to FCM is one that its contract describes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fcm_house import (
    asked,
    delivery,
    faults,
    happened,
    wanted,
)
from vendor_house import needs_contracts

from hub.catalogue import EVENTS, example


@needs_contracts
@pytest.mark.parametrize("name", list(EVENTS))
async def test_a_message_about_every_event_of_the_catalogue_passes_the_vendors_contract(name):
    properties = example(name)
    event = happened(EVENTS[name].spelling, properties)

    assert await asked(delivery(wanted(**properties), event=event))
    assert await asked(delivery(wanted({}, **properties), event=event))


@needs_contracts
@pytest.mark.parametrize(
    "variables",
    [
        {"n" * 300: "n" * 300},
        {"products": [{"name": 3, "price": None}], "value": 1e300},
        {"smile": "🛒" * 300, "": "", "line": "a\nb\0"},
        {"deep": {"a": [{"b": None}]}, "$x": [[]], "body": 7, "title": {"a": 1}},
    ],
)
async def test_odd_words_and_variables_pass_the_vendors_contract(variables):
    assert await asked(delivery(wanted(**variables)))
    assert await asked(delivery(wanted({}, **variables)))
    assert await asked(
        delivery(wanted({"title": "🛒" * 300, "n" * 300: "", "link": "javascript:x"}, **variables))
    )


@needs_contracts
@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said.update(token=7),
        lambda said: said.update(tokn="device-1"),
        lambda said: said["data"].update(value=19.5),
        lambda said: said["notification"].update(titel="Hi"),
        lambda said: said["android"].update(priority="loud"),
        lambda said: said["android"].update(collapse_key="k"),
        lambda said: said["apns"].update(headers=[]),
    ],
)
async def test_a_spoiled_request_is_refused_by_the_same_check(spoil):
    [request] = await asked(delivery())
    body = json.loads(json.dumps(request.json))
    spoil(body["message"])

    assert faults(replace(request, json=body)) != []


@needs_contracts
async def test_a_request_without_a_token_or_to_another_path_is_refused_by_the_same_check():
    [request] = await asked(delivery())

    assert faults(replace(request, headers={})) != []
    assert faults(replace(request, path=request.path.replace("messages", "texts"))) != []
