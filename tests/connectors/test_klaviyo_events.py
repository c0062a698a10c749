"""Events and rules' messages become events of Klaviyo's."""

from __future__ import annotations

import msgspec
import pytest
from klaviyo_house import HEADERS, asked, attributes, klaviyo
from vendor_house import MESSAGE, delivery, happened

import hub
from hub.testing.rehearsal import Rehearsal


async def said_of(event, **more):
    return await attributes(delivery(event, **more))


# An event


async def test_an_event_alone_goes_out_as_the_vendors_library_sends_it():
    event = happened("Order Completed", {"order_id": "o1", "revenue": 10.5, "currency": "EUR"})
    [request] = await asked("track", [delivery(event)])

    assert (request.method, request.path) == ("POST", "/api/events")
    assert request.headers == HEADERS
    assert request.json == {
        "data": {
            "type": "event",
            "attributes": {
                "metric": {"data": {"type": "metric", "attributes": {"name": "Order Completed"}}},
                "properties": {"order_id": "o1", "revenue": 10.5, "currency": "EUR"},
                "time": "2026-11-21T10:00:00.000Z",
                "value": 10.5,
                "value_currency": "EUR",
                "unique_id": f"{1:032x}",
                "profile": {
                    "data": {
                        "type": "profile",
                        "attributes": {
                            "email": "ann@example.com",
                            "phone_number": "+15005550006",
                            "external_id": "u1",
                            "anonymous_id": "a1",
                        },
                    }
                },
            },
        }
    }


@pytest.mark.parametrize(
    ("sent", "metric"),
    [
        ("product added", "Product Added"),
        ("add_to_cart", "Product Added"),
        ("Sprocket Oiled", "Sprocket Oiled"),
        ("Ö" * 300, "Ö" * 127),
    ],
)
async def test_the_metric_is_segments_spelling_or_the_name_as_it_was_sent(sent, metric):
    said = await said_of(happened(sent))

    assert said["metric"]["data"]["attributes"]["name"] == metric


@pytest.mark.parametrize(
    ("properties", "value", "currency"),
    [
        ({"revenue": 25.0, "total": 30.0, "currency": "eur"}, 25.0, "EUR"),
        ({"value": "19.90", "currency": "USD"}, 19.9, "USD"),
        ({"price": "1,299.00"}, 1299.0, None),
        ({"total": "19,90", "currency": "moon money"}, 19.9, None),
        ({"revenue": "a lot", "value": 3}, 3, None),
        ({"price": True}, None, None),
        ({}, None, None),
    ],
)
async def test_amounts_become_the_value_and_only_known_currencies_travel(properties, value, currency):
    said = await said_of(happened("Order Completed", properties))

    assert said.get("value") == value
    assert said.get("value_currency") == currency
    assert properties.items() <= said["properties"].items()


async def test_products_also_stand_under_the_names_that_flows_use():
    line = {"product_id": "p1", "name": "Monopoly", "price": 19.0, "quantity": 2, "category": "Games"}
    said = await said_of(happened("Order Completed", {"products": [line, "odd"]}))

    assert said["properties"]["ItemNames"] == ["Monopoly"]
    assert said["properties"]["Items"] == [
        {
            "ProductID": "p1",
            "ProductName": "Monopoly",
            "Quantity": 2,
            "ItemPrice": 19.0,
            "Categories": ["Games"],
        }
    ]
    assert said["properties"]["products"] == [line, "odd"]


async def test_the_past_is_recorded_but_starts_no_flow():
    said = await said_of(happened("Order Completed", historical=True))

    assert said["backfill"] is True


async def test_a_phone_number_that_is_not_e164_stays_at_home():
    event = happened("Order Completed")
    event.identifiers = (hub.Identifier("phone", "0171 555"), hub.Identifier("user_id", "u1"))
    said = await said_of(event)

    assert said["profile"]["data"]["attributes"] == {"external_id": "u1"}


async def test_identifiers_of_the_person_that_the_event_does_not_carry_are_sent_too():
    event = happened("Order Completed", who={"anonymous_id": "a1"})
    said = await said_of(event, identifiers=(hub.Identifier("email", "ann@example.com"),))

    assert said["profile"]["data"]["attributes"] == {"email": "ann@example.com", "anonymous_id": "a1"}


async def test_an_event_of_nobody_is_skipped_without_a_request():
    rehearsal = Rehearsal(klaviyo())
    verdicts = await rehearsal.play("track", [delivery(happened("Product Viewed", who={"device_id": "d"}))])

    [verdict] = verdicts.values()
    assert isinstance(verdict, hub.Skip)
    assert "no identifier that Klaviyo knows" in verdict.reason
    assert rehearsal.requests == []


async def test_more_properties_than_klaviyo_takes_are_a_dead_letter_of_that_event_alone():
    wide = happened("Order Completed", {f"p{n}": n for n in range(401)})
    rehearsal = Rehearsal(klaviyo())
    verdicts = await rehearsal.play("track", [delivery(wide, 1), delivery(happened("Order Completed"), 2)])

    assert list(verdicts) == [f"{1:032x}"]
    assert isinstance(verdicts[f"{1:032x}"], hub.GiveUp)
    assert [request.path for request in rehearsal.requests] == ["/api/events"]


# A rule's message


async def test_a_message_is_a_metric_of_its_templates_name_with_the_variables():
    said = await said_of(happened("Product Added", {"price": 19.0}), message=MESSAGE)

    assert said["metric"]["data"]["attributes"]["name"] == "cart_reminder"
    assert said["properties"] == {
        "name": "Monopoly",
        "value": 19.0,
        "message": MESSAGE.id,
        "rule": "cart_left",
        "channel": "email",
        "purpose": "marketing",
    }
    assert "value" not in said


async def test_words_of_our_own_travel_together_and_no_variable_is_in_their_way():
    message = msgspec.structs.replace(
        MESSAGE, words={"subject": "Ann!", "html": "<p>", "vendor": "Cart at Klaviyo"}
    )
    said = await said_of(happened("Product Added"), message=message)

    assert said["metric"]["data"]["attributes"]["name"] == "Cart at Klaviyo"
    assert said["properties"]["words"] == {"subject": "Ann!", "html": "<p>"}
    assert said["properties"]["name"] == "Monopoly"


async def test_a_message_to_nobody_gives_up_so_that_the_next_sink_gets_it():
    rehearsal = Rehearsal(klaviyo())
    nobody = delivery(happened("Product Added", who={"device_id": "d"}), message=MESSAGE)
    [verdict] = (await rehearsal.play("track", [nobody])).values()

    assert isinstance(verdict, hub.GiveUp)
