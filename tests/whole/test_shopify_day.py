"""A day's Shopify traffic, from a sender that knows nothing of the hub's code, into a real hub."""

import base64
import hashlib
import hmac
import http.client
import json
import random
import zlib
from concurrent.futures import ThreadPoolExecutor

from running_hub import wait_for

SECRET = "shpss_0123456789"
SHOP = """
[sources.shop]
connector = "shopify"
secret    = { file = "shopify_secret" }
shops     = ["acme.myshopify.com"]
"""
ORDERS = 60


class Shop:
    """Sends as Shopify does: signed over the bytes, again until it hears a 2xx, at times twice."""

    def __init__(self, port):
        self.port = port

    def send(self, topic, body, event, *, secret=SECRET, altered=False, patient=True):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        digest = hmac.new(secret.encode(), raw, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": "acme.myshopify.com",
            "X-Shopify-Webhook-Id": f"webhook-{event}-{topic}",
            "X-Shopify-Event-Id": event,
            "X-Shopify-Triggered-At": "2026-01-02T10:00:00.000Z",
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        }
        return self._post(raw.replace(b"25.00", b"00.01") if altered else raw, headers, patient)

    def deliver(self, message):
        """At most nine attempts, as Shopify makes them; of every third message the first answer is lost."""
        topic, body, event = message
        loses = zlib.crc32(event.encode()) % 3 == 0
        for attempt in range(9):
            if 200 <= self.send(topic, body, event, patient=attempt > 0 or not loses) < 300:
                return
        raise AssertionError(f"{topic} was given up")

    def _post(self, raw, headers, patient):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/in/shop", raw, headers)
            if not patient:
                return 0
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except OSError:
            return 0
        finally:
            connection.close()


def order(number):
    return {
        "id": 9_007_199_254_740_993_000 + number,
        "updated_at": "2026-01-02T10:00:00Z",
        "total_price": "25.00",
        "currency": "EUR",
        "customer": {"id": number % 20, "email": f"buyer{number % 20}@example.com"},
        "line_items": [{"product_id": 1, "price": "25.00", "quantity": 1}],
    }


def opened(hubs):
    hub = hubs(SHOP)
    (hub.folder / "shopify_secret").write_text(SECRET)
    (hub.folder / "shopify_secret").chmod(0o600)
    return hub.start()


def counted(hub, name):
    return sum(event["name"] == name for event in hub.exported("events"))


def test_a_day_with_retries_and_duplicates_gives_each_order_once(hubs):
    hub = opened(hubs)
    day = [("orders/create", order(n), f"event-{n}") for n in range(ORDERS)]
    day += [("orders/paid", order(n), f"event-{n}") for n in range(ORDERS)]
    # Sent twice, and told by another event besides: a subscription that was made twice.
    day += random.Random(7).sample(day, 60) + [("orders/create", order(n), f"other-{n}") for n in range(20)]
    random.Random(8).shuffle(day)

    with ThreadPoolExecutor(8) as senders:
        list(senders.map(Shop(hub.port).deliver, day))
    Shop(hub.port).deliver(("orders/fulfilled", order(0), "the last one"))

    wait_for(lambda: counted(hub, "order_fulfilled") == 1)
    assert counted(hub, "order_completed") == ORDERS
    assert counted(hub, "order_paid") == ORDERS


def test_forged_and_altered_bodies_are_refused_and_broken_ones_are_kept_aside(hubs):
    hub = opened(hubs)
    shop = Shop(hub.port)

    assert shop.send("orders/create", order(1), "e1", secret="guessed") == 401
    assert shop.send("orders/create", order(1), "e1", altered=True) == 401
    assert shop.send("customers/redact", {}, "e1", secret="guessed") == 401
    assert shop.send("orders/create", b"{broken", "e2") == 200
    assert shop.send("orders/create", order(1) | {"note": "x" * 1_000_000}, "e3") == 200
    wait_for(lambda: counted(hub, "order_completed") == 1)
    assert [kept["source"] for kept in hub.exported("quarantine")] == ["shop"]


def test_an_older_record_of_a_customer_never_overwrites_a_newer_one(hubs):
    hub = opened(hubs)
    shop = Shop(hub.port)
    newer = {"id": 5, "email": "ann@example.com", "first_name": "New", "updated_at": "2026-01-02T09:00:00Z"}
    older = newer | {"first_name": "Old", "updated_at": "2026-01-01T09:00:00Z"}

    shop.deliver(("customers/update", newer, "e1"))
    shop.deliver(("customers/update", older, "e2"))

    wait_for(lambda: counted(hub, "traits_updated") == 2)
    [person] = hub.exported("people")
    assert "New" in json.dumps(person["traits"])
    assert "Old" not in json.dumps(person["traits"])
