"""Acme Loyalty: points for orders, and what people redeem them for."""

from __future__ import annotations

from typing import Any

import hub

from .sink import AcmeLoyalty
from .source import AcmeLoyaltyWebhooks


@hub.hookimpl
def connectors() -> list[type[Any]]:
    return [AcmeLoyalty, AcmeLoyaltyWebhooks]
