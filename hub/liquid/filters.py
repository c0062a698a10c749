"""Filters of our own, in place of Liquid's where those read the clock or may take for ever."""

from __future__ import annotations

import json as JSON
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Any

from liquid.stringify import to_liquid_string
from liquid.undefined import is_undefined

from hub.liquid.limits import MOST_BYTES, TooMuch, bounded, measured

STEP_BYTES = 64
"""So many bytes given to a filter are a step."""

_TAG = re.compile(r"<[^<>]*>")


class Plain(str):
    """Text that is JSON already."""

    __slots__ = ()


def tamed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that pays for what it is given, and makes no more than there is room for."""
    wants = [name for name in ("environment", "context") if getattr(function, f"with_{name}", False)]

    def run(left: Any, *arguments: Any, context: Any, **named: Any) -> Any:
        given = measured([left, *arguments, *named.values()])
        context.spend(1 + given // STEP_BYTES)
        offered = {"environment": context.env, "context": context}
        return bounded(function(left, *arguments, **named, **{name: offered[name] for name in wants}))

    run.with_context = True  # type: ignore[attr-defined]
    return run


def text_of(value: Any) -> str:
    """A value as Liquid writes it."""
    if isinstance(value, str):
        return value
    return str(to_liquid_string(None if is_undefined(value) else value, autoescape=False))


def replace(value: Any, old: Any, new: Any = "") -> str:
    """Replaces all, if there is room for what comes of it."""
    text, before, after = text_of(value), text_of(old), text_of(new)
    if len(text) + text.count(before) * len(after) > MOST_BYTES:
        raise TooMuch("makes more than 256 KB")
    return text.replace(before, after)


def join(value: Any, separator: Any = " ") -> str:
    """Puts items together, if there is room for them."""
    items = [text_of(one) for one in _items(value)]
    between = text_of(separator)
    if sum(map(len, items)) + len(between) * len(items) > MOST_BYTES:
        raise TooMuch("makes more than 256 KB")
    return between.join(items)


def uniq(value: Any, key: Any = None) -> list[Any]:
    """Each item once, the first one; by what stands under a key, where one is named."""
    found: dict[str, Any] = {}
    for one in _items(value):
        by = one.get(key) if isinstance(one, Mapping) and key is not None else one
        found.setdefault(json(by), one)
    return list(found.values())


def strip_html(value: Any) -> str:
    """The text without tags."""
    return unescape(_TAG.sub("", str(text_of(value))))


def json(value: Any) -> str:
    """A value as JSON, quotes included."""
    return Plain(JSON.dumps(None if is_undefined(value) else value, ensure_ascii=False, default=str))


def date(value: Any, form: Any = "%Y-%m-%d", *, context: Any) -> str:
    """A time in the form of strftime; `now` is the value of that name; what is no time stays as it is."""
    at = time_of(context.globals.get("now") if value in ("now", "today") else value)
    if at is None:
        return text_of(value)
    return at.strftime(text_of(form).replace("%s", str(int(at.timestamp()))))


date.with_context = True  # type: ignore[attr-defined]


def time_of(said: Any) -> datetime | None:
    """A time in ISO 8601 or in seconds since 1970; one without a zone is UTC."""
    try:
        if isinstance(said, str) and not said.isdigit():
            found = datetime.fromisoformat(said)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        if isinstance(said, int | float | str) and not isinstance(said, bool):
            return datetime.fromtimestamp(float(said), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _items(value: Any) -> list[Any]:
    if is_undefined(value) or value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


OURS = {
    "date": date,
    "join": join,
    "json": json,
    "replace": replace,
    "strip_html": strip_html,
    "uniq": uniq,
}
