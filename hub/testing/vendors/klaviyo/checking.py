"""What Klaviyo refuses: the rules that stand in its documentation, beside and within its contract."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hub.catalogue import CURRENCIES

CONTRACT = "klaviyo/klaviyo-2026-07-15.json"
JSON_API = "application/vnd.api+json"

MOST_BYTES = 5_000_000
MOST_PROFILE_BYTES = 100_000
MOST_TEXT = 100_000
MOST_PROPERTIES = 400
LONGEST_METRIC = 127

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NAMES = ("email", "phone_number", "external_id", "anonymous_id", "_kx")


class Refusal(NamedTuple):
    """One entry of `errors`."""

    code: str
    detail: str
    pointer: str = ""


class Refused(Exception):
    """The request as a whole is not taken."""

    def __init__(self, status: int, refusals: Sequence[Refusal] = ()) -> None:
        super().__init__(str(status))
        self.status = status
        self.refusals = refusals


class Item(NamedTuple):
    """One profile or event of a request, and the pointer to its attributes."""

    attributes: dict[str, Any]
    pointer: str


Check = Callable[[Item], Iterator[Refusal]]


def checked_profile(item: Item, *, email: bool = True) -> Iterator[Refusal]:
    """Somebody must be named, in the form that is asked for."""
    said = item.attributes
    if not any(said.get(name) for name in _NAMES) and email:
        yield Refusal("invalid", "One of email, phone_number, external_id is required.", item.pointer)
    address = said.get("email")
    if address is not None and not (isinstance(address, str) and _EMAIL.fullmatch(address)):
        yield Refusal("invalid", "Invalid email address.", f"{item.pointer}/email")
    phone = said.get("phone_number")
    if phone is not None and not (isinstance(phone, str) and _E164.fullmatch(phone)):
        yield Refusal("invalid", "Invalid phone number.", f"{item.pointer}/phone_number")


def checked_event(item: Item, now: datetime) -> Iterator[Refusal]:
    """A metric, properties that are not too many, a time that can be, an amount that is one."""
    said, pointer = item.attributes, item.pointer
    metric = metric_of(said)
    if not metric or len(metric) > LONGEST_METRIC:
        place = f"{pointer}/metric/data/attributes/name"
        yield Refusal("invalid", "A metric's name has 1 to 127 characters.", place)
    properties = said.get("properties")
    if not isinstance(properties, dict) or len(properties) > MOST_PROPERTIES:
        yield Refusal("invalid", "Properties are an object of at most 400.", f"{pointer}/properties")
    elif any(len(text) > MOST_TEXT for text in _texts(properties)):
        yield Refusal("invalid", "A string is larger than 100 KB.", f"{pointer}/properties")
    if said.get("time") is not None and not _is_possible(said["time"], now):
        yield Refusal("invalid", "The time is not after 1990 and within a year.", f"{pointer}/time")
    value = said.get("value")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        yield Refusal("invalid", "The value is no number.", f"{pointer}/value")
    currency = said.get("value_currency")
    if currency is not None and currency not in CURRENCIES:
        yield Refusal("invalid", "The currency is none of ISO 4217.", f"{pointer}/value_currency")


def checked_subscription(item: Item) -> Iterator[Refusal]:
    """Each channel needs its address."""
    yield from checked_profile(item, email=False)
    channels = item.attributes.get("subscriptions")
    for channel, name in (("email", "email"), ("sms", "phone_number")):
        if isinstance(channels, dict) and channel in channels and not item.attributes.get(name):
            yield Refusal("invalid", f"{channel} needs {name}.", f"{item.pointer}/{name}")


def metric_of(event: Mapping[str, Any]) -> str:
    """The name of an event's metric; empty where there is none."""
    said: Any = event
    for step in ("metric", "data", "attributes", "name"):
        said = said.get(step) if isinstance(said, dict) else None
    return said if isinstance(said, str) else ""


def inside(said: Any, *path: str) -> Any:
    """What stands at a path of an object; raises Refused where nothing does."""
    for place, step in enumerate(path):
        if not isinstance(said, dict) or step not in said:
            pointer = "".join(f"/{name}" for name in path[:place])
            raise Refused(400, [Refusal("invalid", f"'{step}' is a required field.", pointer or "/")])
        said = said[step]
    return said


def items(body: Any, *path: str, most: int) -> list[Item]:
    """The resources in a list of the body; raises Refused where they are too many, or none."""
    found = inside(body, *path)
    pointer = "".join(f"/{name}" for name in path)
    if not isinstance(found, list) or not 0 < len(found) <= most:
        raise Refused(400, [Refusal("invalid", f"A list of 1 to {most} is needed.", pointer)])
    return [Item(inside(one, "attributes"), f"{pointer}/{n}/attributes") for n, one in enumerate(found)]


def _texts(said: Any) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict | list):
        for inner in said.values() if isinstance(said, dict) else said:
            yield from _texts(inner)


def _is_possible(said: Any, now: datetime) -> bool:
    try:
        when = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return False
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return datetime(1990, 1, 1, tzinfo=UTC) < when < now + timedelta(days=365)
