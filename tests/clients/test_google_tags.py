"""Clients of Google Analytics send to the hub unmodified: what they tell arrives complete and once."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running_hub import SECRET_KEY, RunningHub, wait_for
from test_browser_clients import chromium

HERE = Path(__file__).parent
TID = "G-TEST123"
TAGS = f"""
[sources.tags]
connector       = "gtm"
measurement_ids = ["{TID}"]
api_secret      = {{ file = "secret_key" }}
"""


@pytest.fixture
def tags(hubs: Callable[..., RunningHub]) -> RunningHub:
    return hubs(TAGS).start()


def named(hub: RunningHub, name: str) -> list[dict[str, Any]]:
    return [event for event in hub.exported("events") if event["name"] == name]


@pytest.mark.clients
def test_a_visit_with_ga4_in_a_browser_arrives_complete_and_once(tags: RunningHub):
    url = f"http://127.0.0.1:{tags.port}"
    command = ["node", "ga4_session.mjs", url, TID, chromium()]
    sent = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=100, cwd=HERE).stdout)
    wait_for(lambda: named(tags, "user_engagement"))

    events = tags.exported("events")
    added = [event for event in events if event["name"] == "product_added"]
    assert sorted(event["properties"]["n"] for event in added) == sorted(sent)
    assert Counter(event["name"] for event in events) == {
        "page_viewed": 1,
        "product_added": len(sent),
        "link_clicked": 1,
        "scroll_reached": 1,
        "user_engagement": 1,
    }
    assert tags.exported("quarantine") == []
    assert len({event["person"] for event in events}) == 1
    assert {event["context"]["utm_source"] for event in events if event["context"].get("utm_source")} == {
        "news"
    }
    assert added[0]["properties"]["value"] == 9.5
    [clicked] = [event for event in events if event["name"] == "link_clicked"]
    assert clicked["properties"]["link_url"] == "https://partner.example/"


def test_a_servers_calls_by_the_measurement_protocol_arrive_complete_and_once(tags: RunningHub):
    ga4mp = pytest.importorskip("ga4mp", reason="the client libraries are not installed: make setup")
    client = ga4mp.GtagMP(api_secret=SECRET_KEY, measurement_id=TID, client_id="123456789.1234567890")
    client._base_domain = f"http://127.0.0.1:{tags.port}/mp/collect"
    client._validation_domain = f"http://127.0.0.1:{tags.port}/debug/mp/collect"
    client.store.set_user_property("user_id", "u7")
    client.store.set_user_property("tier", "gold")

    def event(number: int) -> dict[str, Any]:
        return {"name": "add_to_cart", "params": {"n": f"call-{number}", "value": 9.5, "currency": "EUR"}}

    # Sixty in calls of 25; three one by one, each without the list around it; one that is only looked at.
    client.send([event(number) for number in range(60)])
    client.send([event(number) for number in range(60, 63)], postpone=True)
    client.postponed_send()
    client.send([event(63)], validation_hit=True)

    events = named(tags, "product_added")
    assert sorted(each["properties"]["n"] for each in events) == sorted(f"call-{n}" for n in range(63))
    assert len({each["id"] for each in events}) == 63
    assert len({each["person"] for each in events}) == 1
    assert tags.exported("quarantine") == []
    [person] = tags.exported("people")
    assert person["traits"]["tier"] == "gold"
