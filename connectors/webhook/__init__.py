"""Webhooks: events from any sender of JSON, and events to any receiver, signed per Standard Webhooks."""

from __future__ import annotations

from typing import Any

import hub

from .sink import Webhook
from .source import WebhookSource


@hub.hookimpl
def connectors() -> list[type[hub.HttpSink[Any]] | type[hub.Source[Any]]]:
    """The source and the sink."""
    return [WebhookSource, Webhook]
