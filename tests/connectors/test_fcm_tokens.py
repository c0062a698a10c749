"""Tokens are fetched when they are needed, and kept while they are good."""

from __future__ import annotations

import json
import sys

import pytest
from fcm_house import (
    ACCOUNT,
    NINE,
    TAKEN,
    TOKEN_URI,
    delivery,
    fcm,
    google,
    sent_to,
    two,
)
from pydantic import ValidationError
from vendor_house import MINUTE

import hub
from hub.testing.rehearsal import Rehearsal
from hub.testing.vendors.fcm.tokens import Tokens
from hub.wire import Response


def fetches(rehearsal):
    return [request for request in rehearsal.requests if request.path == TOKEN_URI]


async def test_a_token_is_asked_for_with_a_signature_of_the_service_account():
    rehearsal = Rehearsal(fcm(), google(), now_at=NINE)
    await rehearsal.play("send", [delivery()])
    [request] = fetches(rehearsal)
    body, content_type = request.body()
    google_itself = Tokens("my-project", lambda: NINE / 1_000_000)

    assert request.method == "POST"
    assert content_type == "application/x-www-form-urlencoded"
    assert google_itself.exchange(body, TOKEN_URI)["token_type"] == "Bearer"


async def test_a_token_is_kept_until_it_runs_out():
    rehearsal = Rehearsal(fcm(), google(), now_at=NINE)
    for minutes in (0, 30, 58, 59, 60):
        rehearsal.now_at = NINE + minutes * MINUTE
        await rehearsal.play("send", [delivery()])

    tokens = [r.headers["authorization"] for r in rehearsal.requests if r.path != TOKEN_URI]
    assert tokens == ["Bearer ya29.1"] * 3 + ["Bearer ya29.2"] * 2
    assert len(fetches(rehearsal)) == 2


async def test_a_token_that_is_not_accepted_is_replaced_once():
    answers = [TAKEN, Response(401), TAKEN]
    rehearsal = Rehearsal(fcm(), google(lambda request: answers.pop(0)), now_at=NINE)
    for _ in range(2):
        assert await rehearsal.play("send", [delivery()]) == {}

    assert len(fetches(rehearsal)) == 2


async def test_an_account_whose_tokens_are_never_accepted_pauses_the_sink():
    rehearsal = Rehearsal(fcm(), google(lambda request: Response(401)), now_at=NINE)
    with pytest.raises(hub.CredentialsRejected):
        await rehearsal.play("send", [two()])

    assert sent_to(rehearsal) == ["device-1"]


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (
            Response(400, {}, b'{"error": "invalid_grant"}'),
            hub.CredentialsRejected,
            "400: invalid_grant; is the",
        ),
        (Response(401, {}, b'{"error": "invalid_client"}'), hub.CredentialsRejected, "401: invalid_client"),
        (Response(403), hub.CredentialsRejected, "token endpoint answered 403"),
        (
            Response(404, {}, b'{"error": {"code": 404}}'),
            hub.CredentialsRejected,
            "token endpoint answered 404",
        ),
        (Response(429), hub.RetryLater, "answered 429"),
        (Response(500), hub.RetryLater, "answered 500"),
        (Response(503), hub.RetryLater, "answered 503"),
        (Response(200, {}, b"<html>"), hub.RetryLater, "something else than a token"),
    ],
)
async def test_no_token_says_why(answer, error, reason):
    rehearsal = Rehearsal(fcm(), lambda request: answer, now_at=NINE)
    with pytest.raises(error, match=reason):
        await rehearsal.play("send", [delivery()])

    assert sent_to(rehearsal) == []


async def test_an_answer_without_a_token_is_not_accepted_by_fcm():
    def nothing(request):
        return Response(200, {}, b"{}") if request.path == TOKEN_URI else Response(401)

    rehearsal = Rehearsal(fcm(), nothing, now_at=NINE)
    with pytest.raises(hub.CredentialsRejected):
        await rehearsal.play("send", [delivery()])

    assert "authorization" not in rehearsal.requests[-1].headers


@pytest.mark.parametrize("odd", ["soon", True, -5, 0, 10**12, None])
async def test_a_token_of_an_unknown_age_holds_for_an_hour(odd):
    def given(request):
        said = {"access_token": "ya29.x", "expires_in": odd}
        return Response(200, {}, json.dumps(said).encode()) if request.path == TOKEN_URI else TAKEN

    rehearsal = Rehearsal(fcm(), given, now_at=NINE)
    for minutes in (0, 58, 60):
        rehearsal.now_at = NINE + minutes * MINUTE
        await rehearsal.play("send", [delivery()])

    assert len(fetches(rehearsal)) == 2


async def test_without_the_extra_it_says_what_to_install(monkeypatch):
    sender = fcm()
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(hub.CredentialsRejected, match=r"pip install 'eventhub-esp\[fcm\]'"):
        await Rehearsal(sender, google(), now_at=NINE).play("send", [delivery()])


def test_without_the_extra_the_check_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(ValidationError, match=r"pip install 'eventhub-esp\[fcm\]'"):
        fcm()


async def test_a_key_that_cannot_sign_pauses_the_sink_without_showing_it():
    broken = json.dumps({**json.loads(ACCOUNT), "private_key": "-----BEGIN PRIVATE KEY-----\nQUJD"})
    rehearsal = Rehearsal(fcm(service_account=hub.Secret(broken)), google(), now_at=NINE)
    with pytest.raises(hub.CredentialsRejected, match="private_key cannot be used") as told:
        await rehearsal.play("send", [delivery()])

    assert "QUJD" not in str(told.value)
    assert rehearsal.requests == []
