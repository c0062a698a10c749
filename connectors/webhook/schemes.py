"""How senders sign: Standard Webhooks apart, each in a way of its own."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

import hub

TOLERANCE = timedelta(minutes=5)
"""How far a signed time may be from ours, as Standard Webhooks recommends."""

PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PLACEHOLDERS = ("body", "timestamp", "method", "url")


class Signature(hub.Settings):
    """How a sender signs that does not follow Standard Webhooks."""

    header: str = hub.Option("The header with the signature.", min_length=1)
    algorithm: Literal["sha256", "sha1", "sha512"] = hub.Option("The hash of the HMAC.", default="sha256")
    encoding: Literal["hex", "base64"] = hub.Option("How the signature is written.", default="hex")
    prefix: str = hub.Option("What stands before the signature, such as sha256= or v1=.", default="")
    signed: str = hub.Option("What is signed, of {body}, {timestamp}, {method} and {url}.", default="{body}")
    timestamp: str = hub.Option("The header with the time of signing, where it is signed.", default="")
    timestamp_prefix: str = hub.Option(
        "What stands before the time, where it is in the signature's header, such as t=.", default=""
    )
    tolerance: hub.Duration = hub.Option("How far the signed time may be from ours.", default=TOLERANCE)

    def fault(self) -> str:
        """What does not fit together; empty where all does."""
        wanted = set(PLACEHOLDER.findall(self.signed))
        unknown = wanted - {*_PLACEHOLDERS}
        if unknown:
            known = ", ".join(f"{{{one}}}" for one in _PLACEHOLDERS)
            return f"signed: {{{min(unknown)}}} is none of {known}"
        if "body" not in wanted:
            return "signed: without {body} anybody could change it"
        if bool(self.timestamp or self.timestamp_prefix) is not ("timestamp" in wanted):
            return (
                "{timestamp} stands in signed where timestamp or timestamp_prefix says where the time is, "
                "and not otherwise"
            )
        return ""


KNOWN: dict[str, Signature] = {
    "customerio": Signature(
        header="X-CIO-Signature", timestamp="X-CIO-Timestamp", signed="v0:{timestamp}:{body}"
    ),
    "github": Signature(header="X-Hub-Signature-256", prefix="sha256="),
    "hubspot": Signature(
        header="X-HubSpot-Signature-v3",
        encoding="base64",
        timestamp="X-HubSpot-Request-Timestamp",
        signed="{method}{url}{body}{timestamp}",
    ),
    "klaviyo": Signature(
        header="Klaviyo-Signature", timestamp="Klaviyo-Timestamp", signed="{body}{timestamp}"
    ),
    "slack": Signature(
        header="X-Slack-Signature",
        prefix="v0=",
        timestamp="X-Slack-Request-Timestamp",
        signed="v0:{timestamp}:{body}",
    ),
    "stripe": Signature(
        header="Stripe-Signature", prefix="v1=", timestamp_prefix="t=", signed="{timestamp}.{body}"
    ),
}
"""Senders by name, as their documentation says it.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
https://docs.stripe.com/webhooks/signature
https://api.slack.com/authentication/verifying-requests-from-slack
https://customer.io/docs/journeys/webhooks
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
https://developers.klaviyo.com/en/docs/working_with_system_webhooks
"""
