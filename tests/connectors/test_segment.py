"""What the libraries of Segment, RudderStack and Customer.io's CDP send becomes events."""

import hmac
import json
import os
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hub
from connectors.segment import Segment
from connectors.segment.source import Settings

SHARED = os.environ.get("HUB_SHARED")
needs_samples = pytest.mark.skipif(SHARED is None, reason="HUB_SHARED names no folder of samples")
NINE = 1_795_255_200_000_000
SECRET = "sharedsecretvalue"


@pytest.fixture
def source():
    settings = Settings(public_keys=["pk_shop"], secret_keys=["sk_server"], secret=SECRET)
    source = Segment(settings, "site")
    source.public_url = "https://hub.example.com"
    source.categories = {"Advertising": "marketing"}
    return source


def post(path, body, *, trust="public", headers=None, query=""):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return hub.Inbound("POST", path, headers or {}, query, body, NINE, trust=trust)


def get(path, query="", headers=None, key=None):
    return hub.Inbound("GET", path, headers or {}, query, key=key)


def basic(key):
    return {"authorization": "Basic " + b64encode(f"{key}:".encode()).decode()}


def received(source, inbound):
    return list(source.receive(inbound))


def one(source, path, body, **said):
    [event] = received(source, post(path, body, **said))
    return event


def ids(event):
    return [str(identifier) for identifier in event.identifiers]


TRACK = {
    "type": "track",
    "event": "Product Added",
    "userId": "u1",
    "anonymousId": "a1",
    "messageId": "m1",
    "timestamp": "2026-11-21T10:00:00.000Z",
    "properties": {"productId": "p1"},
}


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch", "/in/site"])
def test_a_batch_is_taken_at_every_address_of_batches(source, path):
    body = {
        "batch": [TRACK, TRACK | {"messageId": "m2"}],
        "sentAt": "2026-11-21T10:00:01Z",
        "writeKey": "pk_shop",
    }
    first, second = received(source, post(path, body))

    assert (first.id, second.id) == ("m1", "m2")
    assert first.name == "product_added"
    assert first.name_as_sent == "Product Added"
    assert first.properties == {"product_id": "p1"}
    assert (first.occurred_at, first.sent_at) == (NINE, NINE + 1_000_000)
    assert ids(first) == ["user_id:u1", "anonymous_id:a1"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        *((f"/v1/{path}", "product_added") for path in ("track", "t", "track/")),
        *((f"/v1/{path}", "traits_updated") for path in ("identify", "i")),
        *((f"/v1/{path}", "page_viewed") for path in ("page", "p")),
        *((f"/v1/{path}", "screen_viewed") for path in ("screen", "s")),
        *((f"/v1/{path}", "group_joined") for path in ("group", "g")),
        *((f"/v1/{path}", "aliased") for path in ("alias", "a")),
    ],
)
def test_a_single_message_is_the_call_that_its_address_names(source, path, name):
    body = {key: value for key, value in TRACK.items() if key != "type"}

    assert one(source, path, body).name == name


@pytest.mark.parametrize(
    "inbound",
    [
        post("/v1/batch", {"batch": []}, headers=basic("k1")),
        post("/v1/batch", {"batch": [], "writeKey": "other"}, headers=basic("k1"), query="writeKey=third"),
        post("/v1/batch", {"batch": []}, headers={"authorization": "bearer k1"}),
        post("/v1/t", {"properties": {}, "writeKey": "k1"}, query="writeKey=other"),
        post("/v1/t", {"properties": {"writeKey": "x"}, "writeKey": "k1"}),
        post("/v1/t", b'{"event":NaN, "writeKey" : "k1"}'),
        post("/v1/b", b'{"writeKey":"k1","batch":[{"v":NaN,"properties":{"writeKey":"x"}}]}'),
        post("/beacon/v1/batch", {"batch": []}, query="writeKey=k1"),
        post("/beacon/v1/batch", {"batch": [{"properties": {"writeKey": "x"}}]}, query="writeKey=k1"),
        get("/v1/projects/k1/settings"),
        get("/sourceConfig/", "writeKey=k1&p=npm"),
        get("/sourceConfig/", headers=basic("k1")),
        get("/v1/pixel/track", "writeKey=k1&event=a"),
        get("/v1/pixel/track", "data=" + b64encode(b'{"writeKey":"k1"}').decode()),
    ],
)
def test_the_key_is_found_wherever_a_library_puts_it(inbound):
    assert Segment.key(inbound) == "k1"


@pytest.mark.parametrize(
    "inbound",
    [
        post("/v1/batch", b""),
        post("/v1/batch", b"{}"),
        post("/v1/batch", {"writeKey": 7}),
        post("/v1/batch", {"writeKey": None}),
        post("/v1/batch", b"{}", headers={"authorization": "Basic ????"}),
        post("/v1/batch", b"{}", headers={"authorization": "Basic /////w=="}),
        post("/v1/batch", b"{}", headers={"authorization": "\u00e9"}),
        get("/v1/pixel/track", "data=%ff"),
        get("/v1/pixel/track", "data=" + b64encode(b"[1]").decode()),
        get("/v1/other"),
    ],
)
def test_where_there_is_no_key_there_is_none(inbound):
    assert Segment.key(inbound) is None


def test_keys_have_their_kind_and_the_lower_one_counts():
    settings = Settings(public_keys=["a", "b"], secret_keys=["b", "c"])

    assert Segment(settings).keys() == {"a": "public", "b": "public", "c": "secret"}
    assert "'c'" not in repr(settings)


def test_what_is_said_of_the_batch_counts_for_its_messages(source):
    body = {
        "batch": [
            {"type": "track", "event": "A", "context": {"ip": "1.2.3.4"}},
            {
                "type": "track",
                "event": "B",
                "integrations": {"All": True},
                "timestamp": "2026-11-21T11:00:00Z",
            },
            {"type": "track", "event": "C", "sentAt": "2026-11-21T12:00:00Z"},
        ],
        "context": {"ip": "9.9.9.9", "locale": "de"},
        "integrations": {"All": False},
        "timestamp": "2026-11-21T10:00:00Z",
    }
    a, b, c = received(source, post("/v1/batch", body))

    assert a.context == {"ip": "1.2.3.4", "locale": "de"}
    assert a.sent_context == {"ip": "1.2.3.4", "locale": "de", "integrations": {"All": False}}
    assert b.sent_context["integrations"] == {"All": True}
    assert (a.occurred_at, b.occurred_at) == (NINE, NINE + 3_600_000_000)
    assert (a.sent_at, c.sent_at) == (None, NINE + 7_200_000_000)


def test_rudderstacks_browser_says_some_things_in_headers(source):
    headers = {"sentat": "2026-11-21T10:00:02.000Z", "anonymousid": b64encode(b"anon-7").decode()}
    body = {"event": "A", "originalTimestamp": "2026-11-21T10:00:00Z", "timestamp": "2026-11-21T09:00:00Z"}
    event = one(source, "/v1/track", body, headers=headers)

    assert ids(event) == ["anonymous_id:anon-7"]
    assert (event.occurred_at, event.sent_at) == (NINE, NINE + 2_000_000)


@pytest.mark.parametrize(
    ("message", "traits"),
    [
        ({"traits": {"plan": "pro"}}, {"plan": "pro"}),
        ({"context": {"traits": {"plan": "pro"}}}, {"plan": "pro"}),
        (
            {"traits": {"plan": "pro"}, "context": {"traits": {"plan": "old", "age": 7}}},
            {"plan": "pro", "age": 7},
        ),
    ],
)
def test_traits_of_an_identify_call_are_read_in_both_places(source, message, traits):
    assert one(source, "/v1/identify", message).traits == traits


def test_traits_that_a_track_call_repeats_update_nothing_but_name_the_person(source):
    event = one(
        source, "/v1/track", {"event": "A", "context": {"traits": {"plan": "pro", "email": "A@b.de"}}}
    )

    assert event.traits == {}
    assert ids(event) == ["email:a@b.de"]


def test_an_alias_names_both_ids(source):
    event = one(source, "/v1/alias", {"userId": "u1", "previousId": "jen@example.com", "anonymousId": "a1"})

    assert ids(event) == [
        "user_id:u1",
        "anonymous_id:a1",
        "anonymous_id:jen@example.com",
        "email:jen@example.com",
    ]
    assert event.properties == {"previous_id": "jen@example.com"}


def test_a_page_a_screen_and_a_group_keep_what_stands_beside_their_properties(source):
    page = one(source, "/v1/page", {"name": "Home", "category": "Docs", "properties": {"name": "Start"}})
    group = one(source, "/v1/group", {"groupId": "g1", "traits": {"name": "Acme"}})

    assert page.properties == {"category": "Docs", "name": "Start"}
    assert group.properties == {"group_id": "g1", "traits": {"name": "Acme"}}
    assert group.traits == {}


@pytest.mark.parametrize("sent", [7, "7", 7.0])
def test_numbers_name_people_and_messages(source, sent):
    event = one(source, "/v1/track", {"event": "A", "userId": sent, "messageId": sent})

    assert (ids(event), event.id) == (["user_id:7"], "7")


@pytest.mark.parametrize("sent", [None, "", {}, [], True])
def test_an_id_that_is_none_is_left_out(source, sent):
    event = one(source, "/v1/track", {"event": "A", "userId": sent, "anonymousId": sent, "messageId": sent})

    assert (ids(event), event.id) == ([], "")


@pytest.mark.parametrize(("trust", "historical"), [("public", False), ("secret", True)])
def test_only_a_secret_key_can_say_that_an_event_is_historical(source, trust, historical):
    assert one(source, "/v1/track", TRACK | {"historical": True}, trust=trust).historical is historical


def test_a_consent_banners_categories_are_read(source):
    context = {"consent": {"categoryPreferences": {"Advertising": False}}}

    assert one(source, "/v1/track", TRACK | {"context": context}).consent == (
        hub.Consent("*", "marketing", "denied"),
    )


@pytest.mark.parametrize(
    "bad",
    [
        b'{"type":"track","event":NaN}',
        b'{"type":"track","event":"\\ud800"}',
        b'{"type":"track","event":"A","properties":[1]}',
        b'{"type":"track","event":"A","context":"x"}',
        b'{"type":"delete","userId":"u1"}',
        b'{"type":["track"],"event":"A"}',
        b'{"type":"track"}',
        b'{"userId":"u1"}',
        b"null",
        b"7",
        b'"track"',
        b"[]",
        b'{"type":"track","event":"A","properties":' + b'{"a":' * 70 + b"1" + b"}" * 71,
        b'{"type":"track","event":"A","properties":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"type":"track","event":"A","properties":{"a":' + b"9" * 5000 + b"}}",
        b'{"type":"track","event":"' + b"A" * 1000 + b'"}',
    ],
)
def test_a_bad_message_costs_nobody_but_itself(source, bad):
    good = json.dumps(TRACK).encode()
    first, found, last = received(
        source, post("/v1/batch", b'{"batch":[' + good + b"," + bad + b"," + good + b"]}")
    )

    assert isinstance(found, hub.BadEvent)
    assert found.body
    assert first == last
    assert first.name == "product_added"


def test_a_type_that_is_missing_is_known_by_the_event(source):
    [event] = received(source, post("/v1/batch", {"batch": [{"event": "A"}]}))

    assert event.type == "track"


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[1]", b'"x"', b"NaN", b'{"event":NaN}'])
def test_a_single_message_that_is_no_json_object_is_refused(source, body):
    with pytest.raises(hub.BadPayload):
        received(source, post("/v1/track", body))


def test_nul_characters_do_not_get_in(source):
    event = one(
        source, "/v1/track", b'{"event":"A\\u0000","userId":"u\\u00001","properties":{"a":"\\u0000"}}'
    )

    assert (event.name, ids(event), event.properties) == ("a", ["user_id:u1"], {"a": ""})


def test_a_librarys_metrics_are_taken_and_dropped(source):
    inbound = post("/v1/m", {"series": []})

    assert received(source, inbound) == []
    assert source.respond(inbound, 0, 0) is None
    assert {Segment.refuse(inbound, status, "no key").status for status in (401, 429)} == {200}


def test_the_settings_send_the_browser_back_to_us_with_its_key(source):
    answer = source.respond(get("/v1/projects/pk_shop/settings", key="pk_shop"), 0, 0)

    assert answer.status == 200
    assert answer.json() == {
        "integrations": {
            "Segment.io": {"apiKey": "pk_shop", "apiHost": "hub.example.com/v1", "protocol": "https"}
        }
    }


def test_customer_ios_library_hears_the_name_it_knows():
    source = Segment(Settings(public_keys=["pk"], library="customerio"))
    answer = source.respond(
        get("/v1/projects/pk/settings", headers={"host": "127.0.0.1:8080"}, key="pk"), 0, 0
    )

    [(name, said)] = answer.json()["integrations"].items()
    assert name == "Customer.io Data Pipelines"
    assert (said["apiHost"], said["protocol"]) == ("127.0.0.1:8080/v1", "http")


def test_unknown_settings_are_not_there():
    assert Segment.refuse(get("/v1/projects/nobody/settings"), 401, "unknown key").status == 404
    assert Segment.refuse(get("/v1/projects/nobody/settings"), 503, "busy") is None
    assert Segment.refuse(post("/v1/batch", b""), 401, "unknown key") is None


def test_rudderstacks_browser_gets_a_source_that_is_enabled(source):
    said = source.respond(get("/sourceConfig/", key="pk_shop"), 0, 0).json()["source"]

    assert said["enabled"] is True
    assert said["config"] == {}
    assert said["destinations"] == []


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/projects/x", "/v1/a/b/c/d", "/v1/", "/beacon/v1/x"])
def test_an_address_that_is_none_is_answered_so(source, path):
    assert received(source, post(path, TRACK)) == []
    assert source.respond(post(path, TRACK), 0, 0).status == 404
    assert source.respond(get("/v1/track"), 0, 0).status == 404


@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("padding", ["", "="])
def test_a_pixel_brings_an_event_in_base64(source, encode, padding):
    body = json.dumps({"event": "A>?~~", "userId": "u?>1", "context": {"locale": "de"}}).encode()
    data = encode(body).decode().rstrip("=") + (padding if len(body) % 3 else "")
    [event] = received(
        source, get("/v1/pixel/track", f"data={data}", headers={"user-agent": "iPhone Mobile"})
    )

    assert event.name_as_sent == "A>?~~"
    assert event.context == {"user_agent": "iPhone Mobile", "locale": "de", "device": "mobile"}


def test_a_pixel_brings_an_event_in_plain_parameters(source):
    query = "userId=u1&properties.url=https%3A%2F%2Fx.example%2Fa&properties.a.b=1&name=Home&writeKey=k"
    [event] = received(source, get("/v1/pixel/page", query))

    assert event.name == "page_viewed"
    assert event.properties == {"url": "https://x.example/a", "a": {"b": "1"}, "name": "Home"}
    assert ids(event) == ["user_id:u1"]


@pytest.mark.parametrize(
    "query", ["", "data=", "data=%%%", "data=bnVsbA", "data=e30", "a=1&a.b=2", "event=", "data=" + "e" * 9000]
)
def test_a_pixel_always_gets_its_picture(source, query):
    inbound = get("/v1/pixel/track", query)
    found = received(source, inbound)

    assert all(isinstance(event, hub.BadEvent) for event in found)
    for answer in (source.respond(inbound, 0, len(found)), Segment.refuse(inbound, 503, "busy")):
        assert answer.status == 200
        assert answer.header("content-type") == "image/gif"
        assert answer.body.startswith(b"GIF89a")


def signed(body, secret=SECRET):
    return {"x-signature": hmac.new(secret.encode(), body, "sha1").hexdigest()}


def test_a_webhook_of_segment_is_proven_by_its_signature(source):
    body = json.dumps(TRACK | {"historical": True}).encode()
    inbound = post("/in/site", body, headers=signed(body), trust="secret")

    assert source.authenticate(inbound) == "secret"
    [event] = received(source, inbound)
    assert (event.trust, event.historical, event.id) == ("secret", True, "m1")


def test_of_several_signed_events_only_the_first_is_proven(source):
    first, second = (
        json.dumps(TRACK | {"messageId": key, "historical": True}).encode() for key in ("m1", "m2")
    )
    inbound = post("/in/site", b"[ " + first + b" ,\n" + second + b"]", headers=signed(first), trust="secret")

    assert source.authenticate(inbound) == "secret"
    assert [(event.id, event.trust, event.historical) for event in received(source, inbound)] == [
        ("m1", "secret", True),
        ("m2", "public", False),
    ]


@pytest.mark.parametrize("bad", [b'{"v": NaN}', b'{"v": "\\ud800"}', b'{"v": [1,]}', b'{"v": 1e999}'])
def test_a_bad_event_behind_the_signed_one_costs_only_itself(source, bad):
    first, third = (json.dumps(TRACK | {"messageId": key}).encode() for key in ("m1", "m3"))
    body = b"[" + first + b"," + bad + b"," + third + b"]"
    inbound = post("/in/site", body, headers=signed(first), trust="secret")

    assert source.authenticate(inbound) == "secret"
    one, other, three = received(source, inbound)
    assert (one.id, other.body, three.id) == ("m1", bad, "m3")


def test_what_segment_forwards_has_its_time_corrected_already(source):
    message = TRACK | {"originalTimestamp": "2026-11-21T09:00:00Z", "sentAt": "2026-11-21T09:00:01Z"}
    body = json.dumps(message).encode()
    [event] = received(source, post("/in/site", body, headers=signed(body), trust="secret"))

    assert (event.occurred_at, event.sent_at) == (NINE, None)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{}", {"x-signature": ""}),
        (b"{}", {"x-signature": "0" * 40}),
        (b"{}", {"x-signature": "é" * 40}),
        (b"{}", signed(b"{ }")),
        (b"{}", signed(b"{}", "wrong")),
        (b"[{},{}]", signed(b"[{},{}]")),
        (b"[]", signed(b"")),
        (b"[NaN]", signed(b"[NaN]")),
        (b"{}", {}),
        (b'{"writeKey":"nobody"}', {}),
        (b"{}", basic("nobody")),
    ],
)
def test_an_unproven_request_at_our_label_is_refused(source, body, headers):
    with pytest.raises(hub.BadSignature):
        source.authenticate(post("/in/site", body, headers=headers))


def test_a_write_key_is_as_good_at_our_label(source):
    assert source.authenticate(post("/in/site", b"{}", headers=basic("sk_server"))) == "secret"
    assert source.authenticate(post("/in/site", {"writeKey": "pk_shop"})) == "public"


@needs_samples
def test_the_signature_vectors_fit():
    vectors = json.loads((Path(SHARED) / "samples" / "signatures.json").read_text())
    [vector] = [vector for vector in vectors if vector["scheme"] == "segment-webhook"]
    source = Segment(Settings(secret=vector["key"]))
    headers = {vector["header"].lower(): vector["expected"]}

    assert source.authenticate(post("/in/x", vector["input"]["body"].encode(), headers=headers)) == "secret"


def sample_messages():
    if SHARED is None:
        return
    for place in sorted((Path(SHARED) / "samples" / "segment").glob("*.json")):
        said = json.loads(place.read_text())
        if isinstance(said, list):
            for number, sample in enumerate(said):
                if not sample.get("lenient"):
                    yield pytest.param(sample["body"], id=f"{place.stem}-{number}")


@needs_samples
@pytest.mark.parametrize("body", list(sample_messages()))
def test_every_sample_message_becomes_an_event(source, body):
    if "type" not in body and "batch" not in body:
        body = body | {"type": "track" if "event" in body else "identify"}
    if body.get("type") == "delete":
        pytest.skip("an erasure is no event")
    found = received(source, post("/v1/batch", body if "batch" in body else {"batch": [body]}))

    assert found
    assert all(isinstance(event, hub.Event) for event in found)


@needs_samples
@pytest.mark.parametrize("name", ["sdk-node-requests", "sdk-python-requests"])
def test_captured_requests_of_the_libraries_are_taken_whole(source, name):
    requests = json.loads((Path(SHARED) / "samples" / "segment" / f"{name}.json").read_text())["requests"]
    for request in requests:
        headers = {key.lower(): value for key, value in request["headers"].items()}
        inbound = post("/v1/batch", request["body"], headers=headers)

        assert Segment.key(inbound) == "WRITE_KEY"
        assert [event.id for event in received(source, inbound)] == [
            message["messageId"] for message in request["body"]["batch"]
        ]


HOSTILE = st.binary(max_size=80) | st.text(alphabet='{}[]",:\\abceuhtypnvI0 ', max_size=80).map(
    lambda text: ('{"batch":[{"type":"track","event":"A"},' + text).encode()
)


@given(
    HOSTILE, st.sampled_from(["/v1/batch", "/v1/track", "/in/site", "/v1/pixel/track", "/sourceConfig/", "/"])
)
def test_no_request_does_worse_than_to_be_refused(body, path):
    source = Segment(Settings(public_keys=["pk"], secret=SECRET))
    for inbound in (post(path, body), get(path, body.decode("latin-1"))):
        try:
            Segment.key(inbound)
            for event in source.receive(inbound):
                assert isinstance(event, hub.BadEvent) or msgspec.json.encode(event)
        except hub.BadPayload as bad:
            assert bad.reason
        source.respond(inbound, 0, 0)
        Segment.refuse(inbound, 400, "bad")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    [
        "type",
        "event",
        "name",
        "category",
        "messageId",
        "userId",
        "anonymousId",
        "groupId",
        "previousId",
        "traits",
    ]
    + [
        "timestamp",
        "originalTimestamp",
        "sentAt",
        "properties",
        "context",
        "integrations",
        "historical",
        "batch",
    ]
)


@given(st.lists(st.dictionaries(fields, values), max_size=4), st.dictionaries(fields, values))
def test_every_message_of_a_batch_is_an_event_or_a_bad_one(messages, around):
    source = Segment(Settings(public_keys=["pk"]))
    found = received(source, post("/v1/batch", around | {"batch": messages}))

    assert len(found) == len(messages)
    assert all(isinstance(event, hub.Event | hub.BadEvent) for event in found)
