"""Bodies of one's own: what a template in the block makes of a delivery, for any receiver there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.webhook.sink import Webhook
from hub.config import read
from hub.connector import Delivery, Limits
from hub.errors import ConfigRefused, GiveUp
from hub.event import Event, Identifier, Message
from hub.liquid import Template
from hub.plugins import discover
from hub.wire import Request

NOW = 1_700_000_123_456_789
EVENT = Event(
    id="m-1",
    type="track",
    name="order_completed",
    source="site",
    identifiers=(Identifier("user_id", "u1"),),
    occurred_at=1_700_000_000_250_000,
    properties={"revenue": 12.5, "name": "Shoe", "products": [{"sku": "a"}, {"sku": "b"}]},
    context={"page": "/thanks"},
)
MESSAGE = Message(
    id="c0ffee",
    rule="cart",
    channel="push",
    purpose="marketing",
    template="cart",
    words={"body": 'Ann, your "cart"\nis waiting'},
    variables={"first_name": "Ann"},
    created_at=NOW,
    expires_at=NOW,
)


def delivery(n: int = 1, *, event: Event = EVENT, message: Message | None = None, **traits: Any) -> Delivery:
    return Delivery(f"{n:032x}", event, "00000000000000aa", (), traits or {"plan": "pro"}, 1, message)


def spoken(body: str, deliveries: list[Delivery], *, batch: int = 1, **settings: Any) -> tuple[Any, Any]:
    """The signed request that the deliveries cause, or None, and the verdicts."""
    sink = Webhook(Webhook.Settings(url="https://h.example", body=body, **settings), "push")
    sink.allowed = {"send": Limits(batch=batch)}
    talk = sink.send(deliveries)
    try:
        request = next(talk)
        assert isinstance(request, Request)
        talk.send(None)
    except StopIteration as end:
        if "request" not in locals():
            return None, end.value
        return sink.sign(request, NOW), end.value
    raise AssertionError("one request, no more")


def test_a_body_says_what_the_template_says_of_person_event_and_message():
    request, verdicts = spoken(
        '{"userId": "{{ person.user_id }}", "message": "{{ message.body }}", "plan": "{{ person.plan }}", '
        '"for": "{{ message.first_name }}", "id": "{{ delivery.id }}"}',
        [delivery(message=MESSAGE)],
    )

    assert json.loads(request.content) == {
        "userId": "u1",
        "message": 'Ann, your "cart"\nis waiting',
        "plan": "pro",
        "for": "Ann",
        "id": f"{1:032x}",
    }
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == f"{1:032x}"
    assert verdicts == {}


def test_an_events_own_words_and_its_properties_are_both_there():
    request, _ = spoken(
        '{"name": "{{ event.name }}", "title": "{{ event.properties.name }}", "sum": {{ event.revenue }}, '
        '"page": "{{ event.context.page }}", "at": "{{ event.time }}", '
        '"skus": {{ event.products | map: "sku" | json }}, "message": {{ message | json }}}',
        [delivery()],
    )

    assert json.loads(request.content) == {
        "name": "order_completed",
        "title": "Shoe",
        "sum": 12.5,
        "page": "/thanks",
        "at": "2023-11-14T22:13:20.250Z",
        "skus": ["a", "b"],
        "message": None,
    }


@pytest.mark.parametrize(
    "evil", ['", "admin": true, "x": "', "\\", "\n", "</script>", "{{ secret }}", "\u2028"]
)
def test_a_strangers_text_stays_text(evil: str):
    request, _ = spoken('{"plan": "{{ person.plan }}"}', [delivery(plan=evil)])

    assert json.loads(request.content) == {"plan": evil}


def test_a_body_that_is_no_json_gives_up_with_the_place_and_what_to_write():
    request, verdicts = spoken('{"sum": {{ event.tax }}}', [delivery()])

    assert request is None
    [verdict] = verdicts.values()
    assert isinstance(verdict, GiveUp)
    assert str(verdict) == (
        "its body is not JSON (line 1, column 9); write values that are no texts as {{ value | json }}"
    )


def test_of_several_only_the_one_that_cannot_be_said_gives_up():
    broken = Event(**{**{name: getattr(EVENT, name) for name in EVENT.__struct_fields__}, "properties": {}})
    request, verdicts = spoken(
        '{"sum": {{ event.revenue }}}', [delivery(1), delivery(2, event=broken), delivery(3)], batch=10
    )

    assert json.loads(request.content) == [{"sum": 12.5}, {"sum": 12.5}]
    assert list(verdicts) == [f"{2:032x}"]


def test_other_kinds_of_content_are_sent_as_they_are_written():
    form, _ = spoken(
        "to={{ person.user_id | url_encode }}&text={{ person.plan | url_encode }}",
        [delivery(plan="a&b c")],
        content_type="application/x-www-form-urlencoded",
    )
    markup, _ = spoken(
        "<plan>{{ person.plan }}</plan>", [delivery(plan="a&b")], content_type="application/xml"
    )

    assert form.content == b"to=u1&text=a%26b+c"
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"
    assert markup.content == b"<plan>a&amp;b</plan>"


def test_a_second_attempt_says_the_same():
    assert spoken('{"id": "{{ delivery.id }}"}', [delivery()]) == spoken(
        '{"id": "{{ delivery.id }}"}', [delivery()]
    )


def test_a_slip_in_a_body_is_found_by_the_check(tmp_path: Path):
    (tmp_path / "plugins.toml").write_text(
        '[sinks.push]\nconnector = "webhook"\nurl = "https://h.example"\nbody = "{{ person.id | jsn }}"\n'
    )

    with pytest.raises(ConfigRefused) as refused:
        read(tmp_path / "plugins.toml", discover, environ={})

    assert str(refused.value).removeprefix(f"{tmp_path}/") == (
        "plugins.toml:4: sinks.push.body: line 1: there is no filter 'jsn'; did you mean 'json'?"
    )


def test_the_body_is_a_value_like_any_other_option():
    one, other = (Webhook.Settings(url="https://u.example", body=text) for text in ("{{ a }}", "{{ b }}"))

    assert one == Webhook.Settings(url="https://u.example", body="{{ a }}")
    assert one != other
    assert one.body == Template("{{ a }}")
