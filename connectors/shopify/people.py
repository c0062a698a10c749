"""Who it is, and what the shop knows of them."""

from __future__ import annotations

from collections.abc import Iterator

import hub

from .notice import Notice, Thing, kept, key, number, text, thing


def identifiers(notice: Notice) -> Thing:
    """The customer, and the cart and checkout that a browser came by.

    An order's own addresses stand in only where its customer has none: people order for others.
    """
    body, area = notice.body, notice.topic.partition("/")[0]
    if area in ("products", "app", "shop"):
        return {}
    customer = body if area == "customers" and "customer" not in body else thing(body.get("customer"))
    token = text(body.get("token"))
    return kept(
        customer_id=key(customer.get("id")),
        email=text(customer.get("email")) or text(body.get("email")) or text(body.get("contact_email")),
        phone=text(customer.get("phone")) or text(body.get("phone")),
        cart_token=token if area == "carts" else text(body.get("cart_token")),
        checkout_token=token if area == "checkouts" else text(body.get("checkout_token")),
    )


def traits(customer: Thing) -> Thing:
    """A customer's record as traits."""
    home = thing(customer.get("default_address"))
    address = kept(
        street=text(home.get("address1")),
        city=text(home.get("city")),
        state=text(home.get("province")),
        postal_code=text(home.get("zip")),
        country=text(home.get("country_code")),
    )
    tags = text(customer.get("tags"))
    return kept(
        email=text(customer.get("email")),
        phone=text(customer.get("phone")),
        first_name=text(customer.get("first_name")),
        last_name=text(customer.get("last_name")),
        address=address or None,
        created_at=text(customer.get("created_at")),
        orders_count=number(customer.get("orders_count")),
        total_spent=number(customer.get("total_spent")),
        tags=[tag.strip() for tag in tags.split(",") if tag.strip()] if tags else None,
    )


def consents(customer: Thing) -> Iterator[tuple[hub.Consent, object]]:
    """The customer's decisions on marketing, each with what Shopify says of its time.

    Who was never asked (`not_subscribed`) or has not confirmed (`pending`) has decided nothing.
    """
    for channel in ("email", "sms"):
        decision = thing(customer.get(f"{channel}_marketing_consent"))
        state = decision.get("state")
        if state == "subscribed":
            yield hub.Consent(channel, "marketing", "granted"), decision.get("consent_updated_at")
        elif state == "unsubscribed":
            yield hub.Consent(channel, "marketing", "denied"), decision.get("consent_updated_at")
    if not thing(customer.get("email_marketing_consent")):
        yield from _older_form(customer)


def _older_form(customer: Thing) -> Iterator[tuple[hub.Consent, object]]:
    accepts, at = customer.get("accepts_marketing"), customer.get("accepts_marketing_updated_at")
    if accepts is True:
        yield hub.Consent("email", "marketing", "granted"), at
    elif accepts is False and text(at):
        yield hub.Consent("email", "marketing", "denied"), at
