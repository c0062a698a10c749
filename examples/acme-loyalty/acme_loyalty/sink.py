"""Points for orders, through Acme Loyalty's API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import hub


class Settings(hub.Settings):
    """Options of an `acme_loyalty` sink."""

    api_key: hub.Secret = hub.Option("The key of your programme, from Settings > API.")
    points: float = hub.Option("Points for each unit of the currency.", default=1.0, gt=0)


class AcmeLoyalty(hub.HttpSink[Settings]):
    """Points on a member's account for each completed order."""

    name = "acme_loyalty"
    base_url = "https://api.acme-loyalty.example"
    limits = hub.Limits(per_second=10, batch=1)
    """10 requests a second. https://docs.acme-loyalty.example/limits"""
    example = """
[sinks.points]
connector = "acme_loyalty"
api_key   = { env = "ACME_LOYALTY_KEY" }
"""

    @hub.action("track")
    def track(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Gives points for an order; other events are skipped."""
        [delivery] = deliveries
        event, member = delivery.event, delivery.identifier("user_id")
        if event.name != "order_completed" or event.worth is None:
            raise hub.Skip("only orders with an amount bring points")
        if member is None:
            raise hub.Skip("no user id, by which Acme Loyalty knows its members")
        yield hub.Request(
            "POST",
            "/v1/points",
            # The same key twice gives points once.
            headers={"idempotency-key": delivery.id},
            json={"member": member, "points": round(event.worth.amount * self.settings.points)},
        )
        return None

    def check(self) -> hub.Requests:
        """Asks for the programme's name."""
        yield hub.Request("GET", "/v1/programme")
        return None

    def sign(self, request: hub.Request, now: int) -> hub.Request:
        """The request with the key."""
        key = self.settings.api_key.reveal()
        return replace(request, headers={**request.headers, "authorization": f"Bearer {key}"})
