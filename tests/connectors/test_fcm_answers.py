"""What is made of FCM's answers."""

from __future__ import annotations

import json

import pytest
from fcm_house import (
    NINE,
    UNREGISTERED,
    delivery,
    fcm,
    google,
    refused,
)
from hypothesis import given
from hypothesis import strategies as st

import hub
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response


async def answered(answer):
    await Rehearsal(fcm(), google(lambda request: answer), now_at=NINE).play("send", [delivery()])


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (UNREGISTERED, hub.GiveUp, "the device's token is stale"),
        (refused(404, "NOT_FOUND"), hub.GiveUp, "the device's token is stale"),
        (Response(404), hub.GiveUp, "the device's token is stale"),
        (refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), hub.GiveUp, "none that FCM takes"),
        (refused(400, "INVALID_ARGUMENT"), hub.GiveUp, "none that FCM takes"),
        (refused(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), hub.GiveUp, "another Firebase project"),
        (refused(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), hub.GiveUp, "lacks the key"),
        (refused(403, "PERMISSION_DENIED"), hub.CredentialsRejected, "may not send for this project"),
        (refused(401, "UNAUTHENTICATED"), hub.CredentialsRejected, "answered 401"),
        (refused(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), hub.RetryLater, "quota"),
        (refused(500, "INTERNAL", "INTERNAL"), hub.RetryLater, "INTERNAL"),
        (refused(503, "UNAVAILABLE", "UNAVAILABLE"), hub.RetryLater, "UNAVAILABLE"),
    ],
)
async def test_each_code_means_what_fcm_means_by_it(answer, error, reason):
    with pytest.raises(error, match=reason):
        await answered(answer)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, hub.CredentialsRejected),
        (400, hub.GiveUp),
        (401, hub.CredentialsRejected),
        (403, hub.CredentialsRejected),
        (404, hub.GiveUp),
        (408, hub.RetryLater),
        (409, hub.GiveUp),
        (410, hub.CredentialsRejected),
        (413, hub.GiveUp),
        (422, hub.GiveUp),
        (429, hub.RetryLater),
        (500, hub.RetryLater),
        (502, hub.RetryLater),
        (503, hub.RetryLater),
        (504, hub.RetryLater),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": 7}', b'{"error": {"details": [null, {"a": 1}]}}']
)
async def test_a_status_without_a_code_means_what_everybody_means_by_it(status, error, body):
    with pytest.raises(error, match=f"answered {status}"):
        await answered(Response(status, {}, body))


@given(
    st.integers(300, 599),
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["error", "status", "details", "@type", "errorCode"]), inner)
        ),
        max_leaves=8,
    ),
)
def test_whatever_it_answers_there_is_a_verdict(status, said):
    response = Response(status, {}, json.dumps(said).encode())

    assert isinstance(fcm().judge(response), hub.DeliveryError | None)


async def test_nothing_that_somebody_sent_is_in_a_reason():
    with pytest.raises(hub.GiveUp) as told:
        await answered(UNREGISTERED)

    assert "device-1" not in told.value.reason


@pytest.mark.parametrize(("headers", "seconds"), [({"retry_after": "7"}, 7), ({}, 60)])
async def test_a_quota_that_is_used_up_is_waited_for(headers, seconds):
    with pytest.raises(hub.RetryLater) as told:
        await answered(refused(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", **headers))

    assert told.value.after is not None
    assert told.value.after.total_seconds() == seconds


async def test_a_service_that_is_down_says_when_to_come_again():
    with pytest.raises(hub.RetryLater) as told:
        await answered(refused(503, "UNAVAILABLE", "UNAVAILABLE", retry_after="30"))

    assert told.value.after is not None
    assert told.value.after.total_seconds() == 30
