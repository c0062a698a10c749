"""What members do, from Acme Loyalty's webhooks."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

import hub

OLDEST = 300
"""Seconds. A webhook that is older than that was sent by somebody who kept it."""


class Settings(hub.Settings):
    """Options of an `acme_loyalty` source."""

    secret: hub.Secret = hub.Option("Signs the webhooks; from Settings > Webhooks.", min_length=1)


class AcmeLoyaltyWebhooks(hub.Source[Settings]):
    """Rewards that members redeem, from Acme Loyalty's webhooks to /in/{label}."""

    name = "acme_loyalty"
    example = """
[sources.loyalty]
connector = "acme_loyalty"
secret    = { env = "ACME_LOYALTY_SECRET" }
"""

    def authenticate(self, inbound: hub.Inbound) -> str:
        """Proven by a signature over the time and the body as it came."""
        time = inbound.header("x-acme-time") or ""
        given = (inbound.header("x-acme-signature") or "").encode("utf-8", "replace")
        signed = time.encode("utf-8", "replace") + b"." + inbound.body
        right = hmac.new(self.settings.secret.reveal().encode(), signed, "sha256").hexdigest().encode()
        if not hmac.compare_digest(given, right):
            raise hub.BadSignature("X-Acme-Signature does not fit this body and our secret")
        # It fits, so that the time is one that Acme Loyalty wrote.
        if abs(inbound.received_at / 1_000_000 - int(time)) > OLDEST:
            raise hub.BadSignature("it was signed too long ago, or in the future")
        return "secret"

    def receive(self, inbound: hub.Inbound) -> Iterable[hub.Event | hub.BadEvent]:
        """The one event of a webhook."""
        said = inbound.json()
        if not isinstance(said, dict) or not isinstance(said.get("id"), str) or not said["id"]:
            raise hub.BadPayload("the body is no object with an id")
        properties = {"reward": said.get("reward"), "points": said.get("points")}
        yield hub.normalise(
            type="track",
            id=said["id"],
            name=said.get("event"),
            identifiers={"user_id": said.get("member")},
            properties={name: value for name, value in properties.items() if value is not None},
            occurred_at=said.get("at"),
        )
