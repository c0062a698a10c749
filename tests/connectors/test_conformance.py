"""The built-in connectors take the examination that every connector takes."""

from __future__ import annotations

import json

from connectors.console import Console
from connectors.file import File
from connectors.klaviyo import Klaviyo
from connectors.webhook import Webhook
from hub.testing import SinkConformance


class TestKlaviyo(SinkConformance):
    connector = Klaviyo
    settings = {"api_key": "pk_test_0123"}
    contract = "klaviyo/klaviyo-2026-07-15.json"
    exempt = {
        "delivery_id_travels:profile": "profiles and their traits are set: a repeat changes nothing",
        "delivery_id_travels:subscribe": "consent is set: a repeat changes nothing",
        "delivery_id_travels:unsubscribe": "consent is set: a repeat changes nothing",
    }
    verdicts = {("track", 409): ("delivered", "the vendor has an event of this unique_id already")}


class TestWebhook(SinkConformance):
    connector = Webhook
    settings = {"url": "https://audit.example/hook", "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="}
    exempt = {"fits_the_contract": "a receiver of webhooks has no contract but Standard Webhooks"}


class TestConsole(SinkConformance):
    connector = Console
    exempt = {"delivery_id_travels": "a terminal is for people; nobody compares ids there"}


class TestFile(SinkConformance):
    connector = File

    def options(self, folder):
        return {"path": folder / "out.jsonl"}

    async def arrived(self, folder, printed):
        return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
