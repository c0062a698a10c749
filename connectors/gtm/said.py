"""What a hit, a call or a push says, whatever its form: taken apart, and made into one event.

Parameters have GA4's names; facts of the page, the session and the device are taken out of them into the
context. Source of the names: https://developers.google.com/analytics/devguides/collection/ga4/reference/events
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

import hub

from .commerce import Thing, spread
from .consent import Choice, consents

MOST_SHARED = 16 * 1024
"""Bytes of what is said once of all events of a request: each event repeats it."""
LARGE = 128 * 1024
"""Requests of more bytes are read event by event, and none that is too long for an event."""

_PAGE = {
    "page_location": "url",
    "page_title": "title",
    "page_referrer": "referrer",
    "page_path": "path",
    "page_search": "search",
}
_PLAIN = {
    "language": "locale",
    "session_id": "session_id",
    "ga_session_id": "session_id",
    "ga_session_number": "session_number",
    "user_agent": "userAgent",
    "ip_override": "ip",
}
_CAMPAIGN = {
    "campaign": "name",
    "campaign_source": "source",
    "campaign_medium": "medium",
    "campaign_term": "term",
    "campaign_content": "content",
    "campaign_id": "id",
}
_WHO = {
    "user_id": ("user_id", "userId", "uid"),
    "anonymous_id": ("client_id", "clientId", "cid", "x-ga-js_client_id", "app_instance_id", "anonymous_id"),
}
_TAKEN = frozenset(
    {*_PAGE, *_PLAIN, *_CAMPAIGN, "screen_resolution", "timestamp_micros", "user_data"}
    | {name for names in _WHO.values() for name in names}
)
"""What stands elsewhere in the event, and not among its properties."""

_ONE_PRODUCT = frozenset(
    {"product_viewed", "product_clicked", "product_added", "product_removed", "product_added_to_wishlist"}
)
_PROMOTIONS = frozenset({"promotion_viewed", "promotion_clicked"})
_ORDERS = frozenset({"order_completed", "order_refunded"})
_PLAYED = {"video_start": 0, "video_complete": 100}


@dataclass(slots=True)
class Said:
    """One event, as its sender tells it; all values are plain JSON.

    `params` are GA4's event parameters, `shared` what is said of the whole request or page in the same names
    (the event's own win). `at` is a time in any form, `id` empty where the sender gives nothing to know a
    repeat by.
    """

    name: Any
    params: Thing
    shared: Thing = field(default_factory=dict)
    traits: Thing = field(default_factory=dict)
    context: Thing = field(default_factory=dict)
    choice: Choice = field(default_factory=dict)
    at: Any = None
    id: str = ""
    as_sent: str = ""

    def event(self, categories: Mapping[str, str]) -> hub.Event:
        """The event; raises BadEvent where this says none."""
        around = {**self.shared, **self.params}
        event = hub.normalise(
            type="track",
            id=self.id,
            name=self.name,
            occurred_at=self.at,
            identifiers=_identifiers(around),
            properties={key: value for key, value in self.params.items() if key not in _TAKEN},
            context=self._context(around),
            traits={**self.traits, **personal(around.get("user_data"))} or None,
            consent=consents(self.choice),
            categories=categories,
            parsed=True,
        )
        event.name_as_sent = self.as_sent or event.name_as_sent
        _finish(event)
        return event

    def body(self) -> bytes:
        """What it said, for the quarantine."""
        return written({"name": self.name, "params": self.params, **self.shared})

    def _context(self, around: Thing) -> Thing:
        context = {ours: around[key] for key, ours in _PLAIN.items() if _is_said(around.get(key))}
        for name, keys in (("page", _PAGE), ("campaign", _CAMPAIGN)):
            found = {ours: around[key] for key, ours in keys.items() if _is_said(around.get(key))}
            if found:
                context[name] = found
        if _is_said(around.get("screen_resolution")):
            context["screen"] = around["screen_resolution"]
        if self.choice:
            preferences = {kind: state == "granted" for kind, state in self.choice.items()}
            context["consent"] = {"categoryPreferences": preferences}
        return context | self.context


def _identifiers(around: Thing) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (kind, next((around[name] for name in names if around.get(name)), None))
        for kind, names in _WHO.items()
    )


def _is_said(value: Any) -> bool:
    return value is not None and value != ""


def personal(user_data: Any) -> Thing:
    """Traits in GA4's `user_data`; hashed values name nobody here and stay out."""
    if not isinstance(user_data, dict):
        return {}
    address = _first(user_data.get("address"))
    inside = address if isinstance(address, dict) else {}
    found = {
        "email": _first(user_data.get("email") or user_data.get("email_address")),
        "phone": _first(user_data.get("phone_number") or user_data.get("phone")),
        "first_name": inside.get("first_name"),
        "last_name": inside.get("last_name"),
    }
    return {name: value for name, value in found.items() if isinstance(value, str) and value}


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value


def _finish(event: hub.Event) -> None:
    """What the catalogue's events hold that GA4 says elsewhere or leaves to its reader."""
    properties = event.properties
    if event.name == "page_viewed":
        event.type = "page"
        page = event.sent_context.get("page", {})
        for key in ("url", "title", "referrer", "path"):
            if key in page:
                properties.setdefault(key, page[key])
    elif event.name == "screen_viewed":
        event.type = "screen"
    elif event.name in _ONE_PRODUCT:
        spread(properties, properties.get("products"))
    elif event.name in _PROMOTIONS:
        spread(properties, properties.get("promotions"))
    elif event.name in _ORDERS and "value" in properties:
        properties.setdefault("revenue", properties["value"])
    elif event.name == "video_played" and event.name_as_sent in _PLAYED:
        properties.setdefault("percent", _PLAYED[event.name_as_sent])


def shared(around: Thing, too_long: Collection[str] = ()) -> Thing:
    """What is said of all events, if it is not too much; raises BadPayload."""
    if too_long or len(written(around)) > MOST_SHARED:
        raise hub.BadPayload(f"what stands beside the events has at most {MOST_SHARED} bytes")
    return around


def browser(inbound: hub.Inbound) -> Thing:
    """Which browser sends, as a parameter; nothing where no header says it."""
    agent = (inbound.header("user-agent") or "").encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    return {"user_agent": agent} if agent else {}


def digest(*parts: Any) -> str:
    """The same parts give the same id; empty where they cannot be written down."""
    kept = blake2b(digest_size=16)
    for part in parts:
        try:
            kept.update(msgspec.json.encode(part, order="sorted"))
        except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError):
            return ""
        kept.update(b"\0")
    return kept.hexdigest()


def written(item: Any) -> bytes:
    """An item for the quarantine, as JSON; empty where it cannot be written."""
    try:
        return msgspec.json.encode(item)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError):
        return b""
