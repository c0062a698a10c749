"""Mailchimp: people as members of an audience, with their events, tags and journeys."""

from __future__ import annotations

import hub

from .settings import Settings
from .sink import Mailchimp


@hub.hookimpl
def connectors() -> list[type[hub.HttpSink[Settings]]]:
    return [Mailchimp]
