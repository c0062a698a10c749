"""Several events travel as one job, and what an answer points at is told from all others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from klaviyo_house import asked, klaviyo, refused, several
from vendor_house import delivery, happened

import hub
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response

BULK = "/data/attributes/events-bulk-create/data"


async def test_several_events_are_one_job_grouped_by_profile():
    ann, bob = {"user_id": "ann"}, {"user_id": "bob"}
    events = [happened(name, who=who) for name, who in (("A", ann), ("B", bob), ("C", ann))]
    [request] = await asked("track", [delivery(event, n) for n, event in enumerate(events, 1)])

    assert request.path == "/api/event-bulk-create-jobs"
    rows = [row["attributes"] for row in request.json["data"]["attributes"]["events-bulk-create"]["data"]]
    assert [row["profile"]["data"]["attributes"]["external_id"] for row in rows] == ["ann", "bob"]
    assert [[event["attributes"]["unique_id"] for event in row["events"]["data"]] for row in rows] == [
        [f"{1:032x}", f"{3:032x}"],
        [f"{2:032x}"],
    ]


async def test_exactly_what_the_answer_points_at_gives_up_and_the_rest_is_sent_again():
    answers = [
        refused(
            400, ("invalid", f"{BULK}/3/attributes/profile/data/attributes/email"), ("invalid", f"{BULK}/0")
        ),
        Response(202),
    ]
    rehearsal = Rehearsal(klaviyo(), lambda request: answers.pop(0))
    verdicts = await rehearsal.play("track", several(5))

    assert verdicts.keys() == {f"{4:032x}", f"{1:032x}"}
    assert all(type(verdict) is hub.GiveUp for verdict in verdicts.values())
    assert str(verdicts[f"{1:032x}"]) == f"answered 400: invalid at {BULK}/0"
    first, again = (r.json["data"]["attributes"]["events-bulk-create"]["data"] for r in rehearsal.requests)
    assert again == [first[1], first[2], first[4]]


async def test_one_event_of_a_profile_is_told_from_its_others():
    events = [delivery(happened(name), n) for n, name in enumerate("ABC", 1)]
    answers = [refused(400, ("invalid", f"{BULK}/0/attributes/events/data/1/attributes/time")), Response(202)]
    verdicts = await Rehearsal(klaviyo(), lambda request: answers.pop(0)).play("track", events)

    assert verdicts.keys() == {f"{2:032x}"}


async def test_what_klaviyo_has_already_is_delivered():
    answers = [refused(409, ("duplicate_event", f"{BULK}/1/attributes/events/data/0")), Response(202)]
    rehearsal = Rehearsal(klaviyo(), lambda request: answers.pop(0))

    assert await rehearsal.play("track", several(3)) == {}
    assert len(rehearsal.requests) == 2


async def test_a_lone_event_that_klaviyo_has_already_is_delivered():
    assert await Rehearsal(klaviyo(), lambda request: Response(409)).play("track", several(1)) == {}


@pytest.mark.parametrize(
    "answer",
    [
        Response(400),
        Response(413),
        Response(409),
        Response(400, {}, b'{"errors": 7}'),
        Response(400, {}, b'{"errors": [null, {"source": {"pointer": 3}}]}'),
        refused(400, ("invalid", "/data/attributes")),
        refused(400, ("invalid", f"{BULK}/99/attributes")),
        refused(400, ("invalid", f"{BULK}/7777777777777777777777")),
    ],
)
async def test_a_refusal_that_points_at_nobody_speaks_of_the_whole_job(answer):
    with pytest.raises(hub.GiveUp, match=f"answered {answer.status}"):
        await Rehearsal(klaviyo(), lambda request: answer).play("track", several(3))


async def test_a_vendor_that_never_stops_pointing_is_left_to_the_lane():
    rehearsal = Rehearsal(klaviyo(), lambda request: refused(400, ("invalid", f"{BULK}/0")))

    with pytest.raises(hub.GiveUp):
        await rehearsal.play("track", several(9))
    assert len(rehearsal.requests) == 4


async def test_nothing_that_somebody_sent_is_in_a_reason():
    pointer = "/data/attributes/profile/data/attributes/email"
    [verdict] = (
        await Rehearsal(klaviyo(), lambda r: refused(400, ("invalid", pointer))).play("track", several(1))
    ).values()

    assert str(verdict) == f"answered 400: invalid at {pointer}"


async def test_a_second_attempt_sends_the_same():
    first = await asked("track", several(3))
    second = await asked("track", [replace(one, attempt=2) for one in several(3)])

    assert first == second


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, hub.CredentialsRejected),
        (403, hub.CredentialsRejected),
        (404, hub.GiveUp),
        (410, hub.CredentialsRejected),
        (415, hub.GiveUp),
        (429, hub.RetryLater),
        (500, hub.RetryLater),
        (503, hub.RetryLater),
    ],
)
async def test_each_status_means_what_klaviyo_means_by_it(status, error):
    with pytest.raises(error):
        await Rehearsal(klaviyo(), lambda request: Response(status)).play("track", several(2))


async def test_a_retired_revision_says_what_to_change():
    with pytest.raises(hub.CredentialsRejected, match="revision 2026-07-15 is retired; set a newer one"):
        await Rehearsal(klaviyo(), lambda request: Response(410)).play("track", several(1))


async def test_a_refusal_that_asks_for_patience_is_obeyed():
    with pytest.raises(hub.RetryLater) as told:
        await Rehearsal(klaviyo(), lambda r: Response(429, {"retry-after": "7"})).play("track", several(1))

    assert told.value.after is not None
    assert told.value.after.total_seconds() == 7
