"""What is sent: a shop's traffic as Segment messages, about 970 bytes each, by people in sessions.

Every message carries a number and the microsecond at which it was sent, so that a sink can tell which
events have arrived and how long they took. All fields have a fixed width: a request of n events always
has the same length.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Generator
from datetime import UTC, datetime
from functools import lru_cache

KEY = "sk_bench_0123456789"
BATCH_PATH = "/v1/batch"
SESSIONS = 500
"""How many people are at it at the same time."""
SESSION_EVENTS = 10
STEPS = (
    "Product List Viewed",
    "Product Viewed",
    "Product Viewed",
    "Product Added",
    "Product Viewed",
    "Product Added",
    "Cart Viewed",
    "Checkout Started",
    "Checkout Step Completed",
    "Order Completed",
)

_MESSAGE = (
    '{{"type":"track","event":"{name}","messageId":"bench-{run:08x}-{number:016x}-7c2f41","userId":"u{person:08d}",'
    '"anonymousId":"7b1a4c60-9f0e-4d7a-8e11-{person:012d}","timestamp":"{at}",'
    '"properties":{{"bench":"{number:010d}-{sent:016d}","product_id":"507f1f77bcf86cd799439011","sku":"G-32",'
    '"category":"Games","name":"Monopoly: 3rd Edition","brand":"Hasbro","variant":"200 pieces","price":18.99,'
    '"quantity":1,"coupon":"MAYDEALS","currency":"EUR","position":3,"value":18.99,"order_id":"o{number:012d}",'
    '"url":"https://shop.example.com/product/path","image_url":"https://shop.example.com/product/path.jpg"}},'
    '"context":{{"ip":"203.0.113.9","locale":"en-GB","timezone":"Europe/Berlin",'
    '"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) '
    'Chrome/126.0 Safari/537.36",'
    '"page":{{"path":"/product/path",'
    '"url":"https://shop.example.com/product/path?utm_source=news","title":"Monopoly"}},'
    '"campaign":{{"name":"spring","source":"news","medium":"email"}},'
    '"library":{{"name":"bench","version":"1.0.0"}}}}}}'
)


class Shop:
    """Messages in endless supply; the same seed gives the same people in the same order.

    `repeats` is the share of messages that are told a second time, with the id and number of an earlier one.
    """

    def __init__(self, *, seed: int = 1, people: int = 200_000, first: int = 0, repeats: float = 0.0) -> None:
        self._chance = random.Random(seed)
        self._people = people
        self._run = seed
        self._number = first
        self._repeats = repeats
        self._sessions = [[self._chance.randrange(people), n % SESSION_EVENTS] for n in range(SESSIONS)]

    def message(self, sent: int) -> bytes:
        """The next message, as JSON."""
        session = self._sessions[int(self._chance.random() * SESSIONS)]
        person, step = session
        session[1] += 1
        if session[1] >= SESSION_EVENTS:
            session[:] = self._chance.randrange(self._people), 0
        number = self._number
        if self._repeats and number > 100 and self._chance.random() < self._repeats:
            number -= 1 + int(self._chance.random() * 100)
        else:
            self._number += 1
        return _MESSAGE.format(
            name=STEPS[step], run=self._run, number=number, person=person, sent=sent, at=_iso(sent // 1000)
        ).encode()

    def batch(self, events: int, sent: int) -> bytes:
        """The body of a request with so many messages."""
        return b'{"batch":[' + b",".join([self.message(sent) for _ in range(events)]) + b"]}"


@lru_cache(16)
def _iso(millisecond: int) -> str:
    return datetime.fromtimestamp(millisecond / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def requests(shop: Shop, events: int, host: str) -> Generator[bytes, int, None]:
    """Requests in endless supply; send each with the microsecond at which it leaves."""
    authorization = base64.b64encode(f"{KEY}:".encode()).decode()
    head = (
        f"POST {BATCH_PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Authorization: Basic {authorization}\r\nContent-Length: "
    ).encode()
    request = b""
    while True:
        sent = yield request
        body = shop.batch(events, sent)
        request = head + b"%d\r\n\r\n" % len(body) + body
