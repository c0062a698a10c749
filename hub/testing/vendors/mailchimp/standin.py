"""Mailchimp's endpoints, as far as the hub uses them."""

from __future__ import annotations

import re
import time
from base64 import b64decode
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from hub.testing.contracts import Contract
from hub.testing.vendors.mailchimp.answering import as_json, batch, entry, problem, shown
from hub.testing.vendors.mailchimp.checking import (
    CONTRACT,
    MOST_AT_ONCE,
    MOST_MEMBERS,
    Field,
    Refused,
    checked_event,
    checked_member,
    checked_tags,
    hashed,
    invalid,
    is_email,
    not_found,
)
from hub.testing.vendors.mailchimp.keeping import Event, Member, Memory, Triggered
from hub.testing.vendors.standin import Heard, Now, StandIn
from hub.wire import Response

Choice = Callable[[Mapping[str, Any]], bool]
"""Picks members and events as they were sent."""

_BASE = "/3.0"
_LIST = "/lists/([^/]+)"
_MEMBER = f"{_LIST}/members/([^/]+)"
_ENDPOINTS = [
    (method, re.compile(pattern), name)
    for method, pattern, name in (
        ("GET", "/ping", "_ping"),
        ("GET", _LIST, "_list"),
        ("POST", _LIST, "_batch"),
        ("GET", f"{_LIST}/members", "_members"),
        ("GET", _MEMBER, "_member"),
        ("PUT", _MEMBER, "_upsert"),
        ("POST", f"{_MEMBER}/events", "_event"),
        ("GET", f"{_MEMBER}/events", "_events"),
        ("POST", f"{_MEMBER}/tags", "_tag"),
        ("POST", f"{_MEMBER}/actions/delete-permanent", "_forget"),
        ("POST", r"/customer-journeys/journeys/(\d+)/steps/(\d+)/actions/trigger", "_trigger"),
    )
]
"""Method, path and what answers it; groups of the path are its arguments."""


class Mailchimp(StandIn):
    """A stand-in for Mailchimp.

        with Mailchimp(lists=["a6b5da1054"]) as mailchimp:
            …
        assert [event.name for event in mailchimp.events] == ["order_completed"]

    Requests are held against the vendor's contract where HUB_SHARED has it, and against the rules of its
    documentation in any case. `keys`, `lists` and `journeys` (`12/34`) are those that exist; None takes any.
    `required` are merge tags that a form of the audience wants. More than 10 requests at once are too many.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        now: Now = time.monotonic,
        limited: bool = True,
        keys: Sequence[str] | None = None,
        lists: Sequence[str] | None = None,
        journeys: Sequence[str] | None = None,
        required: Collection[str] = (),
    ) -> None:
        super().__init__(port=port, now=now)
        self._memory = Memory()
        self._contract = Contract.of(CONTRACT)
        self._most = MOST_AT_ONCE if limited else None
        self._over = 0
        self._keys = keys
        self._lists = lists
        self._journeys = journeys
        self._required = required
        self._unwanted: Choice | None = None

    @property
    def url(self) -> str:
        """Where it listens: the `base_url` of a sink."""
        return super().url + _BASE

    @property
    def members(self) -> list[Member]:
        """Who is in any audience, in the order of arrival."""
        return list(self._memory.members.values())

    @property
    def events(self) -> list[Event]:
        """What happened, in the order of arrival; a repeat is a second event."""
        return list(self._memory.events)

    @property
    def triggered(self) -> list[Triggered]:
        """Who was sent on a journey."""
        return list(self._memory.triggered)

    @property
    def forgotten(self) -> set[str]:
        """The hashes of those who were deleted for good."""
        return {known for _, known in self._memory.forgotten}

    def member(self, email: str) -> Member | None:
        """The member of this address."""
        return next((one for one in self.members if one.email.lower() == email.lower()), None)

    def leave(self, email: str) -> None:
        """A member unsubscribes by a link in an e-mail: no request subscribes them again."""
        member = self.member(email)
        assert member is not None, f"{email} is no member"
        member.status, member.has_left = "unsubscribed", True

    def reject(self, unwanted: Choice | None) -> None:
        """Refuses the members and events that this picks; None takes everything again."""
        self._unwanted = unwanted

    def start(self) -> None:
        """Listens; returns when it does."""
        self._over = len(self.heard)
        super().start()

    def answer(self, heard: Heard) -> Response:
        """What Mailchimp would say."""
        path, _, query = heard.path.partition("?")
        path = path.removeprefix(_BASE)
        try:
            self._admit(heard)
            for method, pattern, name in _ENDPOINTS:
                found = pattern.fullmatch(path) if method == heard.method else None
                if found is not None:
                    body = self._body(heard, path)
                    options = {one: said[-1] for one, said in parse_qs(query).items()}
                    answer: Response = getattr(self, name)(body, options, *found.groups())
                    return answer
            raise not_found()
        except Refused as refused:
            return problem(refused, len(self.heard))

    def troubled(self, answer: Response) -> Response:
        """Trouble in the vendor's shape: no header says when to come again, and a 403 says nothing at all."""
        if answer.status == 403:
            return Response(403)
        title = "Too Many Requests" if answer.status == 429 else "Internal Server Error"
        said = problem(Refused(answer.status, title, "Try again later."), len(self.heard))
        return Response(said.status, {**said.headers, **answer.headers}, said.body)

    # Whether a request is taken at all

    def _said(self, heard: Heard) -> Response | None:
        """Those that are out now are all that were heard and are not answered yet."""
        at_once = len(self.heard) - self._over
        self._over += 1
        if self._most is not None and at_once > self._most:
            return self.troubled(Response(429))
        return super()._said(heard)

    def _admit(self, heard: Heard) -> None:
        scheme, _, pair = heard.headers.get("authorization", "").partition(" ")
        try:
            key = b64decode(pair, validate=True).decode().partition(":")[2]
        except ValueError:
            key = ""
        if scheme != "Basic" or not key or (self._keys is not None and key not in self._keys):
            detail = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
            raise Refused(401, "API Key Invalid", detail)

    def _body(self, heard: Heard, path: str) -> Any:
        wrong = self._wrong(heard)
        if heard.method == "GET" or path.endswith("/actions/delete-permanent"):
            if wrong:
                raise invalid(wrong)
            return None
        body = heard.json
        if not isinstance(body, dict):
            detail = "We encountered an unspecified JSON parsing error."
            raise Refused(400, "JSON Parse Error", detail)
        if wrong:
            raise invalid(wrong)
        return body

    def _wrong(self, heard: Heard) -> list[Field]:
        contract = self._contract
        if contract is None:
            return []
        path = heard.path.removeprefix(_BASE)
        found = contract.faults(heard.method, path, heard.headers, heard.body)
        return [Field(fault.where, fault.what) for fault in found]

    def _known_list(self, list_id: str) -> None:
        if self._lists is not None and list_id not in self._lists:
            raise not_found()

    def _known_member(self, list_id: str, known: str) -> Member:
        self._known_list(list_id)
        member = self._memory.at(list_id, known)
        if member is None:
            raise not_found()
        return member

    def _check(self, said: Mapping[str, Any], fields: Sequence[Field]) -> None:
        if self._unwanted is not None and self._unwanted(said):
            fields = [*fields, Field("FNAME", "Refused as told.")]
        if fields:
            raise invalid(fields)

    # People

    def _upsert(self, body: Any, options: Mapping[str, str], list_id: str, known: str) -> Response:
        self._known_list(list_id)
        if hashed(str(body.get("email_address"))) != known:
            raise invalid([Field("email_address", "The address is not that of the member.")])
        member = self._memory.at(list_id, known)
        if member is None and "status_if_new" not in body:
            raise invalid([Field("status_if_new", "This value should not be blank.")])
        status = body.get("status") or (body["status_if_new"] if member is None else member.status)
        return as_json(200, shown(self._written(body, options, list_id, status)))

    def _written(
        self, said: Mapping[str, Any], options: Mapping[str, str], list_id: str, status: str
    ) -> Member:
        email = said.get("email_address")
        if not is_email(email):
            raise Refused(400, "Invalid Resource", "Please provide a valid email address.")
        required = () if options.get("skip_merge_validation") == "true" else self._required
        self._check(said, list(checked_member(said, required)))
        return self._memory.write(list_id, said, status)

    def _batch(self, body: Any, options: Mapping[str, str], list_id: str) -> Response:
        """Each member for itself: the answer says whom it did not take."""
        self._known_list(list_id)
        members = body.get("members")
        if not isinstance(members, list) or not all(isinstance(one, dict) for one in members):
            raise invalid([Field("members", "This value should be of type array.")])
        if len(members) > MOST_MEMBERS:
            raise invalid([Field("members", "This collection should contain 500 elements or less.")])
        groups: tuple[list[Member], list[Member]] = ([], [])
        errors = []
        seen: set[str] = set()
        for said in members:
            email = str(said.get("email_address"))
            is_known = self._memory.at(list_id, hashed(email)) is not None
            try:
                if email.lower() in seen and options.get("skip_duplicate_check") != "true":
                    raise Refused(400, "Duplicate", f"{email} is in the request more than once.")
                if is_known and not body.get("update_existing"):
                    detail = f"{email} is already a list member, do you want to update? please provide update_existing:true in the request body"  # noqa: E501
                    raise Refused(400, "Member Exists", detail)
                if "status" not in said:
                    raise invalid([Field("status", "This value should not be blank.")])
                groups[is_known].append(self._written(said, options, list_id, said["status"]))
            except Refused as refused:
                errors.append(entry(email, refused))
            seen.add(email.lower())
        return as_json(200, batch(*groups, errors))

    def _forget(self, _: Any, options: Mapping[str, str], list_id: str, known: str) -> Response:
        self._known_list(list_id)
        if not self._memory.forget(list_id, known):
            raise not_found()
        return Response(204)

    # What happens to them

    def _event(self, body: Any, _: Mapping[str, str], list_id: str, known: str) -> Response:
        member = self._known_member(list_id, known)
        self._check(body, list(checked_event(body)))
        at, properties = body.get("occurred_at", ""), body.get("properties") or {}
        is_syncing = bool(body.get("is_syncing"))
        self._memory.events.append(Event(member.email, body["name"], at, properties, is_syncing))
        return Response(204)

    def _tag(self, body: Any, _: Mapping[str, str], list_id: str, known: str) -> Response:
        member = self._known_member(list_id, known)
        self._check(body, list(checked_tags(body)))
        for one in body["tags"]:
            if one["status"] == "active":
                member.tags[one["name"]] = None
            else:
                member.tags.pop(one["name"], None)
        return Response(204)

    def _trigger(self, body: Any, _: Mapping[str, str], journey: str, step: str) -> Response:
        email = body.get("email_address")
        if self._journeys is not None and f"{journey}/{step}" not in self._journeys:
            raise not_found()
        if not is_email(email):
            raise invalid([Field("email_address", "Please provide a valid email address.")])
        if self.member(email) is None:
            raise not_found()
        self._check(body, [])
        self._memory.triggered.append(Triggered(email, journey, step))
        return Response(204)

    # What can be asked

    def _ping(self, _: Any, options: Mapping[str, str]) -> Response:
        return as_json(200, {"health_status": "Everything's Chimpy!"})

    def _list(self, _: Any, options: Mapping[str, str], list_id: str) -> Response:
        self._known_list(list_id)
        return as_json(200, {"id": list_id})

    def _members(self, _: Any, options: Mapping[str, str], list_id: str) -> Response:
        self._known_list(list_id)
        found = [shown(one) for one in self.members if one.list_id == list_id]
        return as_json(200, {"members": found, "list_id": list_id, "total_items": len(found)})

    def _member(self, _: Any, options: Mapping[str, str], list_id: str, known: str) -> Response:
        return as_json(200, shown(self._known_member(list_id, known)))

    def _events(self, _: Any, options: Mapping[str, str], list_id: str, known: str) -> Response:
        email = self._known_member(list_id, known).email
        found = [
            {"name": one.name, "occurred_at": one.occurred_at, "properties": one.properties}
            for one in self._memory.events
            if one.email == email
        ]
        return as_json(200, {"events": found, "total_items": len(found)})
