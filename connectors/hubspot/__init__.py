"""HubSpot: people as contacts, events as custom events, consent as subscriptions."""

from __future__ import annotations

import hub

from .settings import Settings
from .sink import HubSpot


@hub.hookimpl
def connectors() -> list[type[hub.HttpSink[Settings]]]:
    return [HubSpot]
