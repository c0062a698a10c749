"""What Klaviyo answers, in its own shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from hub.testing.vendors.klaviyo.checking import JSON_API, Refusal, Refused
from hub.testing.vendors.klaviyo.keeping import Event, Profile
from hub.wire import Response

_TITLES = {
    400: "Invalid input.",
    401: "Authentication credentials were not provided.",
    404: "Not found.",
    409: "Conflict.",
    410: "Gone.",
    413: "Payload too large.",
    415: "Unsupported media type.",
    429: "Request was throttled.",
}

ACCOUNT = {
    "type": "account",
    "id": "STANDIN",
    "attributes": {
        "test_account": True,
        "contact_information": {
            "default_sender_name": "Stand-in",
            "default_sender_email": "news@example.com",
            "website_url": None,
            "organization_name": "Stand-in",
            "street_address": {},
        },
        "industry": None,
        "timezone": "UTC",
        "preferred_currency": "EUR",
        "public_api_key": "STANDIN",
        "locale": "en-US",
    },
    "links": {"self": "https://a.klaviyo.com/api/accounts/STANDIN"},
}

_FILTER = re.compile(r"(equals|any)\((id|email|phone_number|external_id),(.+)\)", re.DOTALL)


def answered(status: int, said: Any) -> Response:
    """An answer with a body."""
    return Response(status, {"content-type": JSON_API}, msgspec.json.encode(said))


def errors(status: int, refusals: Sequence[Refusal], headers: Mapping[str, str] = {}) -> Response:
    """An answer that refuses, and says what was wrong."""
    title = _TITLES.get(status, "Something went wrong.")
    said = [
        {
            "id": f"stand-in-{status}-{number}",
            "status": status,
            "code": one.code,
            "title": title,
            "detail": one.detail,
            "source": {"pointer": one.pointer or "/data"},
            "meta": {},
        }
        for number, one in enumerate(refusals or [Refusal("throttled" if status == 429 else "error", title)])
    ]
    answer = answered(status, {"errors": said})
    return Response(status, {**answer.headers, **headers}, answer.body)


def shown(profile: Profile) -> dict[str, Any]:
    """A profile as it can be read."""
    said: dict[str, Any] = {name: value for name, value in profile.names.items() if name != "anonymous_id"}
    said |= {**profile.attributes, "location": profile.location, "properties": profile.properties}
    links = {"self": f"https://a.klaviyo.com/api/profiles/{profile.id}"}
    return {"type": "profile", "id": profile.id, "attributes": said, "links": links}


def happened(number: int, event: Event) -> dict[str, Any]:
    """An event as it can be read."""
    return {
        "type": "event",
        "id": f"e-{number}",
        "attributes": {"datetime": event.time, "event_properties": event.properties},
        "metric": event.metric,
        "profile": event.profile.id,
    }


def chosen(filter: str) -> Callable[[Profile], bool] | None:
    """The profiles that a filter means; None where there is no filter."""
    if not filter:
        return None
    found = _FILTER.fullmatch(filter)
    try:
        said = msgspec.json.decode(found[3]) if found is not None else None
    except msgspec.DecodeError:
        said = None
    values = said if isinstance(said, list) else [said]
    if found is None or not all(isinstance(value, str) for value in values):
        raise Refused(400, [Refusal("invalid", "The filter cannot be read.", "/filter")])
    name = found[2]
    return lambda profile: (profile.id if name == "id" else profile.names.get(name)) in values
