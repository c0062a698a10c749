"""CloudEvents in their three forms are events, whatever way they come."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from webhook_source_house import NINE, event, partner, post, reason, told

import hub

ATTRIBUTES = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "https://shop.example/orders",
    "type": "com.example.order.completed",
    "time": "2026-11-21T10:00:00Z",
    "subject": "orders/77",
}
DATA = {"order": {"id": "77"}, "email": "ann@example.com", "id": "data's own", "type": "card"}
STRUCTURED = {**ATTRIBUTES, "data": DATA}
MAPPING = {
    "identifiers": {"email": "email"},
    "properties": {"order_id": "order.id", "kind": "type", "about": "ce.subject", "from": "ce.source"},
}


def binary(body, *, kind="application/json", **changed):
    headers = {f"ce-{name}": value for name, value in (ATTRIBUTES | changed).items() if value is not None}
    return post(body, **headers, **({"content-type": kind} if kind else {}))


def forms():
    structured = post(STRUCTURED, content_type="application/cloudevents+json; charset=utf-8")
    batched = post([STRUCTURED], content_type="application/cloudevents-batch+json")
    return {
        "binary": binary(DATA),
        "binary without a content type": binary(DATA, kind=""),
        "structured": structured,
        "structured as plain JSON": post(STRUCTURED, content_type="application/json"),
        "batched": batched,
    }


@pytest.mark.parametrize("form", forms())
def test_all_forms_are_the_same_event(form):
    one = event(forms()[form], **MAPPING)

    assert one.id == "https://shop.example/orders e-1"
    assert (one.name, one.name_as_sent) == ("com_example_order_completed", "com.example.order.completed")
    assert one.occurred_at == NINE
    assert one.identifiers == (hub.Identifier("email", "ann@example.com"),)
    assert one.properties == {
        "order_id": "77",
        "kind": "card",
        "about": "orders/77",
        "from": "https://shop.example/orders",
    }


@pytest.mark.parametrize("form", forms())
def test_without_a_mapping_the_data_are_the_properties(form):
    assert event(forms()[form]).properties == {
        "order": {"id": "77"},
        **{k: DATA[k] for k in DATA if k != "order"},
    }


def test_the_interfaces_paths_lead_into_the_data_too():
    one = event(
        post(STRUCTURED),
        id="data.id",
        name="type",
        time="timestamp",
        identifiers={"email": "data.email"},
        properties="data",
    )

    assert one.id == "https://shop.example/orders e-1"
    assert (one.name, one.occurred_at) == ("com_example_order_completed", NINE)
    assert one.identifiers == (hub.Identifier("email", "ann@example.com"),)
    assert one.properties["type"] == "card"


def test_types_can_be_given_names_of_ours():
    names = {"com.example.order.completed": "order_completed"}

    assert event(post(STRUCTURED), names=names).name == "order_completed"
    assert event(post(STRUCTURED), name={"word": "order_completed"}).name == "order_completed"


def test_an_id_counts_within_its_source():
    other = {**STRUCTURED, "source": "https://shop.example/refunds"}

    assert event(post(STRUCTURED)).id == event(binary(DATA)).id != event(post(other)).id


@pytest.mark.parametrize("name", ["id", "source", "type"])
@pytest.mark.parametrize("said", [None, ""])
def test_what_lacks_a_required_attribute_is_quarantined(name, said):
    typed = {"content_type": "application/cloudevents+json"}

    assert reason(post({**STRUCTURED, name: said}, **typed)) == f"the CloudEvent has no {name}"
    with pytest.raises(hub.BadEvent, match=f"the CloudEvent has no {name}"):
        told(partner(), binary(DATA, **{name: said}))


def test_one_bad_event_of_a_batch_costs_only_itself():
    batch = [STRUCTURED, {**STRUCTURED, "id": ""}, 5, {**STRUCTURED, "id": "e-2"}]

    events, bad = told(partner(), post(batch, content_type="application/cloudevents-batch+json"))

    assert [one.id.split()[1] for one in events] == ["e-1", "e-2"]
    assert bad == ["the CloudEvent has no id", "the event is no object"]


def test_a_time_that_is_none_is_quarantined():
    bad = post({**STRUCTURED, "time": "noon"})

    assert reason(bad) == "what is at 'ce.time' is no time: write ISO 8601, or seconds since 1970"


def test_headers_are_percent_decoded_unquoted_and_utf_8():
    said = binary(
        {}, subject="caf%C3%A9 %22a%22", source='"quoted \\" source"', type="Grün".encode().decode("latin-1")
    )

    one = event(said, properties={"subject": "ce.subject", "source": "ce.source", "type": "ce.type"})

    assert one.properties == {"subject": 'café "a"', "source": 'quoted " source', "type": "Grün"}


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({"data": [1, 2]}, {"data": [1, 2]}),
        ({"data": "text"}, {"data": "text"}),
        ({"data": None}, {}),
        ({}, {}),
        ({"data_base64": b64encode(b'{"a": 1}').decode()}, {"a": 1}),
        ({"data_base64": b64encode(b"words").decode()}, {"data": "words"}),
        ({"data_base64": b64encode(b"\xff\x00").decode()}, {"data": "/wA="}),
    ],
)
def test_data_of_any_kind_are_kept(data, wanted):
    assert event(post({**ATTRIBUTES, **data})).properties == wanted


def test_data_that_are_said_to_be_json_must_be_json():
    with pytest.raises(hub.BadEvent, match="data is no JSON"):
        told(partner(), binary(b"{", kind="application/json"))
    bad = {**ATTRIBUTES, "data_base64": b64encode(b"{").decode(), "datacontenttype": "text/x+json"}
    assert reason(post(bad)) == "the CloudEvent's data is no JSON"
    assert reason(post({**ATTRIBUTES, "data_base64": "??"})) == "the CloudEvent's data_base64 is no base64"
    assert event(binary(b"<a/>", kind="text/xml")).properties == {"data": "<a/>"}


def test_items_in_the_data_are_events():
    body = {**ATTRIBUTES, "data": {"lines": [{"sku": "A"}, {"sku": "B"}]}}

    events, bad = told(partner(items="lines"), post(body))

    assert bad == []
    assert [one.properties for one in events] == [{"sku": "A"}, {"sku": "B"}]
    assert [one.id.split()[1] for one in events] == ["e-1/1", "e-1/2"]
    assert {one.name for one in events} == {"com_example_order_completed"}


def test_what_the_official_library_sends_says_what_it_meant():
    at = datetime(2026, 11, 21, 10, tzinfo=UTC)
    meant = CloudEvent({**ATTRIBUTES, "time": at, "subject": "Käse & Brot %"}, DATA)
    sent = [
        http.to_binary(meant, JSONFormat()),
        http.to_structured(meant, JSONFormat()),
    ]

    events = [event(post(one.body, **one.headers), properties={"s": "ce.subject"}) for one in sent]

    assert {json.dumps([one.id, one.name, one.occurred_at, one.properties]) for one in events} == {
        json.dumps(
            ["https://shop.example/orders e-1", "com_example_order_completed", NINE, {"s": "Käse & Brot %"}]
        )
    }
