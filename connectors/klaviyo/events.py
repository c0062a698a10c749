"""What happened, or what a rule wants to say, as an event of Klaviyo's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hub

LONGEST_METRIC = 127
"""`Must be less than 128 characters` (the contract, on a metric's name)."""
MOST_PROPERTIES = 400
"""`must not exceed 400 properties` (the contract, on an event's properties)."""

_ITEM = {
    "ProductID": "product_id",
    "SKU": "sku",
    "ProductName": "name",
    "Brand": "brand",
    "Quantity": "quantity",
    "ItemPrice": "price",
    "ProductURL": "url",
    "ImageURL": "image_url",
}
"""What Klaviyo's own integrations call the parts of an item ← our properties of a product."""


def event(delivery: hub.Delivery) -> dict[str, Any]:
    """The attributes of an event, all but whose it is; raises GiveUp where Klaviyo would not take them."""
    said = _happened(delivery.event) if delivery.message is None else _wanted(delivery.message)
    if len(said["properties"]) > MOST_PROPERTIES:
        raise hub.GiveUp(f"it has more than the {MOST_PROPERTIES} properties that Klaviyo takes")
    metric = {"type": "metric", "attributes": {"name": said.pop("metric")[:LONGEST_METRIC]}}
    return {"metric": {"data": metric}, **said, "unique_id": delivery.id}


def _happened(event: hub.Event) -> dict[str, Any]:
    said: dict[str, Any] = {
        "metric": event.spelled,
        "properties": {**_items(event.properties), **event.properties},
        "time": hub.iso(event.time),
    }
    worth = event.worth
    if worth is not None:
        said["value"] = worth.amount
        if worth.currency is not None:
            said["value_currency"] = worth.currency
    if event.historical:
        # The past is recorded, but starts no flow.
        said["backfill"] = True
    return said


def _wanted(message: hub.Message) -> dict[str, Any]:
    """A rule's message: its template's name is the metric that starts a flow at Klaviyo.

    `vendor` of the template is another name for that metric. Words that the hub filled in travel together, so
    that no variable is in their way: `event.words.subject`.
    """
    words = {name: text for name, text in message.words.items() if name != "vendor"}
    return {
        "metric": message.words.get("vendor") or message.template or message.rule,
        "properties": {
            **message.variables,
            **({"words": words} if words else {}),
            "message": message.id,
            "rule": message.rule,
            "channel": message.channel,
            "purpose": message.purpose,
        },
        "time": hub.iso(message.created_at),
    }


def _items(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The products once more under the names that Klaviyo's templates use."""
    said = properties.get("products")
    products = [one for one in said if isinstance(one, Mapping)] if isinstance(said, list) else []
    if not products and ("product_id" in properties or "sku" in properties):
        products = [properties]
    items = [_item(product) for product in products]
    if not any(items):
        return {}
    names = [item["ProductName"] for item in items if isinstance(item.get("ProductName"), str)]
    return {"Items": items, "ItemNames": names}


def _item(product: Mapping[str, Any]) -> dict[str, Any]:
    item = {name: product[ours] for name, ours in _ITEM.items() if product.get(ours) is not None}
    category = product.get("category")
    if isinstance(category, str) and category:
        item["Categories"] = [category]
    return item
