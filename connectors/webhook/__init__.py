"""Webhooks: events to any receiver, signed per Standard Webhooks."""

from __future__ import annotations

import hub

from .sink import Settings, Webhook


@hub.hookimpl
def connectors() -> list[type[hub.HttpSink[Settings]]]:
    return [Webhook]
