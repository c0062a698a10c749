"""What is made of HubSpot's answers about people, and of its statuses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hubspot_house import (
    answered,
    answering,
    contact,
    error,
    faults,
    hubspot,
    partly,
    people,
    refused,
    several,
    verdict_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from vendor_house import delivery, happened, known

import hub
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response

# What is made of answers to people


async def test_exactly_the_contacts_that_an_answer_refuses_give_up():
    answer = partly(
        [contact(11, objectWriteTraceId=known(1)), contact(13, properties={"email": "cat@example.com"})],
        [error(objectWriteTraceId=[known(2)])],
    )
    rehearsal = answering(answer)
    verdicts = await rehearsal.play("profile", people("ann", "bob", "cat", "bob"))

    assert verdicts.keys() == {known(2), known(4)}
    assert {type(one) for one in verdicts.values()} == {hub.GiveUp}
    assert str(verdicts[known(2)]) == "answered 207: VALIDATION_ERROR, INVALID_EMAIL"
    assert len(rehearsal.requests) == 1


@pytest.mark.parametrize("context", [{"objectWriteTraceId": known(2)}, {"ids": ["bob@example.com"]}])
async def test_a_refused_contact_is_found_by_its_trace_or_by_its_name(context):
    answer = partly([contact(11, objectWriteTraceId=known(1))], [error(**context)])

    assert (await answering(answer).play("profile", people("ann", "bob"))).keys() == {known(2)}


async def test_what_an_answer_leaves_open_is_asked_again_in_smaller_batches():
    named = error(objectWriteTraceId=[known(3)])
    answers = [
        partly([contact(11, objectWriteTraceId=known(1))], [error()]),
        partly([contact(12, objectWriteTraceId=known(2))], [named]),
    ]
    rehearsal = answering(*answers)
    verdicts = await rehearsal.play("profile", people("ann", "bob", "cat"))

    assert verdicts.keys() == {known(3)}
    assert [len(request.json["inputs"]) for request in rehearsal.requests] == [3, 2]


async def test_an_answer_too_long_to_be_read_is_asked_for_in_halves():
    def answer(request):
        inputs = request.json["inputs"]
        if len(inputs) > 2:
            return Response(207, {}, b'{"results": [', truncated=True)
        traces = [one["objectWriteTraceId"] for one in inputs]
        return partly(
            [contact(n, objectWriteTraceId=one) for n, one in enumerate(traces) if one != known(6)],
            [error(objectWriteTraceId=[one]) for one in traces if one == known(6)],
        )

    rehearsal = Rehearsal(hubspot(), answer)
    verdicts = await rehearsal.play("profile", people(*"abcdefgh"))

    assert verdicts.keys() == {known(6)}
    assert [len(request.json["inputs"]) for request in rehearsal.requests] == [8, 4, 4, 2, 2, 2, 2]


async def test_an_error_that_passes_is_tried_again_later():
    answer = partly([], [error("RATE_LIMITS", code="", objectWriteTraceId=[known(1)])])

    assert isinstance(await verdict_of(answer), hub.RetryLater)


async def test_a_lone_contact_that_is_refused_gives_up_also_where_nobody_is_named():
    assert str(await verdict_of(partly([], [error()]))) == "answered 207: VALIDATION_ERROR, INVALID_EMAIL"


async def test_a_lone_contact_of_which_nothing_is_said_is_tried_again():
    assert isinstance(await verdict_of(partly([], [])), hub.RetryLater)


async def test_a_refused_batch_is_left_to_the_hub_which_halves_it():
    with pytest.raises(hub.GiveUp) as told:
        await answering(refused(400, "VALIDATION_ERROR", ("INVALID_EMAIL", "email"))).play(
            "profile", people("ann", "bob")
        )

    assert type(told.value).__name__ == "Refused"


async def test_a_lone_refusal_says_why_and_nothing_that_somebody_sent():
    said = await verdict_of(refused(400, "VALIDATION_ERROR", ("INVALID_EMAIL", "email")))

    assert type(said) is hub.GiveUp
    assert str(said) == "answered 400: VALIDATION_ERROR, INVALID_EMAIL at email"


INSIDE = 'Property values were not valid: [{"isValid":false,"error":"PROPERTY_DOESNT_EXIST","name":"%s"}]'


@pytest.mark.parametrize(
    "answer",
    [
        refused(400, "VALIDATION_ERROR", ("PROPERTY_DOESNT_EXIST", "shoe_size")),
        refused(400, message=INSIDE % "shoe_size"),
    ],
)
async def test_only_those_with_a_property_that_is_not_there_give_up(answer):
    crowd = people("ann", "bob", "cat")
    crowd[1] = replace(crowd[1], traits={"shoe_size": 42})
    rehearsal = answering(answer, answered(200), other_traits=True)
    verdicts = await rehearsal.play("profile", crowd)

    assert {one: str(said) for one, said in verdicts.items()} == {
        known(2): "answered 400: VALIDATION_ERROR, PROPERTY_DOESNT_EXIST at shoe_size"
    }
    assert [len(request.json["inputs"]) for request in rehearsal.requests] == [3, 2]


@pytest.mark.parametrize("who", [("ann",), ("ann", "bob")])
async def test_a_property_that_the_settings_name_and_the_account_lacks_pauses_the_sink(who):
    answer = refused(400, "VALIDATION_ERROR", ("PROPERTY_DOESNT_EXIST", "plan_level"))

    with pytest.raises(hub.CredentialsRejected, match="no contact property plan_level; make it"):
        await answering(answer, traits={"plan": "plan_level"}).play("profile", people(*who))


CONFLICT = refused(409, "CONFLICT", message="Contact already exists. Existing ID: 77")


async def test_a_contact_that_is_there_already_is_updated_by_its_record():
    rehearsal = answering(CONFLICT, answered(200, **contact(77)))
    assert await rehearsal.play("profile", people("ann", first_name="Ann")) == {}

    second = rehearsal.requests[1]
    assert (second.method, second.path) == ("PATCH", "/crm/v3/objects/contacts/77")
    assert second.json == {"properties": {"firstname": "Ann"}}
    assert faults(second) == []


async def test_a_contact_that_is_there_already_with_nothing_to_update_has_arrived():
    rehearsal = answering(CONFLICT)

    assert await rehearsal.play("profile", people("ann")) == {}


async def test_a_refused_update_of_a_contact_gives_up_with_its_reason():
    answers = CONFLICT, refused(400, "VALIDATION_ERROR", ("INVALID_OPTION", "city"))
    [said] = (await answering(*answers).play("profile", people("ann", city="X"))).values()

    assert str(said) == "answered 400: VALIDATION_ERROR, INVALID_OPTION at city"


async def test_nobodys_contact_is_taken_for_another_persons():
    someone = [delivery(happened("", type="identify"))]
    said = await verdict_of(CONFLICT, deliveries=someone, unique_property="shop_id")

    assert isinstance(said, hub.GiveUp)
    assert "belongs to another contact" in said.reason


async def test_a_conflict_inside_a_batch_is_settled_alone():
    def answer(request):
        if request.method == "PATCH":
            return answered(200)
        if len(request.json["inputs"]) == 1:
            return CONFLICT
        done = contact(1, objectWriteTraceId=known(1))
        return partly([done], [error("CONFLICT", objectWriteTraceId=[known(2)])])

    rehearsal = Rehearsal(hubspot(), answer)

    assert await rehearsal.play("profile", people("ann", "bob", city="X")) == {}
    assert [request.method for request in rehearsal.requests] == ["POST", "POST", "PATCH"]


# Statuses


@pytest.mark.parametrize("action", ["profile", "track", "start", "add", "subscribe", "forget"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, hub.CredentialsRejected),
        (401, hub.CredentialsRejected),
        (403, hub.CredentialsRejected),
        (408, hub.RetryLater),
        (410, hub.CredentialsRejected),
        (423, hub.RetryLater),
        (429, hub.RetryLater),
        (477, hub.RetryLater),
        (500, hub.RetryLater),
        (502, hub.RetryLater),
        (503, hub.RetryLater),
        (504, hub.RetryLater),
    ],
)
async def test_each_status_means_what_hubspot_means_by_it(action, status, error):
    settings = {"list_id": "5", "subscriptions": {"marketing": "9"}}
    with pytest.raises(error):
        await Rehearsal(hubspot(**settings), lambda request: Response(status)).play(action, several(1))


@pytest.mark.parametrize("status", [400, 404, 409, 413, 415, 422])
@pytest.mark.parametrize("action", ["profile", "track"])
async def test_a_lone_refusal_is_a_dead_letter_but_for_an_event_that_is_there(action, status):
    verdicts = await Rehearsal(hubspot(), lambda request: Response(status)).play(action, several(1))

    if (action, status) == ("track", 409):
        assert verdicts == {}
    else:
        [said] = verdicts.values()
        assert isinstance(said, hub.GiveUp)
        assert str(said) == f"answered {status}"


@pytest.mark.parametrize("status", [400, 404, 409, 413, 415, 422])
@pytest.mark.parametrize("action", ["profile", "track"])
async def test_a_batch_refused_as_a_whole_is_halved(action, status):
    with pytest.raises(hub.GiveUp, match=f"answered {status}"):
        await Rehearsal(hubspot(), lambda request: Response(status)).play(action, several(3))


@pytest.mark.parametrize("body", [b"", b"[", b"<html>"])
@pytest.mark.parametrize("count", [1, 2])
async def test_an_answer_that_cannot_be_read_is_never_taken_for_a_refusal(count, body):
    assert await answering(Response(200, {}, body)).play("profile", several(count)) == {}
    with pytest.raises(hub.RetryLater, match="cannot be read"):
        await answering(Response(207, {}, body)).play("profile", several(count))


@pytest.mark.parametrize("body", [b"[]", b"7", b'{"errors": 7}', b'{"results": [null, {"id": 3}]}'])
async def test_an_answer_that_says_nothing_is_never_taken_for_a_refusal(body):
    rehearsal = Rehearsal(hubspot(), lambda request: Response(207, {}, body))
    verdicts = await rehearsal.play("profile", several(2))

    assert {type(one) for one in verdicts.values()} == {hub.RetryLater}
    assert len(rehearsal.requests) == 3


@settings(max_examples=60, deadline=None)
@given(
    said=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "errors",
                        "results",
                        "context",
                        "category",
                        "message",
                        "code",
                        "ids",
                        "objectWriteTraceId",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
    status=st.sampled_from([200, 207, 400, 409, 429]),
)
async def test_no_answer_makes_the_sink_fail(said, status):
    rehearsal = Rehearsal(
        hubspot(list_id="5"), lambda request: Response(status, {}, json.dumps(said).encode())
    )
    for action in ("profile", "track", "add"):
        try:
            verdicts = await rehearsal.play(action, several(2))
        except hub.DeliveryError:
            continue
        assert verdicts.keys() <= {known(1), known(2)}


async def patience(*, policy="", headers=None):
    answer = answered(429, status="error", message="too many", **({"policyName": policy} if policy else {}))
    with pytest.raises(hub.RetryLater) as told:
        await answering(replace(answer, headers=headers or {})).play("profile", people("ann"))
    return told.value


@pytest.mark.parametrize(
    ("policy", "headers", "seconds"),
    [
        ("TEN_SECONDLY_ROLLING", {}, 10),
        ("TEN_SECONDLY_ROLLING", {"x-hubspot-ratelimit-interval-milliseconds": "4000"}, 4),
        ("TEN_SECONDLY_ROLLING", {"x-hubspot-ratelimit-interval-milliseconds": "86400000"}, 60),
        ("TEN_SECONDLY_ROLLING", {"x-hubspot-ratelimit-interval-milliseconds": "soon"}, 10),
        ("SECONDLY", {}, 1),
        ("", {}, 10),
        ("", {"retry-after": "7"}, 7),
        ("DAILY", {"date": "Sat, 21 Nov 2026 10:02:10 GMT"}, 12 * 60 + 50),
        ("DAILY", {"date": "Sat, 21 Nov 2026 10:15:00 GMT"}, 15 * 60),
        ("DAILY", {"date": "soon"}, 15 * 60),
        ("", {"x-hubspot-ratelimit-daily-remaining": "0", "date": "Sat, 21 Nov 2026 23:59:30 GMT"}, 30),
    ],
)
async def test_each_limit_is_waited_for_as_long_as_it_lasts(policy, headers, seconds):
    told = await patience(policy=policy, headers=headers)

    assert told.after == timedelta(seconds=seconds)


async def test_the_daily_limit_is_told_as_such():
    assert "daily limit" in str(await patience(policy="DAILY"))


async def test_a_lacking_scope_is_named():
    said = {"context": {"requiredGranularScopes": ["crm.lists.write"]}, "message": "no"}
    with pytest.raises(hub.CredentialsRejected, match="lacks the scope crm.lists.write"):
        await answering(answered(403, category="MISSING_SCOPES", errors=[said])).play(
            "profile", people("ann")
        )
