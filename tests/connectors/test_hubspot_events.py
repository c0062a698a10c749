"""Events and rules' messages become occurrences of HubSpot's custom events."""

from __future__ import annotations

import msgspec
import pytest
from hubspot_house import (
    HEADERS,
    answering,
    asked,
    refused,
    several,
    verdict_of,
)
from vendor_house import MESSAGE, delivery, happened, known

import hub
from hub.wire import Response


async def occurred(*deliveries, action="track", **settings):
    [request] = await asked(action, deliveries, **settings)
    return request.json


# An event


async def test_an_event_alone_goes_out_as_the_vendors_library_sends_it():
    event = happened("Order Completed", {"order_id": "o1", "revenue": 10.5, "currency": "EUR"})
    [request] = await asked("track", [delivery(event)])

    assert (request.method, request.path) == ("POST", "/events/v3/send")
    assert request.headers == HEADERS
    assert request.json == {
        "eventName": "pe123_order_completed",
        "email": "ann@example.com",
        "occurredAt": "2026-11-21T10:00:00.000Z",
        "properties": {"order_id": "o1", "revenue": "10.5", "currency": "EUR"},
        "uuid": known(1),
    }


async def test_several_events_are_one_request():
    [request] = await asked("track", several(3))

    assert request.path == "/events/v3/send/batch"
    assert [one["uuid"] for one in request.json["inputs"]] == [known(1), known(2), known(3)]


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("product added", "pe123_product_added"),
        ("add_to_cart", "pe123_product_added"),
        ("Sprocket Oiled!", "pe123_sprocket_oiled"),
        ("Größe gewählt", "pe123_grosse_gewahlt"),
        ("N" * 300, "pe123_" + "n" * 50),
    ],
)
async def test_an_event_has_the_name_that_hubspot_makes_of_its_own(sent, name):
    assert (await occurred(delivery(happened(sent))))["eventName"] == name


@pytest.mark.parametrize("named", ["order_completed", "Order Completed", "purchase"])
async def test_an_event_may_be_called_otherwise_at_hubspot(named):
    said = await occurred(delivery(happened("purchase")), events={named: "pe9_bought"})

    assert said["eventName"] == "pe9_bought"


async def test_without_the_accounts_id_only_named_events_are_sent():
    rehearsal = answering(Response(204), portal_id=None, events={"product_added": "pe9_added"})
    verdicts = await rehearsal.play("track", [*several(1), delivery(happened("Order Completed"), 2)])

    assert [request.json["eventName"] for request in rehearsal.requests] == ["pe9_added"]
    assert isinstance(verdicts[known(2)], hub.Skip)


async def test_an_event_of_no_letters_is_skipped():
    rehearsal = answering()
    [said] = (await rehearsal.play("track", [delivery(happened("注文"))])).values()

    assert isinstance(said, hub.Skip)
    assert "name it in `events`" in said.reason


async def test_properties_are_text_under_names_in_lower_case():
    said = await occurred(
        delivery(
            happened("Order Completed", {"Order ID": 7, "gift": False, "coupon": None, "tags": ["a", 1]})
        ),
        properties={"tags": "hs_tags"},
    )

    assert said["properties"] == {"order_id": "7", "gift": "false", "hs_tags": "a;1"}


async def test_only_named_properties_travel_where_that_is_wanted():
    event = happened("Order Completed", {"order_id": "o1", "revenue": 10.5})
    said = await occurred(delivery(event), properties={"revenue": "amount"}, other_properties=False)

    assert said["properties"] == {"amount": "10.5"}


async def test_text_is_cut_where_hubspot_would_refuse_it_and_half_a_structure_stays_at_home():
    event = happened("Page", {"name": "n" * 300, "url": "u" * 2000, "products": [{"name": "n" * 300}]})
    said = (await occurred(delivery(event)))["properties"]

    assert (len(said["name"]), len(said["url"])) == (256, 1024)
    assert "products" not in said


async def test_more_properties_than_hubspot_takes_are_a_dead_letter_of_that_event_alone():
    wide = happened("Order Completed", {f"p{n}": n for n in range(51)})
    rehearsal = answering(Response(204))
    verdicts = await rehearsal.play("track", [delivery(wide, 1), delivery(happened("Order Completed"), 2)])

    assert isinstance(verdicts[known(1)], hub.GiveUp)
    assert [request.path for request in rehearsal.requests] == ["/events/v3/send"]


async def test_an_address_that_the_event_does_not_carry_is_sent_too():
    event = happened("Order Completed", who={"anonymous_id": "a1"})
    said = await occurred(delivery(event, identifiers=(hub.Identifier("email", "ann@example.com"),)))

    assert said["email"] == "ann@example.com"


async def test_an_event_of_nobody_is_skipped_without_a_request():
    rehearsal = answering()
    [said] = (
        await rehearsal.play("track", [delivery(happened("Product Viewed", who={"user_id": "u"}))])
    ).values()

    assert isinstance(said, hub.Skip)
    assert "no e-mail address" in said.reason


async def test_an_event_that_hubspot_does_not_know_says_so():
    said = await verdict_of(refused(400, "OBJECT_NOT_FOUND"), "track", several(1))

    assert str(said) == "answered 400: OBJECT_NOT_FOUND"


# A rule's message


@pytest.mark.parametrize("action", ["track", "start"])
async def test_a_message_is_an_event_of_its_templates_name_with_the_variables(action):
    said = await occurred(delivery(happened("Product Added"), message=MESSAGE), action=action)

    assert said["eventName"] == "pe123_cart_reminder"
    assert said["properties"] == {
        "name": "Monopoly",
        "value": "19",
        "message": MESSAGE.id,
        "rule": "cart_left",
        "channel": "email",
        "purpose": "marketing",
    }


async def test_a_message_without_a_template_is_named_after_its_rule():
    said = await occurred(
        delivery(happened("Product Added"), message=msgspec.structs.replace(MESSAGE, template=""))
    )

    assert said["eventName"] == "pe123_cart_left"


@pytest.mark.parametrize(
    ("vendor", "name"),
    [("Cart left", "pe123_cart_left"), ("pe9_cart", "pe9_cart"), ("d-4711", "pe123_d_4711")],
)
async def test_the_template_may_say_how_its_event_is_called_at_hubspot(vendor, name):
    message = msgspec.structs.replace(MESSAGE, words={"vendor": vendor, "subject": "Your cart"})
    said = await occurred(delivery(happened("Product Added"), message=message))

    assert said["eventName"] == name
    assert "subject" not in said["properties"]


@pytest.mark.parametrize(
    ("who", "settings"), [({"user_id": "u1"}, {}), ({"email": "ann@example.com"}, {"portal_id": None})]
)
async def test_a_message_that_cannot_go_gives_up_so_that_the_next_sink_gets_it(who, settings):
    lost = delivery(happened("Product Added", who=who), message=MESSAGE)
    [said] = (await answering(**settings).play("start", [lost])).values()

    assert isinstance(said, hub.GiveUp)


async def test_the_past_starts_no_workflow():
    past = happened("Order Completed", historical=True)
    [said] = (await answering().play("start", [delivery(past)])).values()

    assert isinstance(said, hub.Skip)
    assert await asked("track", [delivery(past)])
