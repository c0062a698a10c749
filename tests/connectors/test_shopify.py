"""What a Shopify shop sends becomes events, or is refused; nothing else happens."""

import hmac
import json
import os
from base64 import b64encode
from pathlib import Path

import msgspec
import pytest

import hub
from connectors.shopify import Settings, Shopify

SHARED = os.environ.get("HUB_SHARED")
needs_samples = pytest.mark.skipif(SHARED is None, reason="HUB_SHARED names no folder of samples")
SECRET = "test_secret_key"
BIG = 9_007_199_254_740_993_001

ORDER = {
    "id": BIG,
    "email": "ann@example.com",
    "created_at": "2026-11-20T10:00:00-05:00",
    "updated_at": "2026-11-20T11:00:00-05:00",
    "total_price": "25.00",
    "subtotal_price": "19.00",
    "total_tax": "2.00",
    "currency": "EUR",
    "cart_token": "c1",
    "checkout_token": "k1",
    "customer": {"id": BIG + 1, "email": "ann@example.com", "phone": "+4930123456"},
    "line_items": [
        {"product_id": BIG + 2, "variant_id": 7, "sku": "S", "title": "Game", "price": "9.50", "quantity": 2}
    ],
}
CUSTOMER = {
    "id": 5,
    "email": "ann@example.com",
    "first_name": "Ann",
    "updated_at": "2026-11-20T11:00:00Z",
    "default_address": {"city": "Berlin", "zip": "10115", "country_code": "DE"},
    "email_marketing_consent": {"state": "subscribed", "consent_updated_at": "2026-01-01T00:00:00Z"},
}
TOPICS = {
    "orders/create": ("order_completed", False),
    "orders/paid": ("order_paid", True),
    "orders/updated": ("order_updated", True),
    "orders/cancelled": ("order_cancelled", True),
    "orders/fulfilled": ("order_fulfilled", True),
    "checkouts/create": ("checkout_started", False),
    "checkouts/update": ("checkout_updated", True),
    "carts/create": ("product_added", False),
    "carts/update": ("cart_updated", True),
    "refunds/create": ("order_refunded", True),
    "fulfillments/create": ("fulfillment_created", True),
    "customers/create": ("account_created", False),
    "customers/update": ("traits_updated", True),
    "products/update": ("product_updated", True),
    "app/uninstalled": ("app_uninstalled", True),
    "customers/data_request": ("shopify_customers_data_request", True),
    "customers/redact": ("shopify_customers_redact", True),
    "shop/redact": ("shopify_shop_redact", True),
    "themes/publish": ("shopify_themes_publish", True),
}


def shopify(**settings):
    return Shopify(Settings(**({"secret": SECRET} | settings)), "shop")


def signed(body, secret=SECRET):
    return b64encode(hmac.new(secret.encode(), body, "sha256").digest()).decode()


def webhook(topic, body, /, *, prefix="x-", **changed):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    said = {
        "topic": topic,
        "shop_domain": "acme.myshopify.com",
        "webhook_id": "w1",
        "event_id": "e1",
        "triggered_at": "2026-11-21T21:29:27.348Z",
        "hmac_sha256": signed(raw),
    } | changed
    headers = {f"{prefix}shopify-{name.replace('_', '-')}": v for name, v in said.items() if v is not None}
    return hub.Inbound("POST", "/in/shop", headers, "", raw)


def events(topic, body, /, **changed):
    return list(shopify().receive(webhook(topic, body, **changed)))


def ids(event):
    return {str(identifier) for identifier in event.identifiers}


@pytest.mark.parametrize("prefix", ["x-", ""])
def test_a_signed_body_is_proven(prefix):
    assert shopify().authenticate(webhook("orders/create", ORDER, prefix=prefix)) == "secret"


def test_the_signature_is_the_one_that_shopify_makes():
    body = b'{"foo": "bar"}'
    right = "B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g="

    assert shopify().authenticate(webhook("orders/create", body, hmac_sha256=right)) == "secret"


@pytest.mark.parametrize("forged", [None, "", "ä", "\udcff", "x" * 10_000, signed(b"other"), signed(b"", "")])
def test_a_forged_signature_is_refused(forged):
    with pytest.raises(hub.BadSignature):
        shopify().authenticate(webhook("orders/create", ORDER, hmac_sha256=forged))


def test_the_former_secret_counts_while_it_is_given():
    old = webhook("orders/create", b"{}", hmac_sha256=signed(b"{}", "old"))

    assert shopify(former_secret="old").authenticate(old) == "secret"
    with pytest.raises(hub.BadSignature):
        shopify().authenticate(old)


def test_an_empty_former_secret_proves_nothing():
    forged = webhook("orders/create", b"{}", hmac_sha256=signed(b"{}", ""))

    with pytest.raises(hub.BadSignature):
        shopify(former_secret="").authenticate(forged)


@pytest.mark.parametrize(
    ("shop", "heard"), [("ACME.myshopify.com", True), ("b.myshopify.com", False), (None, False)]
)
def test_only_the_shops_that_are_named_are_heard(shop, heard):
    source = shopify(shops=["acme.myshopify.com"])
    inbound = webhook("orders/create", ORDER, shop_domain=shop)

    if heard:
        assert source.authenticate(inbound) == "secret"
    else:
        with pytest.raises(hub.BadSignature):
            source.authenticate(inbound)


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_has_its_name_and_says_whether_it_is_activity(topic):
    first = events(topic, ORDER)[0]

    assert (first.name, first.system) == TOPICS[topic]


def test_an_order_is_told_in_the_catalogues_words():
    [order] = events("orders/create", ORDER)

    assert order.id == "e1/orders/create"
    assert order.properties["order_id"] == str(BIG)
    assert order.properties["total"] == 25.0
    assert order.properties["products"] == [
        {
            "product_id": str(BIG + 2),
            "variant_id": "7",
            "sku": "S",
            "name": "Game",
            "price": 9.5,
            "quantity": 2,
        }
    ]
    assert order.worth == (19.0, "EUR")
    assert hub.iso(order.occurred_at) == "2026-11-20T16:00:00.000Z"
    assert ids(order) == {
        f"customer_id:{BIG + 1}",
        "email:ann@example.com",
        "phone:+4930123456",
        "cart_token:c1",
        "checkout_token:k1",
    }


def test_a_cart_brings_one_event_for_each_line():
    lines = [{"product_id": 1, "quantity": 1}, {"product_id": 2, "quantity": 3}]
    first, second = events("carts/create", {"token": "c1", "line_items": lines})

    assert (first.id, second.id) == ("e1/carts/create/1", "e1/carts/create/2")
    assert [one.properties["product_id"] for one in (first, second)] == ["1", "2"]
    assert ids(first) == {"cart_token:c1"}


def test_an_empty_cart_is_no_activity():
    [event] = events("carts/create", {"token": "c1", "line_items": []})

    assert (event.name, event.system) == ("cart_updated", True)


def test_a_customer_brings_traits_and_consent_at_the_time_of_the_decision():
    customer, agreed = events("customers/update", CUSTOMER)

    assert customer.traits["first_name"] == "Ann"
    assert customer.traits["address"] == {"city": "Berlin", "postal_code": "10115", "country": "DE"}
    assert hub.iso(customer.occurred_at) == "2026-11-20T11:00:00.000Z"
    assert agreed.consent == (hub.Consent("email", "marketing", "granted"),)
    said = {"channel": "email", "purpose": "marketing", "state": "granted"}
    assert agreed.properties == said | {"shop": "acme.myshopify.com"}
    assert hub.iso(agreed.occurred_at) == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("state", ["not_subscribed", "pending", "invalid", "redacted", None, 7])
def test_who_was_never_asked_has_decided_nothing(state):
    body = CUSTOMER | {"email_marketing_consent": {"state": state}}

    assert len(events("customers/update", body)) == 1


def test_a_yes_without_a_time_counts_only_for_a_new_customer():
    body = {"id": 5, "accepts_marketing": True}

    assert len(events("customers/create", body)) == 2
    assert len(events("customers/update", body)) == 1


def test_an_order_that_the_customer_cancelled_is_activity():
    [event] = events("orders/cancelled", ORDER | {"cancel_reason": "customer"})

    assert not event.system


def test_a_privacy_request_keeps_whom_it_is_about():
    body = {"shop_id": 1, "customer": {"id": 2, "email": "ann@example.com"}, "orders_to_redact": [BIG]}
    [event] = events("customers/redact", body)

    assert event.properties["orders_to_redact"] == [str(BIG)]
    assert ids(event) == {"customer_id:2", "email:ann@example.com"}


def test_without_an_event_id_the_webhook_id_names_it_and_without_both_its_bytes():
    [by_webhook] = events("orders/paid", ORDER, event_id=None)
    [first] = events("orders/paid", ORDER, event_id=None, webhook_id=None)
    [again] = events("orders/paid", ORDER, event_id=None, webhook_id=None)

    assert by_webhook.id == "w1"
    assert first.id == again.id != ""


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"null", b"\xff", b"[" * 100_000])
def test_a_body_that_says_nothing_is_quarantined_and_not_refused(body):
    with pytest.raises(hub.BadEvent):
        events("orders/create", body)


@pytest.mark.parametrize("header", ["topic", "shop_domain", "webhook_id", "event_id", "triggered_at"])
@pytest.mark.parametrize("value", [None, "", "ä", "x" * 5000, "\0"])
def test_odd_headers_bring_events_or_a_bad_event(header, value):
    try:
        assert all(isinstance(one, hub.Event) for one in events("orders/create", ORDER, **{header: value}))
    except hub.BadEvent as bad:
        assert bad.reason


ODD = [None, "", "x", -1, 1.5, 10**400, True, [], [None, 1, []], {}, {"id": {}}, "ä" * 400, "\ud800"]


@pytest.mark.parametrize("topic", TOPICS)
def test_odd_fields_bring_events_or_a_bad_event(topic):
    whole = ORDER | CUSTOMER
    for field in [*whole, "token", "refund_line_items", "variants", "tags", "transactions", "shop_id"]:
        for odd in ODD:
            _harmless(topic, whole | {field: odd})
        _harmless(topic, {key: value for key, value in whole.items() if key != field})


def _harmless(topic, body):
    try:
        for event in events(topic, body):
            msgspec.json.encode(event)
    except hub.BadEvent as bad:
        assert bad.reason


@needs_samples
@pytest.mark.parametrize(
    "topic", [t for t in TOPICS if t not in ("themes/publish", "orders/updated", "orders/fulfilled")]
)
def test_shopifys_own_samples_become_their_events(topic):
    file = topic.replace("/", "_") + ".json"
    sample = json.loads((Path(SHARED) / "samples" / "shopify" / file).read_text())

    assert events(topic, sample["body"])[0].name == TOPICS[topic][0]
