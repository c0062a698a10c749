"""The source for Google's tags takes the examination that every connector takes."""

from __future__ import annotations

from connectors.gtm import Gtm
from hub.testing import SourceConformance


class TestGtm(SourceConformance):
    connector = Gtm
    settings = {"measurement_ids": ["G-ABC123"], "api_secret": "servers_alone_know_it"}
    exempt = {
        "altered_bodies_are_refused": "Google signs nothing; a secret stands beside the body",
        "old_timestamps_are_refused": "Google signs no time",
    }
