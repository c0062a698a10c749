"""The Measurement Protocol: events that servers tell, up to 25 in a request (more are taken too).

Source: https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import hub

from .commerce import Thing, goods
from .consent import from_words
from .said import LARGE, Said, digest, shared, written

_AROUND = ("client_id", "app_instance_id", "user_id", "user_agent", "ip_override", "user_data")
_SYSTEM = {"operating_system": "name", "operating_system_version": "version"}
_PLACE = {"city": "city", "region_id": "region", "country_id": "country"}


def receive(inbound: hub.Inbound, max_event: int) -> Iterator[Said | hub.BadEvent]:
    """What each event of a call says; a bad one costs only itself."""
    items, around = parts(inbound, max_event)
    for place, item in enumerate(items):
        yield item if isinstance(item, hub.BadEvent) else event(item, around, place)


def parts(inbound: hub.Inbound, max_event: int) -> tuple[Iterable[Any], Thing]:
    """The events of a call and what is said of all of them; raises BadPayload where it is no call."""
    if len(inbound.body) > LARGE:
        return _separate_parts(inbound, max_event)
    try:
        body = inbound.json()
    except hub.BadPayload:
        return _separate_parts(inbound, max_event)
    if not isinstance(body, dict):
        raise hub.BadPayload(
            'the body is no call of the Measurement Protocol, as {"client_id": …, "events": […]}'
        )
    events = body.get("events")
    around = shared({key: value for key, value in body.items() if key != "events"})
    # One Python library sends a single event without the list around it.
    return events if isinstance(events, list) else [events], around


def _separate_parts(inbound: hub.Inbound, max_event: int) -> tuple[Iterable[Any], Thing]:
    found = inbound.items("events", max_event=max_event)
    return found.items, shared(found.envelope, found.too_long)


def event(item: Any, around: Thing, place: int) -> Said | hub.BadEvent:
    """What one event of a call says."""
    if not isinstance(item, dict):
        return hub.BadEvent("the event is no object", body=written(item))
    params = item.get("params")
    if params is not None and not isinstance(params, dict):
        return hub.BadEvent("the event's params are no object", body=written(item))
    params = goods(params or {})
    at = _first(item.get("timestamp_micros"), params.get("timestamp_micros"), around.get("timestamp_micros"))
    return Said(
        item.get("name"),
        params,
        {key: around[key] for key in _AROUND if key in around},
        traits=properties_of_user(around.get("user_properties")),
        context=_context(around),
        choice=from_words(around.get("consent")),
        at=at,
        # Without a time two events that look the same may well be two.
        id="" if at is None else digest(item, around, place),
    )


def properties_of_user(said: Any) -> Thing:
    """Traits in `user_properties`: `{"tier": {"value": "gold"}}`, or plainly `{"tier": "gold"}`."""
    if not isinstance(said, dict):
        return {}
    plain = {key: one.get("value") if isinstance(one, dict) else one for key, one in said.items()}
    return {key: value for key, value in plain.items() if value is not None}


def _first(*times: Any) -> Any:
    return next((time for time in times if time), None)


def _context(around: Thing) -> Thing:
    context: Thing = {}
    place = around.get("user_location")
    if isinstance(place, dict):
        context["location"] = {ours: place[key] for key, ours in _PLACE.items() if key in place}
    device = around.get("device")
    if isinstance(device, dict):
        context["device"] = {"type": device.get("category"), "model": device.get("model")}
        context["os"] = {ours: device[key] for key, ours in _SYSTEM.items() if key in device}
        if device.get("language"):
            context["locale"] = device["language"]
    return context
