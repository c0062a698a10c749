"""Consent becomes subscriptions at Klaviyo, and nothing beyond what was said."""

from __future__ import annotations

import pytest
from klaviyo_house import asked, attributes, faults, klaviyo
from vendor_house import consent, delivery, happened

import hub
from hub.testing.rehearsal import Rehearsal
from hub.wire import Response

SUBSCRIBED = {"consent": "SUBSCRIBED"}


UNSUBSCRIBED = {"consent": "UNSUBSCRIBED"}


async def test_consent_to_e_mail_subscribes_to_the_list():
    [request] = await asked("subscribe", [delivery(consent())], list_id="Y6nRLr")

    assert request.path == "/api/profile-subscription-bulk-create-jobs"
    assert request.json == {
        "data": {
            "type": "profile-subscription-bulk-create-job",
            "attributes": {
                "profiles": {
                    "data": [
                        {
                            "type": "profile",
                            "attributes": {
                                "email": "ann@example.com",
                                "phone_number": "+15005550006",
                                "subscriptions": {"email": {"marketing": SUBSCRIBED}},
                            },
                        }
                    ]
                }
            },
            "relationships": {"list": {"data": {"type": "list", "id": "Y6nRLr"}}},
        }
    }


@pytest.mark.parametrize(
    ("action", "event", "channels"),
    [
        ("subscribe", consent("sms"), {"sms": {"marketing": SUBSCRIBED}}),
        ("subscribe", consent("sms", "*"), {"sms": {"marketing": SUBSCRIBED, "transactional": SUBSCRIBED}}),
        ("subscribe", consent("*"), {"email": {"marketing": SUBSCRIBED}}),
        ("subscribe", happened("Form Submitted"), {"email": {"marketing": SUBSCRIBED}}),
        ("unsubscribe", consent(state="denied"), {"email": {"marketing": UNSUBSCRIBED}}),
        ("unsubscribe", happened("Unsubscribed"), {"email": {"marketing": UNSUBSCRIBED}}),
        ("unsubscribe", happened("Email Marked as Spam"), {"email": {"marketing": UNSUBSCRIBED}}),
        (
            "unsubscribe",
            consent("*", state="denied"),
            {"email": {"marketing": UNSUBSCRIBED}, "sms": {"marketing": UNSUBSCRIBED}},
        ),
    ],
)
async def test_the_event_says_which_channels_are_meant(action, event, channels):
    said = await attributes(delivery(event), action=action)

    assert said["profiles"]["data"][0]["attributes"]["subscriptions"] == channels


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("subscribe", consent(state="denied")),
        ("subscribe", consent("push")),
        ("subscribe", consent("sms", who={"email": "ann@example.com"})),
        ("subscribe", consent(who={"user_id": "u1"})),
        ("unsubscribe", consent(state="granted")),
        ("unsubscribe", consent(purpose="transactional", state="denied")),
    ],
)
async def test_nobody_is_subscribed_or_unsubscribed_beyond_what_was_said(action, event):
    rehearsal = Rehearsal(klaviyo())
    [verdict] = (await rehearsal.play(action, [delivery(event)])).values()

    assert isinstance(verdict, hub.Skip)
    assert rehearsal.requests == []


async def test_nobody_is_unsubscribed_from_one_list_only():
    [request] = await asked("unsubscribe", [delivery(consent(state="denied"))], list_id="Y6nRLr")

    assert "relationships" not in request.json["data"]


async def test_one_persons_subscriptions_are_one_row():
    said = await attributes(delivery(consent(), 1), delivery(consent("sms"), 2), action="subscribe")

    [row] = said["profiles"]["data"]
    assert row["attributes"]["subscriptions"] == {
        "email": {"marketing": SUBSCRIBED},
        "sms": {"marketing": SUBSCRIBED},
    }


async def test_historical_consent_travels_apart_and_with_its_time():
    past = delivery(consent(historical=True), 1)
    rehearsal = Rehearsal(klaviyo())
    verdicts = await rehearsal.play("subscribe", [past, delivery(consent(), 2)])

    [request] = rehearsal.requests
    assert faults(request) == []
    said = request.json["data"]["attributes"]
    assert said["historical_import"] is True
    assert said["profiles"]["data"][0]["attributes"]["subscriptions"]["email"]["marketing"] == {
        "consent": "SUBSCRIBED",
        "consented_at": "2026-11-21T10:00:00.000Z",
    }
    assert list(verdicts) == [f"{2:032x}"]
    assert isinstance(verdicts[f"{2:032x}"], hub.RetryLater)


async def test_a_list_that_is_not_there_is_a_matter_of_the_settings():
    rehearsal = Rehearsal(klaviyo(list_id="gone"), lambda request: Response(404))

    with pytest.raises(hub.CredentialsRejected, match="no list of this list_id"):
        await rehearsal.play("subscribe", [delivery(consent())])
