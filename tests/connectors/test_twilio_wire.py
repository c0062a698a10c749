"""How Twilio is reached: its host, the credentials, the settings."""

from __future__ import annotations

import httpx
import pytest
import respx
from delivery_house import sink
from on_the_wire import carried
from pydantic import ValidationError
from twilio_house import (
    NINE,
    PATH,
    delivery,
    faults,
    texts,
    twilio,
)

import hub
from connectors.twilio import Twilio
from hub.clock import DrivenClock
from hub.delivery.credentials import ask

# The settings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"sender": None}, "give a sender or a messaging_service"),
        ({"auth_token": None}, "give an auth_token, or an api_key_sid"),
        ({"api_key_sid": "SK" + "d" * 32}, "belong together"),
        ({"api_secret": hub.Secret("s")}, "belong together"),
        ({"account_sid": "4711"}, "account_sid"),
        ({"messaging_service": "4711"}, "messaging_service"),
        ({"status_callback": "hub.example"}, "status_callback"),
        ({"from": "+15005550001"}, "from"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        twilio(**settings)


def test_secrets_are_not_shown():
    assert "token" not in repr(twilio().settings).replace("auth_token", "")


async def test_a_question_that_only_good_credentials_answer():
    asking = twilio().check()
    request = next(asking)

    assert (request.method, request.path, request.query) == ("GET", PATH, {"PageSize": "1"})
    assert faults(twilio().sign(request, NINE)) == []


# Over the wire


@pytest.mark.parametrize(
    "base_url", [None, "https://api.dublin.ie1.twilio.com", "https://proxy.example/twilio"]
)
async def test_a_message_goes_to_the_exact_address(base_url):
    block = sink("texts", Twilio, texts(), base_url=base_url)
    with respx.mock:
        route = respx.post((base_url or "https://api.twilio.com") + PATH)
        route.mock(return_value=httpx.Response(201, json={"sid": "SM1"}))
        assert await carried(block, "send", delivery()) == {}
    [call] = route.calls

    assert call.request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert call.request.content.startswith(b"To=%2B15005550006&From=%2B15005550001&Body=Your+cart+is+waiting")


@pytest.mark.parametrize(
    "trouble", [httpx.ReadTimeout("t"), httpx.ConnectError("c"), httpx.RemoteProtocolError("r")]
)
async def test_a_lost_answer_is_a_passing_fault(trouble):
    with respx.mock:
        respx.post(f"https://api.twilio.com{PATH}").mock(side_effect=trouble)
        with pytest.raises(hub.RetryLater):
            await carried(sink("texts", Twilio, texts()), "send", delivery())


@pytest.mark.parametrize(
    ("status", "fault"), [(200, None), (401, hub.CredentialsRejected), (404, hub.CredentialsRejected)]
)
async def test_good_credentials_are_told_from_bad_ones(status, fault):
    code = {200: 0, 401: 20003, 404: 20404}[status]
    with respx.mock:
        route = respx.get(f"https://api.twilio.com{PATH}", params={"PageSize": "1"})
        route.mock(return_value=httpx.Response(status, json={"code": code}))
        found = await ask(sink("texts", Twilio, texts()), (), DrivenClock())

    assert found is None if fault is None else isinstance(found, fault)
