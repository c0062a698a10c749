"""How Klaviyo is reached: its host and paths, the key, the settings."""

from __future__ import annotations

import httpx
import pytest
import respx
from delivery_house import DeliveryHouse, sink
from klaviyo_house import HEADERS, faults, klaviyo
from vendor_house import NINE

from connectors.klaviyo import Klaviyo

# The wire


@pytest.mark.parametrize(
    ("action", "count", "path"),
    [
        ("track", 1, "/api/events"),
        ("track", 3, "/api/event-bulk-create-jobs"),
        ("profile", 1, "/api/profile-import"),
        ("profile", 3, "/api/profile-bulk-import-jobs"),
    ],
)
async def test_requests_go_to_the_vendors_own_host_and_path(tmp_path, action, count, path):
    house = DeliveryHouse(tmp_path)
    for n in range(count):
        house.plan(f"news.{action}", who=f"p{n}")
    with respx.mock:
        route = respx.post(f"https://a.klaviyo.com{path}").mock(return_value=httpx.Response(202))
        async with house.delivering(sink("news", Klaviyo, {"api_key": "pk_test"})):
            await house.quiet()
    [call] = route.calls
    house.close()

    headers = {name: call.request.headers[name] for name in HEADERS}
    assert headers == HEADERS
    assert call.request.url == f"https://a.klaviyo.com{path}"
    assert house.ledger("news")["delivered"] == count


# The settings


async def test_good_credentials_are_told_from_bad_ones():
    asking = klaviyo().check()
    request = next(asking)

    assert (request.method, request.path) == ("GET", "/api/accounts")
    assert faults(klaviyo().sign(request, NINE)) == []


def test_the_key_shows_nowhere():
    sink = klaviyo()

    assert "pk_test" not in repr(sink.settings) + str(sink.settings) + sink.settings.model_dump_json()
