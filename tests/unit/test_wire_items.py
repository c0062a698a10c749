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


@pytest.mark.parametrize(
    "hidden", [b"\\u\\u00000000", b"\\u0\\u0000000", b"\\u00\\u000000", b"\\u000\\u00000"]
)
def test_a_nul_hidden_in_another_does_not_get_in(hidden):
    [found] = items(b'{"batch":[{"a":"' + hidden + b'"}]}')

    assert isinstance(found, hub.BadEvent)


def test_a_backslash_before_u0000_is_text_and_so_is_what_stands_around_it():
    assert items(rb'[{"a":"\\u0000"},{"a":"x\u0000y"},{"a":"\\\u0000"}]') == [
        {"a": "\\u0000"},
        {"a": "xy"},
        {"a": "\\"},
    ]


LONG = b'{"a":"' + b"x" * 500 + b'"}'


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"batch":[{"a":1},' + LONG + b',{"b":2}],"sentAt":"now"}', [{"a": 1}, None, {"b": 2}]),
        (b'[{"a":1},' + LONG + b"]", [{"a": 1}, None]),
        (b'[{"a":1},' + LONG + b',{"a":NaN},{"b":2}]', [{"a": 1}, None, None, {"b": 2}]),
        (LONG, [None]),
    ],
)
def test_an_item_that_is_much_too_long_for_an_event_is_not_read(body, found):
    read = list(inbound(body).items(max_event=100).items)

    assert [None if isinstance(one, hub.BadEvent) else one for one in read] == found
    [long] = [one for one in read if isinstance(one, hub.BadEvent) and "longer" in one.reason]
    assert (long.reason, long.body) == ("the event is longer than 400 bytes as it was sent", LONG)


@pytest.mark.parametrize("batch", [b'[{"a":1}]', b'[{"a":1},{"a":NaN}]'])
def test_what_stands_around_the_items_is_named_where_it_is_too_long(batch):
    found = inbound(b'{"context":' + LONG + b',"sentAt":"now","batch":' + batch + b"}").items(max_event=100)

    assert (found.envelope, found.too_long) == ({"sentAt": "now"}, {"context"})
    assert next(iter(found.items)) == {"a": 1}


def test_a_long_body_is_read_as_a_short_one_is():
    body = b'{"sentAt":"now","batch":[' + b'{"a":[{}]},' * 99 + b"[1]]}"
    long, short = inbound(body).items(max_event=100), inbound(body).items()

    assert (list(long.items), long.envelope) == (list(short.items), short.envelope)
    with pytest.raises(hub.BadPayload):
        inbound(b'{"batch":{},"context":' + LONG + b"}").items(max_event=100)


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
