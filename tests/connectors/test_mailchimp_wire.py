"""How Mailchimp is reached: its statuses, its host and paths, the key, the settings."""

from __future__ import annotations

import httpx
import pytest
import respx
from delivery_house import DeliveryHouse, sink
from mailchimp_house import (
    HEADERS,
    LIST,
    asked,
    consent,
    faults,
    mailchimp,
    place,
    problem,
    traits_of,
    verdicts,
)
from pydantic import ValidationError
from vendor_house import NINE, delivery, happened

import hub
from connectors.mailchimp import Mailchimp
from hub.wire import Response

# Statuses


@pytest.mark.parametrize("action", ["track", "profile", "subscribe", "unsubscribe", "add", "start", "forget"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(400), hub.GiveUp),
        (Response(401), hub.CredentialsRejected),
        (Response(403), hub.RetryLater),
        (problem(403, "User Disabled"), hub.CredentialsRejected),
        (Response(405), hub.GiveUp),
        (Response(429), hub.RetryLater),
        (Response(500), hub.RetryLater),
        (Response(503), hub.RetryLater),
    ],
)
async def test_each_status_means_what_mailchimp_means_by_it(action, answer, error):
    event = consent("denied" if action == "unsubscribe" else "granted")
    [verdict] = (await verdicts(action, [delivery(event)], lambda r: answer, tag="b", journey="1/2")).values()

    assert isinstance(verdict, error)


async def test_a_403_with_words_says_them():
    [verdict] = (await verdicts("profile", [traits_of()], lambda r: problem(403, "User Disabled"))).values()

    assert "answered 403: User Disabled" in verdict.reason


async def test_a_second_attempt_sends_the_same():
    first = await asked("track", [delivery(happened("Order Completed"))])
    second = await asked("track", [delivery(happened("Order Completed"), attempt=2)])

    assert first == second


# The wire


@pytest.mark.parametrize(
    ("action", "method", "count", "path"),
    [
        ("track", "POST", 1, place("p0", "/events")),
        ("profile", "PUT", 1, place("p0")),
        ("profile", "POST", 3, LIST),
    ],
)
async def test_requests_go_to_the_accounts_own_data_centre(tmp_path, action, method, count, path):
    house = DeliveryHouse(tmp_path)
    block = sink("letters", Mailchimp, {"api_key": "0123abc-us6", "list_id": "a6b5da1054"})
    for n in range(count):
        event = happened("Product Added", who={"email": f"p{n}@example.com"}, id=f"e{n}")
        house.plan_events([event], [_leg(action)], f"p{n}")
    query = "?skip_merge_validation=true" if action == "profile" else ""
    with respx.mock:
        route = respx.route(method=method, url=f"https://us6.api.mailchimp.com/3.0{path}{query}").mock(
            return_value=httpx.Response(200, json={})
        )
        async with house.delivering(block):
            await house.quiet()
    [call] = route.calls
    house.close()

    assert {name: call.request.headers[name] for name in HEADERS} == HEADERS
    assert house.ledger("letters")["delivered"] == count


def _leg(action):
    from hub.store.port import Leg

    return Leg("letters", action, "forward", "everything")


# The settings


async def test_good_credentials_and_the_audience_are_asked_for():
    asking = mailchimp().check()
    ping = next(asking)
    audience = asking.send(Response(200))

    assert [(one.method, one.path) for one in (ping, audience)] == [("GET", "/ping"), ("GET", LIST)]
    assert [faults(mailchimp().sign(one, NINE)) for one in (ping, audience)] == [[], []]
    with pytest.raises(hub.CredentialsRejected, match="no audience a6b5da1054"):
        asking.send(Response(404))


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://us6.api.mailchimp.com/3.0"),
        ({"api_key": "a-b-us21"}, "https://us21.api.mailchimp.com/3.0"),
        ({"api_key": "plain", "server": "us3"}, "https://us3.api.mailchimp.com/3.0"),
        ({"api_key": "unset-LETTERS"}, "https://us1.api.mailchimp.com/3.0"),
    ],
)
def test_the_key_says_where_the_account_is(settings, address):
    assert mailchimp(**settings).address() == address


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"api_key": "plain_key"}, "data centre"),
        ({"api_key": "key-us6.evil.example/"}, "data centre"),
        ({"server": "us6.evil.example"}, "server"),
        ({"list_id": "a/../b"}, "list_id"),
        ({"merge_fields": {"plan": "plan"}}, "merge_fields.plan"),
        ({"events": {"order_completed": "x"}}, "events.order_completed"),
        ({"journeys": {"account_created": "12"}}, "journeys.account_created"),
        ({"journey": "12"}, "journey"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(settings, words):
    with pytest.raises(ValidationError, match=words) as told:
        mailchimp(**settings)
    assert "plain_key" not in str(told.value)


def test_the_key_shows_nowhere():
    sink = mailchimp()

    assert "0123abc" not in repr(sink.settings) + str(sink.settings) + sink.settings.model_dump_json()


def test_the_vendors_ten_connections_are_never_used_up():
    limits = [Mailchimp.limits, *(mark.limits for mark in _actions().values() if mark.limits)]

    assert max(one.in_flight for one in limits) <= 8
    assert {name: _actions()[name].limits.batch for name in ("profile", "subscribe", "unsubscribe")} == {
        "profile": 100,
        "subscribe": 500,
        "unsubscribe": 500,
    }


def _actions():
    from hub.connector import actions

    return actions(Mailchimp)
