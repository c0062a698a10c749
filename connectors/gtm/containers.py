"""What Tag Manager's containers send to /in/{label}: event data of a server container, data-layer pushes of a
web container, and commands of gtag.

Sources: https://developers.google.com/tag-platform/tag-manager/server-side/common-event-data and
https://developers.google.com/tag-platform/tag-manager/datalayer
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hub

from . import protocol
from .commerce import Thing, actions, goods
from .consent import Choice, from_codes, from_words
from .said import MOST_SHARED, Said, browser, digest, shared, written

_LISTS = ("events", "pushes", "dataLayer")
_GTM = {
    "gtm.elementUrl": "link_url",
    "gtm.elementText": "text",
    "gtm.elementId": "link_id",
    "gtm.videoPercent": "percent",
    "gtm.videoTitle": "name",
    "gtm.videoUrl": "url",
    "gtm.videoDuration": "duration",
    "gtm.videoStatus": "status",
    "gtm.scrollThreshold": "depth",
    "gtm.oldUrl": "old_url",
    "gtm.newUrl": "new_url",
}
_COMMANDS = frozenset({"event", "set", "consent", "config", "js", "get"})
_APART = frozenset({"event", "event_name", "ecommerce", "user_properties", "consent_state", "eventModel"})
_TIMES = ("timestamp_micros", "event_timestamp", "timestamp")
_KNOWN_AROUND = frozenset(
    {"client_id", "clientId", "app_instance_id", "anonymous_id", "user_id", "userId", "user_data", "currency"}
    | {"user_agent", "language", "session_id", "ga_session_id", "user_properties", "consent", "ip_override"}
    | {"page_location", "page_title", "page_referrer", "page_path", "gtm.start", "timestamp_micros"}
)
"""What a push without an event says of those behind it."""


def receive(inbound: hub.Inbound, max_event: int) -> Iterator[Said | hub.BadEvent]:
    """What each event of a request says; a bad one costs only itself.

    The body is one event, a list of them, or an object with them under `events`, `pushes` or `dataLayer` and
    with what is said of all of them beside that.
    """
    key = next((key for key in _LISTS if f'"{key}"'.encode() in inbound.body), "events")
    found = inbound.items(key, max_event=max_event)
    # A page's pushes do not say which browser it is; a server's request says only what the server runs.
    agent = browser(inbound) if inbound.trust == "public" else {}
    layer = Layer({**agent, **shared(found.envelope, found.too_long)})
    items = list(found.items)
    if items and isinstance(items[0], str):
        # One command, whose words are no list of events.
        items = [items]
    for place, item in enumerate(items):
        yield from [item] if isinstance(item, hub.BadEvent) else layer.take(item, place)


class Layer:
    """A data layer: what a push says without an event holds for the events behind it."""

    def __init__(self, around: Thing) -> None:
        self._around = around

    def take(self, item: Any, place: int) -> list[Said | hub.BadEvent]:
        """The events that one item brings."""
        command = _command(item)
        if command is not None and command[0] in _COMMANDS:
            return self._obey(command, place)
        if not isinstance(item, dict):
            return [hub.BadEvent("the event is no object", body=written(item))]
        if "event_name" in item:
            return [self._event(item.get("event_name"), item, goods(_plain(item)), place)]
        if "name" in item and "event" not in item and "ecommerce" not in item:
            return [protocol.event(item, self._around, place)]
        return self._push(item, place)

    def _push(self, item: Thing, place: int) -> list[Said | hub.BadEvent]:
        ecommerce = item.get("ecommerce")
        plain = _plain(item)
        told = [
            self._event(name, item, {**plain, **params}, place, as_sent=item.get("event"))
            for name, params in actions(ecommerce)
        ]
        if told:
            return list(told)
        if item.get("event"):
            params = ecommerce if isinstance(ecommerce, dict) else {}
            return [self._event(item["event"], item, goods({**plain, **params}), place)]
        if not _KNOWN_AROUND.intersection(item) and item.keys() - {"ecommerce"}:
            return [hub.BadEvent("the push has no event", body=written(item))]
        return self._learn(item)

    def _learn(self, said: Thing) -> list[Said | hub.BadEvent]:
        """What holds from now on; only what is known, and not much of it, since each event repeats it."""
        known = {key: said[key] for key in said if key in _KNOWN_AROUND}
        if len(written(known)) > MOST_SHARED:
            return [
                hub.BadEvent(f"a push without an event says at most {MOST_SHARED} bytes", body=written(said))
            ]
        self._around = {**self._around, **known}
        return []

    def _event(self, name: Any, item: Thing, params: Thing, place: int, *, as_sent: Any = None) -> Said:
        around = {**self._around, **item}
        at = next((around[key] for key in _TIMES if around.get(key)), None)
        currency = {"currency": self._around["currency"]} if "currency" in self._around else {}
        return Said(
            name,
            {**currency, **params},
            self._around,
            traits=protocol.properties_of_user(
                around.get("user_properties") or around.get("x-ga-mp2-user_properties")
            ),
            context=_context(item),
            choice=_choice(around),
            at=at,
            id=digest(name, item, self._around, place) if at or _is_marked(around) else "",
            as_sent=as_sent if isinstance(as_sent, str) else "",
        )

    def _obey(self, command: list[Any], place: int) -> list[Said | hub.BadEvent]:
        """A command of gtag: an event, or something that holds for those behind it."""
        word, *rest = command
        last = rest[-1] if rest and isinstance(rest[-1], dict) else {}
        if word == "event":
            return self._push({**last, "event": rest[0] if rest else None}, place)
        if word == "set":
            pair = len(rest) == 2 and isinstance(rest[0], str)
            return self._learn({rest[0]: rest[1]} if pair else last)
        if word == "consent" and rest[:1] == ["update"]:
            return self._learn({"consent": from_words(last)})
        return []


def _command(item: Any) -> list[Any] | None:
    """The words of a gtag command, which is a list, or an object with the keys 0, 1, 2 …"""
    if isinstance(item, dict) and isinstance(item.get("0"), str):
        return [item[key] for key in map(str, range(len(item))) if key in item]
    return item if isinstance(item, list) and item and isinstance(item[0], str) else None


def _plain(item: Thing) -> Thing:
    """The item's own parameters: without Google's technical ones, Tag Manager's under names that speak."""
    plain: Thing = {}
    for key, value in item.items():
        if key in _GTM:
            plain[_GTM[key]] = value
        elif key not in _APART and not key.startswith(("gtm.", "x-", "gtm_")):
            plain[key] = value
    if item.get("gtm.scrollUnits") == "pixels":
        plain["pixels"] = plain.pop("depth", None)
    plain.pop("consent", None)
    return plain


def _context(item: Thing) -> Thing:
    technical = {key: value for key, value in item.items() if key.startswith("x-")}
    return {"ga4": technical} if technical else {}


def _choice(around: Thing) -> Choice:
    gcd, gcs = around.get("x-ga-gcd"), around.get("x-ga-gcs")
    if gcd or gcs:
        return from_codes(gcd, gcs)
    return from_words(around.get("consent") or around.get("consent_state"))


def _is_marked(around: Thing) -> bool:
    """Something in it tells this event from another one that looks the same."""
    if around.get("event_id"):
        return True
    counted = around.get("x-ga-page_id") and around.get("x-ga-request_count")
    return bool(counted or (around.get("gtm.start") and around.get("gtm.uniqueEventId")))
