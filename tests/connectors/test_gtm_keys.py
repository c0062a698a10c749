"""Whose request it is, what it proves, and that nothing that comes breaks anything."""

import json
from contextlib import suppress
from urllib.parse import urlencode

import msgspec
import pytest
from gtm_house import NINE, SECRET, TID, call, gtm, hit, push, received
from hypothesis import given
from hypothesis import strategies as st

import hub
from connectors.gtm import Gtm


@pytest.fixture
def source():
    return gtm()


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ({"tid": TID}, TID),
        ({"measurement_id": TID}, TID),
        ({"firebase_app_id": "1:2:ios:3"}, "1:2:ios:3"),
        ({"measurement_id": TID, "api_secret": SECRET}, (f"{TID}\n{SECRET}", TID)),
        ({"api_secret": SECRET}, None),
        ({"tid": ""}, None),
    ],
)
def test_the_key_is_the_measurement_id_with_the_secret_beside_it(query, key):
    assert Gtm.key(hit(urlencode(query))) == key


def test_a_measurement_id_claims_and_the_secret_proves():
    assert gtm(measurement_ids=[TID]).keys() == {TID: "public", f"{TID}\n{SECRET}": "secret"}
    assert gtm(measurement_ids=[TID], api_secret=None).keys() == {TID: "public"}
    assert SECRET not in repr(gtm().settings)


def test_a_wrong_secret_is_refused_and_one_that_nobody_asked_for_is_overlooked(source):
    inbound = hub.Inbound(
        "POST",
        "/mp/collect",
        {},
        f"measurement_id={TID}&api_secret=wrong",
        b'{"events":[{"name":"a"}]}',
        NINE,
        key=TID,
    )

    with pytest.raises(hub.BadSignature) as refused:
        received(source, inbound)
    assert "wrong" not in refused.value.reason
    assert len(received(gtm(api_secret=None), inbound)) == 1


@pytest.mark.parametrize(
    ("inbound", "trust"),
    [
        (push({}, f"api_secret={SECRET}"), "secret"),
        (push({}, authorization=f"Bearer {SECRET}"), "secret"),
        (push({}, x_api_secret=SECRET), "secret"),
        (push({}, f"tid={TID}"), "public"),
        (push({}, f"measurement_id={TID}"), "public"),
        (push({"x-ga-measurement_id": TID, "event_name": "a"}), "public"),
        (push({"measurement_id": TID, "pushes": []}), "public"),
    ],
)
def test_a_container_proves_itself_by_the_secret_and_claims_by_the_measurement_id(source, inbound, trust):
    assert source.authenticate(inbound) == trust


@pytest.mark.parametrize(
    "inbound",
    [
        push({}),
        push({}, "api_secret=wrong"),
        push({}, f"tid={TID}&api_secret=wrong"),
        push({}, authorization="Bearer wrong"),
        push({}, authorization="Basic \u00e9"),
        push({}, "tid=G-OTHER"),
        push({"note": TID}),
    ],
)
def test_a_container_with_neither_is_refused(source, inbound):
    with pytest.raises(hub.BadSignature):
        source.authenticate(inbound)


def test_collectors_answer_204_and_a_label_the_hubs_own_json(source):
    for inbound in (hit("v=2"), call({})):
        answer = source.respond(inbound, 1, 0)
        assert (answer.status, answer.body) == (204, b"")
    assert source.respond(push({}), 1, 0) is None


WORDS = st.sampled_from(
    [
        "en",
        "ep",
        "up",
        "v",
        "tid",
        "cid",
        "uid",
        "sid",
        "_p",
        "_s",
        "_et",
        "gcd",
        "gcs",
        "pr1",
        "pr200",
        "ep.a",
        "epn.a",
        "up.a",
        "upn.a",
        "dl",
        "dt",
        "sr",
        "uamb",
        "uap",
        "cu",
    ]
)
VALUES = st.text(max_size=20) | st.sampled_from(["", "2", "NaN", "1e999", "id~~k0~v0x", "\x00", "https://[a"])
QUERIES = st.lists(st.tuples(WORDS | st.text(max_size=5), VALUES), max_size=12).map(urlencode) | st.text(
    max_size=40
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "event",
                    "event_name",
                    "params",
                    "items",
                    "ecommerce",
                    "events",
                    "pushes",
                    "0",
                    "1",
                    "2",
                    "purchase",
                    "checkout",
                    "actionField",
                    "step",
                    "products",
                    "promotions",
                    "impressions",
                    "user_data",
                    "user_properties",
                    "client_id",
                    "consent",
                    "address",
                    "timestamp_micros",
                    "user_location",
                    "device",
                    "gtm.start",
                    "x-ga-gcd",
                    "page_location",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)
BODIES = (
    st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | JSON.map(lambda said: json.dumps(said).encode())
)
PATHS = st.sampled_from(["/g/collect", "/mp/collect", "/debug/mp/collect", "/in/tags"])
METHODS = st.sampled_from(["GET", "POST", "PUT"])


@given(METHODS, PATHS, QUERIES, BODIES)
def test_whatever_comes_is_events_or_a_refusal_and_nothing_else(method, path, query, body):
    source = gtm()
    inbound = hub.Inbound(method, path, {}, query, body, NINE, trust="secret")
    Gtm.key(inbound)
    with suppress(hub.BadSignature):
        source.authenticate(inbound)
    with suppress(hub.BadPayload):
        for said in source.receive(inbound):
            if isinstance(said, hub.Event):
                msgspec.json.encode(said)
            else:
                assert isinstance(said, hub.BadEvent)
    answer = source.respond(inbound, 0, 0)
    assert answer is None or answer.status in (200, 204)


@given(JSON)
def test_every_event_of_a_call_is_answered_for(said):
    body = {"client_id": "1.2", "events": [{"name": "first"}, said, {"name": "last"}]}
    events = received(gtm(), call(body))

    assert len(events) == 3
    assert (events[0].name, events[2].name) == ("first", "last")


def test_no_text_of_an_event_holds_a_nul_character_however_it_was_hidden():
    for query in ("v=2&en=a%00b&ep.x=%00%000%00", "v=2&en=a&ep.x=\0", "v=2&en=a&ep.x=%0%000"):
        [event] = received(gtm(), hit(query, "ep.y=%00&up.z=%00"))
        assert "\0" not in str(msgspec.to_builtins(event))


def test_a_hit_has_a_limit_of_parameters_wherever_they_stand():
    many = "&".join(f"ep.{number}=1" for number in range(2100))
    [in_the_body] = received(gtm(), hit("v=2&en=a", many))
    [in_the_address] = received(gtm(), hit(many[:16_000].replace("=1", "=")))

    assert in_the_body.reason == "a hit has at most 2000 parameters"
    assert isinstance(in_the_address, hub.BadEvent)
    with pytest.raises(hub.BadPayload):
        received(gtm(), hit(f"v=2&en=a&ep.x={'x' * 20_000}"))
