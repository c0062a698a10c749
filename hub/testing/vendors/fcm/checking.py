"""What FCM refuses: the rules that stand in its documentation, beside its contract.

https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

CONTRACT = "fcm/fcm-v1.openapi.json"
MOST_BYTES = 4096
MOST_TOPIC_BYTES = 2048
FOUR_WEEKS = 28 * 24 * 3600

_TARGETS = ("token", "topic", "condition", "fid")
_RESERVED = re.compile(r"(?:from|message_type)\Z|google|gcm")
_DURATION = re.compile(r"(\d{1,9})(?:\.\d{1,9})?s")
_TOPIC = re.compile(r"[\w.~%-]+", re.ASCII)
_FREE = ("data", "headers", "payload")
"""Objects whose keys are the sender's own."""


class Violation(NamedTuple):
    """One thing that is wrong: the field, and why."""

    field: str
    description: str


def camel(said: Any) -> Any:
    """A body in the spelling of the contract: Google takes `collapse_key` and `collapseKey` alike."""
    if isinstance(said, list):
        return [camel(one) for one in said]
    if not isinstance(said, dict):
        return said
    return {
        re.sub(r"_([a-z])", lambda found: found[1].upper(), name): value if name in _FREE else camel(value)
        for name, value in said.items()
    }


def violations(message: Mapping[str, Any]) -> Iterator[Violation]:
    """What is wrong with a message in the contract's spelling."""
    targets = [name for name in _TARGETS if message.get(name)]
    if len(targets) != 1:
        yield Violation("message", "Exactly one of token, topic or condition is required")
    topic = message.get("topic")
    if topic is not None and not (isinstance(topic, str) and _TOPIC.fullmatch(topic)):
        yield Violation("message.topic", "Malformed topic name")
    yield from _wrong_data(message.get("data"))
    yield from _wrong_times(message)
    size = sum(len(_bytes(message[part])) for part in ("notification", "data") if message.get(part))
    if size > (MOST_TOPIC_BYTES if topic else MOST_BYTES):
        yield Violation("message", "The message is too big")


def _wrong_data(data: Any) -> Iterator[Violation]:
    if data is None:
        return
    if not isinstance(data, dict):
        yield Violation("message.data", "Invalid value (Map)")
        return
    for number, (name, value) in enumerate(data.items()):
        if not isinstance(value, str):
            yield Violation(f"message.data[{number}].value", "Invalid value (TYPE_STRING)")
        if _RESERVED.match(name):
            yield Violation(f"message.data[{number}].key", "Invalid data payload key")


def _wrong_times(message: Mapping[str, Any]) -> Iterator[Violation]:
    ttl = _inside(message, "android", "ttl")
    if ttl is not None:
        found = _DURATION.fullmatch(ttl) if isinstance(ttl, str) else None
        if found is None or int(found[1]) > FOUR_WEEKS:
            yield Violation("message.android.ttl", "Invalid TTL")
    for path in ("apns", "webpush"):
        for name, value in (_inside(message, path, "headers") or {}).items():
            is_number = name.lower() in ("ttl", "apns-expiration", "apns-priority")
            if not isinstance(value, str) or (is_number and not value.isdecimal()):
                yield Violation(f"message.{path}.headers", "Invalid header")
    collapse = (_inside(message, "apns", "headers") or {}).get("apns-collapse-id", "")
    if len(str(collapse).encode()) > 64:
        yield Violation("message.apns.headers", "apns-collapse-id is longer than 64 bytes")


def _inside(said: Any, *path: str) -> Any:
    for step in path:
        said = said.get(step) if isinstance(said, dict) else None
    return said


def _bytes(said: Any) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode()
