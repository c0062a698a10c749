"""Twilio: a rule's messages as text messages to telephones."""

from __future__ import annotations

import hub

from .sink import Settings, Twilio


@hub.hookimpl
def connectors() -> list[type[hub.HttpSink[Settings]]]:
    return [Twilio]
