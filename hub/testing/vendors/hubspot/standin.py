"""HubSpot's endpoints, as far as the hub uses them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from hub.testing.contracts import Contract
from hub.testing.vendors.hubspot.answering import as_json, detail, iso, partial, shown, subscription
from hub.testing.vendors.hubspot.checking import (
    CONTRACTS,
    MOST_CONTACTS,
    MOST_EVENTS,
    OWN,
    Definitions,
    Detail,
    Refused,
    checked_contact,
    checked_event,
    inputs,
    invalid,
    is_email,
    text,
)
from hub.testing.vendors.hubspot.keeping import Conflict, Contact, Event, Memory
from hub.testing.vendors.hubspot.limits import Account, Reached
from hub.testing.vendors.standin import Heard, Now, StandIn
from hub.wire import Response

Choice = Callable[[Mapping[str, Any]], bool]
"""Picks contacts by their properties, or events as they were sent."""

_CONTACTS = "/crm/v3/objects/contacts"
_CONSENT = "/communication-preferences/v3"
_ENDPOINTS = [
    (method, re.compile(pattern), name)
    for method, pattern, name in (
        ("POST", f"{_CONTACTS}/batch/upsert", "_upsert"),
        ("POST", f"{_CONTACTS}/batch/read", "_read"),
        ("POST", f"{_CONTACTS}/gdpr-delete", "_forget"),
        ("PATCH", f"{_CONTACTS}/([^/]+)", "_update"),
        ("GET", _CONTACTS, "_list_contacts"),
        ("POST", "/events/v3/send", "_event"),
        ("POST", "/events/v3/send/batch", "_events"),
        ("PUT", r"/crm/v3/lists/([^/]+)/memberships/(add|remove)", "_members"),
        ("POST", f"{_CONSENT}/(subscribe|unsubscribe)", "_consent"),
        ("GET", f"{_CONSENT}/status/email/([^/]+)", "_status"),
        ("GET", "/account-info/v3/details", "_account"),
    )
]
"""Method, path and what answers it; groups of the path are its arguments."""


class HubSpot(StandIn):
    """A stand-in for HubSpot.

        with HubSpot(properties=["plan"]) as hubspot:
            …
        assert [contact.properties["plan"] for contact in hubspot.contacts] == ["pro"]

    Requests are held against the vendor's contracts where HUB_SHARED has them, and against the rules of its
    documentation in any case. `properties` are the account's own contact properties, `unique` those of them
    with unique values, `definitions` its events with their properties, `lists` and `subscriptions` the ids
    that exist; None takes any. `privacy` says that the account wants a legal basis. `now` is in seconds since
    1970, for answers say what time it is.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        now: Now = time.time,
        limited: bool = True,
        burst: int = 100,
        daily: int = 250_000,
        tokens: Sequence[str] | None = None,
        properties: Sequence[str] | None = (),
        unique: Sequence[str] = (),
        definitions: Definitions | None = None,
        lists: Sequence[str] | None = None,
        subscriptions: Sequence[str] | None = None,
        privacy: bool = False,
    ) -> None:
        super().__init__(port=port, now=now)
        self._memory = Memory()
        self._contracts = {start: Contract.of(name) for start, name in CONTRACTS.items()}
        self._account_limits = Account(burst, daily, now) if limited else None
        self._tokens = tokens
        self._unique = {"email", *unique}
        self._known = None if properties is None else OWN | {*properties, *unique}
        self._definitions = definitions
        self._lists = lists
        self._types = subscriptions
        self._privacy = privacy
        self._unwanted: Choice | None = None

    @property
    def contacts(self) -> list[Contact]:
        """Who is known."""
        return list(self._memory.contacts.values())

    @property
    def events(self) -> list[Event]:
        """What happened, in the order of arrival, each once."""
        return list(self._memory.events)

    @property
    def subscribed(self) -> dict[str, set[str]]:
        """The addresses that are subscribed, by subscription type."""
        found: dict[str, set[str]] = {}
        for (email, known), holds in self._memory.subscribed.items():
            if holds:
                found.setdefault(known, set()).add(email)
        return found

    @property
    def blocked(self) -> set[str]:
        """The addresses that were deleted for good."""
        return set(self._memory.blocked)

    def members(self, known: str) -> set[str]:
        """The addresses of the contacts in a list."""
        records = self._memory.members.get(known, set())
        return {self._memory.contacts[record].properties.get("email", record) for record in records}

    def reject(self, unwanted: Choice | None) -> None:
        """Refuses what this picks; None takes everything again."""
        self._unwanted = unwanted

    def answer(self, heard: Heard) -> Response:
        """What HubSpot would say."""
        path = heard.path.partition("?")[0]
        try:
            self._admit(heard)
            for method, pattern, name in _ENDPOINTS:
                found = pattern.fullmatch(path) if method == heard.method else None
                if found is not None:
                    body = self._body(heard, path)
                    return self._limited(heard, lambda: getattr(self, name)(body, *found.groups()))  # noqa: B023
            raise Refused(404, "OBJECT_NOT_FOUND", "No such endpoint.")
        except Refused as refused:
            return self._refused(refused)

    def troubled(self, answer: Response) -> Response:
        """Trouble in the vendor's shape."""
        if answer.status == 429:
            return self._too_much(Reached("TEN_SECONDLY_ROLLING", "Too many requests."), answer.headers)
        return self._error(answer.status, "INTERNAL_ERROR", "Something went wrong.")

    # Whether a request is taken at all

    def _admit(self, heard: Heard) -> None:
        scheme, _, token = heard.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token or (self._tokens is not None and token not in self._tokens):
            raise Refused(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")

    def _body(self, heard: Heard, path: str) -> Any:
        if heard.method == "GET":
            return None
        if heard.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise Refused(415, "VALIDATION_ERROR", "Send application/json.")
        body = heard.json
        if not isinstance(body, dict | list):
            raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON on line 1, column 1.")
        contract = next((one for start, one in self._contracts.items() if path.startswith(start)), None)
        wrong = contract.faults(heard.method, heard.path, heard.headers, heard.body) if contract else []
        if wrong:
            said = "; ".join(f"{where}: {what}" for where, what in wrong)
            raise Refused(400, "VALIDATION_ERROR", f"Invalid input JSON: {said}")
        return body

    def _limited(self, heard: Heard, answer: Callable[[], Response]) -> Response:
        account = self._account_limits
        if account is None:
            return answer()
        sent = heard.json if heard.path.startswith("/events/") else None
        events = 0 if sent is None else len(sent.get("inputs", [None])) if isinstance(sent, dict) else 1
        reached = account.reached(events)
        if reached is not None:
            return self._too_much(reached, account.headers)
        account.take(events)
        try:
            said = answer()
        except Refused as refused:
            said = self._refused(refused)
        return Response(said.status, {**said.headers, **account.headers}, said.body)

    # People

    def _upsert(self, body: Any) -> Response:
        """All or nothing where contacts are known by their addresses; else each for itself."""
        said = inputs(body, MOST_CONTACTS)
        names = [(text(one, "idProperty"), text(one, "id")) for one in said]
        for id_property, _ in names:
            if id_property not in self._unique:
                raise Refused(400, "VALIDATION_ERROR", "Unable to perform upsert by non-unique property.")
        if len({(name, value.lower()) for name, value in names}) < len(names):
            raise Refused(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input.")
        faults = [self._fault(one) for one in said]
        together = any(id_property == "email" for id_property, _ in names)
        for fault in faults if together else ():
            if fault is not None:
                raise fault
        results = [self._written(one) for one, fault in zip(said, faults, strict=True) if fault is None]
        errors = [
            partial(fault, one.get("objectWriteTraceId"))
            for one, fault in zip(said, faults, strict=True)
            if fault is not None
        ]
        return self._batch(results, errors)

    def _fault(self, said: Mapping[str, Any]) -> Refused | None:
        properties = self._named(said)
        details = list(checked_contact(properties, self._known))
        if self._unwanted is not None and self._unwanted(properties):
            details.append(Detail("INVALID_OPTION", "lifecyclestage", "Refused as told"))
        if details:
            return Refused(400, "VALIDATION_ERROR", invalid(details), details)
        try:
            self._memory.check(self._memory.find(said["idProperty"], said["id"]), properties)
        except Conflict as conflict:
            known = conflict.contact.id
            return Refused(409, "CONFLICT", f"Contact already exists. Existing ID: {known}")
        return None

    def _named(self, said: Mapping[str, Any]) -> dict[str, Any]:
        properties = said.get("properties")
        return {said["idProperty"]: said["id"], **(properties if isinstance(properties, dict) else {})}

    def _written(self, said: Mapping[str, Any]) -> dict[str, Any]:
        contact = self._memory.find(said["idProperty"], said["id"])
        properties = self._named(said)
        written = self._memory.write(contact, properties)
        more = {name: said[name] for name in ("objectWriteTraceId",) if name in said}
        return {**shown(written, properties), "new": contact is None, **more}

    def _read(self, body: Any) -> Response:
        wanted = inputs(body, MOST_CONTACTS)
        id_property = body.get("idProperty")
        found, missing = [], []
        for one in wanted:
            known = text(one, "id")
            contact = (
                self._memory.find(id_property, known) if id_property else self._memory.contacts.get(known)
            )
            if contact is None:
                missing.append(known)
            else:
                found.append(shown(contact, body.get("properties") or ()))
        gone = Refused(404, "OBJECT_NOT_FOUND", "Could not get some CONTACT objects, they may not exist.")
        return self._batch(found, [partial(gone, None, ids=missing)] if missing else [])

    def _update(self, body: Any, known: str) -> Response:
        contact = self._memory.contacts.get(known)
        if contact is None:
            raise Refused(404, "OBJECT_NOT_FOUND", "resource not found")
        details = list(checked_contact(body.get("properties") or {}, self._known))
        if details:
            raise Refused(400, "VALIDATION_ERROR", invalid(details), details)
        self._memory.write(contact, body["properties"])
        return as_json(200, shown(contact, body["properties"]))

    def _forget(self, body: Any) -> Response:
        known = text(body, "objectId")
        if body.get("idProperty") == "email":
            self._memory.forget(self._memory.at(known), known)
        elif known in self._memory.contacts:
            self._memory.forget(self._memory.contacts[known], None)
        else:
            raise Refused(404, "OBJECT_NOT_FOUND", "resource not found")
        return Response(204)

    # Events

    def _event(self, body: Any) -> Response:
        return self._occur([body])

    def _events(self, body: Any) -> Response:
        return self._occur(inputs(body, MOST_EVENTS))

    def _occur(self, said: Sequence[Mapping[str, Any]]) -> Response:
        details = [wrong for one in said for wrong in checked_event(one, self._definitions)]
        if self._unwanted is not None and any(self._unwanted(one) for one in said):
            details.append(Detail("REFUSED", "eventName", "Refused as told"))
        if details:
            raise Refused(400, "VALIDATION_ERROR", "The event was not valid.", details)
        for one in said:
            who = str(one.get("email") or one.get("objectId") or one.get("utk"))
            at, properties = one.get("occurredAt") or iso(), one.get("properties") or {}
            self._memory.happen(Event(one["eventName"], who, at, one.get("uuid") or "", properties))
        return Response(204)

    # Lists and consent

    def _members(self, body: Any, known: str, change: str) -> Response:
        if self._lists is not None and known not in self._lists:
            raise Refused(404, "OBJECT_NOT_FOUND", f"List does not exist with ID {known}.")
        if not isinstance(body, list):
            raise Refused(400, "VALIDATION_ERROR", "Send an array of record ids.")
        return as_json(200, self._memory.change(known, body, add=change == "add"))

    def _consent(self, body: Any, change: str) -> Response:
        email, known = text(body, "emailAddress"), text(body, "subscriptionId")
        if not is_email(email):
            raise Refused(400, "VALIDATION_ERROR", f"Email address {email} is invalid")
        if self._types is not None and known not in self._types:
            raise Refused(404, "OBJECT_NOT_FOUND", f"No subscription type with ID {known}.")
        if self._privacy and change == "subscribe" and not body.get("legalBasis"):
            raise Refused(400, "VALIDATION_ERROR", "legalBasis is required.")
        wanted, at = change == "subscribe", (email.lower(), known)
        holds = self._memory.subscribed.get(at)
        if holds is wanted:
            words = "subscribed to" if wanted else "unsubscribed from"
            raise Refused(400, "VALIDATION_ERROR", f"{email} is already {words} subscription {known}")
        if holds is False:
            raise Refused(400, "VALIDATION_ERROR", f"{email} has opted out of subscription {known}")
        self._memory.subscribed[at] = wanted
        return as_json(200, subscription(known, wanted))

    def _status(self, _: Any, email: str) -> Response:
        address = unquote(email)
        said = [
            subscription(known, holds)
            for (one, known), holds in self._memory.subscribed.items()
            if one == address.lower()
        ]
        return as_json(200, {"recipient": address, "subscriptionStatuses": said})

    # What can be asked

    def _account(self, _: Any) -> Response:
        said = {"portalId": 123, "accountType": "STANDARD", "timeZone": "UTC", "companyCurrency": "EUR"}
        return as_json(200, said)

    def _list_contacts(self, _: Any) -> Response:
        return as_json(200, {"results": [shown(one, one.properties) for one in self.contacts]})

    # Answers

    def _batch(self, results: Sequence[Any], errors: Sequence[Any]) -> Response:
        at = iso()
        said: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
        if errors:
            said |= {"numErrors": len(errors), "errors": errors}
        return as_json(207 if errors else 200, said)

    def _refused(self, refused: Refused) -> Response:
        errors = [detail(one) for one in refused.details]
        more = {"errors": errors} if errors else {}
        return self._error(refused.status, refused.category, refused.message, **more)

    def _too_much(self, reached: Reached, headers: Mapping[str, str]) -> Response:
        said = self._error(
            429, "RATE_LIMITS", reached.message, errorType="RATE_LIMIT", policyName=reached.policy
        )
        date = {"date": formatdate(self.now(), usegmt=True)}
        return Response(429, {**said.headers, **date, **headers}, said.body)

    def _error(self, status: int, category: str, message: str, **more: Any) -> Response:
        number = f"stand-in-{len(self.heard)}"
        said = {"status": "error", "message": message, "correlationId": number, "category": category}
        return as_json(status, {**said, **more})
