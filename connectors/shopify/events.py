"""Which events a webhook says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import hub

from .goods import line, lines, order, product
from .notice import Notice, Thing, first_time, kept, key, number, read, text, thing, things
from .people import consents, identifiers, traits

_NAMES = {
    "orders/create": "order_completed",
    "orders/paid": "order_paid",
    "orders/updated": "order_updated",
    "orders/cancelled": "order_cancelled",
    "orders/fulfilled": "order_fulfilled",
    "checkouts/create": "checkout_started",
    "checkouts/update": "checkout_updated",
    "carts/create": "product_added",
    "carts/update": "cart_updated",
    "refunds/create": "order_refunded",
    "fulfillments/create": "fulfillment_created",
    "customers/create": "account_created",
    "customers/update": "traits_updated",
    "products/update": "product_updated",
    "app/uninstalled": "app_uninstalled",
}
_OF_THE_PERSON = frozenset({"orders/create", "checkouts/create", "carts/create", "customers/create"})
"""What the customer does; everything else the shop does itself, so it is no activity."""


def receive(inbound: hub.Inbound) -> Iterator[hub.Event | hub.BadEvent]:
    """The events of a webhook, in the order in which they happened."""
    notice = read(inbound)
    if notice.topic == "carts/create":
        yield from _added(notice)
        return
    make = _MAKERS.get(notice.topic.partition("/")[0], _other)
    make = _privacy if notice.topic in _PRIVACY else make
    yield _event(notice, make(notice.body))
    if notice.topic in ("customers/create", "customers/update"):
        yield from _agreed(notice)


def _event(notice: Notice, properties: Thing, **more: Any) -> hub.Event:
    name = _NAMES.get(notice.topic) or "shopify_" + notice.topic.replace("/", "_")
    said: Thing = {
        "type": "identify" if name == "traits_updated" else "track",
        "id": notice.id,
        "name": "" if name == "traits_updated" else name,
        "occurred_at": notice.at,
        "identifiers": identifiers(notice),
        "properties": properties | kept(shop=text(notice.shop)),
        "context": _context(notice.body),
        "traits": traits(notice.body) if notice.topic.startswith("customers/") and name in _ABOUT else None,
        "system": _by_the_shop(notice),
    }
    return hub.normalise(**said | more)


_ABOUT = ("account_created", "traits_updated")


def _by_the_shop(notice: Notice) -> bool:
    if notice.topic == "orders/cancelled":
        return notice.body.get("cancel_reason") != "customer"
    return notice.topic not in _OF_THE_PERSON


def _context(body: Thing) -> Thing:
    customer = thing(body.get("customer"))
    places = (customer.get("default_address"), body.get("default_address"), body.get("billing_address"))
    countries = (text(thing(place).get("country_code")) for place in places)
    country = next((code for code in countries if code), None)
    locale = text(body.get("customer_locale"))
    return kept(locale=locale, location={"country": country} if country else None)


def _added(notice: Notice) -> Iterator[hub.Event]:
    """One event a line; a cart that is still empty is only noted."""
    added = things(notice.body.get("line_items"))
    cart = kept(cart_id=_token(notice.body))
    for count, bought in enumerate(added, 1):
        yield _event(notice, line(bought) | cart, id=f"{notice.id}/{count}")
    if not added:
        yield _event(notice, cart, name="cart_updated", system=True)


def _agreed(notice: Notice) -> Iterator[hub.Event]:
    """Decisions on marketing, each at the time it was made.

    A customer's record is sent again for any change, with decisions in it that are long past: under the
    record's own time they would overwrite what the person has said elsewhere since.
    """
    for consent, at in consents(notice.body):
        time = first_time(at) or (notice.at if _speaks_now(notice, consent) else None)
        if time is not None:
            yield _event(
                notice,
                {"channel": consent.channel, "purpose": consent.purpose, "state": consent.state},
                type="track",
                id=f"{notice.id}/{consent.channel}",
                name="consent_changed",
                occurred_at=time,
                traits=None,
                system=True,
            )


def _speaks_now(notice: Notice, consent: hub.Consent) -> bool:
    return notice.topic == "customers/create" or consent.state == "denied"


def _token(body: Thing) -> str | None:
    return text(body.get("token")) or key(body.get("id"))


def _cart(body: Thing) -> Thing:
    return lines(body) | kept(cart_id=_token(body))


def _checkout(body: Thing) -> Thing:
    tokens = kept(checkout_id=_token(body), cart_id=text(body.get("cart_token")))
    return order(body) | tokens | kept(url=text(body.get("abandoned_checkout_url")))


def _order(body: Thing) -> Thing:
    return order(body) | kept(order_id=key(body.get("id")), reason=text(body.get("cancel_reason")))


def _refund(body: Thing) -> Thing:
    returned = things(body.get("refund_line_items"))
    goods = [line(thing(one.get("line_item")) | kept(quantity=one.get("quantity"))) for one in returned]
    moved = things(body.get("transactions"))
    paid = [amount for one in moved if (amount := number(one.get("amount"))) is not None]
    worth = [number(one.get("subtotal")) or 0 for one in returned]
    currencies = [text(one.get("currency")) for one in moved]
    currencies += [_currency(one.get("subtotal_set")) for one in returned]
    return kept(
        refund_id=key(body.get("id")),
        order_id=key(body.get("order_id")),
        total=sum(paid) if paid else (sum(worth) if worth else None),
        currency=next((code for code in currencies if code), None),
        products=goods,
    )


def _currency(amounts: Any) -> str | None:
    return text(thing(thing(amounts).get("shop_money")).get("currency_code"))


def _fulfillment(body: Thing) -> Thing:
    return lines(body) | kept(
        fulfillment_id=key(body.get("id")),
        order_id=key(body.get("order_id")),
        status=text(body.get("status")),
        tracking_company=text(body.get("tracking_company")),
        tracking_number=text(body.get("tracking_number")),
        tracking_url=text(body.get("tracking_url")),
    )


def _customer(body: Thing) -> Thing:
    return {}


def _app(body: Thing) -> Thing:
    return kept(shop_id=key(body.get("id")), name=text(body.get("name")))


_PRIVACY = ("customers/data_request", "customers/redact", "shop/redact")


def _privacy(body: Thing) -> Thing:
    """Whom a duty under privacy law is about: what is needed to find the person and the orders."""
    customer = thing(body.get("customer"))
    who = kept(
        id=key(customer.get("id")), email=text(customer.get("email")), phone=text(customer.get("phone"))
    )
    return kept(
        shop_id=key(body.get("shop_id")),
        customer=who or None,
        orders_requested=_keys(body.get("orders_requested")),
        orders_to_redact=_keys(body.get("orders_to_redact")),
        data_request_id=key(thing(body.get("data_request")).get("id")),
    )


def _keys(ids: Any) -> list[str]:
    given: Iterable[Any] = ids if isinstance(ids, list) else ()
    return [name for one in given if (name := key(one)) is not None]


def _other(body: Thing) -> Thing:
    """A topic that we have no words for: that it came, and about what."""
    return kept(shopify_id=key(body.get("id")))


_MAKERS: dict[str, Callable[[Thing], Thing]] = {
    "orders": _order,
    "checkouts": _checkout,
    "carts": _cart,
    "refunds": _refund,
    "fulfillments": _fulfillment,
    "customers": _customer,
    "products": product,
    "app": _app,
}
