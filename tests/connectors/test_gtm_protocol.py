"""What servers tell by the Measurement Protocol becomes events, and its faults are named."""

import json
from pathlib import Path

import pytest
from gtm_house import NINE, SHARED, agreed, call, gtm, ids, needs_samples, of_event, one, received, samples

import hub


@pytest.fixture
def source():
    return gtm()


def test_a_call_of_a_server_says_person_time_consent_and_traits(source):
    body = {
        "client_id": "1.2",
        "user_id": "u7",
        "timestamp_micros": NINE,
        "user_properties": {"tier": {"value": "gold"}, "plain": 3, "gone": {"value": None}},
        "consent": {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"},
        "user_location": {"city": "Berlin", "country_id": "DE"},
        "device": {"category": "mobile", "language": "de"},
        "ip_override": "192.0.2.7",
        "events": [
            {
                "name": "purchase",
                "params": {
                    "transaction_id": "T-1",
                    "value": 29.95,
                    "currency": "EUR",
                    "session_id": 500123,
                    "items": [{"item_id": "p1", "item_name": "Tee", "price": 29.95, "quantity": 1}],
                },
            }
        ],
    }
    event = one(source, call(body))

    assert (event.name, event.occurred_at, event.trust) == ("order_completed", NINE, "secret")
    assert ids(event) == ["user_id:u7", "anonymous_id:1.2"]
    assert event.traits == {"tier": "gold", "plain": 3}
    assert event.properties["products"] == [
        {"product_id": "p1", "name": "Tee", "price": 29.95, "quantity": 1}
    ]
    assert agreed(event) == {"advertising": "denied"}
    context = event.context
    assert (context["session"], context["country"], context["device"]) == ("500123", "DE", "mobile")
    assert (context["ip"], context["locale"]) == ("192.0.2.7", "de")


@pytest.mark.parametrize(
    ("around", "event", "expected"),
    [
        ({"timestamp_micros": NINE}, {}, NINE),
        ({"timestamp_micros": str(NINE)}, {}, NINE),
        ({"timestamp_micros": 1}, {"timestamp_micros": NINE}, NINE),
        ({}, {"params": {"timestamp_micros": str(NINE)}}, NINE),
        ({}, {}, None),
        ({"timestamp_micros": {"a": 1}}, {}, None),
    ],
)
def test_the_time_of_a_call_is_a_number_or_a_text_and_an_events_own_wins(source, around, event, expected):
    body = {"client_id": "1.2", **around, "events": [{"name": "login", **event}]}

    assert one(source, call(body)).occurred_at == expected


def test_a_call_with_a_time_can_be_told_twice_and_one_without_cannot(source):
    timed = {"client_id": "1.2", "timestamp_micros": NINE, "events": [{"name": "a"}, {"name": "a"}]}
    first, second = received(source, call(timed)), received(source, call(timed))

    assert [event.id for event in first] == [event.id for event in second]
    assert len({event.id for event in first}) == 2
    assert of_event(source, "login").id == ""


def test_a_bad_event_of_a_call_costs_its_neighbours_nothing(source):
    body = (
        b'{"client_id": "1.2", "events": [{"name": "a"}, 3, {"params": {}}, {"name": "b", "params": []}, '
        b'{"name": NaN}, {"name": "c"}]}'
    )
    said = received(source, call(body))

    assert [getattr(each, "name", None) or each.reason for each in said] == [
        "a",
        "the event is no object",
        "a track call has no event name",
        "the event's params are no object",
        "the event is not JSON: DecodeError",
        "c",
    ]
    assert ids(said[-1]) == ["anonymous_id:1.2"]


def test_a_single_event_without_its_list_is_taken(source):
    assert (
        one(source, call({"client_id": "1", "events": {"name": "login", "params": {}}})).name == "signed_in"
    )


def test_more_than_25_events_are_taken(source):
    assert len(received(source, call({"client_id": "1", "events": [{"name": "a"}] * 60}))) == 60


@pytest.mark.parametrize("body", [b"", b"x", b"[1]", b"7", b'"a"', b"{", b"\xff"])
def test_a_body_that_is_no_call_is_refused(source, body):
    with pytest.raises(hub.BadPayload):
        received(source, call(body))


def test_what_stands_beside_the_events_is_limited(source):
    with pytest.raises(hub.BadPayload):
        received(source, call({"client_id": "1", "user_properties": {"a": "b" * 20_000}, "events": []}))


def test_plain_data_of_a_person_are_traits_and_hashes_are_not(source):
    data = {
        "email_address": ["Ann@Example.com"],
        "phone_number": "+49 30 901820",
        "sha256_email_address": "c" * 64,
        "address": [{"first_name": "Ann", "sha256_last_name": "d" * 64}],
    }
    event = one(source, call({"client_id": "1", "user_data": data, "events": [{"name": "login"}]}))

    assert ids(event) == ["anonymous_id:1", "email:ann@example.com", "phone:+4930901820"]
    assert event.traits == {"email": "Ann@Example.com", "phone": "+49 30 901820", "first_name": "Ann"}


@needs_samples
def test_the_sampled_calls_are_the_events_that_they_show(source):
    login, purchase, begun = [
        event
        for inbound in samples("measurement_protocol")
        for event in received(gtm(api_secret=None), inbound)
    ]

    assert (login.name, login.properties["method"], login.context["session"]) == (
        "signed_in",
        "Google",
        "SESSION_ID",
    )
    assert (purchase.name, purchase.occurred_at) == ("order_completed", 1713355200000000)
    assert purchase.traits == {"customer_tier": "premium"}
    assert (begun.name, ids(begun)) == (
        "tutorial_begin",
        ["anonymous_id:0123456789abcdef0123456789abcdef"],
    )


def messages(source, body):
    inbound = call(body, path="/debug/mp/collect")
    assert received(source, inbound) == []
    answer = source.respond(inbound, 0, 0)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return json.loads(answer.body)["validationMessages"]


def test_the_validation_finds_nothing_in_a_good_call(source):
    assert (
        messages(source, {"client_id": "1", "events": [{"name": "login", "params": {"method": "a"}}]}) == []
    )


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        (b"{", "", "VALUE_INVALID"),
        ({"events": [{"name": "a"}]}, "client_id", "VALUE_REQUIRED"),
        ({"client_id": "1"}, "events", "VALUE_REQUIRED"),
        ({"client_id": "1", "events": []}, "events", "VALUE_REQUIRED"),
        ({"client_id": "1", "events": [{"name": "a"}] * 26}, "events", "EXCEEDED_MAX_ENTITIES"),
        ({"client_id": "1", "events": [3]}, "events[0]", "VALUE_INVALID"),
        ({"client_id": "1", "events": [{}]}, "events[0].name", "VALUE_REQUIRED"),
        (
            {"client_id": "1", "events": [{"name": "a"}, {"name": "session_start"}]},
            "events[1].name",
            "NAME_RESERVED",
        ),
        ({"client_id": "1", "events": [{"name": "ga_x"}]}, "events[0].name", "NAME_RESERVED"),
        ({"client_id": "1", "events": [{"name": "a b"}]}, "events[0].name", "NAME_INVALID"),
        ({"client_id": "1", "events": [{"name": "a" * 41}]}, "events[0].name", "VALUE_OUT_OF_BOUNDS"),
        ({"client_id": "1", "events": [{"name": "a", "params": 3}]}, "events[0].params", "VALUE_INVALID"),
        (
            {"client_id": "1", "events": [{"name": "a", "params": {"a b": 1}}]},
            "events[0].params",
            "NAME_INVALID",
        ),
        (
            {"client_id": "1", "events": [{"name": "a", "params": {f"p{n}": n for n in range(26)}}]},
            "events[0].params",
            "EXCEEDED_MAX_ENTITIES",
        ),
        (
            {"client_id": "1", "user_properties": 3, "events": [{"name": "a"}]},
            "user_properties",
            "VALUE_INVALID",
        ),
    ],
)
def test_the_validation_names_each_fault_and_its_place(source, body, path, code):
    [message] = messages(source, body)

    assert (message["fieldPath"], message["validationCode"]) == (path, code)
    assert message["description"]


@needs_samples
def test_the_validation_answers_as_the_contract_says(source):
    contract = Path(SHARED) / "contracts" / "ga4" / "measurement-protocol-validation-response.schema.json"
    fields = json.loads(contract.read_text("utf-8"))["properties"]["validationMessages"]["items"][
        "properties"
    ]
    found = messages(source, {"events": [{"name": "error"}, {"name": 3}, {"name": "a b", "params": []}]})

    assert {key for message in found for key in message} == set(fields)
    assert {message["validationCode"] for message in found} <= set(fields["validationCode"]["enum"])
