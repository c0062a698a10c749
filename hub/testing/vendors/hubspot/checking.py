"""What HubSpot refuses: the rules that stand in its documentation, beside its contracts."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

CONTRACTS = {
    "/crm/v3/objects/contacts": "hubspot/contacts.json",
    "/crm/v3/lists": "hubspot/lists.json",
    "/events/v3/send": "hubspot/events-send.json",
    "/communication-preferences/v3": "hubspot/communication-preferences.json",
}
"""Where a path begins → the contract that describes it."""

OWN = frozenset(
    {
        *("address", "city", "company", "country", "date_of_birth", "email", "fax", "firstname", "gender"),
        *("hs_language", "industry", "jobtitle", "lastname", "lifecyclestage", "mobilephone", "phone"),
        *("salutation", "state", "website", "zip"),
    }
)
"""Contact properties that every account has, as far as somebody may write them."""

MOST_CONTACTS = 100
MOST_EVENTS = 500
MOST_PROPERTIES = 50
LONGEST_NAME = 50
LONGEST_VALUE = 256
LONGEST_ADDRESS = 1024

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_INTERNAL = re.compile(r"[a-z][a-z0-9_]*")
_FULL_NAME = re.compile(r"pe\d+_[a-z][a-z0-9_-]*")

Definitions = Mapping[str, Collection[str]]
"""Events by their full names, each with the properties that it has."""


class Detail(NamedTuple):
    """One thing that is wrong with a record: the code, the property, and what is the matter."""

    code: str
    name: str
    what: str


class Refused(Exception):
    """The request as a whole is not taken."""

    def __init__(self, status: int, category: str, message: str, details: Sequence[Detail] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.details = details


def is_email(said: Any) -> bool:
    """Whether this may be somebody's address."""
    return isinstance(said, str) and _EMAIL.fullmatch(said) is not None


def checked_contact(properties: Mapping[str, Any], known: Collection[str] | None) -> Iterator[Detail]:
    """Properties must be there, and an address must be one; `known` None takes any property."""
    for name in properties:
        if known is not None and name not in known:
            yield Detail("PROPERTY_DOESNT_EXIST", name, f'Property "{name}" does not exist')
    email = properties.get("email")
    if email is not None and not is_email(email):
        yield Detail("INVALID_EMAIL", "email", f"Email address {email} is invalid")


def checked_event(said: Mapping[str, Any], definitions: Definitions | None) -> Iterator[Detail]:
    """An event that is defined, of somebody, at a time, with properties that fit."""
    name = str(said.get("eventName"))
    if _FULL_NAME.fullmatch(name) is None or (definitions is not None and name not in definitions):
        yield Detail("EVENT_DOESNT_EXIST", "eventName", f"No event is called {name}")
    if not any(said.get(one) for one in ("email", "objectId", "utk")):
        yield Detail("MISSING_IDENTIFIER", "objectId", "One of objectId, email and utk is required")
    if said.get("email") is not None and not is_email(said["email"]):
        yield Detail("INVALID_EMAIL", "email", f"Email address {said['email']} is invalid")
    if not _is_time(said.get("occurredAt")):
        yield Detail("INVALID_DATE", "occurredAt", "It is no time")
    yield from _checked_properties(said.get("properties") or {}, (definitions or {}).get(name))


def _checked_properties(said: Mapping[str, Any], known: Collection[str] | None) -> Iterator[Detail]:
    if len(said) > MOST_PROPERTIES:
        yield Detail("TOO_MANY_PROPERTIES", "properties", f"More than {MOST_PROPERTIES} properties")
    for name, value in said.items():
        if _INTERNAL.fullmatch(name) is None or len(name) > LONGEST_NAME:
            yield Detail("INVALID_NAME", name, "No internal name")
        elif known is not None and name not in known:
            yield Detail("PROPERTY_DOESNT_EXIST", name, f'Property "{name}" does not exist')
        longest = LONGEST_ADDRESS if "url" in name or "referrer" in name else LONGEST_VALUE
        if not isinstance(value, str) or len(value) > longest:
            yield Detail("INVALID_VALUE", name, f"It is no text of at most {longest} characters")


def _is_time(said: Any) -> bool:
    if said is None:
        return True
    try:
        return datetime.fromisoformat(said).tzinfo is not None
    except (TypeError, ValueError):
        return False


def inputs(body: Any, most: int) -> list[dict[str, Any]]:
    """The records of a batch; raises Refused where they are none, or too many."""
    said = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(said, list) or not said or not all(isinstance(one, dict) for one in said):
        raise Refused(400, "VALIDATION_ERROR", "Some required fields were not set: [inputs]")
    if len(said) > most:
        raise Refused(400, "VALIDATION_ERROR", f"The limit of inputs is {most}, {len(said)} were sent")
    return said


def text(said: Mapping[str, Any], name: str) -> str:
    """What stands under a name; raises Refused where nothing does."""
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(400, "VALIDATION_ERROR", f"Some required fields were not set: [{name}]")
    return value


def invalid(details: Sequence[Detail]) -> str:
    """The message about properties that are no good: words, and the same as JSON behind them."""
    said = [{"isValid": False, "message": one.what, "error": one.code, "name": one.name} for one in details]
    return f"Property values were not valid: {json.dumps(said)}"
