"""Products and money in the catalogue's words."""

from __future__ import annotations

from typing import Any

from .notice import Thing, kept, key, number, text, thing, things


def line(bought: Thing) -> Thing:
    """One line of a cart, a checkout or an order, as a product."""
    return kept(
        product_id=key(bought.get("product_id")),
        variant_id=key(bought.get("variant_id")),
        sku=text(bought.get("sku")),
        name=text(bought.get("title")) or text(bought.get("name")),
        variant=text(bought.get("variant_title")),
        brand=text(bought.get("vendor")),
        price=number(bought.get("price")),
        quantity=number(bought.get("quantity")),
        currency=_currency(bought.get("price_set")),
    )


def lines(body: Thing) -> Thing:
    """All lines, and what they are worth together."""
    products = [line(one) for one in things(body.get("line_items"))]
    priced = [one for one in products if "price" in one and "quantity" in one]
    worth = round(sum(one["price"] * one["quantity"] for one in priced), 2) if priced else None
    codes = (one["currency"] for one in products if "currency" in one)
    return kept(products=products, value=worth, currency=text(body.get("currency")) or next(codes, None))


def order(body: Thing) -> Thing:
    """What an order or a checkout comes to."""
    codes = [text(one.get("code")) for one in things(body.get("discount_codes"))]
    gateways = body.get("payment_gateway_names")
    total = number(body.get("total_price"))
    return lines(body) | kept(
        value=total,
        total=total,
        revenue=number(body.get("subtotal_price")),
        subtotal=number(body.get("subtotal_price")),
        tax=number(body.get("total_tax")),
        discount=number(body.get("total_discounts")),
        shipping=number(thing(thing(body.get("total_shipping_price_set")).get("shop_money")).get("amount")),
        coupon=next((code for code in codes if code), None),
        payment_method=_first_text(gateways),
        shipping_method=_first_text([one.get("title") for one in things(body.get("shipping_lines"))]),
        order_name=text(body.get("name")),
        order_number=key(body.get("order_number")),
        status_url=text(body.get("order_status_url")),
        financial_status=text(body.get("financial_status")),
        fulfillment_status=text(body.get("fulfillment_status")),
        test=True if body.get("test") is True else None,
    )


def product(body: Thing) -> Thing:
    """A product of the shop's catalogue, with the price of its first variant."""
    variants = [
        kept(
            variant_id=key(one.get("id")),
            sku=text(one.get("sku")),
            variant=text(one.get("title")),
            price=number(one.get("price")),
        )
        for one in things(body.get("variants"))
    ]
    first = variants[0] if variants else {}
    return kept(
        product_id=key(body.get("id")),
        name=text(body.get("title")),
        category=text(body.get("product_type")),
        brand=text(body.get("vendor")),
        handle=text(body.get("handle")),
        status=text(body.get("status")),
        sku=first.get("sku"),
        price=first.get("price"),
        variants=variants[:_MOST_VARIANTS],
    )


_MOST_VARIANTS = 100
"""A product may have two thousand; their texts help nobody's message."""


def _currency(amounts: Any) -> str | None:
    return text(thing(thing(amounts).get("shop_money")).get("currency_code"))


def _first_text(values: Any) -> str | None:
    return next((said for one in values if (said := text(one))), None) if isinstance(values, list) else None
