"""Twilio's Messages resource, as far as the hub uses it."""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from hub.testing.contracts import Contract
from hub.testing.vendors.standin import Heard, Now, StandIn
from hub.wire import Response

CONTRACT = "twilio/messages-2010-04-01.json"
VERSION = "2010-04-01"
FORM = "application/x-www-form-urlencoded"
LONGEST_BODY = 1600
LONGEST_VALID = 36_000

_PATH = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-fA-F]{32})/Messages\.json")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SENDER = re.compile(r"\+[1-9]\d{6,14}|\d{3,8}|[A-Za-z0-9 ]{1,11}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_CONTENT = re.compile(r"HX[0-9a-fA-F]{32}")
_TROUBLES = {429: 20429, 500: 20500, 503: 20503}

_MEANT = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    20503: "Service unavailable",
    21211: "Invalid 'To' Phone Number",
    21212: "Invalid From Number (caller ID)",
    21408: "Permission to send an SMS has not been enabled for the region",
    21603: "A 'From' phone number is required",
    21604: "A 'To' phone number is required",
    21609: "Invalid StatusCallback",
    21610: "Attempt to send to unsubscribed recipient",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21619: "A text message body or media urls must be specified",
    21655: "The ContentSid is Invalid",
    21656: "The ContentVariables Parameter is invalid",
    21705: "Messaging Service Sid is invalid",
}
"""What stands beside a code; a number that is refused may have any other one."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was taken."""

    sid: str
    to: str
    body: str
    sender: str | None
    service: str | None
    content: str | None
    variables: dict[str, str]
    validity: int
    form: Mapping[str, str]
    """All that was sent."""


class Refused(Exception):
    """The request is not taken."""

    def __init__(self, code: int, status: int = 400) -> None:
        super().__init__(str(code))
        self.code = code
        self.status = status


class Twilio(StandIn):
    """A stand-in for Twilio.

        with Twilio() as twilio:
            …
        assert [message.body for message in twilio.messages] == ["Your cart is waiting"]

    Requests are held against the vendor's contract where HUB_SHARED has it, and against the rules of its
    documentation in any case. `accounts` maps a SID (an account's or an API key's) to its secret; None takes
    any.
    """

    def __init__(
        self, *, port: int = 0, now: Now = time.monotonic, accounts: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(port=port, now=now)
        self.messages: list[Message] = []
        """What was taken, in the order of arrival."""
        self._contract = Contract.of(CONTRACT)
        self._accounts = accounts
        self._refused: dict[str, int] = {}

    def unsubscribe(self, number: str) -> None:
        """This number has answered STOP."""
        self.refuse(number, 21610)

    def refuse(self, number: str, code: int) -> None:
        """Messages to this number are refused with a code: 21614 for a landline, 21408 for a region …"""
        self._refused[number] = code

    def answer(self, heard: Heard) -> Response:
        """What Twilio would say."""
        path, _, query = heard.path.partition("?")
        try:
            found = _PATH.fullmatch(path)
            if found is None:
                raise Refused(20404, 404)
            self._admit(heard, found[1])
            if heard.method == "GET":
                return self._listed(path, dict(parse_qsl(query)))
            if heard.method != "POST":
                raise Refused(20404, 404)
            return self._sent(heard, found[1])
        except Refused as refused:
            return _error(refused.status, refused.code)

    def troubled(self, answer: Response) -> Response:
        """Trouble in the vendor's shape."""
        return _error(answer.status, _TROUBLES.get(answer.status, 20500), answer.headers)

    # Whether a request is taken at all

    def _admit(self, heard: Heard, account: str) -> None:
        scheme, _, given = heard.headers.get("authorization", "").partition(" ")
        try:
            name, _, secret = b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            raise Refused(20003, 401) from None
        known = self._accounts
        if scheme != "Basic" or not name.startswith(("AC", "SK")) or not secret:
            raise Refused(20003, 401)
        if known is None:
            return
        if known.get(name) != secret:
            raise Refused(20003, 401)
        if account not in known:
            raise Refused(20404, 404)

    # Messages

    def _sent(self, heard: Heard, account: str) -> Response:
        form = self._form(heard)
        _check_sender(form)
        _check_words(form)
        number = form["To"]
        if number in self._refused:
            raise Refused(self._refused[number])
        message = Message(
            sid=f"SM{len(self.messages) + 1:032x}",
            to=number,
            body=form.get("Body", ""),
            sender=form.get("From"),
            service=form.get("MessagingServiceSid"),
            content=form.get("ContentSid"),
            variables=_variables(form),
            validity=int(form.get("ValidityPeriod", LONGEST_VALID)),
            form=form,
        )
        self.messages.append(message)
        return _json(201, _shown(message, account))

    def _form(self, heard: Heard) -> dict[str, str]:
        if heard.headers.get("content-type", "").partition(";")[0] != FORM:
            raise Refused(21604)
        form = dict(parse_qsl(heard.body.decode("utf-8", "replace")))
        if "To" not in form:
            raise Refused(21604)
        if self._contract is not None:
            faults = self._contract.faults(heard.method, heard.path, heard.headers, heard.body)
            if faults:
                raise Refused(_code_of([fault.where for fault in faults]))
        if _E164.fullmatch(form["To"]) is None:
            raise Refused(21211)
        period = form.get("ValidityPeriod", "1")
        if not period.isdecimal() or not 1 <= int(period) <= LONGEST_VALID:
            raise Refused(20001)
        return form

    def _listed(self, path: str, query: Mapping[str, str]) -> Response:
        size = int(query.get("PageSize", "50"))
        to = query.get("To")
        found = [message for message in reversed(self.messages) if to in (None, message.to)][:size]
        here = f"{path}?PageSize={size}&Page=0"
        return _json(
            200,
            {
                "messages": [_shown(message, path.split("/")[3]) for message in found],
                "page": 0,
                "page_size": size,
                "start": 0,
                "end": max(0, len(found) - 1),
                "first_page_uri": here,
                "next_page_uri": None,
                "previous_page_uri": None,
                "uri": here,
            },
        )


def _check_sender(form: Mapping[str, str]) -> None:
    sender, service = form.get("From"), form.get("MessagingServiceSid")
    if sender is None and service is None:
        raise Refused(21603)
    if sender is not None and _SENDER.fullmatch(sender) is None:
        raise Refused(21212)
    if service is not None and _SERVICE.fullmatch(service) is None:
        raise Refused(21705)


def _check_words(form: Mapping[str, str]) -> None:
    body, content = form.get("Body"), form.get("ContentSid")
    if not body and not content:
        raise Refused(21619)
    if body is not None and len(body) > LONGEST_BODY:
        raise Refused(21617)
    if content is not None and _CONTENT.fullmatch(content) is None:
        raise Refused(21655)
    _variables(form)


def _variables(form: Mapping[str, str]) -> dict[str, str]:
    """The variables of a template that is kept there; raises Refused where they are no object of texts."""
    try:
        said: Any = json.loads(form.get("ContentVariables", "{}"))
    except ValueError:
        raise Refused(21656) from None
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        raise Refused(21656)
    return said


def _code_of(places: Sequence[str]) -> int:
    """The code for what the contract finds wrong."""
    codes = {"MessagingServiceSid": 21705, "ContentSid": 21655, "StatusCallback": 21609}
    return next((code for place in places for name, code in codes.items() if name in place), 20001)


def _shown(message: Message, account: str) -> dict[str, Any]:
    here = f"/{VERSION}/Accounts/{account}/Messages/{message.sid}"
    now = format_datetime(datetime.now(UTC))
    return {
        "sid": message.sid,
        "account_sid": account,
        "messaging_service_sid": message.service,
        "to": message.to,
        "from": message.sender,
        "body": message.body,
        "status": "queued" if message.service is None else "accepted",
        "direction": "outbound-api",
        "num_segments": str(max(1, -(-len(message.body) // 153))),
        "num_media": "0",
        "price": None,
        "price_unit": "USD",
        "error_code": None,
        "error_message": None,
        "date_created": now,
        "date_updated": now,
        "date_sent": None,
        "api_version": VERSION,
        "uri": f"{here}.json",
        "subresource_uris": {"media": f"{here}/Media.json"},
    }


def _error(status: int, code: int, headers: Mapping[str, str] = {}) -> Response:
    said = {
        "code": code,
        "message": _MEANT.get(code, "Bad request"),
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    answer = _json(status, said)
    return Response(status, {**answer.headers, **headers}, answer.body)


def _json(status: int, said: Any) -> Response:
    return Response(status, {"content-type": "application/json"}, msgspec.json.encode(said))
