"""A phone number that Klaviyo does not take costs nobody their events, their profile or their e-mail."""

from __future__ import annotations

from typing import Any

import pytest
from klaviyo_house import faults, klaviyo, refused
from vendor_house import consent, delivery, happened, known

import hub
from hub.testing.rehearsal import Rehearsal
from hub.wire import Request, Response

ANN = {"email": "ann@example.com", "phone": "+4917000000000"}
BEN = {"email": "ben@example.com", "phone": "+4917111111111"}
ORDER = "Order Completed"


class Strict:
    """Takes no phone number of Ann's, and points at it."""

    def __init__(self, pointer: str) -> None:
        self.pointer = pointer

    def __call__(self, request: Request) -> Response:
        body, _ = request.body()
        return refused(400, ("invalid", self.pointer)) if ANN["phone"].encode() in body else Response(202)


async def played(
    action: str, pointer: str, *events: hub.Event, **settings: Any
) -> tuple[hub.Verdicts, list[Request]]:
    rehearsal = Rehearsal(klaviyo(**settings), Strict(pointer))
    verdicts = await rehearsal.play(action, [delivery(event, n) for n, event in enumerate(events, 1)])
    assert [faults(request) for request in rehearsal.requests] == [[]] * len(rehearsal.requests)
    return verdicts, rehearsal.requests


@pytest.mark.parametrize(
    ("action", "pointer", "type"),
    [
        ("track", "/data/attributes/profile/data/attributes/phone_number", "track"),
        ("profile", "/data/attributes/phone_number", "identify"),
    ],
)
async def test_who_has_an_e_mail_address_goes_alone_without_it(action: str, pointer: str, type: str):
    verdicts, [first, again] = await played(action, pointer, happened(ORDER, who=ANN, type=type))

    assert verdicts == {}
    assert ANN["phone"] in str(first.json) and ANN["phone"] not in str(again.json)
    assert ANN["email"] in str(again.json)


@pytest.mark.parametrize(
    ("action", "pointer", "type"),
    [
        (
            "track",
            "/data/attributes/events-bulk-create/data/0/attributes/profile/data/attributes/phone_number",
            "track",
        ),
        ("profile", "/data/attributes/profiles/data/0/attributes/phone_number", "identify"),
    ],
)
async def test_in_a_job_it_stays_at_home_and_all_others_travel(action: str, pointer: str, type: str):
    events = [happened(ORDER, who=who, type=type) for who in (ANN, BEN)]
    verdicts, [_, again] = await played(action, pointer, *events)

    assert verdicts == {}
    assert ANN["phone"] not in str(again.json)
    assert all(said in str(again.json) for said in (ANN["email"], BEN["email"], BEN["phone"]))


async def test_it_keeps_nobody_subscribed_to_e_mail():
    pointer = "/data/attributes/profiles/data/0/attributes/phone_number"
    no_more = consent("*", "*", "denied", who=ANN)
    verdicts, [_, again] = await played("unsubscribe", pointer, no_more)

    [profile] = again.json["data"]["attributes"]["profiles"]["data"]
    assert verdicts == {}
    assert profile["attributes"] == {
        "email": ANN["email"],
        "subscriptions": {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}},
    }


async def test_who_is_known_by_it_alone_is_a_dead_letter():
    pointer = "/data/attributes/profile/data/attributes/phone_number"
    verdicts, requests = await played("track", pointer, happened(ORDER, who={"phone": ANN["phone"]}))

    assert str(verdicts[known(1)]) == f"answered 400: invalid at {pointer}"
    assert len(requests) == 1


async def test_who_agreed_to_text_messages_alone_is_a_dead_letter():
    pointer = "/data/attributes/profiles/data/0/attributes/phone_number"
    verdicts, requests = await played("subscribe", pointer, consent("sms", who=ANN))

    assert str(verdicts[known(1)]) == f"answered 400: invalid at {pointer}"
    assert len(requests) == 1
