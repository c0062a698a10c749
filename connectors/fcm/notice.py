"""A message as a device gets it: what is shown, what the app is told, how long it is worth delivering."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import hub

LONGEST = 4096
"""Bytes of notification and data. https://firebase.google.com/docs/cloud-messaging/send/v1-api"""
FOUR_WEEKS = 28 * 24 * 3600
"""Seconds that FCM keeps a message for a device, at most."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_RESERVED = re.compile(r"(?:from|message_type)\Z|google|gcm")
_SHOWN = ("title", "subject", "body", "text", "html", "vendor", "image")
"""Words that are no data: they are shown, or belong to other channels."""


@dataclass(frozen=True, slots=True)
class Look:
    """How messages of a sink arrive."""

    priority: Literal["high", "normal"]
    sound: str | None


def devices(delivery: hub.Delivery) -> list[str]:
    """The tokens of the person's devices, that of the event's own device first; each once."""
    known = (*delivery.event.identifiers, *delivery.identifiers)
    tokens = dict.fromkeys(one.value for one in known if one.kind == "device_token")
    return [token for token in tokens if _TOKEN.fullmatch(token)]


def notice(delivery: hub.Delivery, message: hub.Message, look: Look) -> dict[str, Any]:
    """The message for any of the person's devices, all but its token; raises GiveUp where it is too long.

    With a title or a text it is shown by the device. Without, the app gets the template's name and the
    variables, and shows what it likes.
    """
    shown = _shown(message)
    said: dict[str, Any] = {"data": _data(message)}
    if shown:
        said = {"notification": shown, **said}
    size = sum(len(json.dumps(part, ensure_ascii=False).encode()) for part in said.values())
    if size > LONGEST:
        raise hub.GiveUp(f"the message has {size} bytes, and FCM takes {LONGEST}; give it fewer variables")
    return {**said, **_roads(delivery.id, message, look, is_shown=bool(shown))}


def _shown(message: hub.Message) -> dict[str, str]:
    """Title, text and picture; a template without words may have them as variables."""
    said = message.words or message.variables
    found = {
        "title": _first(said, "title", "subject"),
        "body": _first(said, "body", "text"),
        "image": _first(said, "image"),
    }
    if not found["title"] and not found["body"]:
        return {}
    return {name: text for name, text in found.items() if text}


def _first(said: Mapping[str, Any], *names: str) -> str:
    texts = (said.get(name) for name in names)
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")


def _data(message: hub.Message) -> dict[str, str]:
    """What the app is told: variables and further words as texts, and which message this is."""
    words = {name: text for name, text in message.words.items() if name not in _SHOWN}
    told = {**message.variables, **words}
    ours = {"message": message.id, "rule": message.rule, "template": message.template}
    return {
        **{_key(name): _text(value) for name, value in told.items() if value is not None},
        **{name: text for name, text in ours.items() if text},
    }


def _key(name: str) -> str:
    # FCM refuses the whole message for one of these.
    return f"_{name}" if _RESERVED.match(name) else name


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _roads(id: str, message: hub.Message, look: Look, *, is_shown: bool) -> dict[str, Any]:
    """What each kind of device wants to know. A repeat takes the place of what it repeats."""
    high = is_shown and look.priority == "high"
    android: dict[str, Any] = {"priority": "high" if high else "normal"}
    headers = {
        "apns-priority": "10" if high else "5",
        "apns-push-type": "alert" if is_shown else "background",
        "apns-expiration": str(message.expires_at // 1_000_000),
    }
    aps: dict[str, Any] = {} if is_shown else {"content-available": 1}
    if is_shown:
        # Of several that wait for a device that is off, the last of a kind is enough.
        android["collapseKey"] = (message.template or message.rule)[:64]
        android["notification"] = {"tag": id}
        headers["apns-collapse-id"] = id
        if look.sound:
            android["notification"]["sound"] = aps["sound"] = look.sound
    apns: dict[str, Any] = {"headers": headers}
    if aps:
        apns["payload"] = {"aps": aps}
    web: dict[str, Any] = {"headers": {"Urgency": "high" if high else "normal"}}
    link = message.words.get("link", "")
    if link.startswith("https://"):
        web["fcmOptions"] = {"link": link}
    return {"android": android, "apns": apns, "webpush": web}


def in_time(body: dict[str, Any], now: int) -> dict[str, Any]:
    """The request's body with the seconds that its message still has, from the end that it carries."""
    message = body["message"]
    if "apns" not in message:
        return body
    left = int(message["apns"]["headers"]["apns-expiration"]) - now // 1_000_000
    seconds = min(max(left, 1), FOUR_WEEKS)
    web = message["webpush"]
    timed = {
        "android": {**message["android"], "ttl": f"{seconds}s"},
        "webpush": {**web, "headers": {**web["headers"], "TTL": str(seconds)}},
    }
    return {**body, "message": {**message, **timed}}
