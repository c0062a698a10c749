"""What a session sent, and what the hub holds of it."""

from __future__ import annotations

from typing import Any

from flaky_road import FAULTS, FlakyRoad
from running_hub import RunningHub


def mark(event: dict[str, Any]) -> str:
    """What a session wrote into its message, wherever the message holds such a thing."""
    properties, traits = event["properties"], event["traits"]
    said = properties.get("n") or traits.get("n") or properties.get("traits", {}).get("n")
    return str(said or properties.get("previous_id"))


def assert_arrived_once(hub: RunningHub, road: FlakyRoad, sent: list[str]) -> None:
    """Every message of the session is in the hub exactly once, and every kind of fault was met."""
    events = hub.exported("events")

    assert sorted(map(mark, events)) == sorted(sent)
    assert len({event["id"] for event in events}) == len(events)
    assert hub.exported("quarantine") == []
    assert set(road.faults) == set(FAULTS), road.faults
