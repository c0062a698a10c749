"""Every request to Twilio is one that its contract describes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from twilio_house import (
    CONTENT,
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
    event = happened(EVENTS[name].spelling, properties, who={"phone": "+15005550006"})

    assert await asked(delivery(wanted({"text": f"About {name}"}, **properties), event=event))
    assert await asked(delivery(wanted({"vendor": CONTENT}, **properties), event=event))


@needs_contracts
@pytest.mark.parametrize(
    "variables",
    [
        {"n" * 300: "n" * 300},
        {"products": [{"name": 3, "price": None}], "value": 1e300},
        {"smile": "🛒" * 400, "": "", "line": "a\nb\0"},
        {"deep": {"a": [{"b": None}]}, "lone": "\ud800".encode("utf-8", "replace").decode()},
    ],
)
async def test_odd_words_and_variables_pass_the_vendors_contract(variables):
    assert await asked(delivery(wanted({"vendor": CONTENT}, **variables)))
    assert await asked(delivery(wanted({"text": "🛒" * 1600}, **variables)), sender="Shop")


@needs_contracts
@pytest.mark.parametrize(
    "spoil",
    [
        lambda form: form.pop("To"),
        lambda form: form.update(Bdy="Hi"),
        lambda form: form.update(ValidityPeriod="an hour"),
        lambda form: form.update(ContentSid="4711"),
        lambda form: form.update(MessagingServiceSid="4711"),
        lambda form: form.update(ScheduleType="later"),
    ],
)
async def test_a_spoiled_request_is_refused_by_the_same_check(spoil):
    [request] = await asked(delivery())
    said = dict(request.form)
    spoil(said)

    assert faults(replace(request, form=said)) != []


@needs_contracts
async def test_a_request_without_credentials_or_to_another_path_is_refused_by_the_same_check():
    [request] = await asked(delivery())

    assert faults(replace(request, headers={})) != []
    assert faults(replace(request, path=request.path.replace("Messages", "Texts"))) != []
