"""What Klaviyo is sent, and what is made of its answers."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import msgspec
import pytest
import respx
from delivery_house import DeliveryHouse, sink
from klaviyo_house import CONTRACT, asked, faults, klaviyo, refused, several
from vendor_house import MESSAGE, NINE, delivery, happened

import hub
from connectors.klaviyo import Klaviyo
from hub.catalogue import EVENTS, example
from hub.testing.contracts import Contract, contracts
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response

needs_contracts = pytest.mark.skipif(contracts() is None, reason="HUB_SHARED names no folder of contracts")
HEADERS = {
    "authorization": "Klaviyo-API-Key pk_test",
    "revision": "2026-07-15",
    "accept": "application/vnd.api+json",
    "content-type": "application/vnd.api+json",
}
BULK = "/data/attributes/events-bulk-create/data"


async def attributes(*deliveries, action="track", **settings):
    """The attributes of the one request for these deliveries."""
    [request] = await asked(action, deliveries, **settings)
    return request.json["data"]["attributes"]


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


# Several events


async def test_several_events_are_one_job_grouped_by_profile():
    ann, bob = {"user_id": "ann"}, {"user_id": "bob"}
    events = [happened(name, who=who) for name, who in (("A", ann), ("B", bob), ("C", ann))]
    [request] = await asked("track", [delivery(event, n) for n, event in enumerate(events, 1)])

    assert request.path == "/api/event-bulk-create-jobs"
    rows = [row["attributes"] for row in request.json["data"]["attributes"]["events-bulk-create"]["data"]]
    assert [row["profile"]["data"]["attributes"]["external_id"] for row in rows] == ["ann", "bob"]
    assert [[event["attributes"]["unique_id"] for event in row["events"]["data"]] for row in rows] == [
        [f"{1:032x}", f"{3:032x}"],
        [f"{2:032x}"],
    ]


async def test_exactly_what_the_answer_points_at_gives_up_and_the_rest_is_sent_again():
    answers = [
        refused(
            400, ("invalid", f"{BULK}/3/attributes/profile/data/attributes/email"), ("invalid", f"{BULK}/0")
        ),
        Response(202),
    ]
    rehearsal = Rehearsal(klaviyo(), lambda request: answers.pop(0))
    verdicts = await rehearsal.play("track", several(5))

    assert verdicts.keys() == {f"{4:032x}", f"{1:032x}"}
    assert all(type(verdict) is hub.GiveUp for verdict in verdicts.values())
    assert str(verdicts[f"{1:032x}"]) == f"answered 400: invalid at {BULK}/0"
    first, again = (r.json["data"]["attributes"]["events-bulk-create"]["data"] for r in rehearsal.requests)
    assert again == [first[1], first[2], first[4]]


async def test_one_event_of_a_profile_is_told_from_its_others():
    events = [delivery(happened(name), n) for n, name in enumerate("ABC", 1)]
    answers = [refused(400, ("invalid", f"{BULK}/0/attributes/events/data/1/attributes/time")), Response(202)]
    verdicts = await Rehearsal(klaviyo(), lambda request: answers.pop(0)).play("track", events)

    assert verdicts.keys() == {f"{2:032x}"}


async def test_what_klaviyo_has_already_is_delivered():
    answers = [refused(409, ("duplicate_event", f"{BULK}/1/attributes/events/data/0")), Response(202)]
    rehearsal = Rehearsal(klaviyo(), lambda request: answers.pop(0))

    assert await rehearsal.play("track", several(3)) == {}
    assert len(rehearsal.requests) == 2


async def test_a_lone_event_that_klaviyo_has_already_is_delivered():
    assert await Rehearsal(klaviyo(), lambda request: Response(409)).play("track", several(1)) == {}


@pytest.mark.parametrize(
    "answer",
    [
        Response(400),
        Response(413),
        Response(409),
        Response(400, {}, b'{"errors": 7}'),
        Response(400, {}, b'{"errors": [null, {"source": {"pointer": 3}}]}'),
        refused(400, ("invalid", "/data/attributes")),
        refused(400, ("invalid", f"{BULK}/99/attributes")),
        refused(400, ("invalid", f"{BULK}/7777777777777777777777")),
    ],
)
async def test_a_refusal_that_points_at_nobody_speaks_of_the_whole_job(answer):
    with pytest.raises(hub.GiveUp, match=f"answered {answer.status}"):
        await Rehearsal(klaviyo(), lambda request: answer).play("track", several(3))


async def test_a_vendor_that_never_stops_pointing_is_left_to_the_lane():
    rehearsal = Rehearsal(klaviyo(), lambda request: refused(400, ("invalid", f"{BULK}/0")))

    with pytest.raises(hub.GiveUp):
        await rehearsal.play("track", several(9))
    assert len(rehearsal.requests) == 4


async def test_nothing_that_somebody_sent_is_in_a_reason():
    pointer = "/data/attributes/profile/data/attributes/email"
    [verdict] = (
        await Rehearsal(klaviyo(), lambda r: refused(400, ("invalid", pointer))).play("track", several(1))
    ).values()

    assert str(verdict) == f"answered 400: invalid at {pointer}"


async def test_a_second_attempt_sends_the_same():
    first = await asked("track", several(3))
    second = await asked("track", [replace(one, attempt=2) for one in several(3)])

    assert first == second


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, hub.CredentialsRejected),
        (403, hub.CredentialsRejected),
        (404, hub.GiveUp),
        (410, hub.CredentialsRejected),
        (415, hub.GiveUp),
        (429, hub.RetryLater),
        (500, hub.RetryLater),
        (503, hub.RetryLater),
    ],
)
async def test_each_status_means_what_klaviyo_means_by_it(status, error):
    with pytest.raises(error):
        await Rehearsal(klaviyo(), lambda request: Response(status)).play("track", several(2))


async def test_a_retired_revision_says_what_to_change():
    with pytest.raises(hub.CredentialsRejected, match="revision 2026-07-15 is retired; set a newer one"):
        await Rehearsal(klaviyo(), lambda request: Response(410)).play("track", several(1))


async def test_a_refusal_that_asks_for_patience_is_obeyed():
    with pytest.raises(hub.RetryLater) as told:
        await Rehearsal(klaviyo(), lambda r: Response(429, {"retry-after": "7"})).play("track", several(1))

    assert told.value.after is not None
    assert told.value.after.total_seconds() == 7


# Profiles

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


# Subscriptions


def consent(channel="email", purpose="marketing", state="granted", **more):
    said = {"channel": channel, "purpose": purpose, "state": state}
    return happened("consent_changed", said, **more)


SUBSCRIBED = {"consent": "SUBSCRIBED"}
UNSUBSCRIBED = {"consent": "UNSUBSCRIBED"}


async def test_consent_to_e_mail_subscribes_to_the_list():
    [request] = await asked("subscribe", [delivery(consent())], list_id="Y6nRLr")

    assert request.path == "/api/profile-subscription-bulk-create-jobs"
    assert request.json == {
        "data": {
            "type": "profile-subscription-bulk-create-job",
            "attributes": {
                "profiles": {
                    "data": [
                        {
                            "type": "profile",
                            "attributes": {
                                "email": "ann@example.com",
                                "phone_number": "+15005550006",
                                "subscriptions": {"email": {"marketing": SUBSCRIBED}},
                            },
                        }
                    ]
                }
            },
            "relationships": {"list": {"data": {"type": "list", "id": "Y6nRLr"}}},
        }
    }


@pytest.mark.parametrize(
    ("action", "event", "channels"),
    [
        ("subscribe", consent("sms"), {"sms": {"marketing": SUBSCRIBED}}),
        ("subscribe", consent("sms", "*"), {"sms": {"marketing": SUBSCRIBED, "transactional": SUBSCRIBED}}),
        ("subscribe", consent("*"), {"email": {"marketing": SUBSCRIBED}}),
        ("subscribe", happened("Form Submitted"), {"email": {"marketing": SUBSCRIBED}}),
        ("unsubscribe", consent(state="denied"), {"email": {"marketing": UNSUBSCRIBED}}),
        ("unsubscribe", happened("Unsubscribed"), {"email": {"marketing": UNSUBSCRIBED}}),
        ("unsubscribe", happened("Email Marked as Spam"), {"email": {"marketing": UNSUBSCRIBED}}),
        (
            "unsubscribe",
            consent("*", state="denied"),
            {"email": {"marketing": UNSUBSCRIBED}, "sms": {"marketing": UNSUBSCRIBED}},
        ),
    ],
)
async def test_the_event_says_which_channels_are_meant(action, event, channels):
    said = await attributes(delivery(event), action=action)

    assert said["profiles"]["data"][0]["attributes"]["subscriptions"] == channels


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("subscribe", consent(state="denied")),
        ("subscribe", consent("push")),
        ("subscribe", consent("sms", who={"email": "ann@example.com"})),
        ("subscribe", consent(who={"user_id": "u1"})),
        ("unsubscribe", consent(state="granted")),
        ("unsubscribe", consent(purpose="transactional", state="denied")),
    ],
)
async def test_nobody_is_subscribed_or_unsubscribed_beyond_what_was_said(action, event):
    rehearsal = Rehearsal(klaviyo())
    [verdict] = (await rehearsal.play(action, [delivery(event)])).values()

    assert isinstance(verdict, hub.Skip)
    assert rehearsal.requests == []


async def test_nobody_is_unsubscribed_from_one_list_only():
    [request] = await asked("unsubscribe", [delivery(consent(state="denied"))], list_id="Y6nRLr")

    assert "relationships" not in request.json["data"]


async def test_one_persons_subscriptions_are_one_row():
    said = await attributes(delivery(consent(), 1), delivery(consent("sms"), 2), action="subscribe")

    [row] = said["profiles"]["data"]
    assert row["attributes"]["subscriptions"] == {
        "email": {"marketing": SUBSCRIBED},
        "sms": {"marketing": SUBSCRIBED},
    }


async def test_historical_consent_travels_apart_and_with_its_time():
    past = delivery(consent(historical=True), 1)
    rehearsal = Rehearsal(klaviyo())
    verdicts = await rehearsal.play("subscribe", [past, delivery(consent(), 2)])

    [request] = rehearsal.requests
    assert faults(request) == []
    said = request.json["data"]["attributes"]
    assert said["historical_import"] is True
    assert said["profiles"]["data"][0]["attributes"]["subscriptions"]["email"]["marketing"] == {
        "consent": "SUBSCRIBED",
        "consented_at": "2026-11-21T10:00:00.000Z",
    }
    assert list(verdicts) == [f"{2:032x}"]
    assert isinstance(verdicts[f"{2:032x}"], hub.RetryLater)


async def test_a_list_that_is_not_there_is_a_matter_of_the_settings():
    rehearsal = Rehearsal(klaviyo(list_id="gone"), lambda request: Response(404))

    with pytest.raises(hub.CredentialsRejected, match="no list of this list_id"):
        await rehearsal.play("subscribe", [delivery(consent())])


# The contract


@needs_contracts
@pytest.mark.parametrize("name", list(EVENTS))
async def test_every_event_of_the_catalogue_passes_the_vendors_contract(name):
    event = happened(EVENTS[name].spelling, example(name))

    assert await asked("track", [delivery(event)])
    assert await asked("track", [delivery(event, n) for n in (1, 2)])


@needs_contracts
@pytest.mark.parametrize(
    "properties",
    [
        {"products": []},
        {"products": None},
        {"products": {"product_id": "p1"}},
        {"products": ["p1", 7, None, [], {}, {"name": 3, "category": {"a": 1}}]},
        {"revenue": "19.90", "total": "free", "price": [], "currency": 7},
        {"value": 1e300, "currency": "EURO"},
        {"value": -5, "currency": ""},
        {"product_id": 7, "sku": None, "category": ["Games"], "name": "n" * 300},
        {"n" * 300: "n" * 300},
        {"$value": 3, "deep": {"a": [{"b": None}]}},
    ],
)
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


# The wire


@pytest.mark.parametrize(
    ("action", "count", "path"),
    [
        ("track", 1, "/api/events"),
        ("track", 3, "/api/event-bulk-create-jobs"),
        ("profile", 1, "/api/profile-import"),
        ("profile", 3, "/api/profile-bulk-import-jobs"),
    ],
)
async def test_requests_go_to_the_vendors_own_host_and_path(tmp_path, action, count, path):
    house = DeliveryHouse(tmp_path)
    for n in range(count):
        house.plan(f"news.{action}", who=f"p{n}")
    with respx.mock:
        route = respx.post(f"https://a.klaviyo.com{path}").mock(return_value=httpx.Response(202))
        async with house.delivering(sink("news", Klaviyo, {"api_key": "pk_test"})):
            await house.quiet()
    [call] = route.calls
    house.close()

    headers = {name: call.request.headers[name] for name in HEADERS}
    assert headers == HEADERS
    assert call.request.url == f"https://a.klaviyo.com{path}"
    assert house.ledger("news")["delivered"] == count


# The settings


async def test_good_credentials_are_told_from_bad_ones():
    asking = klaviyo().check()
    request = next(asking)

    assert (request.method, request.path) == ("GET", "/api/accounts")
    assert faults(klaviyo().sign(request, NINE)) == []


def test_the_key_shows_nowhere():
    sink = klaviyo()

    assert "pk_test" not in repr(sink.settings) + str(sink.settings) + sink.settings.model_dump_json()
