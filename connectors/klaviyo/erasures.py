"""Whom Klaviyo is asked to delete: every profile with an address of theirs, and the one of their user id."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from typing import Any

import hub

from .profiles import is_phone

JOBS = "/api/data-privacy-deletion-jobs"
NOBODY = "no identifier that an erasure needs: e-mail address, phone number or user id"
FIELDS = "email,phone_number"

Named = dict[str, str]
"""One identifier of a profile: a request takes exactly one."""


def addresses(delivery: hub.Delivery) -> list[Named]:
    """Every e-mail address and phone number that is known of somebody, each once."""
    emails, phones = _values(delivery, "email"), filter(is_phone, _values(delivery, "phone"))
    return [*({"email": one} for one in emails), *({"phone_number": one} for one in phones)]


def others(
    delivery: hub.Delivery, addresses: Sequence[Named]
) -> Generator[hub.Request, hub.Response, list[Named]]:
    """The profiles of their user id that these addresses do not reach, by Klaviyo's own ids."""
    users = _values(delivery, "user_id")
    if not users:
        return []
    named = json.dumps(users, ensure_ascii=False, separators=(",", ":"))
    asked = {"filter": f"any(external_id,{named})", "fields[profile]": FIELDS}
    answer = yield hub.Request("GET", "/api/profiles", query=asked)
    body = answer.json()
    found = body.get("data", []) if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise hub.RetryLater(f"answered {answer.status} with a body that cannot be read")
    left = [one for one in found if _is_profile(one) and not _is_reached(one, addresses)]
    return [{"id": profile["id"]} for profile in left]


def job(named: Named) -> dict[str, Any]:
    """The body of a deletion job."""
    id = {"id": named["id"]} if "id" in named else {}
    attributes = {name: value for name, value in named.items() if name != "id"}
    profile = {"type": "profile", **id, "attributes": attributes}
    return {"data": {"type": "data-privacy-deletion-job", "attributes": {"profile": {"data": profile}}}}


def _values(delivery: hub.Delivery, kind: str) -> list[str]:
    known = (*delivery.event.identifiers, *delivery.identifiers)
    return list(dict.fromkeys(one.value for one in known if one.kind == kind))


def _is_profile(said: Any) -> bool:
    return isinstance(said, dict) and isinstance(said.get("id"), str)


def _is_reached(profile: dict[str, Any], addresses: Sequence[Named]) -> bool:
    said = profile.get("attributes")
    attributes = said if isinstance(said, dict) else {}
    return any(attributes.get(name) == value for one in addresses for name, value in one.items())
