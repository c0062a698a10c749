"""Whom Klaviyo is asked to delete, and that nobody is left behind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from klaviyo_house import faults, klaviyo, refused
from vendor_house import ANN, delivery, happened

import hub
from hub.testing.rehearsal import Rehearsal
from hub.wire import Request, Response

JOBS = "/api/data-privacy-deletion-jobs"
FORGOTTEN = happened("Erasure Requested")


def profiles(*said: Any) -> Response:
    """What a question for profiles is answered."""
    return Response(200, {}, json.dumps({"data": list(said)}).encode())


NONE = profiles()


def profile(id: str, **attributes: str) -> dict[str, Any]:
    return {"type": "profile", "id": id, "attributes": attributes}


async def forgotten(found: Response = NONE, event: hub.Event = FORGOTTEN, **more: Any) -> list[Request]:
    """The requests of an erasure, each held against the contract where there is one."""
    rehearsal = Rehearsal(klaviyo(), lambda r: found if r.method == "GET" else Response(202))
    await rehearsal.play("forget", [delivery(event, **more)])
    for request in rehearsal.requests:
        assert faults(request) == []
    return rehearsal.requests


def deleted(requests: list[Request]) -> list[dict[str, Any]]:
    """Whom the jobs name."""
    jobs = [request.json["data"]["attributes"]["profile"]["data"] for request in requests if request.json]
    return [
        {**one["attributes"], **{name: one[name] for name in one if name not in ("type", "attributes")}}
        for one in jobs
    ]


async def test_every_address_of_a_person_is_deleted_in_a_job_of_its_own():
    more = (hub.Identifier("email", "ann@work.example"), hub.Identifier("email", "ann@example.com"))
    requests = await forgotten(identifiers=more)

    assert [request.path for request in requests] == ["/api/profiles", JOBS, JOBS, JOBS]
    assert deleted(requests) == [
        {"email": "ann@example.com"},
        {"email": "ann@work.example"},
        {"phone_number": "+15005550006"},
    ]


async def test_a_profile_that_only_the_user_id_finds_is_deleted_by_its_own_id():
    requests = await forgotten(profiles(profile("01A", email="ann@example.com"), profile("01B")))

    assert requests[0].query == {
        "filter": 'any(external_id,["u1"])',
        "fields[profile]": "email,phone_number",
    }
    assert deleted(requests) == [
        {"email": "ann@example.com"},
        {"phone_number": "+15005550006"},
        {"id": "01B"},
    ]


async def test_without_a_user_id_nothing_is_asked_first():
    requests = await forgotten(event=happened("Erasure Requested", who={"email": "ann@example.com"}))

    assert deleted(requests) == [{"email": "ann@example.com"}]


async def test_a_user_id_with_quotes_stays_one_value_of_the_filter():
    event = happened("Erasure Requested", who={"user_id": 'u"],"x'})
    requests = await forgotten(profiles(profile("01B")), event)

    assert requests[0].query["filter"] == r'any(external_id,["u\"],\"x"])'


@pytest.mark.parametrize("who", [{"anonymous_id": "a1"}, {"device_id": "d1"}])
async def test_who_has_no_identifier_that_an_erasure_takes_is_skipped(who: dict[str, str]):
    with pytest.raises(hub.Skip, match="no identifier that an erasure needs"):
        await forgotten(event=happened("Erasure Requested", who=who))


async def test_whom_klaviyo_does_not_know_is_skipped_or_forgotten_already():
    with pytest.raises(hub.Skip):
        await forgotten(event=happened("Erasure Requested", who={"user_id": "u1"}))

    nobody = Rehearsal(klaviyo(), lambda request: Response(404))
    known = happened("Erasure Requested", who={"email": "ann@example.com"})

    assert await nobody.play("forget", [delivery(known)]) == {}


async def test_an_address_that_is_refused_keeps_no_other_from_being_deleted():
    answers = [profiles(), refused(400, ("invalid", "/data/attributes/profile")), Response(202)]
    rehearsal = Rehearsal(klaviyo(), lambda request: answers.pop(0))

    with pytest.raises(hub.GiveUp, match="answered 400: invalid at /data/attributes/profile"):
        await rehearsal.play("forget", [delivery(FORGOTTEN)])
    assert len(rehearsal.requests) == 3


async def test_a_preview_whose_answers_are_empty_shows_the_jobs():
    assert len(deleted(await forgotten(Response(200, {}, b"{}")))) == 2


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": {}}'])
async def test_an_answer_that_cannot_be_read_is_asked_for_again(body: bytes):
    with pytest.raises(hub.RetryLater):
        await forgotten(Response(200, {}, body))


@pytest.mark.parametrize("odd", [7, {}, {"id": None}, {"id": "01B", "attributes": None}])
async def test_odd_profiles_in_an_answer_are_survived(odd: Any):
    requests = await forgotten(profiles(odd), event=happened("Erasure Requested", who=ANN))

    assert all(request.path == JOBS for request in requests[1:])
