"""Firebase Cloud Messaging: a rule's messages as push notifications."""

from __future__ import annotations

import hub

from .sink import Fcm, Settings


@hub.hookimpl
def connectors() -> list[type[hub.HttpSink[Settings]]]:
    return [Fcm]
