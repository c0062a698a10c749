"""People come to HubSpot's lists, and go."""

from __future__ import annotations

import pytest
from hubspot_house import (
    MEMBERS,
    READ,
    UPSERT,
    answered,
    answering,
    contact,
    error,
    faults,
    partly,
    people,
    remembered,
)
from vendor_house import delivery, happened, known

import hub
from hub.wire import Response


@pytest.mark.parametrize("change", ["add", "remove"])
async def test_people_join_and_leave_a_list_by_the_ids_of_their_records(change):
    rehearsal = answering(remembered("ann@example.com", "bob@example.com"), MEMBERS, list_id="12")
    assert await rehearsal.play(change, people("ann", "bob", "ann")) == {}

    look, change_ = rehearsal.requests
    assert (look.path, look.json["inputs"]) == (READ, [{"id": "ann@example.com"}, {"id": "bob@example.com"}])
    assert (change_.method, change_.path) == ("PUT", f"/crm/v3/lists/12/memberships/{change}")
    assert change_.json == ["101", "102"]
    assert [faults(request) for request in rehearsal.requests] == [[], []]


async def test_somebody_who_is_no_contact_yet_becomes_one_to_join_a_list():
    made = answered(200, results=[contact(103, objectWriteTraceId=known(2))])
    rehearsal = answering(remembered("ann@example.com"), made, MEMBERS, list_id="12")
    assert await rehearsal.play("add", people("ann", "bob", first_name="X")) == {}

    _, new, joined = rehearsal.requests
    assert new.path == UPSERT
    assert [one["properties"] for one in new.json["inputs"]] == [{"email": "bob@example.com"}]
    assert joined.json == ["101", "103"]


async def test_somebody_who_cannot_become_a_contact_keeps_nobody_from_the_list():
    rehearsal = answering(
        remembered("ann@example.com"),
        partly([], [error(objectWriteTraceId=[known(2)])]),
        MEMBERS,
        list_id="12",
    )

    assert (await rehearsal.play("add", people("ann", "bob"))).keys() == {known(2)}
    assert rehearsal.requests[-1].json == ["101"]


async def test_somebody_who_is_no_contact_has_left_every_list():
    rehearsal = answering(remembered(), list_id="12")

    assert await rehearsal.play("remove", people("ann")) == {}
    assert [request.path for request in rehearsal.requests] == [READ]


async def test_a_segment_has_a_list_of_its_own():
    lists = {"vips": "31", "fans": "32"}
    entered = [
        delivery(happened("segment_entered", {"segment": segment}, who={"email": f"{n}@example.com"}), n)
        for n, segment in enumerate(("vips", "fans", "vips", "others"), 1)
    ]
    answers = [remembered("1@example.com", "2@example.com", "3@example.com"), MEMBERS, MEMBERS]
    rehearsal = answering(*answers, lists=lists)
    verdicts = await rehearsal.play("add", entered)

    assert [(one.path.split("/")[4], one.json) for one in rehearsal.requests[1:]] == [
        ("31", ["101", "103"]),
        ("32", ["102"]),
    ]
    assert isinstance(verdicts[known(4)], hub.Skip)


async def test_a_contact_that_was_deleted_in_between_is_tried_again():
    answer = answered(200, recordsIdsAdded=["101"], recordIdsRemoved=[], recordIdsMissing=["102"])
    rehearsal = answering(remembered("ann@example.com", "bob@example.com"), answer, list_id="12")
    verdicts = await rehearsal.play("add", people("ann", "bob"))

    assert {one: type(said) for one, said in verdicts.items()} == {known(2): hub.RetryLater}


async def test_a_list_that_is_not_there_is_a_matter_of_the_settings():
    rehearsal = answering(remembered("ann@example.com"), Response(404), list_id="12")

    with pytest.raises(hub.CredentialsRejected, match="there is no list 12"):
        await rehearsal.play("add", people("ann"))


async def test_a_look_up_that_cannot_be_read_is_tried_again():
    with pytest.raises(hub.RetryLater, match="cannot be read"):
        await answering(Response(200, {}, b"<html>"), list_id="12").play("remove", people("ann"))
