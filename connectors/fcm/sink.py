"""A rule's messages to apps and browsers, through FCM's HTTP v1 API."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote

from pydantic import field_validator

import hub

from .account import EXTRA, GRANT, Account, Token, account, assertion, can_sign, refusal, token
from .notice import Look, devices, in_time, notice
from .refusals import verdict

LIMITS = hub.Limits(per_minute=600_000, in_flight=32, batch=1)
"""600,000 a minute for a project. https://firebase.google.com/docs/cloud-messaging/throttling-and-quotas"""
NOBODY = "no device token"
NO_MESSAGE = "an event has no words to send; a rule's message has"
UNSET = "unset-"
"""What a secret that is not set is replaced by, where nothing is sent."""

_Conversation = Generator[hub.Request, hub.Response, hub.Response]


class _NoToken(hub.RetryLater):
    """No request can go out before a token is fetched."""


class Settings(hub.Settings):
    service_account: hub.Secret = hub.Option(
        "The service account's JSON file, from Firebase: Project settings > Service accounts."
    )
    project: str | None = hub.Option(
        "The project's id, where it is not the service account's own.", default=None, pattern=r"^[\w.:-]+$"
    )
    priority: Literal["high", "normal"] = hub.Option(
        "Whether messages wake a device (high), or wait until it is awake.", default="high"
    )
    sound: str | None = hub.Option(
        "The sound that a message makes: default, or a sound of the app.", default=None, min_length=1
    )

    @field_validator("service_account")
    @classmethod
    def _is_an_account(cls, given: hub.Secret) -> hub.Secret:
        if not given.reveal().startswith(UNSET):
            account(given.reveal())
            if not can_sign():
                raise ValueError(EXTRA)
        return given


class Fcm(hub.HttpSink[Settings]):
    """Push notifications to apps and browsers, through Firebase Cloud Messaging (HTTP v1).

    A message goes to each of the person's devices, one after the other; it is delivered when one of them took
    it. FCM has no key against repeats: a repeat takes the place of what it repeats, on the device.
    """

    name = "fcm"
    base_url = "https://fcm.googleapis.com"
    limits = LIMITS
    example = """
[sinks.app]
connector       = "fcm"
service_account = { file = "firebase.json" }
"""

    def __init__(self, settings: Settings, label: str = "") -> None:
        super().__init__(settings, label)
        self._token: Token | None = None
        self._asked_at = 0

    @hub.action("send")
    def send(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Sends a rule's message to the person's devices."""
        [delivery] = deliveries
        if delivery.message is None:
            raise hub.Skip(NO_MESSAGE)
        said = notice(delivery, delivery.message, Look(self.settings.priority, self.settings.sound))
        taken, refused = 0, []
        for device in devices(delivery):
            try:
                yield from self._authorised(self._request({"token": device, **said}))
                taken += 1
            except hub.GiveUp as fault:
                refused.append(fault.reason)
            except hub.DeliveryError:
                if not taken:
                    raise
                # Another device has it already: a second attempt would show it there again.
                break
        if not taken:
            raise hub.GiveUp("; ".join(dict.fromkeys(refused)) or NOBODY)
        return None

    def check(self) -> hub.Requests:
        """Lets FCM look at a message that it does not deliver."""
        said = {"topic": "hub", "notification": {"title": "hub", "body": "hub"}}
        yield from self._authorised(self._request(said, validateOnly=True))
        return None

    def judge(self, response: hub.Response) -> hub.DeliveryError | None:
        """FCM's own code in the body says more than the status."""
        return verdict(response)

    def sign(self, request: hub.Request, now: int) -> hub.Request:
        """The request with its token, or the one that asks for a token; raises where there is none yet."""
        known = self._account
        if known is not None and request.path == known.token_uri:
            self._asked_at = now
            form = {"grant_type": GRANT, "assertion": assertion(known, now)}
            return replace(request, form=form)
        request = replace(request, json=in_time(request.json, now))
        if known is None:
            return _bearing(request, self.settings.service_account)
        if self._token is None or not self._token.is_good(now):
            raise _NoToken("the token has run out")
        return _bearing(request, self._token.text)

    @cached_property
    def _account(self) -> Account | None:
        """Whose token it is; None where a secret is not set and nothing is sent."""
        given = self.settings.service_account.reveal()
        return None if given.startswith(UNSET) else account(given)

    def _request(self, message: dict[str, Any], **more: Any) -> hub.Request:
        known = self._account
        project = self.settings.project or (known.project if known else "PROJECT")
        path = f"/v1/projects/{quote(project, safe='')}/messages:send"
        return hub.Request("POST", path, json={"message": message, **more})

    def _authorised(self, request: hub.Request) -> _Conversation:
        """Sends with a token; one that there is not, or that is not accepted, is fetched, once."""
        try:
            return (yield request)
        except _NoToken:
            yield from self._fetch()
        except hub.CredentialsRejected as fault:
            if not isinstance(fault.answer, hub.Response) or fault.answer.status != 401:
                raise
            yield from self._fetch()
        return (yield request)

    def _fetch(self) -> Generator[hub.Request, hub.Response, None]:
        known = self._account
        if known is None:
            return
        try:
            answer = yield hub.Request("POST", known.token_uri)
        except (hub.GiveUp, hub.CredentialsRejected) as fault:
            if fault.answer is None:
                raise
            raise refusal(fault) from None
        self._token = token(answer, self._asked_at)


def _bearing(request: hub.Request, token: hub.Secret) -> hub.Request:
    if not token.reveal():
        return request
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token.reveal()}"})
