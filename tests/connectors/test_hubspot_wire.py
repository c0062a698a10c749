"""How HubSpot is reached: its host and paths, the token, the settings."""

from __future__ import annotations

import httpx
import pytest
import respx
from delivery_house import DeliveryHouse, sink
from hubspot_house import (
    HEADERS,
    UPSERT,
    hubspot,
)
from pydantic import ValidationError
from vendor_house import happened

from connectors.hubspot import HubSpot
from hub.connector import actions
from hub.store.port import Leg

# The wire


@pytest.mark.parametrize(
    ("action", "count", "path"),
    [
        ("track", 1, "/events/v3/send"),
        ("track", 3, "/events/v3/send/batch"),
        ("start", 1, "/events/v3/send"),
        ("profile", 1, UPSERT),
        ("profile", 3, UPSERT),
    ],
)
async def test_requests_go_to_the_vendors_own_host_and_path(tmp_path, action, count, path):
    house = DeliveryHouse(tmp_path)
    for n in range(count):
        house.plan_events([addressed(n)], [Leg("crm", action, "forward", "everything")], f"p{n}")
    with respx.mock:
        route = respx.post(f"https://api.hubapi.com{path}").mock(return_value=httpx.Response(200, json={}))
        block = sink("crm", HubSpot, {"token": "pat-test", "portal_id": "123"}, limits=HubSpot.limits)
        async with house.delivering(block):
            await house.quiet()
    [call] = route.calls
    house.close()

    assert {name: call.request.headers[name] for name in HEADERS} == HEADERS
    assert call.request.url == f"https://api.hubapi.com{path}"
    assert house.ledger("crm")["delivered"] == count


def addressed(number):
    """An event of somebody with an address."""
    event = happened("Product Added", who={"email": f"p{number}@example.com"}, id=f"e{number}")
    event.source = "site"
    return event


# The settings


async def test_good_credentials_are_told_from_bad_ones():
    asking = hubspot().check()
    request = next(asking)

    assert (request.method, request.path) == ("GET", "/account-info/v3/details")
    assert request.expect == (403,)
    assert request.json is None


def test_the_token_shows_nowhere():
    sink = hubspot()

    assert "pat-test" not in repr(sink.settings) + str(sink.settings) + sink.settings.model_dump_json()


@pytest.mark.parametrize("option", ["lists", "subscriptions"])
@pytest.mark.parametrize("id", ["", "VIPs", "12/../13", "１２"])
def test_what_can_be_no_id_is_told_before_anything_is_sent(option, id):
    with pytest.raises(ValidationError, match=f"{option}.vip: an id at HubSpot is a number"):
        hubspot(**{option: {"vip": id}})


def test_the_limits_of_all_actions_together_are_those_of_the_account():
    limits = {name: mark.limits or HubSpot.limits for name, mark in actions(HubSpot).items()}
    crm = [limits["profile"], *(limits[name] for name in ("subscribe", "unsubscribe", "forget"))]
    events = limits["track"].per_second * limits["track"].batch + limits["start"].per_second

    assert sum(one.per_second for one in crm) == 10
    assert sum(one.per_day for one in crm) == 250_000
    assert events + actions(HubSpot)["track"].alone.per_second <= 1250
