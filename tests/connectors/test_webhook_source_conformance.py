"""The webhook source takes the examination that every connector takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from webhook_source_house import NINE_SECONDS, PARTNER, WHSEC, standard

import hub
from connectors.webhook import WebhookSource
from hub.testing import SourceConformance


class TestWebhookSource(SourceConformance):
    connector = WebhookSource
    page = "docs/how_to/webhook_source.md"
    settings = {"secret": WHSEC, **PARTNER}
    tolerance = timedelta(minutes=5)

    def sign(self, inbound: hub.Inbound) -> hub.Inbound:
        signed = standard(inbound.body, id=inbound.headers.get("webhook-id", "msg_1"), at=NINE_SECONDS)
        return replace(inbound, headers={**inbound.headers, **signed})
