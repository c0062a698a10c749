"""Google's tags: what GA4's libraries and Tag Manager's containers send."""

from __future__ import annotations

from typing import Any

import hub

from .source import Gtm


@hub.hookimpl
def connectors() -> list[type[hub.Source[Any]]]:
    """The source."""
    return [Gtm]
