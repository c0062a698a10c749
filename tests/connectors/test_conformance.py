"""The built-in connectors take the examination that every connector takes."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from dataclasses import replace

import hub
from connectors.console import Console
from connectors.file import File
from connectors.segment import Segment
from connectors.shopify import Shopify
from hub.testing import SinkConformance, SourceConformance


class TestSegment(SourceConformance):
    connector = Segment
    settings = {
        "public_keys": ["pk_shop"],
        "secret_keys": ["sk_server_1234"],
        "secret": "segments_shared_secret",
    }
    exempt = {"old_timestamps_are_refused": "Segment signs no time; a repeat is known by its messageId"}

    def sign(self, inbound: hub.Inbound) -> hub.Inbound:
        signature = hmac.new(b"segments_shared_secret", inbound.body, "sha1").hexdigest()
        return replace(inbound, headers={**inbound.headers, "x-signature": signature})


class TestShopify(SourceConformance):
    connector = Shopify
    settings = {"secret": "the_apps_client_secret"}
    exempt = {
        "old_timestamps_are_refused": "Shopify signs no time; a repeat is known by its event's id",
        "a_bad_event_costs_nobody_else": "a webhook of Shopify brings one event",
    }

    def sign(self, inbound: hub.Inbound) -> hub.Inbound:
        signature = b64encode(hmac.new(b"the_apps_client_secret", inbound.body, "sha256").digest()).decode()
        return replace(inbound, headers={**inbound.headers, "x-shopify-hmac-sha256": signature})


class TestConsole(SinkConformance):
    connector = Console
    exempt = {
        "delivery_id_travels": "a terminal is for people; nobody compares ids there",
        "limits_cite_the_vendors_page": "a terminal has no vendor, and no limits",
        "people_can_be_forgotten": "what was printed cannot be taken back",
    }


class TestFile(SinkConformance):
    connector = File
    exempt = {
        "limits_cite_the_vendors_page": "a file on this machine has no vendor, and no limits",
        "people_can_be_forgotten": "lines are only added: who keeps the file deletes in it",
    }

    def options(self, folder):
        return {"path": folder / "out.jsonl"}

    async def arrived(self, folder, printed):
        return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
