"""The source takes the hub's examination."""

import hmac
from dataclasses import replace
from datetime import timedelta

from acme_loyalty import AcmeLoyaltyWebhooks

import hub
from hub.testing import SourceConformance

SECRET = "secret_made_up"


class TestExamination(SourceConformance):
    connector = AcmeLoyaltyWebhooks
    settings = {"secret": SECRET}
    page = "README.md"
    tolerance = timedelta(minutes=5)
    exempt = {"a_bad_event_costs_nobody_else": "a webhook brings one event"}

    def sign(self, inbound: hub.Inbound) -> hub.Inbound:
        """As Acme Loyalty signs: the time, a dot, the body."""
        time = str(inbound.received_at // 1_000_000)
        digest = hmac.new(SECRET.encode(), f"{time}.".encode() + inbound.body, "sha256").hexdigest()
        headers = {"x-acme-time": time, "x-acme-signature": digest}
        return replace(inbound, headers={**inbound.headers, **headers})
