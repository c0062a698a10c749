"""The sinks that take messages to people take the examination that every connector takes."""

from __future__ import annotations

import json
from dataclasses import replace

from fcm_house import ACCOUNT, TOKEN_URI

import hub
from connectors.fcm import Fcm
from connectors.fcm.account import Token
from connectors.twilio import Twilio
from hub.testing import SinkConformance, samples
from hub.wire import Response

HOUR = 3_600_000_000


class TestTwilio(SinkConformance):
    connector = Twilio
    settings = {
        "account_sid": "AC" + "a" * 32,
        "auth_token": "an_auth_token",
        "sender": "+15005550001",
    }
    contract = "twilio/messages-2010-04-01.json"
    exempt = {
        "batches_are_exact": "one message a request: Twilio takes no batches",
        "delivery_id_travels": "Twilio has no field for an id of ours, and no key against repeats",
        "people_can_be_forgotten": "messages are kept at Twilio by its own retention, not by person",
    }

    def answer(self, request):
        return Response(201, {}, b'{"sid": "SM1", "status": "queued", "error_code": null}')


class TestFcm(SinkConformance):
    connector = Fcm
    contract = "fcm/fcm-v1.openapi.json"
    hosts = ("oauth2.googleapis.com",)
    exempt = {
        "batches_are_exact": "one message goes to one person's devices, never several people's at once",
        "people_can_be_forgotten": "FCM knows tokens of devices, and no people",
    }

    def options(self, folder):
        return {"service_account": ACCOUNT}

    def made(self, **changed):
        """With a token, as it is for an hour after the first message."""
        sink = super().made(**changed)
        sink._token = Token(hub.Secret("ya29.token"), samples.NOW + HOUR)
        return sink

    def deliveries(self):
        known = super().deliveries()
        device = (hub.Identifier("device_token", "device-1"),)
        several = (*device, hub.Identifier("device_token", "device-2"))
        push = known["message_by_push"]
        return {
            **known,
            "message_by_push": replace(push, identifiers=device),
            "message_to_two_devices": replace(push, identifiers=several),
        }

    def answer(self, request):
        if request.path == TOKEN_URI:
            return Response(200, {}, json.dumps({"access_token": "ya29.x", "expires_in": 3599}).encode())
        return Response(200, {}, b'{"name": "projects/my-project/messages/1"}')
