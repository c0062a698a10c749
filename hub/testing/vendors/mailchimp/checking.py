"""What Mailchimp refuses: the rules that stand in its documentation, beside and within its contract."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import md5
from typing import Any, NamedTuple

CONTRACT = "mailchimp/marketing-3.0.json"

MOST_MEMBERS = 500
MOST_AT_ONCE = 10
SHORTEST_NAME, LONGEST_NAME = 2, 30
LONGEST_TAG = 100
LONGEST_FIELD = 255
STATUSES = frozenset({"subscribed", "unsubscribed", "cleaned", "pending", "transactional"})

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_BIRTHDAY = re.compile(r"(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])", re.ASCII)
_TAG = re.compile(r"[A-Z][A-Z0-9_]{0,9}", re.ASCII)
_ADDRESS = ("addr1", "city", "state", "zip")


class Field(NamedTuple):
    """A field that is no good, and why."""

    name: str
    message: str


class Refused(Exception):
    """The request is not taken, as a problem document says it."""

    def __init__(self, status: int, title: str, detail: str, fields: Sequence[Field] = ()) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.fields = fields


def invalid(fields: Sequence[Field]) -> Refused:
    """The resource as a whole is no good."""
    return Refused(
        400,
        "Invalid Resource",
        "The resource submitted could not be validated. For field-specific details, see the 'errors' array.",
        fields,
    )


def not_found() -> Refused:
    """What was asked for is not there."""
    return Refused(404, "Resource Not Found", "The requested resource could not be found.")


def hashed(email: str) -> str:
    """What a member is known by."""
    return md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def is_email(said: Any) -> bool:
    """Whether this may be somebody's address."""
    return isinstance(said, str) and _EMAIL.fullmatch(said) is not None


def checked_member(said: Mapping[str, Any], required: Collection[str]) -> Iterator[Field]:
    """A status that there is, and merge fields of the right form; `required` ones must be there."""
    for name in ("status", "status_if_new"):
        if name in said and said[name] not in STATUSES:
            yield Field(name, "Value is not one of the statuses.")
    fields = said.get("merge_fields") or {}
    for tag in required:
        if not fields.get(tag):
            yield Field(tag, "This value should not be blank.")
    for tag, value in fields.items():
        yield from _checked_field(tag, value)
    for name in ("timestamp_opt", "timestamp_signup"):
        if name in said and not is_time(said[name]):
            yield Field(name, "This value is not a valid datetime.")


def checked_event(said: Mapping[str, Any]) -> Iterator[Field]:
    """A name of the right length, properties of text, a time."""
    name = said.get("name")
    if not isinstance(name, str) or not SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        yield Field("name", "This value should be between 2 and 30 characters.")
    properties = said.get("properties") or {}
    if not isinstance(properties, dict):
        yield Field("properties", "This value should be of type object.")
    elif any(not isinstance(value, str) for value in properties.values()):
        yield Field("properties", "Every property should be of type string.")
    if "occurred_at" in said and not is_time(said["occurred_at"]):
        yield Field("occurred_at", "This value is not a valid datetime.")


def checked_tags(said: Mapping[str, Any]) -> Iterator[Field]:
    """Tags with a name and a state."""
    tags = said.get("tags")
    if not isinstance(tags, list) or not tags:
        yield Field("tags", "This value should not be blank.")
        return
    for place, one in enumerate(tags):
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_TAG:
            yield Field(f"tags.item:{place}.name", "This value should be between 1 and 100 characters.")
        elif one.get("status") not in ("active", "inactive"):
            yield Field(f"tags.item:{place}.status", "Value is neither active nor inactive.")


def is_time(said: Any) -> bool:
    """Whether this is a time with its zone."""
    try:
        return datetime.fromisoformat(said).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _checked_field(tag: str, value: Any) -> Iterator[Field]:
    if _TAG.fullmatch(tag) is None:
        yield Field(tag, "No merge tag.")
    elif isinstance(value, dict):
        if not all(value.get(part) for part in _ADDRESS):
            yield Field(tag, "Please enter a complete address.")
    elif tag == "BIRTHDAY" and value and not _BIRTHDAY.fullmatch(str(value)):
        yield Field(tag, "Please enter the date as MM/DD.")
    elif isinstance(value, str) and len(value.encode()) > LONGEST_FIELD:
        yield Field(tag, "This value is longer than 255 bytes.")
    elif not isinstance(value, str | int | float):
        yield Field(tag, "This value is neither text nor number.")
