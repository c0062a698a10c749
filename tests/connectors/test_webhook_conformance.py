"""The webhook sink takes the examination that every connector takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from standardwebhooks.webhooks import Webhook as Official

from connectors.webhook import Webhook
from hub.connector import Delivery
from hub.testing import Receiver, SinkConformance, samples
from hub.testing.vendors.standin import StandIn

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="
KEPT = "a receiver keeps what it likes, and is told of an erasure by an event"


class TestWebhook(SinkConformance):
    connector = Webhook
    settings = {"url": "https://audit.example/hook", "secret": SECRET}
    exempt = {
        "fits_the_contract": "a receiver of webhooks has no contract but Standard Webhooks",
        "limits_cite_the_vendors_page": "a receiver is anybody, and its limits stand in the block",
        "check_tells_good_from_bad_credentials": "a receiver has no question that does nothing",
        "batches_are_exact": "a receiver takes or refuses an array as a whole; the hub halves a refused one",
        "people_can_be_forgotten": KEPT,
    }

    def stand_in(self) -> StandIn:
        return Receiver()

    def effects(self, stand_in: StandIn) -> int:
        """A receiver that knows Standard Webhooks takes each `webhook-id` once."""
        return len({heard.headers["webhook-id"] for heard in stand_in.heard})

    def recorded(self) -> Iterator[tuple[str, Delivery, dict[str, Any]]]:
        """What the official library of Standard Webhooks signs, for each sample."""
        now = datetime.fromtimestamp(samples.NOW / 1_000_000, UTC)
        for name, delivery in self.deliveries().items():
            kept = json.loads((self.golden() / "send.json").read_text())[name]["requests"][0]["json"]
            body = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
            yield (
                "send",
                delivery,
                {
                    "method": "POST",
                    "url": "https://audit.example/hook",
                    "headers": {
                        "content-type": "application/json",
                        "webhook-id": delivery.id,
                        "webhook-timestamp": str(int(now.timestamp())),
                        "webhook-signature": Official(SECRET).sign(delivery.id, now, body),
                    },
                },
            )
