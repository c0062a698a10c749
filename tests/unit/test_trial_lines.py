"""The lines of a file for `hub try`: what cannot be meant is refused, with the line and the reason."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import click
import pytest

from hub.cli.tried_lines import read_lines

AT = "2026-11-20T10:00:00Z"
EVENT = {"id": "e1", "person": "ann", "name": "product_added"}
AGREED = {"channel": "email", "purpose": "marketing", "state": "granted"}


def read(*lines: Any) -> list[Any]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return read_lines(io.BytesIO(text.encode()), Path("events.jsonl"))


@pytest.mark.parametrize(
    "line",
    [
        {"event": EVENT | {"time": "2026-11-20T09:00:00.000Z", "source": "app", "historical": True}},
        {"event": EVENT | {"props": {"value": 3}, "context": {"device": "mobile"}, "time": None}},
        {"event": {"id": "e1", "name": "product_added", "identifiers": {"email": "ann@example.com"}}},
        {"merge": {"from": "phone", "into": "ann"}},
        {"person": "ann", "traits": {"country": "DE"}},
        {"person": "ann", "consent": AGREED | {"time": AT}},
        {"down_until": AT},
    ],
)
def test_every_kind_of_line_is_read(line):
    assert len(read({"at": AT} | line)) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "is no JSON object"),
        ({"at": "soon", "load": "x"}, "'at' must be a time"),
        ({"at": "0001-01-01T00:00:00Z", "event": EVENT}, "'at' must be a time"),
        ({"at": AT}, "says none or several of event, merge"),
        ({"at": AT, "event": EVENT, "merge": {}}, "says none or several of event, merge"),
        ({"at": AT, "event": EVENT, "until": AT}, "unknown key 'until'"),
        (
            {"at": AT, "event": EVENT | {"property": {}}},
            "unknown key 'property'; did you mean 'props'",
        ),
        ({"at": AT, "event": {"person": "ann"}}, "'name' must be a text"),
        ({"at": AT, "event": EVENT | {"person": ""}}, "'person' must be a text"),
        ({"at": AT, "event": {"name": "a"}}, "says neither 'person' nor 'identifiers'"),
        ({"at": AT, "event": {"name": "a", "identifiers": "ann"}}, "'identifiers' must be an object"),
        ({"at": AT, "event": {"name": "a", "identifiers": {"emial": "x"}}}, "did you mean 'email'"),
        ({"at": AT, "event": {"name": "a", "identifiers": {"email": 5}}}, "none that can be used"),
        ({"at": AT, "event": EVENT | {"time": "soon"}}, "'time' must be a time"),
        ({"at": AT, "event": EVENT | {"time": True}}, "'time' must be a time"),
        ({"at": AT, "event": EVENT | {"source": 5}}, "'source' must be a text"),
        ({"at": AT, "event": EVENT | {"historical": "yes"}}, "'historical' must be true or false"),
        ({"at": AT, "event": EVENT | {"props": []}}, "'props' must be an object"),
        ({"at": AT, "merge": {"from": "ann"}}, "'into' must be a text"),
        ({"at": AT, "merge": {"from": "ann", "to": "bob"}}, "merge: unknown key 'to'"),
        ({"at": AT, "traits": {}}, "'person' must be a text"),
        ({"at": AT, "person": "ann", "traits": []}, "'traits' must be an object"),
        ({"at": AT, "person": "ann", "consent": AGREED | {"state": "maybe"}}, "granted or denied"),
        ({"at": AT, "person": "ann", "consent": AGREED | {"time": "soon"}}, "'time' must be a time"),
        ({"at": AT, "load": "nowhere.toml"}, "'load': nowhere.toml: no such file"),
        ({"at": AT, "down_until": "2026-11-20T09:00:00Z"}, "'down_until' is earlier than 'at'"),
    ],
)
def test_what_cannot_be_meant_is_refused(line, reason):
    with pytest.raises(click.UsageError) as refused:
        read("", line)
    assert refused.value.message.startswith("events.jsonl:2: ")
    assert reason in refused.value.message


def test_a_file_from_an_editor_that_marks_its_bytes_is_read():
    assert len(read("\ufeff" + json.dumps({"at": AT, "event": EVENT}) + "\r")) == 1


def test_lines_stand_in_the_order_of_their_times():
    with pytest.raises(click.UsageError, match="'at' is earlier than in the line before"):
        read({"at": AT, "event": EVENT}, {"at": "2026-11-20T09:59:59.999Z", "event": EVENT})
