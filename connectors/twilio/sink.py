"""A rule's messages to telephones, through Twilio's Messages resource."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import model_validator

import hub

from .codes import code_of, verdict
from .words import said

LONGEST_VALID = 36_000
"""Seconds that Twilio keeps a message in its queue, at most.

https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
"""
UNTIL = "ValidityPeriod"
_E164 = re.compile(r"\+[1-9]\d{6,14}")
LIMITS = hub.Limits(in_flight=8, batch=1)
"""Messages are paced at Twilio, by their sender, and wait there; what it limits are requests at once.

https://help.twilio.com/articles/115002943027
"""
NOBODY = "no telephone number of the form +4917…"
NO_MESSAGE = "an event has no words to send; a rule's message has"


class Settings(hub.Settings):
    account_sid: str = hub.Option(
        "The account's SID (AC…), from the console's first page.", pattern=r"^AC[0-9a-fA-F]{32}$"
    )
    auth_token: hub.Secret | None = hub.Option(
        "The account's auth token, where no API key is given.", default=None
    )
    api_key_sid: str | None = hub.Option(
        "The SID of an API key (SK…), which can be withdrawn by itself.",
        default=None,
        pattern=r"^SK[0-9a-fA-F]{32}$",
    )
    api_secret: hub.Secret | None = hub.Option("The API key's secret.", default=None)
    sender: str | None = hub.Option(
        "Who writes: a number of the account (+1…), a short code, or a name.", default=None, min_length=1
    )
    messaging_service: str | None = hub.Option(
        "The SID of a messaging service (MG…), which chooses the sender.",
        default=None,
        pattern=r"^MG[0-9a-fA-F]{32}$",
    )
    status_callback: str | None = hub.Option(
        "Where Twilio tells what became of each message.", default=None, pattern=r"^https?://[^/]"
    )

    @model_validator(mode="after")
    def _whole(self) -> Settings:
        """Says what is missing together."""
        if self.sender is None and self.messaging_service is None:
            raise ValueError("give a sender or a messaging_service")
        if (self.api_key_sid is None) != (self.api_secret is None):
            raise ValueError("api_key_sid and api_secret belong together")
        if self.auth_token is None and self.api_key_sid is None:
            raise ValueError("give an auth_token, or an api_key_sid with its api_secret")
        return self


class Twilio(hub.HttpSink[Settings]):
    """Text messages, through Twilio's Messages resource.

    One request carries one message. Twilio has no key against repeats: where its answer is lost, the next
    attempt may write a second time.
    """

    name = "twilio"
    base_url = "https://api.twilio.com"
    limits = LIMITS
    example = """
[sinks.texts]
connector   = "twilio"
account_sid = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
auth_token  = { env = "TWILIO_AUTH_TOKEN" }
sender      = "+15005550006"
"""

    @hub.action("send")
    def send(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Sends a rule's message as a text message to the person's telephone."""
        [delivery] = deliveries
        response = yield hub.Request("POST", self._messages, form=self._form(delivery))
        # A message that was taken may have failed all the same.
        code = code_of(response.json(), "error_code")
        fault = None if code is None else verdict(code, response) or hub.GiveUp(f"it failed: {code}")
        if fault is not None:
            raise fault
        return None

    def check(self) -> hub.Requests:
        """Asks for one message, which only the account's own credentials see."""
        yield hub.Request("GET", self._messages, query={"PageSize": "1"})
        return None

    def judge(self, response: hub.Response) -> hub.DeliveryError | None:
        """The code in the body says more than the status."""
        code = code_of(response.json())
        return None if code is None else verdict(code, response)

    def sign(self, request: hub.Request, now: int) -> hub.Request:
        """The request with the credentials, and with the time that its message still has."""
        name, secret = self.settings.account_sid, self.settings.auth_token
        if self.settings.api_key_sid is not None:
            name, secret = self.settings.api_key_sid, self.settings.api_secret
        pair = f"{name}:{secret.reveal() if secret is not None else ''}"
        headers = {
            "authorization": f"Basic {b64encode(pair.encode()).decode()}",
            "accept": "application/json",
        }
        form = request.form
        if isinstance(form, Mapping) and UNTIL in form:
            left = (int(form[UNTIL]) - now) // 1_000_000
            form = {**form, UNTIL: str(min(max(left, 1), LONGEST_VALID))}
        return replace(request, form=form, headers={**request.headers, **headers})

    @property
    def _messages(self) -> str:
        return f"/2010-04-01/Accounts/{self.settings.account_sid}/Messages.json"

    def _form(self, delivery: hub.Delivery) -> dict[str, str]:
        message = delivery.message
        if message is None:
            raise hub.Skip(NO_MESSAGE)
        number = delivery.identifier("phone")
        if number is None or _E164.fullmatch(number) is None:
            raise hub.GiveUp(NOBODY)
        settings = self.settings
        form = {
            "To": number,
            "From": settings.sender,
            "MessagingServiceSid": settings.messaging_service,
            **said(message),
            "StatusCallback": settings.status_callback,
            # An instant: `sign` makes seconds of it, for only there the time is known.
            UNTIL: str(message.expires_at),
        }
        return {name: value for name, value in form.items() if value is not None}
