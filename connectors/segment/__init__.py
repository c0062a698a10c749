"""Segment's protocol: what the client libraries of Segment, RudderStack and Customer.io's CDP speak."""

from __future__ import annotations

from typing import Any

import hub

from .source import Segment


@hub.hookimpl
def connectors() -> list[type[hub.Source[Any]]]:
    """The source."""
    return [Segment]
