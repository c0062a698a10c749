"""What HubSpot is told of consent, and whom it is asked to delete."""

from __future__ import annotations

import pytest
from hubspot_house import (
    TYPES,
    answered,
    answering,
    asked,
    contact,
    faults,
    people,
    refused,
)
from vendor_house import consent, delivery, happened

import hub
from hub.event import Identifier
from hub.wire import Response

# Consent


async def bodies(action, event, **settings):
    requests = await asked(action, [delivery(event)], subscriptions=TYPES, **settings)
    assert {request.path for request in requests} == {f"/communication-preferences/v3/{action}"}
    return [request.json for request in requests]


async def test_consent_to_e_mail_subscribes():
    assert await bodies("subscribe", consent()) == [
        {"emailAddress": "ann@example.com", "subscriptionId": "71"}
    ]


async def test_the_legal_basis_travels_with_the_words_that_were_agreed_to():
    spoken = consent()
    spoken.consent = (hub.Consent("email", "marketing", "granted", "Yes, write to me."),)
    [said] = await bodies("subscribe", spoken, legal_basis="CONSENT_WITH_NOTICE")

    assert (said["legalBasis"], said["legalBasisExplanation"]) == ("CONSENT_WITH_NOTICE", "Yes, write to me.")


async def test_without_words_the_settings_explain_the_legal_basis():
    [said] = await bodies(
        "subscribe", consent(), legal_basis="NON_GDPR", legal_basis_explanation="A customer."
    )

    assert said["legalBasisExplanation"] == "A customer."


@pytest.mark.parametrize(
    ("action", "event", "types"),
    [
        ("subscribe", consent("*"), ["71"]),
        ("subscribe", consent(purpose="*"), ["71", "72"]),
        ("subscribe", consent(purpose="news"), ["72"]),
        ("subscribe", happened("Form Submitted"), ["71"]),
        ("unsubscribe", consent(state="denied"), ["71"]),
        ("unsubscribe", happened("Unsubscribed"), ["71"]),
        ("unsubscribe", happened("Email Marked as Spam"), ["71", "72"]),
        ("unsubscribe", consent("*", "*", state="denied"), ["71", "72"]),
    ],
)
async def test_the_event_says_what_is_meant(action, event, types):
    assert [said["subscriptionId"] for said in await bodies(action, event)] == types


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("subscribe", consent(state="denied")),
        ("subscribe", consent("sms")),
        ("subscribe", consent(purpose="transactional")),
        ("subscribe", consent(who={"user_id": "u1"})),
        ("unsubscribe", consent(state="granted")),
    ],
)
async def test_nobody_is_subscribed_or_unsubscribed_beyond_what_was_said(action, event):
    rehearsal = answering(subscriptions=TYPES)
    [said] = (await rehearsal.play(action, [delivery(event)])).values()

    assert isinstance(said, hub.Skip)
    assert rehearsal.requests == []


@pytest.mark.parametrize(
    ("action", "state", "word"),
    [("subscribe", "granted", "subscribed to"), ("unsubscribe", "denied", "unsubscribed from")],
)
async def test_what_is_so_already_is_delivered(action, state, word):
    answer = refused(400, message=f"ann@example.com is already {word} subscription 71")
    rehearsal = answering(answer, subscriptions={"marketing": "71"})

    assert await rehearsal.play(action, [delivery(consent(state=state))]) == {}


async def test_somebody_who_has_opted_out_is_not_subscribed_again():
    rehearsal = answering(refused(400), subscriptions={"marketing": "71"})
    [said] = (await rehearsal.play("subscribe", [delivery(consent())])).values()

    assert isinstance(said, hub.GiveUp)
    assert "nobody again who has opted out" in said.reason


async def test_a_type_that_is_refused_keeps_no_other_from_being_told():
    rehearsal = answering(refused(400), Response(200), subscriptions=TYPES)
    [said] = (await rehearsal.play("unsubscribe", [delivery(consent("*", "*", state="denied"))])).values()

    assert isinstance(said, hub.GiveUp)
    assert [request.json["subscriptionId"] for request in rehearsal.requests] == ["71", "72"]


async def test_a_subscription_type_that_is_not_there_is_a_matter_of_the_settings():
    with pytest.raises(hub.CredentialsRejected, match="no subscription type 71"):
        await answering(Response(404), subscriptions={"marketing": "71"}).play(
            "subscribe", [delivery(consent())]
        )


# Erasure


async def test_a_person_is_forgotten_by_every_address():
    ann = delivery(happened("Erasure Requested"), identifiers=(Identifier("email", "ann@work.example"),))
    requests = await asked("forget", [ann])

    assert [request.json for request in requests] == [
        {"objectId": "ann@example.com", "idProperty": "email"},
        {"objectId": "ann@work.example", "idProperty": "email"},
    ]
    assert {request.path for request in requests} == {"/crm/v3/objects/contacts/gdpr-delete"}


async def test_a_person_known_by_a_user_id_is_forgotten_by_the_record():
    found = answered(200, results=[contact(77, properties={"shop_id": "u1"})])
    rehearsal = answering(found, Response(204), unique_property="shop_id")
    assert (
        await rehearsal.play("forget", [delivery(happened("Erasure Requested", who={"user_id": "u1"}))]) == {}
    )

    assert rehearsal.requests[1].json == {"objectId": "77"}
    assert [faults(request) for request in rehearsal.requests] == [[], []]


async def test_whom_hubspot_never_knew_is_forgotten():
    assert await answering(Response(404)).play("forget", people("ann")) == {}


async def test_somebody_without_an_address_has_no_contact_to_forget():
    [said] = (
        await answering().play("forget", [delivery(happened("Erasure Requested", who={"user_id": "u1"}))])
    ).values()

    assert isinstance(said, hub.Skip)


async def test_a_refused_erasure_is_a_dead_letter():
    [said] = (await answering(refused(400)).play("forget", people("ann"))).values()

    assert str(said) == "answered 400: VALIDATION_ERROR"
