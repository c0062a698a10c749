"""Shopify's webhooks: what a shop's customers do, and what the shop knows of them."""

from __future__ import annotations

import hub

from .source import Settings, Shopify


@hub.hookimpl
def connectors() -> list[type[hub.Source[Settings]]]:
    """The source."""
    return [Shopify]
