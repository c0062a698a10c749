"""The context of an event as rules read it: flat, and nothing but text, numbers and switches."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hub.errors import BadEvent
from hub.schema.names import MAX_KEYS
from hub.schema.values import MAX_DEPTH, NESTING, bounded

_DIRECT = {
    "ip": "ip",
    "locale": "locale",
    "timezone": "timezone",
    "userAgent": "user_agent",
    "user_agent": "user_agent",
    "groupId": "group_id",
    "channel": "channel",
    "currency": "currency",
    "country": "country",
    "page": "page",
    "url": "url",
    "referrer": "referrer",
    "campaign": "campaign",
    "os": "os",
    "app": "app",
    "session": "session",
    "sessionId": "session",
    "session_id": "session",
}
"""Key as sent → key as read, for plain values that lie directly in the context."""

_PAGE = {"path": "page", "url": "url", "referrer": "referrer", "title": "title", "search": "search"}
_NESTED: dict[str, dict[str, str]] = {
    "page": _PAGE,
    "campaign": {"name": "campaign"}
    | {key: f"utm_{key}" for key in ("source", "medium", "term", "content", "id")},
    "os": {"name": "os", "version": "os_version"},
    "app": {"name": "app", "version": "app_version"},
    "location": {"country": "country", "region": "region", "city": "city"},
    "session": {"id": "session"},
}
"""Objects of the context → their keys → keys as read."""
_NOTHING: dict[str, str] = {}

_UTM = {"utm_campaign": "campaign"} | {
    f"utm_{name}": f"utm_{name}" for name in ("source", "medium", "term", "content", "id")
}
_MOBILE = frozenset({"mobile", "phone", "smartphone", "ios", "android", "iphone"})
_DEVICES = {
    "tablet": "tablet",
    "ipad": "tablet",
    "desktop": "desktop",
    "computer": "desktop",
} | dict.fromkeys(_MOBILE, "mobile")
_TABLET_AGENT = re.compile(r"iPad|Tablet|PlayBook|Silk|Kindle|Android(?!.*Mobi)")
_MOBILE_AGENT = re.compile(r"Mobi|iPhone|iPod|Android|Windows Phone")
_DESKTOP_AGENT = re.compile(r"Windows NT|Macintosh|X11|CrOS")
_agents: dict[str, str | None] = {}


def context_of(sent: dict[str, Any], page: dict[str, Any] | None = None) -> dict[str, Any]:
    """The flat context; where it does not say which page it was, `page` (a page call's properties) does.

    Raises BadEvent where the context is deeper or wider than an event may be.
    """
    read: dict[str, Any] = {}
    if len(sent) > MAX_KEYS:
        raise BadEvent(f"an object has more than {MAX_KEYS} keys")
    for key, value in sent.items():
        if value.__class__ in NESTING:
            _pick(read, value, _NESTED.get(key, _NOTHING))
        elif value and key in _DIRECT:
            read[_DIRECT[key]] = value
    if page:
        for key, ours in _PAGE.items():
            value = page.get(key)
            if value and value.__class__ not in NESTING:
                read.setdefault(ours, value)
    if "location" in sent or "position" in sent:
        _place(read, sent)
    # A session is a name, whether its sender counts or spells: RudderStack's is a number.
    if read.get("session").__class__ is int:
        read["session"] = str(read["session"])
    if "url" in read:
        _address(read)
    device = _device(sent, read.get("user_agent"))
    if device is not None:
        read["device"] = device
    return read


def _pick(read: dict[str, Any], sent: Any, wanted: dict[str, str]) -> None:
    if sent.__class__ is list:
        bounded(sent, MAX_DEPTH - 1)
        return
    if len(sent) > MAX_KEYS:
        raise BadEvent(f"an object has more than {MAX_KEYS} keys")
    for key, value in sent.items():
        if value.__class__ in NESTING:
            bounded(value, MAX_DEPTH - 2)
        elif value and key in wanted:
            read[wanted[key]] = value


def _place(read: dict[str, Any], sent: dict[str, Any]) -> None:
    position = sent.get("position")
    location = sent.get("location")
    if position is None and location.__class__ is dict:
        position = [location.get("latitude"), location.get("longitude")]
    if position.__class__ is list and len(position) == 2:
        latitude, longitude = map(_degrees, position)
        if latitude is not None and longitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180:
            read["position"] = [latitude, longitude]


def _degrees(sent: Any) -> float | None:
    if sent.__class__ is str:
        try:
            sent = float(sent)
        except ValueError:
            return None
    return sent if sent.__class__ is float or sent.__class__ is int else None


def _address(read: dict[str, Any]) -> None:
    """What the page's address says: its path, where that was not sent, and the campaign."""
    url = read.get("url")
    if url.__class__ is not str:
        return
    if "page" not in read:
        path = _split(url)[0]
        if path:
            read["page"] = path
    if "utm_" in url:
        for key, value in parse_qsl(_split(url)[1]):
            if key in _UTM:
                read.setdefault(_UTM[key], value.replace("\0", ""))


def _split(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.path or ("/" if parts.netloc else ""), parts.query


def _device(sent: dict[str, Any], agent: Any) -> str | None:
    device = sent.get("device")
    if device is not None:
        said = device.get("type") if device.__class__ is dict else device
        if said.__class__ is str:
            known = _DEVICES.get(said.lower())
            # An iPad says `ios`; only its model tells it from a telephone.
            if known == "mobile" and device.__class__ is dict and "ipad" in str(device.get("model")).lower():
                return "tablet"
            if known is not None:
                return known
    if agent.__class__ is not str:
        return None
    return device_of(agent)


def device_of(agent: str) -> str | None:
    """`mobile`, `tablet` or `desktop` from a browser's user agent; None where it says nothing of it."""
    known = _agents.get(agent, "")
    if known == "":
        known = _looked_up(agent[:1000])
        if len(_agents) >= 1024:
            _agents.clear()
        if len(agent) <= 1000:
            _agents[agent] = known
    return known


def _looked_up(agent: str) -> str | None:
    if _TABLET_AGENT.search(agent):
        return "tablet"
    if _MOBILE_AGENT.search(agent):
        return "mobile"
    return "desktop" if _DESKTOP_AGENT.search(agent) else None
