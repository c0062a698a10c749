"""Whatever a sender says: it becomes an event that can be written down, or it is refused with a reason."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

import hub
from hub.schema import event_name, fold, snake, time_of

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.text(st.characters(categories=("Cs", "Cc", "Lu", "Ll", "Nd", "Po")), max_size=8)
    | st.sampled_from(
        ["granted", "2026-11-21T10:00:00Z", "ann@example.com", "+4930123456", 10**400, b"x", object()]
    )
)
names = st.text(max_size=12) | st.sampled_from(
    ["page", "url", "path", "campaign", "device", "location", "latitude", "longitude", "position", "session"]
    + [
        "consent",
        "consent.email",
        "email",
        "phone",
        "traits",
        "userAgent",
        "products",
        "productId",
        "cart_id",
    ]
    + ["categoryPreferences", "channel", "purpose", "state", "type", "id", "name", "sessionId", "model"]
)
anything: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)
objects = st.dictionaries(names, anything, max_size=6) | anything
calls = st.sampled_from(["track", "identify", "page", "screen", "group", "alias"]) | anything
pairs = st.lists(
    st.tuples(st.sampled_from(["user_id", "email", "phone", "device_id", "own"]), anything), max_size=4
)

messages = st.fixed_dictionaries(
    {"type": calls},
    optional={
        "id": anything,
        "name": anything | st.sampled_from(["Product Added", "consent_changed", "Unsubscribed", "purchase"]),
        "occurred_at": anything,
        "sent_at": anything,
        "identifiers": pairs,
        "properties": objects,
        "context": objects,
        "traits": objects,
        "categories": st.just({"Advertising": "marketing"}),
    },
)


def normalised(message):
    try:
        return hub.normalise(**message)
    except hub.BadEvent as bad:
        assert bad.reason
        return None


@given(messages)
@settings(max_examples=400, deadline=None)
def test_a_message_becomes_an_event_that_can_be_written_and_read_or_is_refused(message):
    event = normalised(message)

    if event is not None:
        body = msgspec.json.encode(event)
        assert b"\\u0000" not in body
        assert msgspec.json.encode(msgspec.json.decode(body, type=hub.Event)) == body


@given(messages)
@settings(max_examples=200, deadline=None)
def test_an_event_that_comes_in_again_has_the_same_names_and_keys(message):
    event = normalised(message)

    if event is not None:
        again = hub.normalise(
            type="track",
            name=event.name,
            properties=event.properties,
            identifiers=[(known.kind, known.value) for known in event.identifiers],
        )
        assert again.name == event.name
        assert again.properties == event.properties
        assert set(event.identifiers) <= set(again.identifiers)


@given(st.text())
def test_folding_twice_is_folding_once(name):
    assert fold(fold(name)) == fold(name)
    assert snake(snake(name)) == snake(name)


@given(st.text(min_size=1, max_size=100))
def test_a_name_of_ours_stays_as_it_is(name):
    assert event_name(event_name(name)) == event_name(name)


@given(anything | st.text(alphabet="0123456789-:TZ. +", max_size=30))
def test_a_time_is_an_instant_or_none(sent):
    at = time_of(sent)

    assert at is None or (isinstance(at, int) and abs(at) < 10**18)
