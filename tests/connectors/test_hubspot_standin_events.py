"""The stand-in for HubSpot keeps events, lists and consent as strictly as the vendor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot_house import people, several
from hubspot_standin_house import ADDED, codes, event, opened, sent, told, upsert
from vendor_house import delivery, happened

import hub
from hub.testing.vendors.hubspot import HubSpot
from hub.testing.vendors.hubspot.checking import checked_event

# Events


@pytest.fixture
def vendor() -> Iterator[HubSpot]:
    with opened() as vendor:
        yield vendor


async def test_events_are_kept_each_once(vendor: HubSpot):
    crowd = several(3)
    for some in (crowd[:1], crowd[:1], crowd):
        assert await told(vendor, "track", *some) == {}

    assert [kept.email for kept in vendor.events] == ["p1@example.com", "p2@example.com", "p3@example.com"]
    assert (vendor.events[0].name, vendor.events[0].properties) == (ADDED, {"product_id": "p1"})
    assert vendor.answered == [204, 204, 204]


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        (event(eventName="pe123_nothing"), "EVENT_DOESNT_EXIST"),
        (event(eventName="product_added"), "EVENT_DOESNT_EXIST"),
        ({"eventName": ADDED}, "MISSING_IDENTIFIER"),
        (event(email="ann"), "INVALID_EMAIL"),
        (event(properties={"colour": "red"}), "PROPERTY_DOESNT_EXIST"),
        (event(properties={"Product-Id": "1"}), "INVALID_NAME"),
        (event(properties={"product_id": "1" * 257}), "INVALID_VALUE"),
        (event(properties={"page_url": "1" * 1025}), "INVALID_VALUE"),
        (event(properties={f"p{n}": "1" for n in range(51)}), "TOO_MANY_PROPERTIES"),
    ],
)
def test_an_event_that_the_vendor_would_refuse_is_refused_alone_and_in_a_batch(
    vendor: HubSpot, spoiled: Any, code: str
):
    alone = sent(vendor, "POST", "/events/v3/send", spoiled)
    batch = sent(vendor, "POST", "/events/v3/send/batch", upsert(event(), spoiled))

    assert (alone.status, batch.status) == (400, 400)
    assert code in codes(alone)
    assert code in codes(batch)
    assert vendor.events == []


@pytest.mark.parametrize("at", ["yesterday", "2026-11-21T10:00:00"])
def test_an_event_happens_at_a_time_with_a_zone(vendor: HubSpot, at: str):
    assert sent(vendor, "POST", "/events/v3/send", event(occurredAt=at)).status == 400
    assert [wrong.code for wrong in checked_event(event(occurredAt=at), None)] == ["INVALID_DATE"]


def test_more_events_than_a_batch_holds_are_refused(vendor: HubSpot):
    assert sent(vendor, "POST", "/events/v3/send/batch", upsert(*[event()] * 501)).status == 400


def test_an_event_is_refused_when_it_is_told_to(vendor: HubSpot):
    vendor.reject(lambda said: said.get("email") == "ann@example.com")

    assert sent(vendor, "POST", "/events/v3/send", event()).status == 400


# Lists, consent and erasure


async def test_people_come_and_go(vendor: HubSpot):
    assert await told(vendor, "add", *people("ann", "bob"), list_id="12") == {}
    assert vendor.members("12") == {"ann@example.com", "bob@example.com"}

    assert await told(vendor, "remove", *people("ann", "cat"), list_id="12") == {}
    assert vendor.members("12") == {"bob@example.com"}


async def test_a_list_that_is_not_there_pauses_the_sink(vendor: HubSpot):
    with pytest.raises(hub.CredentialsRejected, match="no list 13"):
        await told(vendor, "add", *people("ann"), list_id="13")


def test_records_that_are_not_there_are_told(vendor: HubSpot):
    answer = sent(vendor, "PUT", "/crm/v3/lists/12/memberships/add", ["7"])

    assert answer.json() == {"recordsIdsAdded": [], "recordIdsRemoved": [], "recordIdsMissing": ["7"]}


def agreed(state: str) -> hub.Delivery:
    said = {"channel": "email", "purpose": "marketing", "state": state}
    return delivery(happened("consent_changed", said))


async def test_consent_is_kept_and_who_has_opted_out_stays_out(vendor: HubSpot):
    types = {"marketing": "71"}
    for _ in range(2):
        assert await told(vendor, "subscribe", agreed("granted"), subscriptions=types) == {}
    assert vendor.subscribed == {"71": {"ann@example.com"}}
    for _ in range(2):
        assert await told(vendor, "unsubscribe", agreed("denied"), subscriptions=types) == {}
    assert vendor.subscribed == {}

    [verdict] = (await told(vendor, "subscribe", agreed("granted"), subscriptions=types)).values()
    assert isinstance(verdict, hub.GiveUp)
    assert vendor.answered == [200, 400, 200, 400, 400]


async def test_a_subscription_type_that_is_not_there_pauses_the_sink(vendor: HubSpot):
    with pytest.raises(hub.CredentialsRejected, match="no subscription type 72"):
        await told(vendor, "subscribe", agreed("granted"), subscriptions={"marketing": "72"})


async def test_an_account_that_wants_a_legal_basis_gets_one():
    with HubSpot(privacy=True) as vendor:
        types = {"marketing": "71"}
        [verdict] = (await told(vendor, "subscribe", agreed("granted"), subscriptions=types)).values()
        assert isinstance(verdict, hub.GiveUp)

        basis = {"subscriptions": types, "legal_basis": "CONSENT_WITH_NOTICE"}
        assert await told(vendor, "subscribe", agreed("granted"), **basis) == {}


def test_the_status_of_an_address_can_be_asked(vendor: HubSpot):
    path = "/communication-preferences/v3"
    sent(vendor, "POST", f"{path}/subscribe", {"emailAddress": "ann@example.com", "subscriptionId": "71"})
    answer = sent(vendor, "GET", f"{path}/status/email/ann%40example.com")

    assert [one["status"] for one in answer.json()["subscriptionStatuses"]] == ["SUBSCRIBED"]


def test_an_address_that_is_none_cannot_agree(vendor: HubSpot):
    said = {"emailAddress": "ann", "subscriptionId": "71"}

    assert sent(vendor, "POST", "/communication-preferences/v3/subscribe", said).status == 400


async def test_who_is_forgotten_is_gone_from_lists_too_and_blocked(vendor: HubSpot):
    await told(vendor, "add", *people("ann", "bob"), list_id="12")
    assert await told(vendor, "forget", *people("ann")) == {}

    assert vendor.members("12") == {"bob@example.com"}
    assert vendor.blocked == {"ann@example.com"}


async def test_who_is_known_by_a_property_of_their_own_is_forgotten_too(vendor: HubSpot):
    person = happened("", type="identify", who={"user_id": "u1"})
    for action in ("profile", "forget"):
        assert await told(vendor, action, delivery(person), unique_property="shop_id") == {}

    assert vendor.contacts == []


def test_a_record_that_is_not_there_cannot_be_forgotten(vendor: HubSpot):
    assert sent(vendor, "POST", "/crm/v3/objects/contacts/gdpr-delete", {"objectId": "7"}).status == 404
