"""Klaviyo: events as metrics, people as profiles, consent as subscriptions."""

from __future__ import annotations

import hub

from .sink import Klaviyo, Settings


@hub.hookimpl
def connectors() -> list[type[hub.HttpSink[Settings]]]:
    return [Klaviyo]
