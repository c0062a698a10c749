"""How FCM is reached: its host, the service account, the settings."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest
import respx
from delivery_house import sink
from fcm_house import (
    ACCOUNT,
    NINE,
    SENDING,
    TOKEN_URI,
    delivery,
    faults,
    fcm,
)
from on_the_wire import carried
from pydantic import ValidationError

import hub
from connectors.fcm import Fcm
from hub.clock import DrivenClock
from hub.delivery.credentials import ask
from hub.testing.rehearsal import Rehearsal

# The settings


def account_with(**changes):
    return json.dumps({**json.loads(ACCOUNT), **changes})


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("/etc/firebase.json", "is not the JSON file of a service account; give the file's text"),
        ("[]", "not that of a service account"),
        ('{"type": "authorized_user"}', "not that of a service account"),
        (account_with(private_key=None), "lacks private_key"),
        (account_with(client_email=7), "lacks client_email"),
        (account_with(token_uri="http://oauth2.example/token"), "token_uri without https"),
    ],
)
def test_what_is_no_service_account_is_refused(given, problem):
    with pytest.raises(ValidationError, match=problem) as told:
        fcm(service_account=hub.Secret(given))

    assert "BEGIN" not in str(told.value)


def test_secrets_are_not_shown():
    sender = fcm()

    assert "BEGIN" not in repr(sender.settings) + repr(sender._account)


async def test_a_secret_that_is_not_set_makes_a_request_that_says_so():
    rehearsal = Rehearsal(fcm(service_account=hub.Secret("unset-FCM")), now_at=NINE)
    assert await rehearsal.play("send", [delivery()]) == {}

    [request] = rehearsal.requests
    assert request.path == "/v1/projects/PROJECT/messages:send"
    assert request.headers["authorization"] == "Bearer unset-FCM"


async def test_the_question_about_credentials_is_delivered_to_nobody():
    asking = fcm().check()
    request = next(asking)

    assert request.json["validateOnly"] is True
    assert faults(replace(request, headers={"authorization": "Bearer x"})) == []


# Over the wire


def app(**more):
    return sink("app", Fcm, {"service_account": ACCOUNT}, **more)


def token_route():
    return respx.post(TOKEN_URI).mock(
        return_value=httpx.Response(200, json={"access_token": "ya29.x", "expires_in": 3599})
    )


@pytest.mark.parametrize("base_url", [None, "https://proxy.example/fcm"])
async def test_a_message_goes_to_the_exact_address_and_the_token_comes_from_googles(base_url):
    with respx.mock:
        token_route()
        route = respx.post((base_url or "https://fcm.googleapis.com") + SENDING)
        route.mock(return_value=httpx.Response(200, json={"name": "projects/my-project/messages/1"}))
        assert await carried(app(base_url=base_url), "send", delivery()) == {}
    [call] = route.calls

    assert call.request.headers["authorization"] == "Bearer ya29.x"
    assert call.request.headers["content-type"] == "application/json"
    assert json.loads(call.request.content)["message"]["token"] == "device-1"


@pytest.mark.parametrize(
    "trouble", [httpx.ReadTimeout("t"), httpx.ConnectError("c"), httpx.RemoteProtocolError("r")]
)
async def test_a_lost_answer_is_a_passing_fault(trouble):
    with respx.mock:
        token_route()
        respx.post(f"https://fcm.googleapis.com{SENDING}").mock(side_effect=trouble)
        with pytest.raises(hub.RetryLater):
            await carried(app(), "send", delivery())


@pytest.mark.parametrize("status", [200, 401, 403])
async def test_good_credentials_are_told_from_bad_ones(status):
    with respx.mock:
        token_route()
        respx.post(f"https://fcm.googleapis.com{SENDING}").mock(return_value=httpx.Response(status, json={}))
        found = await ask(app(), (), DrivenClock())

    assert found is None if status == 200 else isinstance(found, hub.CredentialsRejected)
