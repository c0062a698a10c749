"""Goods in Google's words: GA4's items, and the e-commerce objects of Universal Analytics.

Sources: https://developers.google.com/analytics/devguides/collection/ga4/ecommerce and, for the older form,
https://developers.google.com/tag-manager/enhanced-ecommerce
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

Thing = dict[str, Any]

_AMOUNTS = ("value", "revenue", "tax", "shipping", "discount", "price", "quantity")
_OF_PROMOTION = ("promotion_id", "promotion_name", "creative_name", "creative_slot")

_ACTIONS = {
    "impressions": "view_item_list",
    "promoView": "view_promotion",
    "promoClick": "select_promotion",
    "click": "select_item",
    "detail": "view_item",
    "add": "add_to_cart",
    "remove": "remove_from_cart",
    "checkout": "begin_checkout",
    "checkout_option": "set_checkout_option",
    "purchase": "purchase",
    "refund": "refund",
}
"""Actions of Universal Analytics → GA4's names."""
_FIELDS = {
    "affiliation": "affiliation",
    "revenue": "revenue",
    "tax": "tax",
    "shipping": "shipping",
    "coupon": "coupon",
    "list": "item_list_name",
    "step": "step",
    "option": "option",
}
_ORDERS = ("purchase", "refund")


def goods(params: Thing) -> Thing:
    """GA4's parameters with the items in our words where the one table of aliases does not know them."""
    params = {key: number(value) if key in _AMOUNTS else value for key, value in params.items()}
    items = params.get("items")
    if not isinstance(items, list):
        return params
    params["items"] = [_item(one) for one in items]
    first = items[0] if items else None
    if isinstance(first, dict) and "promotion_id" in first:
        params |= {key: first[key] for key in _OF_PROMOTION if key in first and key not in params}
    return params


def _item(sent: Any) -> Any:
    if not isinstance(sent, dict):
        return sent
    item = {key: number(value) if key in _AMOUNTS else value for key, value in sent.items()}
    if "index" in item:
        item.setdefault("position", item.pop("index"))
    return item


def actions(ecommerce: Any) -> Iterator[tuple[str, Thing]]:
    """GA4's name and parameters of each thing that an e-commerce object of either form tells."""
    if not isinstance(ecommerce, dict):
        return
    currency = {"currency": ecommerce["currencyCode"]} if "currencyCode" in ecommerce else {}
    for action, name in _ACTIONS.items():
        told = ecommerce.get(action)
        if action in ("impressions", "promoView") and told == []:
            continue
        if isinstance(told, dict | list):
            yield _named(name, told), {**currency, **_told(action, told)}


def _named(name: str, told: Any) -> str:
    """A checkout begins with its first step; each further one is a step."""
    field = told.get("actionField") if isinstance(told, dict) else None
    step = field.get("step") if isinstance(field, dict) else None
    return "checkout_progress" if name == "begin_checkout" and str(step or 1) != "1" else name


def _told(action: str, told: Any) -> Thing:
    if isinstance(told, list):
        things: Any = told
        field: Any = None
    else:
        things = told.get("promotions" if action.startswith("promo") else "products")
        field = told.get("actionField")
    params = _fields(action, field) if isinstance(field, dict) else {}
    if isinstance(things, list) and things:
        if action.startswith("promo"):
            params["promotions"] = [_promotion(one) for one in things]
        else:
            params["items"] = [_product(one) for one in things]
            listed = things[0].get("list") if isinstance(things[0], dict) else None
            if listed:
                params.setdefault("item_list_name", listed)
    return params


def _fields(action: str, field: Thing) -> Thing:
    params = {
        ours: number(field[key]) if key in _AMOUNTS else field[key]
        for key, ours in _FIELDS.items()
        if key in field
    }
    if action in _ORDERS and "id" in field:
        params["transaction_id"] = field["id"]
    return params


def _product(sent: Any) -> Any:
    if not isinstance(sent, dict):
        return sent
    product = {key: number(value) if key in _AMOUNTS else value for key, value in sent.items()}
    if "id" in product:
        product.setdefault("item_id", product.pop("id"))
    return product


def _promotion(sent: Any) -> Any:
    if not isinstance(sent, dict):
        return sent
    promotion = dict(sent)
    if "id" in promotion:
        promotion.setdefault("promotion_id", promotion.pop("id"))
    return promotion


def spread(properties: Thing, things: Any) -> None:
    """Where an event is about one thing, the first of a list of them stands in its properties."""
    if isinstance(things, list) and things and isinstance(things[0], dict):
        for key, value in things[0].items():
            properties.setdefault(key, value)


def number(text: Any) -> Any:
    """A text that is a finite number as that number; everything else as it is."""
    if not isinstance(text, str) or len(text) > 32 or "_" in text:
        return text
    try:
        value = float(text)
    except ValueError:
        return text
    if not isfinite(value):
        return text
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
