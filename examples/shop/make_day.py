"""Writes day.jsonl: a day of a small shop, the same every time. Not needed to run anything.

python examples/shop/make_day.py
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

DAY = datetime(2026, 11, 20, tzinfo=UTC)
PRODUCTS = [
    ("p1", "Trail shoe", 89.0, "shoes"),
    ("p2", "Rain jacket", 129.0, "jackets"),
    ("p3", "Wool socks", 12.5, "socks"),
    ("p4", "Day pack", 64.9, "bags"),
    ("p5", "Head lamp", 39.0, "light"),
    ("p6", "Water bottle", 18.0, "kitchen"),
]
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
DESK = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Safari/605.1.15"


class Day:
    """Everything that happens, kept in order of time."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lines: list[dict[str, Any]] = []
        self.tokens: dict[str, str] = {}
        """Who has the shop's app: user id → the token of their phone."""

    def say(self, at: datetime, who: dict[str, str], device: str, **message: Any) -> None:
        context: dict[str, Any] = {"userAgent": PHONE if device == "mobile" else DESK}
        token = self.tokens.get(who.get("userId", ""))
        if token is not None and device == "mobile":
            context["device"] = {"type": "ios", "token": token}
        self.lines.append(
            {
                "messageId": f"day-{len(self.lines)}",
                "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                **who,
                **message,
                "context": context,
            }
        )

    def visit(self, number: int) -> None:
        """One visitor: looks around, perhaps fills a cart, says who it is, orders or goes away."""
        rng = self.rng
        # Most people come in the evening.
        at = DAY + timedelta(hours=min(23.2, max(0.2, rng.gauss(16.5, 4.5))))
        device = rng.choice(["mobile", "mobile", "desktop"])
        who = {"anonymousId": f"browser-{number}"}
        known = rng.random() < 0.55
        if known:
            at = self._introduce(at, number, who, device)
        favourite = rng.choice(PRODUCTS)
        for _ in range(rng.randrange(1, 6)):
            self.say(at, who, device, type="page", properties={"path": "/", "url": "https://shop.example/"})
            at += timedelta(seconds=rng.randrange(5, 60))
            for _ in range(rng.randrange(1, 4)):
                product = favourite if rng.random() < 0.6 else rng.choice(PRODUCTS)
                self._product(at, who, device, "Product Viewed", product)
                at += timedelta(seconds=rng.randrange(10, 120))
        if rng.random() < 0.5:
            self._shop(at, number, who, device, favourite)

    def _introduce(self, at: datetime, number: int, who: dict[str, str], device: str) -> datetime:
        traits: dict[str, Any] = {
            "email": f"customer{number}@example.com",
            "first_name": f"Customer {number}",
        }
        # Two in three agreed to be written to; one in ten said no; of the others nobody knows.
        lot = self.rng.random()
        if lot < 0.66:
            traits["consent.email.marketing"] = True
        elif lot < 0.76:
            traits["consent.email.marketing"] = False
        traits |= self._reachable(number)
        who["userId"] = f"customer-{number}"
        self.say(at, who, device, type="identify", traits=traits)
        return at + timedelta(seconds=self.rng.randrange(5, 40))

    def _reachable(self, number: int) -> dict[str, Any]:
        """By which other roads a customer can be reached: half gave a number, nearly as many have the app."""
        rng = random.Random(f"roads of {number}")
        traits: dict[str, Any] = {}
        if rng.random() < 0.5:
            traits["phone"] = f"+49151123{number:05d}"
        if rng.random() < 0.45:
            self.tokens[f"customer-{number}"] = f"token-{number}"
            traits["consent.push.marketing"] = rng.random() < 0.8
        return traits

    def _shop(
        self, at: datetime, number: int, who: dict[str, str], device: str, product: tuple[Any, ...]
    ) -> None:
        rng = self.rng
        self._product(at, who, device, "Product Added", product)
        at += timedelta(minutes=rng.uniform(0.5, 6))
        if rng.random() < 0.35:
            return
        if rng.random() < 0.3 and "userId" in who:
            # The cart is filled on one device, and paid for on the other.
            who = {**who, "anonymousId": f"other-{number}"}
            device = "desktop" if device == "mobile" else "mobile"
        elif "userId" not in who:
            at = self._introduce(at, number, who, device)
        order = {"value": product[2], "currency": "EUR", "products": [_item(product)]}
        self.say(at, who, device, type="track", event="Checkout Started", properties=order)
        at += timedelta(minutes=rng.choice([1, 2, 3, 8, 25]))
        if rng.random() < 0.6:
            paid = {"order_id": f"order-{number}", "revenue": product[2], **order}
            self.say(at, who, device, type="track", event="Order Completed", properties=paid)

    def _product(
        self, at: datetime, who: dict[str, str], device: str, event: str, product: tuple[Any, ...]
    ) -> None:
        self.say(at, who, device, type="track", event=event, properties={**_item(product), "currency": "EUR"})


def _item(product: tuple[Any, ...]) -> dict[str, Any]:
    return {"product_id": product[0], "name": product[1], "price": product[2], "category": product[3]}


def main() -> None:
    day = Day(seed=4)
    for number in range(260):
        day.visit(number)
    lines = sorted(day.lines, key=lambda line: line["timestamp"])
    path = Path(__file__).with_name("day.jsonl")
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    print(f"{len(lines)} events in {path.name}")


if __name__ == "__main__":
    main()
