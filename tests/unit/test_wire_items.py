"""A body that holds many events is read so that a bad one costs only itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hub


def inbound(body):
    return hub.Inbound("POST", "/in/x", body=body)


def items(body, key="batch"):
    return list(inbound(body).items(key).items)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"batch":[{"a":1},{"b":2}]}', [{"a": 1}, {"b": 2}]),
        (b'[{"a":1},{"b":2}]', [{"a": 1}, {"b": 2}]),
        (b'{"a":1}', [{"a": 1}]),
        (b'{"batch":[]}', []),
        (b'\xef\xbb\xbf {"batch":[{"a":1}]}', [{"a": 1}]),
        (b'{"batch":[{"a":1},]}', [{"a": 1}]),
        (b'{"batch":[{"a":"x\\u0000y"}]}', [{"a": "xy"}]),
        (b'{"batch":[{"a":"x\\\\u0000y"}]}', [{"a": "x\\u0000y"}]),
    ],
)
def test_all_forms_of_a_body_are_read(body, found):
    assert items(body) == found


def test_what_stands_around_the_items_is_kept():
    assert inbound(b'{"sentAt":"now","batch":[1]}').items().envelope == {"sentAt": "now"}
    assert inbound(b'{"batch":[NaN],"sentAt":"now","x":NaN}').items().envelope == {"sentAt": "now"}


@pytest.mark.parametrize(
    "bad",
    [
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"\x00"}',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":]}',
        b'{"a":"tab\tin text"}',
        b"{" + b'"a":{' * 100_000 + b"}" * 100_001,
        b"nonsense",
    ],
)
def test_a_bad_item_costs_only_itself(bad):
    before, found, after = items(b'{"batch":[{"a":"],{"},' + bad + b',{"b":[{"c":{}}]}]}')

    assert (before, after) == ({"a": "],{"}, {"b": [{"c": {}}]})
    assert isinstance(found, hub.BadEvent)
    assert found.body == bad


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"1",
        b'"x"',
        b"NaN",
        b"{",
        b"[",
        b'{"batch":[{"a":1}',
        b'{"batch":{}}',
        b'{"batch":[1,"x]}',
        b"}{",
    ],
)
def test_a_body_that_is_nothing_is_refused(body):
    with pytest.raises(hub.BadPayload):
        items(body)


@pytest.mark.parametrize(
    "body",
    [
        b'"' * 2_000_000,
        b'["' + b"\\" * 2_000_001,
        b'["' + b'\\"' * 1_000_000,
        b"[" * 2_000_000,
        b"{" * 2_000_000,
        b'{"a":' * 400_000,
        b"[[" + b"," * 2_000_000,
        b"[[" + b"[]," * 600_000,
        b"[[" + b"[[]]," * 400_000,
        b'[[{"a":"' + b'"{"' * 600_000,
        b'{"batch":[' + b'{"a":NaN},' * 200_000,
    ],
)
def test_a_hostile_body_is_refused_in_one_pass(body):
    # One that were looked at again from each of its bytes would take days: this test would not end.
    with pytest.raises(hub.BadPayload):
        items(body)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\a1 batch', max_size=60).map(str.encode))
def test_no_body_does_worse_than_to_be_refused(body):
    try:
        items(body)
    except hub.BadPayload as bad:
        assert bad.reason
