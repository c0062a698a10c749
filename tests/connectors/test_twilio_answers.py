"""What is made of Twilio's answers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio_house import (
    NINE,
    delivery,
    refused,
    twilio,
)

import hub
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response


async def answered(answer):
    await Rehearsal(twilio(), lambda request: answer, now_at=NINE).play("send", [delivery()])


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, 21211, hub.GiveUp),
        (400, 21408, hub.GiveUp),
        (403, 21408, hub.GiveUp),
        (400, 21606, hub.GiveUp),
        (400, 21610, hub.Skip),
        (400, 21612, hub.GiveUp),
        (400, 21614, hub.GiveUp),
        (400, 21617, hub.GiveUp),
        (400, 21655, hub.GiveUp),
        (400, 99999, hub.GiveUp),
        (400, 21212, hub.CredentialsRejected),
        (400, 21703, hub.CredentialsRejected),
        (404, 20404, hub.CredentialsRejected),
        (401, 20003, hub.CredentialsRejected),
        (403, 20003, hub.CredentialsRejected),
        (403, 99999, hub.CredentialsRejected),
        (400, 20429, hub.RetryLater),
        (429, 20429, hub.RetryLater),
        (429, 14107, hub.RetryLater),
        (400, 21611, hub.RetryLater),
        (500, 20500, hub.RetryLater),
        (503, 20503, hub.RetryLater),
    ],
)
async def test_each_code_means_what_twilio_means_by_it(status, code, error):
    with pytest.raises(error, match=str(code) if status < 403 else str(status)):
        await answered(refused(status, code))


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
        (415, hub.GiveUp),
        (422, hub.GiveUp),
        (425, hub.RetryLater),
        (429, hub.RetryLater),
        (500, hub.RetryLater),
        (502, hub.RetryLater),
        (503, hub.RetryLater),
        (504, hub.RetryLater),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"code": "x"}', b'{"code": true}', b'{"code": [1]}']
)
async def test_a_status_without_a_code_means_what_everybody_means_by_it(status, error, body):
    with pytest.raises(error, match=f"answered {status}"):
        await answered(Response(status, {}, body))


@given(st.integers(300, 599), st.one_of(st.none(), st.integers(), st.text(), st.lists(st.none())))
def test_whatever_it_answers_there_is_a_verdict(status, code):
    response = Response(status, {}, json.dumps({"code": code}).encode())

    assert isinstance(twilio().judge(response), hub.DeliveryError | None)


@pytest.mark.parametrize("code", [21610, 21611, 20003, 21211, 99999])
async def test_nothing_that_somebody_sent_is_in_a_reason(code):
    with pytest.raises(hub.DeliveryError) as told:
        await answered(refused(400, code))

    assert "+1" not in told.value.reason
    assert "token" not in told.value.reason


@pytest.mark.parametrize("code", [20429, 14107])
async def test_a_refusal_that_asks_for_patience_is_obeyed(code):
    with pytest.raises(hub.RetryLater) as told:
        await answered(refused(429, code, retry_after="7"))

    assert told.value.after is not None
    assert told.value.after.total_seconds() == 7


async def test_a_sender_with_ten_hours_of_work_before_it_is_left_in_peace():
    with pytest.raises(hub.RetryLater) as told:
        await answered(refused(400, 21611))

    assert told.value.after is not None
    assert told.value.after.total_seconds() == 300


async def test_a_message_that_was_taken_and_failed_at_once_is_no_delivery():
    with pytest.raises(hub.GiveUp, match="21614"):
        await answered(Response(201, {}, b'{"status": "failed", "error_code": 21614}'))
    with pytest.raises(hub.GiveUp, match="30034"):
        await answered(Response(201, {}, b'{"status": "failed", "error_code": 30034}'))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error_code": null}', b'{"error_code": "x"}'])
async def test_a_message_that_was_taken_is_delivered_whatever_else_is_said(body):
    await answered(Response(201, {}, body))
