"""Events to any receiver: one JSON object a request, or an array of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import field_validator

import hub

from .bodies import body, together
from .signatures import decoded_secret

UNSET = "unset-"
"""What a secret that is not set is replaced by, where nothing is sent."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


class Settings(hub.Settings):
    url: str | hub.Secret = hub.Option("Where to send; by { env = … } if the address itself is a secret.")
    secret: hub.Secret | None = hub.Option(
        "Signs each request per Standard Webhooks: whsec_… in base64, or any text.", default=None
    )
    method: Literal["POST", "PUT", "PATCH"] = hub.Option("How to send.", default="POST")
    headers: dict[str, str | hub.Secret] = hub.Option("Headers to add; values may be secrets.", default={})
    body: hub.Template | None = hub.Option(
        "The body in Liquid, of delivery.id, person.*, event.*, message.*; by default an object of the hub.",
        default=None,
    )
    content_type: str = hub.Option(
        "What `body` is. In JSON, values cannot break out of their quotes.", default="application/json"
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, given: str | hub.Secret) -> str | hub.Secret:
        """Says so where nothing can be sent to; never the address, which may be a secret."""
        said = _text(given)
        address = urlsplit(said)
        if not said.startswith(UNSET) and (address.scheme not in ("http", "https") or not address.hostname):
            raise ValueError("must be a web address: https://host/path")
        return given

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, given: dict[str, str | hub.Secret]) -> dict[str, str | hub.Secret]:
        for name, value in given.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"no header can be called {name!r}")
            if not _VALUE.fullmatch(_text(value)):
                raise ValueError(f"{name}: a header's value is one line of ASCII")
        return given

    @field_validator("secret")
    @classmethod
    def _whole(cls, given: hub.Secret | None) -> hub.Secret | None:
        """Says so where a secret would sign what no receiver accepts; never the secret."""
        said = given.reveal() if given is not None else ""
        if said.startswith("whsec_") and not decoded_secret(said):
            raise ValueError("what stands behind whsec_ is no base64; copy it whole")
        return given


class Webhook(hub.HttpSink[Settings]):
    """Sends each event as a JSON object, or several as an array, to any address.

    With `limits = { batch = 100 }` up to so many objects travel as one array; by default one object travels
    alone. A request carries `webhook-id`: the delivery's id, or for an array the hash of its ids in order.
    """

    name = "webhook"
    # No limits of a vendor: an array only where the block asks for one.
    limits = hub.Limits(in_flight=0, batch=0)
    example = """
[sinks.audit]
connector = "webhook"
url       = "https://audit.example.com/hook"
"""

    def address(self) -> str:
        """The receiver's address."""
        return _text(self.settings.url)

    @hub.action("send")
    def send(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Sends the event to the receiver, or a message (type `message`) with the event behind it."""
        many = self.allowed.get("send", self.limits).batch > 1
        if self.settings.body is not None:
            return (yield from self._send_body(self.settings.body, deliveries, many=many))
        objects = [_object(delivery) for delivery in deliveries]
        yield hub.Request(
            self.settings.method,
            "",
            headers={"webhook-id": _hash(deliveries) if many else deliveries[0].id},
            json=objects if many else objects[0],
        )
        return None

    def _send_body(
        self, template: hub.Template, deliveries: Sequence[hub.Delivery], *, many: bool
    ) -> hub.Requests:
        content_type = self.settings.content_type
        sent: list[hub.Delivery] = []
        bodies: list[str] = []
        verdicts: dict[str, hub.DeliveryError] = {}
        for delivery in deliveries:
            try:
                bodies.append(body(template, content_type, delivery))
                sent.append(delivery)
            except hub.GiveUp as fault:
                verdicts[delivery.id] = fault
        if sent:
            text = together(bodies, content_type) if many else bodies[0]
            yield hub.Request(
                self.settings.method,
                "",
                headers={
                    "webhook-id": _hash(sent) if many else sent[0].id,
                    "content-type": content_type,
                },
                content=text.encode(),
            )
        return verdicts

    def sign(self, request: hub.Request, now: int) -> hub.Request:
        """The request with the configured headers and, where there is a secret, its signature."""
        headers = {name.lower(): _text(value) for name, value in self.settings.headers.items()}
        body, content_type = request.body()
        if content_type is not None:
            headers.setdefault("content-type", content_type)
        headers |= request.headers
        timestamp = str(now // 1_000_000)
        headers["webhook-timestamp"] = timestamp
        if self.settings.secret is not None:
            said = f"{headers['webhook-id']}.{timestamp}.".encode() + body
            digest = hmac.digest(_key(self.settings.secret.reveal()), said, "sha256")
            headers["webhook-signature"] = "v1," + base64.b64encode(digest).decode()
        return replace(request, json=None, content=body, headers=headers)


def _object(delivery: hub.Delivery) -> dict[str, Any]:
    event, message = delivery.event, delivery.message
    at = event.time if event.occurred_at is None else event.occurred_at
    data: dict[str, Any] = {
        "delivery": delivery.id,
        "id": event.id,
        "person": delivery.person,
        "properties": event.properties,
        "identifiers": _identifiers(delivery),
        "traits": delivery.traits,
        "context": event.context,
    }
    if message is None:
        return {"type": event.name, "timestamp": hub.iso(at), "data": data}
    data["message"] = message.as_dict()
    return {"type": "message", "timestamp": hub.iso(message.created_at), "data": data}


def _identifiers(delivery: hub.Delivery) -> dict[str, str | list[str]]:
    """Each kind with its value, or with a list where there are several."""
    values: dict[str, str | list[str]] = {}
    for known in (*delivery.event.identifiers, *delivery.identifiers):
        kind, value = known.kind, known.value
        before = values.get(kind)
        if before is None:
            values[kind] = value
        elif isinstance(before, str):
            if before != value:
                values[kind] = [before, value]
        elif value not in before:
            before.append(value)
    return values


def _hash(deliveries: Sequence[hub.Delivery]) -> str:
    ids = "".join(delivery.id for delivery in deliveries)
    return hashlib.blake2b(ids.encode(), digest_size=16).hexdigest()


def _key(secret: str) -> bytes:
    whole = decoded_secret(secret) if secret.startswith("whsec_") else None
    return whole or secret.encode()


def _text(value: hub.Secret | str) -> str:
    return value.reveal() if isinstance(value, hub.Secret) else value
