"""Events from a picture's address: a JSON message in base64, or plain parameters with dotted names."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from typing import Any

import hub

from .messages import CALLS, from_object

_DEEPEST = 8


def receive(inbound: hub.Inbound, categories: Mapping[str, str]) -> Iterable[hub.Event | hub.BadEvent]:
    """The one event; a bad one is a BadEvent, since a picture is never refused."""
    method = inbound.path.strip("/").split("/")[2]
    said = message(inbound)
    if not said:
        text = inbound.query_string.encode("utf-8", "replace")
        return [hub.BadEvent("the picture's address holds no message", body=text)]
    agent = inbound.header("user-agent")
    context = said.get("context")
    if agent and (context is None or isinstance(context, dict)):
        said["context"] = {"userAgent": agent, **(context or {})}
    return [from_object(said, CALLS.get(method, method), inbound, categories)]


def message(inbound: hub.Inbound) -> dict[str, Any]:
    """The message in the address; empty where there is none that can be read."""
    query = inbound.query
    data = query.get("data")
    if data is None:
        return _nested(query)
    # A base64 plus sign that nobody escaped arrives as a space.
    text = data.strip().replace(" ", "-").replace("+", "-").replace("/", "_").rstrip("=")
    try:
        body = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return {}
    try:
        said = hub.Inbound("GET", inbound.path, body=body).json()
    except hub.BadPayload:
        return {}
    return said if isinstance(said, dict) else {}


def _nested(query: Mapping[str, str]) -> dict[str, Any]:
    """`properties.price=9` as `{"properties": {"price": "9"}}`."""
    said: dict[str, Any] = {}
    for name, value in query.items():
        *road, last = name.split(".", _DEEPEST)
        place = said
        for step in road:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            place[last] = value
    return said
