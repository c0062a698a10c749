"""Any sender's JSON becomes events by a mapping: what is where, and what becomes of it when it is not."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from webhook_source_house import NINE, ORDER, PARTNER, event, partner, post, reason, told

import hub
from connectors.webhook.paths import find, path, steps

# The mapping.


def test_the_interfaces_example_reads_an_order():
    order = event(ORDER, **PARTNER)

    assert (order.id, order.type, order.name, order.name_as_sent) == (
        "o-1",
        "track",
        "order_completed",
        "order.completed",
    )
    assert order.occurred_at == NINE - 60_000_000
    assert order.identifiers == (hub.Identifier("email", "ann@example.com"),)
    assert order.properties == {"id": "o-1", "email": "Ann@Example.com", "order_id": "77", "revenue": 12.5}


def test_without_a_mapping_the_type_is_the_name_and_the_body_are_the_properties():
    order = event({"type": "Order Completed", "timestamp": "2026-11-21T09:59:00Z", "order_id": "1"})

    assert (order.name, order.occurred_at) == ("order_completed", NINE - 60_000_000)
    assert order.properties["order_id"] == "1"


def test_a_word_names_every_event():
    assert event({"order": 1}, name={"word": "order_completed"}).name == "order_completed"
    assert reason({"order": 1}, name="kind.of") == "there is no event name at 'kind.of'"


@pytest.mark.parametrize("said", [None, "", "  ", True, [], {"a": 1}, 1.5])
def test_what_is_no_name_is_quarantined(said):
    assert reason({"type": said}) == "there is no event name at 'type'"


def test_the_senders_names_become_ours_and_are_kept():
    order = event(
        {"type": "checkout.session.completed"}, names={"checkout.session.completed": "order_completed"}
    )

    assert (order.name, order.name_as_sent) == ("order_completed", "checkout.session.completed")


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-21T10:00:00Z",
        "2026-11-21T11:00:00.000+01:00",
        NINE // 1_000_000,
        NINE // 1000,
        NINE,
        str(NINE // 1000),
        NINE / 1_000_000,
    ],
)
def test_times_are_text_or_seconds_or_their_fractions(written):
    assert event({"type": "x", "at": written}, time="at").occurred_at == NINE


def test_a_time_that_cannot_be_read_is_quarantined_where_the_settings_name_it():
    assert reason({"type": "x", "at": "yesterday"}, time="at") == (
        "what is at 'at' is no time: write ISO 8601, or seconds since 1970"
    )
    assert event({"type": "x"}, time="at").occurred_at is None
    assert event({"type": "x", "timestamp": "yesterday"}).occurred_at is None


def test_a_table_picks_and_renames():
    body = {"type": "x", "o": {"no": 7, "lines": [{"sku": "A"}, {"sku": "B"}]}, "ip": "192.0.2.9"}
    picked = {"order_id": "o.no", "first": "o.lines.0.sku", "last": "o.lines.-1.sku", "none": "o.gone"}

    one = event(body, properties=picked, context={"ip": "ip"})

    assert one.properties == {"order_id": 7, "first": "A", "last": "B"}
    assert one.context == {"ip": "192.0.2.9"}


def test_traits_are_said_of_the_person():
    body = {"kind": "IDENTIFY", "who": {"plan": "pro", "email": "ann@example.com"}, "uid": 5}

    one = event(body, type="kind", traits="who", identifiers={"user_id": "uid"})

    assert (one.type, one.name) == ("identify", "traits_updated")
    assert one.traits == {"plan": "pro", "email": "ann@example.com"}
    assert one.identifiers == (
        hub.Identifier("user_id", "5"),
        hub.Identifier("email", "ann@example.com"),
    )
    assert one.properties == {}


def test_the_type_is_a_path_or_a_word_and_track_where_nothing_is_said():
    assert event({"name": "Home"}, type={"word": "page"}, name="name").name == "page_viewed"
    assert event({"type": "x"}, type="call").type == "track"
    assert "none of the calls" in reason({"call": "dance"}, type="call", name={"word": "x"})
    assert reason({"call": 5}, type="call") == "what is at 'call' is no type of an event"
    with pytest.raises(ValueError, match="type: the word is one of track, identify"):
        partner(type={"word": "identfy"})


@pytest.mark.parametrize("said", [{"id": 1}, [1], True])
def test_a_path_that_stops_short_of_the_identifier_is_told(said):
    assert reason({"type": "x", "customer": said}, identifiers={"user_id": "customer"}) == (
        "user_id: what is at 'customer' is neither text nor a number"
    )


@pytest.mark.parametrize("what", ["properties", "traits", "context"])
def test_objects_must_be_objects(what):
    assert reason({"type": "x", "data": [1]}, **{what: "data"}) == f"{what}: what is at 'data' is no object"
    assert event({"type": "x"}, **{what: "data"}).properties is not None


def test_headers_and_parameters_can_be_reached_but_no_credentials():
    said = post({"action": "opened"}, query="shop=acme", X_GitHub_Event="issues", authorization="Bearer s")

    one = event(
        said,
        name="header.X-GitHub-Event",
        properties={"shop": "query.shop", "secret": "header.authorization", "what": "action"},
    )

    assert (one.name, one.properties) == ("issues", {"shop": "acme", "what": "opened"})


# Many events in one request.


def test_items_are_events_and_know_what_stands_around_them():
    body = {"account": "acme", "at": NINE // 1000, "events": [{"type": "a"}, {"type": "b", "account": "b2"}]}

    events, bad = told(partner(items="events", time="at", properties={"account": "account"}), post(body))

    assert [(one.name, one.properties["account"]) for one in events] == [("a", "acme"), ("b", "b2")]
    assert {one.occurred_at for one in events} == {NINE}
    assert len({one.id for one in events}) == 2
    assert bad == []


def test_a_list_needs_no_path():
    events, bad = told(partner(), post([{"type": "a"}, 3, {"type": "b"}, {"type": None}]))

    assert [one.name for one in events] == ["a", "b"]
    assert bad == ["the event is no object", "there is no event name at 'type'"]


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({}, b'[{"type": "a"}, {"type": "x", "n": NaN}, {"type": "b"}]'),
        ({"items": "events"}, b'{"events": [{"type": "a"}, {"n": 1e999}, {"type": "b"}], "account": 1}'),
        ({"items": "events"}, b'[{"events": [{"type": "a"}]}, {"n": NaN}, {"events": [{"type": "b"}]}]'),
    ],
)
def test_one_unreadable_item_costs_only_itself(options, body):
    source = partner(**options)

    events, bad = told(source, post(body))

    assert [one.name for one in events] == ["a", "b"]
    assert len(bad) == 1
    assert [one.id for one in told(source, post(body))[0]] == [one.id for one in events]


def test_a_bad_item_is_kept_by_itself():
    [bad] = [
        one
        for one in partner(items="events").receive(post({"events": [{"type": "a"}, {"n": 1}]}))
        if isinstance(one, hub.BadEvent)
    ]

    assert json.loads(bad.body) == {"n": 1}


def test_a_body_without_the_list_is_quarantined():
    assert reason({"ping": 1}, items="data.events") == "there is no list of events at 'data.events'"
    assert told(partner(items="events"), post({"events": []})) == ([], [])


@pytest.mark.parametrize("body", [b"", b"3", b'"x"', b"null", b"<xml/>", b'{"a": 1'])
def test_what_holds_no_object_is_refused(body):
    with pytest.raises(hub.BadPayload):
        told(partner(), post(body))


def test_other_methods_bring_nothing():
    assert told(partner(), post(ORDER, method="GET")) == ([], [])
    assert len(told(partner(), post(ORDER, method="PUT"))[0]) == 1


# Whose id.


def test_the_id_of_the_settings_comes_first_then_the_senders_header_then_the_bodys_hash():
    assert event(post(ORDER, webhook_id="msg_1"), **PARTNER).id == "o-1"
    assert event(post(ORDER, webhook_id="msg_1")).id == "msg_1"
    assert event(post(ORDER, svix_id="msg_2")).id == "msg_2"
    assert event(ORDER).id == event(ORDER).id != event({**ORDER, "n": 1}).id


@pytest.mark.parametrize("said", [None, "", " ", True, {}, []])
def test_an_id_that_is_none_is_derived(said):
    body = {"type": "x", "id": said}

    assert event(body, id="id").id == event(body, id="id").id == event(body).id != ""


def test_ids_of_many_in_one_request_are_kept_apart_and_stay():
    body = {"events": [{"type": "a"}, {"type": "a"}]}

    first, second = (told(partner(items="events"), post(body, webhook_id="msg_1"))[0] for _ in range(2))

    assert [one.id for one in first] == [one.id for one in second] == ["msg_1/1", "msg_1/2"]


# Paths.


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ()),
        ("data", ("data",)),
        ("data.items.0.id", ("data", "items", "0", "id")),
        ("items[0].id", ("items", "0", "id")),
        ('data["a.b"].c', ("data", "a.b", "c")),
        ("data['a.b']", ("data", "a.b")),
        (r"data.a\.b", ("data", "a.b")),
        (r'["say \"x\""]', ('say "x"',)),
        ("zwölf.schöne", ("zwölf", "schöne")),
    ],
)
def test_paths_are_written_with_dots_brackets_and_backslashes(text, wanted):
    assert steps(text) == wanted


@pytest.mark.parametrize("text", [".", "a.", ".a", "a..b", "a[", "a[x]", 'a["b]', "a]", "a[0]b"])
def test_a_path_that_is_none_is_refused_at_the_start(text):
    with pytest.raises(ValueError, match="a path is written"):
        partner(id=text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=4)
            | st.sampled_from(["data", "type", "id", "0", "specversion", "source", "data_base64", "time"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.lists(st.text(max_size=3) | st.sampled_from(["data", "0", "-1", "9" * 9]), max_size=4))
def test_looking_up_a_path_never_fails(there, walked):
    find(there, tuple(walked))


@given(st.text(max_size=12))
def test_a_path_is_read_or_refused(text):
    with suppress(ValueError):
        path(text)


MAPPINGS = st.sampled_from(
    [
        {},
        PARTNER,
        {"items": "data"},
        {"type": "type", "name": "data.0", "traits": "data", "context": "data", "time": "time"},
        {"id": "id", "properties": {"a": "data.0", "h": "header.x-odd"}, "identifiers": {"phone": "type"}},
    ]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["content-type", "ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time", "webhook-id", "x-odd"]
    ),
    st.sampled_from(["1.0", "application/cloudevents+json", "application/json", "", '"', "%ff%00", "ä", "\\"])
    | st.text(st.characters(max_codepoint=255), max_size=8),
)


@settings(deadline=None)
@given(JSON.map(lambda one: json.dumps(one).encode()) | st.binary(max_size=40), HEADERS, MAPPINGS)
def test_whatever_is_sent_becomes_events_or_a_refusal(body, headers, mapping):
    inbound = hub.Inbound("POST", "/in/partner", headers, "a=%00&b", body, NINE)
    source = partner(**mapping)

    try:
        heard = list(source.receive(inbound))
    except (hub.BadPayload, hub.BadEvent):
        return
    assert all(isinstance(one, hub.BadEvent) or one.id and one.name for one in heard)
