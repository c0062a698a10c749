"""What Mailchimp is told of consent, and whom it is asked to delete."""

from __future__ import annotations

import pytest
from mailchimp_house import (
    FORGOTTEN,
    GONE,
    KEPT_OUT,
    LIST,
    answers,
    asked,
    batch,
    consent,
    mailchimp,
    member,
    out,
    people,
    place,
    problem,
    verdicts,
)
from vendor_house import delivery, happened, known

import hub
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response

# Consent


async def test_somebody_who_agrees_is_subscribed():
    event = consent(traits={"first_name": "Ann"})
    [request] = await asked("subscribe", [delivery(event)])

    assert (request.method, request.path) == ("PUT", place("ann"))
    assert request.json == {
        "email_address": "ann@example.com",
        "status_if_new": "subscribed",
        "status": "subscribed",
        "merge_fields": {"FNAME": "Ann"},
        "timestamp_opt": "2026-11-21T10:00:00Z",
    }


async def test_somebody_who_refuses_is_unsubscribed_whether_they_are_there_or_not():
    [request] = await asked("unsubscribe", [delivery(consent("denied"), traits={"first_name": "Ann"})])

    assert request.json == {
        "email_address": "ann@example.com",
        "status_if_new": "unsubscribed",
        "status": "unsubscribed",
    }


@pytest.mark.parametrize(("action", "state"), [("subscribe", "granted"), ("unsubscribe", "denied")])
async def test_several_are_subscribed_and_unsubscribed_together(action, state):
    [request] = await asked(action, people("ann", "bob", event=consent(state)), lambda r: batch())

    assert request.path == LIST
    assert request.json["update_existing"] is True
    assert {one["status"] for one in request.json["members"]} == {f"{action}d"}


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("subscribe", consent(channel="*")),
        ("subscribe", consent(purpose="*")),
        ("subscribe", happened("Form Submitted")),
        ("unsubscribe", consent("denied", channel="*")),
        ("unsubscribe", happened("Unsubscribed")),
        ("unsubscribe", happened("Email Marked as Spam")),
    ],
)
async def test_what_an_event_says_of_marketing_by_mail_counts(action, event):
    [request] = await asked(action, [delivery(event)])

    assert request.json["status"] == f"{action}d"


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("subscribe", consent("denied")),
        ("subscribe", consent(channel="sms")),
        ("subscribe", consent(purpose="transactional")),
        ("subscribe", consent(who={"user_id": "u1"})),
        ("unsubscribe", consent()),
        ("unsubscribe", consent("denied", channel="push")),
    ],
)
async def test_nobody_is_subscribed_or_unsubscribed_beyond_what_was_said(action, event):
    rehearsal = Rehearsal(mailchimp())
    [verdict] = (await rehearsal.play(action, [delivery(event)])).values()

    assert isinstance(verdict, hub.Skip)
    assert rehearsal.requests == []


async def test_who_once_left_is_not_brought_back_without_their_doing():
    [verdict] = (await verdicts("subscribe", [delivery(consent())], lambda r: KEPT_OUT)).values()

    assert isinstance(verdict, hub.GiveUp)
    assert "`confirmation` lets Mailchimp ask them" in verdict.reason


async def test_who_once_left_and_agrees_again_is_asked_where_that_is_wanted():
    first, again = await asked(
        "subscribe", [delivery(consent())], answers(KEPT_OUT, member("pending")), confirmation="again"
    )

    assert (first.json["status"], again.json["status"]) == ("subscribed", "pending")
    assert first.path == again.path


async def test_who_once_left_is_asked_out_of_a_batch_too():
    requests = await asked(
        "subscribe",
        people("ann", "bob", event=consent()),
        answers(batch(out("bob"), taken=["ann"]), KEPT_OUT, member("pending")),
        confirmation="again",
    )

    assert [one.path for one in requests] == [LIST, place("bob"), place("bob")]


@pytest.mark.parametrize(
    ("status", "statuses"),
    [
        ("pending", [None]),
        ("subscribed", [None]),
        ("unsubscribed", [None, "pending"]),
        ("transactional", [None, "pending"]),
        ("archived", [None, "pending"]),
    ],
)
async def test_everybody_is_asked_but_who_is_subscribed_already(status, statuses):
    requests = await asked(
        "subscribe", [delivery(consent())], answers(member(status), member("pending")), confirmation="always"
    )

    assert [one.json.get("status") for one in requests] == statuses
    assert {one.json["status_if_new"] for one in requests} == {"pending"}


@pytest.mark.parametrize("answer", [KEPT_OUT, FORGOTTEN])
async def test_who_is_out_already_is_unsubscribed(answer):
    assert await verdicts("unsubscribe", [delivery(consent("denied"))], lambda r: answer) == {}


async def test_who_was_asked_to_confirm_is_not_asked_again_for_a_neighbours_trouble():
    ends = answers(batch(out("ann"), out("bob")), KEPT_OUT, KEPT_OUT, member("pending"), Response(503))
    found = await verdicts("subscribe", people("ann", "bob", event=consent()), ends, confirmation="again")

    assert found.keys() == {known(2)}
    assert isinstance(found[known(2)], hub.RetryLater)


# Erasure


async def test_a_person_is_deleted_for_good_under_every_address():
    event = happened("", type="identify")
    requests = await asked(
        "forget", [delivery(event, identifiers=(hub.Identifier("email", "old@example.com"),))]
    )

    assert [(one.method, one.path, one.body()) for one in requests] == [
        ("POST", place(who, "/actions/delete-permanent"), (b"", None)) for who in ("ann", "old")
    ]


async def test_whom_mailchimp_does_not_know_is_forgotten():
    assert await verdicts("forget", [delivery(happened("", type="identify"))], lambda r: GONE) == {}


async def test_an_address_that_is_refused_keeps_no_other_from_being_deleted():
    twice = delivery(happened("", type="identify"), identifiers=(hub.Identifier("email", "old@example.com"),))
    said = iter([problem(400, "Invalid Resource"), Response(204)])
    rehearsal = Rehearsal(mailchimp(), lambda request: next(said))

    with pytest.raises(hub.GiveUp, match="answered 400: Invalid Resource"):
        await rehearsal.play("forget", [twice])
    assert len(rehearsal.requests) == 2
