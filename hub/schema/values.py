"""The values that an event may hold: plain JSON, not too deep, without NUL characters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.errors import BadEvent
from hub.schema.names import MAX_KEYS, MAX_NAME, Keys

MAX_DEPTH = 64
"""Objects and lists inside each other."""

NESTING: frozenset[type] = frozenset({dict, list})
"""Types of values that hold other values."""

# The longest whole number that Python writes as text.
_WIDEST = 10**4000


def renamed(sent: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """The same values under our keys, all the way down; what needs no change is not copied."""
    return _renamed(sent, keys, MAX_DEPTH, [MAX_KEYS])


def _renamed(sent: dict[str, Any], keys: Keys, depth: int, left: list[int]) -> dict[str, Any]:
    shape = tuple(sent)
    ours = keys.known(shape, shape)
    if ours is shape:
        ours = keys.learn(shape)
    left[0] -= len(shape)
    if left[0] < 0:
        raise BadEvent(f"the event has more than {MAX_KEYS} keys")
    kept = sent if ours is None else dict(zip(ours, sent.values(), strict=True))
    if NESTING.isdisjoint(map(type, kept.values())):
        return kept
    return {key: _inside(value, keys, depth - 1, left) for key, value in kept.items()}


def _inside(sent: Any, keys: Keys, depth: int, left: list[int]) -> Any:
    kind = sent.__class__
    if kind is not dict and kind is not list:
        return sent
    if depth <= 0:
        raise BadEvent(f"the event is deeper than {MAX_DEPTH} levels")
    if kind is dict:
        return _renamed(sent, keys, depth, left)
    # An order may have any number of lines: each object of a list has its own allowance of keys.
    return [_inside(item, keys, depth - 1, [MAX_KEYS]) for item in sent]


def bounded(sent: Any, depth: int = MAX_DEPTH) -> None:
    """Raises BadEvent where values are deeper or wider than an event may be; changes nothing."""
    if depth <= 0:
        raise BadEvent(f"the event is deeper than {MAX_DEPTH} levels")
    if len(sent) > MAX_KEYS and sent.__class__ is dict:
        raise BadEvent(f"an object has more than {MAX_KEYS} keys")
    values = sent.values() if sent.__class__ is dict else sent
    if NESTING.isdisjoint(map(type, values)):
        return
    for value in values:
        if value.__class__ in NESTING:
            bounded(value, depth - 1)


def cleaned(sent: Any, depth: int = MAX_DEPTH) -> Any:
    """A copy that is plain JSON: text without NUL, finite numbers; raises BadEvent where it cannot be."""
    kind = sent.__class__
    if kind is str:
        return _text(sent)
    if sent is None or kind is bool:
        return sent
    if kind is float or kind is int:
        return sent if -_WIDEST < sent < _WIDEST else None
    if depth <= 0:
        raise BadEvent(f"the event is deeper than {MAX_DEPTH} levels")
    if kind is dict or isinstance(sent, Mapping):
        if len(sent) > MAX_KEYS:
            raise BadEvent(f"an object has more than {MAX_KEYS} keys")
        return {_key(key): cleaned(value, depth - 1) for key, value in sent.items()}
    if isinstance(sent, list | tuple):
        return [cleaned(value, depth - 1) for value in sent]
    raise BadEvent("the event holds a value that is no JSON")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise BadEvent("the event has a key that is no text")
    if len(key) > MAX_NAME:
        raise BadEvent(f"a key is longer than {MAX_NAME} characters")
    return _text(key)


def _text(text: str) -> str:
    text = text.replace("\0", "") if "\0" in text else text
    if not text.isascii():
        # Half of a surrogate pair is no character: no store and no sink would take it.
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text
