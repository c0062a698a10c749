"""What HubSpot is sent, and what is made of its answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
import respx
from delivery_house import DeliveryHouse, sink
from hubspot_house import (
    READ,
    UPSERT,
    answered,
    asked,
    contact,
    contract_of,
    error,
    faults,
    hubspot,
    identified,
    partly,
    people,
    refused,
    several,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from vendor_house import MESSAGE, delivery, happened, known

import hub
from connectors.hubspot import HubSpot
from connectors.hubspot.values import internal, text
from hub.catalogue import EVENTS, example
from hub.connector import actions
from hub.event import Identifier
from hub.store.port import Leg
from hub.testing.contracts import contracts
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response

needs_contracts = pytest.mark.skipif(contracts() is None, reason="HUB_SHARED names no folder of contracts")
HEADERS = {
    "authorization": "Bearer pat-test",
    "accept": "application/json",
    "content-type": "application/json",
}


def answering(*answers, **settings):
    """A sink whose vendor answers so, one after the other."""
    left = list(answers)
    return Rehearsal(hubspot(**settings), lambda request: left.pop(0))


async def verdict_of(answer, action="profile", deliveries=None, **settings):
    """What a lone delivery hears."""
    rehearsal = answering(answer, **settings)
    [said] = (await rehearsal.play(action, deliveries or people("ann"))).values()
    return said


async def occurred(*deliveries, action="track", **settings):
    [request] = await asked(action, deliveries, **settings)
    return request.json


# A person


async def test_a_person_goes_out_as_the_vendors_library_sends_it():
    [request] = await asked("profile", [delivery(identified(), traits={"first_name": "A"})])

    assert (request.method, request.path) == ("POST", UPSERT)
    assert request.headers == HEADERS
    assert request.json == {
        "inputs": [
            {
                "id": "ann@example.com",
                "idProperty": "email",
                "objectWriteTraceId": known(1),
                "properties": {"firstname": "A", "email": "ann@example.com"},
            }
        ]
    }


TRAITS = {
    "first_name": "Ann",
    "last_name": "Smith",
    "title": "Dr",
    "company": {"name": "Acme"},
    "address": {"street": "Main 1", "city": "Berlin", "postal_code": 10115, "country": "DE", "floor": 3},
    "phone": "0171 555",
    "plan": "pro",
    "age": 42,
    "forgotten": None,
    "consent.email.marketing": "granted",
}
USUAL = {
    "firstname": "Ann",
    "lastname": "Smith",
    "jobtitle": "Dr",
    "company": "Acme",
    "address": "Main 1",
    "city": "Berlin",
    "zip": "10115",
    "country": "DE",
    "phone": "0171 555",
    "email": "ann@example.com",
}


async def properties_of(said, event=None, **settings):
    [request] = await asked("profile", [delivery(event or identified(), traits=said)], **settings)
    return request.json["inputs"][0]["properties"]


async def test_only_what_every_account_has_is_sent_without_being_asked_for():
    assert await properties_of(TRAITS) == USUAL


async def test_named_traits_travel_under_hubspots_names():
    said = await properties_of(TRAITS, traits={"plan": "subscription_plan", "title": "salutation"})

    usual = {name: value for name, value in USUAL.items() if name != "jobtitle"}
    assert said == {**usual, "subscription_plan": "pro", "salutation": "Dr"}


async def test_all_other_traits_travel_where_that_is_wanted_in_lower_case_and_as_text():
    traits = {
        "Lifetime Value": 99.5,
        "isVIP": True,
        "toys": ["car", "doll"],
        "pet": {"kind": "cat"},
        "2nd": 1,
    }
    said = await properties_of(traits, other_traits=True)

    assert said == {
        "email": "ann@example.com",
        "lifetime_value": "99.5",
        "isvip": "true",
        "toys": "car;doll",
        "pet": '{"kind":"cat"}',
    }


async def test_what_is_said_of_consent_and_identity_is_no_property():
    said = await properties_of({**TRAITS, "id": "u1"}, other_traits=True)

    assert said == {**USUAL, "plan": "pro", "age": "42"}


async def test_the_phone_number_that_names_the_person_is_the_contacts():
    assert (await properties_of({"phone": "0171 555"}, happened("", type="identify")))[
        "phone"
    ] == "+15005550006"


async def test_odd_traits_of_a_usual_name_are_left_out():
    said = await properties_of({"first_name": ["Ann"], "company": 7.5, "address": "Main 1", "title": True})

    assert said == {"address": "Main 1", "email": "ann@example.com"}


async def test_traits_that_the_hub_does_not_know_yet_are_those_of_the_event():
    event = identified(traits={"first_name": "Ann"})

    assert (await properties_of({}, event))["firstname"] == "Ann"


async def test_people_may_be_known_by_a_property_of_their_own():
    [request] = await asked("profile", [delivery(happened("", type="identify"))], unique_property="shop_id")

    [said] = request.json["inputs"]
    assert (said["id"], said["idProperty"]) == ("u1", "shop_id")
    assert said["properties"] == {"email": "ann@example.com", "shop_id": "u1", "phone": "+15005550006"}


@pytest.mark.parametrize(
    ("who", "settings", "missing"),
    [
        ({"user_id": "u1", "phone": "+15005550006"}, {}, "no e-mail address"),
        ({"email": "ann@example.com"}, {"unique_property": "shop_id"}, "no user id"),
    ],
)
async def test_somebody_whom_hubspot_cannot_know_is_skipped_without_a_request(who, settings, missing):
    rehearsal = answering(**settings)
    [verdict] = (await rehearsal.play("profile", [delivery(happened("", type="identify", who=who))])).values()

    assert isinstance(verdict, hub.Skip)
    assert missing in verdict.reason
    assert rehearsal.requests == []


async def test_a_batch_names_each_person_once_with_their_newest_traits():
    crowd = people("ann", "bob", "ann")
    crowd[2] = replace(crowd[2], traits={"first_name": "Anna"})
    [request] = await asked("profile", crowd)

    assert [one["id"] for one in request.json["inputs"]] == ["ann@example.com", "bob@example.com"]
    assert request.json["inputs"][0]["properties"]["firstname"] == "Anna"


def synced(number=1, **fields):
    """What `[sync]` tells of Ann."""
    event = identified(traits=fields)
    event.source = "hub"
    return delivery(event, number, traits=fields)


async def test_a_sync_tells_all_that_it_names():
    [request] = await asked("profile", [synced(lifecyclestage="customer", score=7, first_name="Ann")])

    assert request.json["inputs"][0]["properties"] == {
        "email": "ann@example.com",
        "lifecyclestage": "customer",
        "score": "7",
        "firstname": "Ann",
    }


async def test_two_syncs_of_a_person_are_one_contact_with_both():
    [request] = await asked("profile", [synced(1, score=7), synced(2, lifecyclestage="customer")])

    [said] = request.json["inputs"]
    assert said["properties"].items() >= {"score": "7", "lifecyclestage": "customer"}.items()


@pytest.mark.parametrize("count", [1, 2])
async def test_a_field_of_a_sync_that_the_account_lacks_pauses_the_sink(count):
    answer = refused(400, "VALIDATION_ERROR", ("PROPERTY_DOESNT_EXIST", "score"))
    with pytest.raises(hub.CredentialsRejected, match="no contact property score"):
        await answering(answer).play("profile", [synced(score=7), *people("ann", "bob")[1:]][:count])


async def test_a_second_attempt_sends_the_same():
    for action in ("profile", "track"):
        first = await asked(action, several(3))

        assert first == await asked(action, [replace(one, attempt=2) for one in several(3)])


# What is made of answers to people


async def test_exactly_the_contacts_that_an_answer_refuses_give_up():
    answer = partly(
        [contact(11, objectWriteTraceId=known(1)), contact(13, properties={"email": "cat@example.com"})],
        [error(objectWriteTraceId=[known(2)])],
    )
    rehearsal = answering(answer)
    verdicts = await rehearsal.play("profile", people("ann", "bob", "cat", "bob"))

    assert verdicts.keys() == {known(2), known(4)}
    assert {type(one) for one in verdicts.values()} == {hub.GiveUp}
    assert str(verdicts[known(2)]) == "answered 207: VALIDATION_ERROR, INVALID_EMAIL"
    assert len(rehearsal.requests) == 1


@pytest.mark.parametrize("context", [{"objectWriteTraceId": known(2)}, {"ids": ["bob@example.com"]}])
async def test_a_refused_contact_is_found_by_its_trace_or_by_its_name(context):
    answer = partly([contact(11, objectWriteTraceId=known(1))], [error(**context)])

    assert (await answering(answer).play("profile", people("ann", "bob"))).keys() == {known(2)}


async def test_what_an_answer_leaves_open_is_asked_again_in_smaller_batches():
    named = error(objectWriteTraceId=[known(3)])
    answers = [
        partly([contact(11, objectWriteTraceId=known(1))], [error()]),
        partly([contact(12, objectWriteTraceId=known(2))], [named]),
    ]
    rehearsal = answering(*answers)
    verdicts = await rehearsal.play("profile", people("ann", "bob", "cat"))

    assert verdicts.keys() == {known(3)}
    assert [len(request.json["inputs"]) for request in rehearsal.requests] == [3, 2]


async def test_an_answer_too_long_to_be_read_is_asked_for_in_halves():
    def answer(request):
        inputs = request.json["inputs"]
        if len(inputs) > 2:
            return Response(207, {}, b'{"results": [', truncated=True)
        traces = [one["objectWriteTraceId"] for one in inputs]
        return partly(
            [contact(n, objectWriteTraceId=one) for n, one in enumerate(traces) if one != known(6)],
            [error(objectWriteTraceId=[one]) for one in traces if one == known(6)],
        )

    rehearsal = Rehearsal(hubspot(), answer)
    verdicts = await rehearsal.play("profile", people(*"abcdefgh"))

    assert verdicts.keys() == {known(6)}
    assert [len(request.json["inputs"]) for request in rehearsal.requests] == [8, 4, 4, 2, 2, 2, 2]


async def test_an_error_that_passes_is_tried_again_later():
    answer = partly([], [error("RATE_LIMITS", code="", objectWriteTraceId=[known(1)])])

    assert isinstance(await verdict_of(answer), hub.RetryLater)


async def test_a_lone_contact_that_is_refused_gives_up_also_where_nobody_is_named():
    assert str(await verdict_of(partly([], [error()]))) == "answered 207: VALIDATION_ERROR, INVALID_EMAIL"


async def test_a_lone_contact_of_which_nothing_is_said_is_tried_again():
    assert isinstance(await verdict_of(partly([], [])), hub.RetryLater)


async def test_a_refused_batch_is_left_to_the_hub_which_halves_it():
    with pytest.raises(hub.GiveUp) as told:
        await answering(refused(400, "VALIDATION_ERROR", ("INVALID_EMAIL", "email"))).play(
            "profile", people("ann", "bob")
        )

    assert type(told.value).__name__ == "Refused"


async def test_a_lone_refusal_says_why_and_nothing_that_somebody_sent():
    said = await verdict_of(refused(400, "VALIDATION_ERROR", ("INVALID_EMAIL", "email")))

    assert type(said) is hub.GiveUp
    assert str(said) == "answered 400: VALIDATION_ERROR, INVALID_EMAIL at email"


INSIDE = 'Property values were not valid: [{"isValid":false,"error":"PROPERTY_DOESNT_EXIST","name":"%s"}]'


@pytest.mark.parametrize(
    "answer",
    [
        refused(400, "VALIDATION_ERROR", ("PROPERTY_DOESNT_EXIST", "shoe_size")),
        refused(400, message=INSIDE % "shoe_size"),
    ],
)
async def test_only_those_with_a_property_that_is_not_there_give_up(answer):
    crowd = people("ann", "bob", "cat")
    crowd[1] = replace(crowd[1], traits={"shoe_size": 42})
    rehearsal = answering(answer, answered(200), other_traits=True)
    verdicts = await rehearsal.play("profile", crowd)

    assert {one: str(said) for one, said in verdicts.items()} == {
        known(2): "answered 400: VALIDATION_ERROR, PROPERTY_DOESNT_EXIST at shoe_size"
    }
    assert [len(request.json["inputs"]) for request in rehearsal.requests] == [3, 2]


@pytest.mark.parametrize("who", [("ann",), ("ann", "bob")])
async def test_a_property_that_the_settings_name_and_the_account_lacks_pauses_the_sink(who):
    answer = refused(400, "VALIDATION_ERROR", ("PROPERTY_DOESNT_EXIST", "plan_level"))

    with pytest.raises(hub.CredentialsRejected, match="no contact property plan_level; make it"):
        await answering(answer, traits={"plan": "plan_level"}).play("profile", people(*who))


CONFLICT = refused(409, "CONFLICT", message="Contact already exists. Existing ID: 77")


async def test_a_contact_that_is_there_already_is_updated_by_its_record():
    rehearsal = answering(CONFLICT, answered(200, **contact(77)))
    assert await rehearsal.play("profile", people("ann", first_name="Ann")) == {}

    second = rehearsal.requests[1]
    assert (second.method, second.path) == ("PATCH", "/crm/v3/objects/contacts/77")
    assert second.json == {"properties": {"firstname": "Ann"}}
    assert faults(second) == []


async def test_a_contact_that_is_there_already_with_nothing_to_update_has_arrived():
    rehearsal = answering(CONFLICT)

    assert await rehearsal.play("profile", people("ann")) == {}


async def test_a_refused_update_of_a_contact_gives_up_with_its_reason():
    answers = CONFLICT, refused(400, "VALIDATION_ERROR", ("INVALID_OPTION", "city"))
    [said] = (await answering(*answers).play("profile", people("ann", city="X"))).values()

    assert str(said) == "answered 400: VALIDATION_ERROR, INVALID_OPTION at city"


async def test_nobodys_contact_is_taken_for_another_persons():
    someone = [delivery(happened("", type="identify"))]
    said = await verdict_of(CONFLICT, deliveries=someone, unique_property="shop_id")

    assert isinstance(said, hub.GiveUp)
    assert "belongs to another contact" in said.reason


async def test_a_conflict_inside_a_batch_is_settled_alone():
    def answer(request):
        if request.method == "PATCH":
            return answered(200)
        if len(request.json["inputs"]) == 1:
            return CONFLICT
        done = contact(1, objectWriteTraceId=known(1))
        return partly([done], [error("CONFLICT", objectWriteTraceId=[known(2)])])

    rehearsal = Rehearsal(hubspot(), answer)

    assert await rehearsal.play("profile", people("ann", "bob", city="X")) == {}
    assert [request.method for request in rehearsal.requests] == ["POST", "POST", "PATCH"]


# Statuses


@pytest.mark.parametrize("action", ["profile", "track", "start", "add", "subscribe", "forget"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, hub.CredentialsRejected),
        (401, hub.CredentialsRejected),
        (403, hub.CredentialsRejected),
        (408, hub.RetryLater),
        (410, hub.CredentialsRejected),
        (423, hub.RetryLater),
        (429, hub.RetryLater),
        (477, hub.RetryLater),
        (500, hub.RetryLater),
        (502, hub.RetryLater),
        (503, hub.RetryLater),
        (504, hub.RetryLater),
    ],
)
async def test_each_status_means_what_hubspot_means_by_it(action, status, error):
    settings = {"list_id": "5", "subscriptions": {"marketing": "9"}}
    with pytest.raises(error):
        await Rehearsal(hubspot(**settings), lambda request: Response(status)).play(action, several(1))


@pytest.mark.parametrize("status", [400, 404, 409, 413, 415, 422])
@pytest.mark.parametrize("action", ["profile", "track"])
async def test_a_lone_refusal_is_a_dead_letter_but_for_an_event_that_is_there(action, status):
    verdicts = await Rehearsal(hubspot(), lambda request: Response(status)).play(action, several(1))

    if (action, status) == ("track", 409):
        assert verdicts == {}
    else:
        [said] = verdicts.values()
        assert isinstance(said, hub.GiveUp)
        assert str(said) == f"answered {status}"


@pytest.mark.parametrize("status", [400, 404, 409, 413, 415, 422])
@pytest.mark.parametrize("action", ["profile", "track"])
async def test_a_batch_refused_as_a_whole_is_halved(action, status):
    with pytest.raises(hub.GiveUp, match=f"answered {status}"):
        await Rehearsal(hubspot(), lambda request: Response(status)).play(action, several(3))


@pytest.mark.parametrize("body", [b"", b"[", b"<html>"])
@pytest.mark.parametrize("count", [1, 2])
async def test_an_answer_that_cannot_be_read_is_never_taken_for_a_refusal(count, body):
    assert await answering(Response(200, {}, body)).play("profile", several(count)) == {}
    with pytest.raises(hub.RetryLater, match="cannot be read"):
        await answering(Response(207, {}, body)).play("profile", several(count))


@pytest.mark.parametrize("body", [b"[]", b"7", b'{"errors": 7}', b'{"results": [null, {"id": 3}]}'])
async def test_an_answer_that_says_nothing_is_never_taken_for_a_refusal(body):
    rehearsal = Rehearsal(hubspot(), lambda request: Response(207, {}, body))
    verdicts = await rehearsal.play("profile", several(2))

    assert {type(one) for one in verdicts.values()} == {hub.RetryLater}
    assert len(rehearsal.requests) == 3


@settings(max_examples=60, deadline=None)
@given(
    said=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "errors",
                        "results",
                        "context",
                        "category",
                        "message",
                        "code",
                        "ids",
                        "objectWriteTraceId",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
    status=st.sampled_from([200, 207, 400, 409, 429]),
)
async def test_no_answer_makes_the_sink_fail(said, status):
    rehearsal = Rehearsal(
        hubspot(list_id="5"), lambda request: Response(status, {}, json.dumps(said).encode())
    )
    for action in ("profile", "track", "add"):
        try:
            verdicts = await rehearsal.play(action, several(2))
        except hub.DeliveryError:
            continue
        assert verdicts.keys() <= {known(1), known(2)}


async def patience(*, policy="", headers=None):
    answer = answered(429, status="error", message="too many", **({"policyName": policy} if policy else {}))
    with pytest.raises(hub.RetryLater) as told:
        await answering(replace(answer, headers=headers or {})).play("profile", people("ann"))
    return told.value


@pytest.mark.parametrize(
    ("policy", "headers", "seconds"),
    [
        ("TEN_SECONDLY_ROLLING", {}, 10),
        ("TEN_SECONDLY_ROLLING", {"x-hubspot-ratelimit-interval-milliseconds": "4000"}, 4),
        ("TEN_SECONDLY_ROLLING", {"x-hubspot-ratelimit-interval-milliseconds": "86400000"}, 60),
        ("TEN_SECONDLY_ROLLING", {"x-hubspot-ratelimit-interval-milliseconds": "soon"}, 10),
        ("SECONDLY", {}, 1),
        ("", {}, 10),
        ("", {"retry-after": "7"}, 7),
        ("DAILY", {"date": "Sat, 21 Nov 2026 10:02:10 GMT"}, 12 * 60 + 50),
        ("DAILY", {"date": "Sat, 21 Nov 2026 10:15:00 GMT"}, 15 * 60),
        ("DAILY", {"date": "soon"}, 15 * 60),
        ("", {"x-hubspot-ratelimit-daily-remaining": "0", "date": "Sat, 21 Nov 2026 23:59:30 GMT"}, 30),
    ],
)
async def test_each_limit_is_waited_for_as_long_as_it_lasts(policy, headers, seconds):
    told = await patience(policy=policy, headers=headers)

    assert told.after == timedelta(seconds=seconds)


async def test_the_daily_limit_is_told_as_such():
    assert "daily limit" in str(await patience(policy="DAILY"))


async def test_a_lacking_scope_is_named():
    said = {"context": {"requiredGranularScopes": ["crm.lists.write"]}, "message": "no"}
    with pytest.raises(hub.CredentialsRejected, match="lacks the scope crm.lists.write"):
        await answering(answered(403, category="MISSING_SCOPES", errors=[said])).play(
            "profile", people("ann")
        )


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
        delivery(happened("Product Added"), message=hub.Message(**fields(MESSAGE, template="")))
    )

    assert said["eventName"] == "pe123_cart_left"


@pytest.mark.parametrize(
    ("vendor", "name"),
    [("Cart left", "pe123_cart_left"), ("pe9_cart", "pe9_cart"), ("d-4711", "pe123_d_4711")],
)
async def test_the_template_may_say_how_its_event_is_called_at_hubspot(vendor, name):
    message = hub.Message(**fields(MESSAGE, words={"vendor": vendor, "subject": "Your cart"}))
    said = await occurred(delivery(happened("Product Added"), message=message))

    assert said["eventName"] == name
    assert "subject" not in said["properties"]


def fields(message, **changed):
    return {name: getattr(message, name) for name in message.__struct_fields__} | changed


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


# Lists


def remembered(*emails):
    """An answer that these contacts are there, under 101, 102 …"""
    results = [contact(n, properties={"email": one}) for n, one in enumerate(emails, 101)]
    return answered(200, status="COMPLETE", results=results)


MEMBERS = answered(200, recordsIdsAdded=[], recordIdsRemoved=[], recordIdsMissing=[])


@pytest.mark.parametrize("change", ["add", "remove"])
async def test_people_join_and_leave_a_list_by_the_ids_of_their_records(change):
    rehearsal = answering(remembered("ann@example.com", "bob@example.com"), MEMBERS, list_id="12")
    assert await rehearsal.play(change, people("ann", "bob", "ann")) == {}

    look, change_ = rehearsal.requests
    assert (look.path, look.json["inputs"]) == (READ, [{"id": "ann@example.com"}, {"id": "bob@example.com"}])
    assert (change_.method, change_.path) == ("PUT", f"/crm/v3/lists/12/memberships/{change}")
    assert change_.json == ["101", "102"]
    assert [faults(request) for request in rehearsal.requests] == [[], []]


async def test_somebody_who_is_no_contact_yet_becomes_one_to_join_a_list():
    made = answered(200, results=[contact(103, objectWriteTraceId=known(2))])
    rehearsal = answering(remembered("ann@example.com"), made, MEMBERS, list_id="12")
    assert await rehearsal.play("add", people("ann", "bob", first_name="X")) == {}

    _, new, joined = rehearsal.requests
    assert new.path == UPSERT
    assert [one["properties"] for one in new.json["inputs"]] == [{"email": "bob@example.com"}]
    assert joined.json == ["101", "103"]


async def test_somebody_who_cannot_become_a_contact_keeps_nobody_from_the_list():
    rehearsal = answering(
        remembered("ann@example.com"),
        partly([], [error(objectWriteTraceId=[known(2)])]),
        MEMBERS,
        list_id="12",
    )

    assert (await rehearsal.play("add", people("ann", "bob"))).keys() == {known(2)}
    assert rehearsal.requests[-1].json == ["101"]


async def test_somebody_who_is_no_contact_has_left_every_list():
    rehearsal = answering(remembered(), list_id="12")

    assert await rehearsal.play("remove", people("ann")) == {}
    assert [request.path for request in rehearsal.requests] == [READ]


async def test_a_segment_has_a_list_of_its_own():
    lists = {"vips": "31", "fans": "32"}
    entered = [
        delivery(happened("segment_entered", {"segment": segment}, who={"email": f"{n}@example.com"}), n)
        for n, segment in enumerate(("vips", "fans", "vips", "others"), 1)
    ]
    answers = [remembered("1@example.com", "2@example.com", "3@example.com"), MEMBERS, MEMBERS]
    rehearsal = answering(*answers, lists=lists)
    verdicts = await rehearsal.play("add", entered)

    assert [(one.path.split("/")[4], one.json) for one in rehearsal.requests[1:]] == [
        ("31", ["101", "103"]),
        ("32", ["102"]),
    ]
    assert isinstance(verdicts[known(4)], hub.Skip)


async def test_a_contact_that_was_deleted_in_between_is_tried_again():
    answer = answered(200, recordsIdsAdded=["101"], recordIdsRemoved=[], recordIdsMissing=["102"])
    rehearsal = answering(remembered("ann@example.com", "bob@example.com"), answer, list_id="12")
    verdicts = await rehearsal.play("add", people("ann", "bob"))

    assert {one: type(said) for one, said in verdicts.items()} == {known(2): hub.RetryLater}


async def test_a_list_that_is_not_there_is_a_matter_of_the_settings():
    rehearsal = answering(remembered("ann@example.com"), Response(404), list_id="12")

    with pytest.raises(hub.CredentialsRejected, match="there is no list 12"):
        await rehearsal.play("add", people("ann"))


async def test_a_look_up_that_cannot_be_read_is_tried_again():
    with pytest.raises(hub.RetryLater, match="cannot be read"):
        await answering(Response(200, {}, b"<html>"), list_id="12").play("remove", people("ann"))


# Consent


def consent(channel="email", purpose="marketing", state="granted", **more):
    said = {"channel": channel, "purpose": purpose, "state": state}
    return happened("consent_changed", said, **more)


TYPES = {"marketing": "71", "news": "72"}


async def bodies(action, event, **settings):
    requests = await asked(action, [delivery(event)], subscriptions=TYPES, **settings)
    assert {request.path for request in requests} == {f"/communication-preferences/v3/{action}"}
    return [request.json for request in requests]


async def test_consent_to_e_mail_subscribes():
    assert await bodies("subscribe", consent()) == [
        {"emailAddress": "ann@example.com", "subscriptionId": "71"}
    ]


async def test_the_legal_basis_travels_with_the_words_that_were_agreed_to():
    spoken = consent()
    spoken.consent = (hub.Consent("email", "marketing", "granted", "Yes, write to me."),)
    [said] = await bodies("subscribe", spoken, legal_basis="CONSENT_WITH_NOTICE")

    assert (said["legalBasis"], said["legalBasisExplanation"]) == ("CONSENT_WITH_NOTICE", "Yes, write to me.")


async def test_without_words_the_settings_explain_the_legal_basis():
    [said] = await bodies(
        "subscribe", consent(), legal_basis="NON_GDPR", legal_basis_explanation="A customer."
    )

    assert said["legalBasisExplanation"] == "A customer."


@pytest.mark.parametrize(
    ("action", "event", "types"),
    [
        ("subscribe", consent("*"), ["71"]),
        ("subscribe", consent(purpose="*"), ["71", "72"]),
        ("subscribe", consent(purpose="news"), ["72"]),
        ("subscribe", happened("Form Submitted"), ["71"]),
        ("unsubscribe", consent(state="denied"), ["71"]),
        ("unsubscribe", happened("Unsubscribed"), ["71"]),
        ("unsubscribe", happened("Email Marked as Spam"), ["71", "72"]),
        ("unsubscribe", consent("*", "*", state="denied"), ["71", "72"]),
    ],
)
async def test_the_event_says_what_is_meant(action, event, types):
    assert [said["subscriptionId"] for said in await bodies(action, event)] == types


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("subscribe", consent(state="denied")),
        ("subscribe", consent("sms")),
        ("subscribe", consent(purpose="transactional")),
        ("subscribe", consent(who={"user_id": "u1"})),
        ("unsubscribe", consent(state="granted")),
    ],
)
async def test_nobody_is_subscribed_or_unsubscribed_beyond_what_was_said(action, event):
    rehearsal = answering(subscriptions=TYPES)
    [said] = (await rehearsal.play(action, [delivery(event)])).values()

    assert isinstance(said, hub.Skip)
    assert rehearsal.requests == []


@pytest.mark.parametrize(
    ("action", "state", "word"),
    [("subscribe", "granted", "subscribed to"), ("unsubscribe", "denied", "unsubscribed from")],
)
async def test_what_is_so_already_is_delivered(action, state, word):
    answer = refused(400, message=f"ann@example.com is already {word} subscription 71")
    rehearsal = answering(answer, subscriptions={"marketing": "71"})

    assert await rehearsal.play(action, [delivery(consent(state=state))]) == {}


async def test_somebody_who_has_opted_out_is_not_subscribed_again():
    rehearsal = answering(refused(400), subscriptions={"marketing": "71"})
    [said] = (await rehearsal.play("subscribe", [delivery(consent())])).values()

    assert isinstance(said, hub.GiveUp)
    assert "nobody again who has opted out" in said.reason


async def test_a_subscription_type_that_is_not_there_is_a_matter_of_the_settings():
    with pytest.raises(hub.CredentialsRejected, match="no subscription type 71"):
        await answering(Response(404), subscriptions={"marketing": "71"}).play(
            "subscribe", [delivery(consent())]
        )


# Erasure


async def test_a_person_is_forgotten_by_every_address():
    ann = delivery(happened("Erasure Requested"), identifiers=(Identifier("email", "ann@work.example"),))
    requests = await asked("forget", [ann])

    assert [request.json for request in requests] == [
        {"objectId": "ann@example.com", "idProperty": "email"},
        {"objectId": "ann@work.example", "idProperty": "email"},
    ]
    assert {request.path for request in requests} == {"/crm/v3/objects/contacts/gdpr-delete"}


async def test_a_person_known_by_a_user_id_is_forgotten_by_the_record():
    found = answered(200, results=[contact(77, properties={"shop_id": "u1"})])
    rehearsal = answering(found, Response(204), unique_property="shop_id")
    assert (
        await rehearsal.play("forget", [delivery(happened("Erasure Requested", who={"user_id": "u1"}))]) == {}
    )

    assert rehearsal.requests[1].json == {"objectId": "77"}
    assert [faults(request) for request in rehearsal.requests] == [[], []]


async def test_whom_hubspot_never_knew_is_forgotten():
    assert await answering(Response(404)).play("forget", people("ann")) == {}


async def test_somebody_without_an_address_has_no_contact_to_forget():
    [said] = (
        await answering().play("forget", [delivery(happened("Erasure Requested", who={"user_id": "u1"}))])
    ).values()

    assert isinstance(said, hub.Skip)


async def test_a_refused_erasure_is_a_dead_letter():
    [said] = (await answering(refused(400)).play("forget", people("ann"))).values()

    assert str(said) == "answered 400: VALIDATION_ERROR"


# The contract

SETTINGS = {"list_id": "5", "subscriptions": TYPES, "other_traits": True}


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
        {"n" * 300: "n" * 300, "注文": 1, "": 2},
        {"$value": 3, "deep": {"a": [{"b": None}]}},
    ],
)
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


# The wire


@pytest.mark.parametrize(
    ("action", "count", "path"),
    [
        ("track", 1, "/events/v3/send"),
        ("track", 3, "/events/v3/send/batch"),
        ("start", 1, "/events/v3/send"),
        ("profile", 1, UPSERT),
        ("profile", 3, UPSERT),
    ],
)
async def test_requests_go_to_the_vendors_own_host_and_path(tmp_path, action, count, path):
    house = DeliveryHouse(tmp_path)
    for n in range(count):
        house.plan_events([addressed(n)], [Leg("crm", action, "forward", "everything")], f"p{n}")
    with respx.mock:
        route = respx.post(f"https://api.hubapi.com{path}").mock(return_value=httpx.Response(200, json={}))
        block = sink("crm", HubSpot, {"token": "pat-test", "portal_id": "123"}, limits=HubSpot.limits)
        async with house.delivering(block):
            await house.quiet()
    [call] = route.calls
    house.close()

    assert {name: call.request.headers[name] for name in HEADERS} == HEADERS
    assert call.request.url == f"https://api.hubapi.com{path}"
    assert house.ledger("crm")["delivered"] == count


def addressed(number):
    """An event of somebody with an address."""
    event = happened("Product Added", who={"email": f"p{number}@example.com"}, id=f"e{number}")
    event.source = "site"
    return event


# The settings


async def test_good_credentials_are_told_from_bad_ones():
    asking = hubspot().check()
    request = next(asking)

    assert (request.method, request.path) == ("GET", "/account-info/v3/details")
    assert request.expect == (403,)
    assert request.json is None


def test_the_token_shows_nowhere():
    sink = hubspot()

    assert "pat-test" not in repr(sink.settings) + str(sink.settings) + sink.settings.model_dump_json()


def test_the_limits_of_all_actions_together_are_those_of_the_account():
    limits = {name: mark.limits or HubSpot.limits for name, mark in actions(HubSpot).items()}
    crm = [limits["profile"], *(limits[name] for name in ("subscribe", "unsubscribe", "forget"))]
    events = limits["track"].per_second * limits["track"].batch + limits["start"].per_second

    assert sum(one.per_second for one in crm) == 10
    assert sum(one.per_day for one in crm) == 250_000
    assert events + actions(HubSpot)["track"].alone.per_second <= 1250


# Names and values


@given(st.text(max_size=120))
def test_an_internal_name_is_one_that_hubspot_takes(name):
    said = internal(name)

    assert said == "" or (said[0].isascii() and said[0].isalpha() and internal(said) == said)
    assert all(one.isascii() and (one.isdigit() or one.islower() or one == "_") for one in said)


@pytest.mark.parametrize(
    ("said", "as_text"),
    [
        (None, None),
        ("", ""),
        (True, "true"),
        (7, "7"),
        (7.0, "7"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        ([], ""),
        (["a", None, 2, True], "a;2;true"),
        ([{"a": "ä"}], '[{"a":"ä"}]'),
    ],
)
def test_every_value_is_text(said, as_text):
    assert text(said) == as_text
