"""The shapes of Mailchimp's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hub.testing.vendors.mailchimp.checking import Refused, hashed
from hub.testing.vendors.mailchimp.keeping import Member
from hub.wire import Response

PROBLEM = "application/problem+json; charset=utf-8"
ERRORS = "https://mailchimp.com/developer/marketing/docs/errors/"


def as_json(status: int, said: Any) -> Response:
    """An answer with a body."""
    headers = {"content-type": "application/json; charset=utf-8"}
    return Response(status, headers, msgspec.json.encode(said))


def problem(refused: Refused, number: int) -> Response:
    """A refusal."""
    said: dict[str, Any] = {
        "type": ERRORS,
        "title": refused.title,
        "status": refused.status,
        "detail": refused.detail,
        "instance": f"00000000-0000-0000-0000-{number:012d}",
    }
    if refused.fields:
        said["errors"] = [{"field": one.name, "message": one.message} for one in refused.fields]
    return Response(refused.status, {"content-type": PROBLEM}, msgspec.json.encode(said))


def shown(member: Member) -> dict[str, Any]:
    """A member as all answers show it."""
    known = hashed(member.email)
    return {
        "id": known,
        "email_address": member.email,
        "unique_email_id": known[:10],
        "email_type": "html",
        "status": member.status,
        "merge_fields": member.merge_fields,
        "interests": {},
        "stats": {"avg_open_rate": 0, "avg_click_rate": 0},
        "ip_signup": "",
        "timestamp_signup": member.timestamp_opt or "2026-01-01T00:00:00+00:00",
        "ip_opt": "",
        "timestamp_opt": member.timestamp_opt or "2026-01-01T00:00:00+00:00",
        "member_rating": 2,
        "last_changed": "2026-01-01T00:00:00+00:00",
        "language": member.language,
        "vip": False,
        "email_client": "",
        "location": {
            "latitude": 0,
            "longitude": 0,
            "gmtoff": 0,
            "dstoff": 0,
            "country_code": "",
            "timezone": "",
        },
        "tags_count": len(member.tags),
        "tags": [{"id": number, "name": name} for number, name in enumerate(member.tags, 1)],
        "list_id": member.list_id,
        "_links": _links(member),
    }


def batch(
    new: Sequence[Member], updated: Sequence[Member], errors: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What became of the members of a batch."""
    return {
        "new_members": [shown(member) for member in new],
        "updated_members": [shown(member) for member in updated],
        "errors": list(errors),
        "total_created": len(new),
        "total_updated": len(updated),
        "error_count": len(errors),
        "_links": [],
    }


def entry(email: str, refused: Refused) -> dict[str, Any]:
    """Somebody whom a batch did not take."""
    field, message = refused.fields[0] if refused.fields else ("", "")
    return {
        "email_address": email,
        "error": refused.detail,
        "error_code": "ERROR_CONTACT_EXISTS" if refused.title == "Member Exists" else "ERROR_GENERIC",
        "field": field,
        "field_message": message,
    }


def _links(member: Member) -> list[dict[str, str]]:
    here = f"https://us1.api.mailchimp.com/3.0/lists/{member.list_id}/members/{hashed(member.email)}"
    schema = "https://us1.api.mailchimp.com/schema/3.0/Definitions/Lists/Members"
    ways = (("self", "GET", ""), ("update", "PATCH", ""), ("upsert", "PUT", ""), ("delete", "DELETE", ""))
    more = (("activity", "GET", "/activity"), ("goals", "GET", "/goals"), ("notes", "GET", "/notes"))
    last = (("events", "POST", "/events"), ("delete_permanent", "POST", "/actions/delete-permanent"))
    return [
        {"rel": rel, "href": here + path, "method": method, "targetSchema": f"{schema}/Response.json"}
        for rel, method, path in (*ways, *more, *last)
    ]
