"""FCM's `messages:send`, and Google's token endpoint, as far as the hub uses them."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from hub.testing.contracts import Contract
from hub.testing.vendors.fcm.checking import CONTRACT, Violation, camel, violations
from hub.testing.vendors.fcm.tokens import HOUR, Tokens, Wall
from hub.testing.vendors.fcm.tokens import Refused as NoToken
from hub.testing.vendors.standin import MINUTE, Heard, Now, StandIn
from hub.wire import Response

TOKEN_PATH = "/token"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"

_PATH = re.compile(r"/v1/projects/([^/]+)/messages:send")
_MEANT = {
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "THIRD_PARTY_AUTH_ERROR": (401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service"),
    "SENDER_ID_MISMATCH": (403, "PERMISSION_DENIED", "SenderId mismatch"),
    "UNREGISTERED": (404, "NOT_FOUND", "Requested entity was not found."),
    "QUOTA_EXCEEDED": (429, "RESOURCE_EXHAUSTED", "Quota exceeded for this project."),
    "INTERNAL": (500, "INTERNAL", "Internal error encountered."),
    "UNAVAILABLE": (503, "UNAVAILABLE", "The service is currently unavailable."),
}
"""FCM's code → status, Google's word for it, and what stands beside it."""
_TROUBLES = {429: "QUOTA_EXCEEDED", 503: "UNAVAILABLE"}


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was taken for a device or a topic, in the contract's spelling."""

    token: str
    title: str
    body: str
    data: Mapping[str, str]
    whole: Mapping[str, Any]
    """All that was sent."""


class Refused(Exception):
    """The message is not taken."""

    def __init__(
        self, code: str, wrong: Sequence[Violation] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.wrong = wrong
        self.headers = headers or {}


class Fcm(StandIn):
    """A stand-in for Firebase Cloud Messaging, with a service account of its own.

        with Fcm() as fcm:
            Path("firebase.json").write_text(fcm.service_account)
            …
        assert [message.title for message in fcm.messages] == ["Your cart is waiting"]

    Requests are held against the vendor's contract where HUB_SHARED has it, and against the rules of its
    documentation in any case. `wall` is the time that tokens are checked by (a hub on a driven clock lends it
    that one), `per_minute` how many messages it takes in a minute; None for any number.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        now: Now = time.monotonic,
        wall: Wall = time.time,
        project: str = "stand-in",
        per_minute: int | None = None,
    ) -> None:
        super().__init__(port=port, now=now)
        self.messages: list[Message] = []
        """What was taken, in the order of arrival."""
        self._tokens = Tokens(project, wall)
        self._contract = Contract.of(CONTRACT)
        self._refused: dict[str, str] = {}
        self._per_minute = per_minute
        self._taken: deque[float] = deque()

    @property
    def service_account(self) -> str:
        """The JSON file for a sink that sends here; ask when it listens, for its address stands in it."""
        return self._tokens.account(self.url + TOKEN_PATH)

    def unregister(self, token: str) -> None:
        """The app is gone from this device."""
        self.refuse(token, "UNREGISTERED")

    def refuse(self, token: str, code: str) -> None:
        """Messages to this device are refused with a code: SENDER_ID_MISMATCH, THIRD_PARTY_AUTH_ERROR …"""
        self._refused[token] = code

    def revoke(self) -> None:
        """No token that was given is accepted any more; new ones are."""
        self._tokens.revoke()

    def expire_after(self, seconds: int = HOUR) -> None:
        """How long tokens hold that are given from now on."""
        self._tokens.lifetime = seconds

    def answer(self, heard: Heard) -> Response:
        """What Google would say."""
        path = heard.path.partition("?")[0]
        if heard.method == "POST" and path == TOKEN_PATH:
            return self._token(heard)
        found = _PATH.fullmatch(path)
        if heard.method != "POST" or found is None:
            return Response(404, {"content-type": "text/html"}, b"<title>Error 404 (Not Found)!!1</title>")
        try:
            return self._sent(heard, found[1])
        except Refused as refused:
            return _error(refused.code, refused.wrong, refused.headers)

    def troubled(self, answer: Response) -> Response:
        """Trouble in the vendor's shape."""
        said = _error(_TROUBLES.get(answer.status, "INTERNAL"), (), answer.headers)
        return Response(answer.status, said.headers, said.body)

    def _token(self, heard: Heard) -> Response:
        try:
            return _json(200, self._tokens.exchange(heard.body, self.url + TOKEN_PATH))
        except NoToken as refused:
            code, why = refused.args
            return _json(400, {"error": code, "error_description": why})

    def _sent(self, heard: Heard, project: str) -> Response:
        scheme, _, token = heard.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self._tokens.is_good(token):
            return _google(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if project != self._tokens.project:
            return _google(403, "PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied")
        self._check_quota()
        message, only_validated = self._message(heard)
        code = self._refused.get(str(message.get("token")))
        if code is not None:
            raise Refused(code)
        if not only_validated:
            self.messages.append(_kept(message))
        name = "fake_message_id" if only_validated else f"0:{len(self.messages)}"
        return _json(200, {"name": f"projects/{project}/messages/{name}"})

    def _check_quota(self) -> None:
        if self._per_minute is None:
            return
        now = self.now()
        while self._taken and self._taken[0] <= now - MINUTE:
            self._taken.popleft()
        if len(self._taken) >= self._per_minute:
            wait = self._taken[0] + MINUTE - now
            raise Refused("QUOTA_EXCEEDED", (), {"retry-after": str(max(1, round(wait + 0.5)))})
        self._taken.append(now)

    def _message(self, heard: Heard) -> tuple[dict[str, Any], bool]:
        """The message of a request, and whether it is only looked at."""
        body = camel(heard.json)
        message = body.get("message") if isinstance(body, dict) else None
        if not isinstance(message, dict):
            raise Refused("INVALID_ARGUMENT", [Violation("message", "Message is required")])
        wrong = list(violations(message))
        if self._contract is not None:
            spelled = msgspec.json.encode(body)
            faults = self._contract.faults(heard.method, heard.path, heard.headers, spelled)
            wrong += [Violation(fault.where, fault.what) for fault in faults]
        if wrong:
            raise Refused("INVALID_ARGUMENT", wrong)
        return message, body.get("validateOnly") is True


def _kept(message: Mapping[str, Any]) -> Message:
    shown = message.get("notification", {})
    return Message(
        token=message.get("token") or message.get("topic") or "",
        title=shown.get("title", ""),
        body=shown.get("body", ""),
        data=message.get("data", {}),
        whole=message,
    )


def _error(code: str, wrong: Sequence[Violation], headers: Mapping[str, str] = {}) -> Response:
    status, word, text = _MEANT[code]
    details: list[dict[str, Any]] = [{"@type": FCM_ERROR, "errorCode": code}]
    if wrong:
        details.append({"@type": BAD_REQUEST, "fieldViolations": [one._asdict() for one in wrong]})
    answer = _google(status, word, text, details)
    return Response(status, {**answer.headers, **headers}, answer.body)


def _google(status: int, word: str, text: str, details: Sequence[Any] = ()) -> Response:
    said: dict[str, Any] = {"code": status, "message": text, "status": word}
    if details:
        said["details"] = details
    return _json(status, {"error": said})


def _json(status: int, said: Any) -> Response:
    return Response(status, {"content-type": "application/json; charset=UTF-8"}, msgspec.json.encode(said))
