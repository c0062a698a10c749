"""The sinks that take messages to people take the examination that every connector takes."""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import parse_qsl

import msgspec
from fcm_house import ACCOUNT, TOKEN_URI

import hub
from connectors.fcm import Fcm
from connectors.fcm.account import Token
from connectors.twilio import Twilio
from hub.testing import SinkConformance, samples
from hub.testing.contracts import contracts
from hub.wire import Response

HOUR = 3_600_000_000


class TestTwilio(SinkConformance):
    connector = Twilio
    settings = {
        "account_sid": "AC" + "a" * 32,
        "auth_token": "an_auth_token",
        "sender": "+15005550001",
        "status_callback": "https://hub.example/cb",
    }
    contract = "twilio/messages-2010-04-01.json"
    exempt = {
        "batches_are_exact": "one message a request: Twilio takes no batches",
        "delivery_id_travels": "Twilio has no field for an id of ours, and no key against repeats",
        "people_can_be_forgotten": "messages are kept at Twilio by its own retention, not by person",
        "a_repeat_has_one_effect": "Twilio has no key against repeats: its own queue takes each request",
    }

    def answer(self, request):
        return Response(201, {}, b'{"sid": "SM1", "status": "queued", "error_code": null}')

    def recorded(self):
        """What the library sends, with the time that our messages have."""
        said = recording("twilio")
        if said:
            library = dict(parse_qsl(said[0]["body_text"])) | {"ValidityPeriod": "36000"}
            names = ("To", "From", "Body", "StatusCallback", "ValidityPeriod")
            form = [[name, library.pop(name)] for name in names]
            assert library == {}
            yield "send", saying("sms", text="Hello"), {**told(said[0]), "form": form}


class TestFcm(SinkConformance):
    connector = Fcm
    contract = "fcm/fcm-v1.openapi.json"
    hosts = ("oauth2.googleapis.com",)
    exempt = {
        "batches_are_exact": "one message goes to one person's devices, never several people's at once",
        "people_can_be_forgotten": "FCM knows tokens of devices, and no people",
        "a_repeat_has_one_effect": "FCM has no key against repeats: a device shows the last one in its place",
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

    def recorded(self):
        """What the library sends, with what ours has besides; it names fields as FCM's older form does."""
        said = recording("fcm")
        if said:
            push = saying("push", title="Hi", text="There", variables={"order_id": "o1"})
            push = replace(push, identifiers=(hub.Identifier("device_token", "device-token"),))
            yield "send", push, {**told(said[0]), "json": {"message": as_ours(said[0], push)}}


def as_ours(recorded, delivery):
    """The message of the library for a day, of this delivery, without a badge and a picture of its own."""
    said, message = recorded["body"]["message"], delivery.message
    android, apns, web = said["android"], said["apns"], said["webpush"]
    assert (android.pop("ttl"), android.pop("collapse_key")) == ("3600s", "k")
    assert apns["payload"]["aps"].pop("badge") == 1
    assert apns["payload"].pop("aps") == {"sound": "default"}
    assert apns.pop("payload") == {}
    assert web.pop("notification") == {"title": "Hi"}
    said["data"] |= {"message": message.id, "rule": message.rule, "template": message.template}
    android |= {"ttl": "86400s", "collapseKey": message.template, "notification": {"tag": delivery.id}}
    web["headers"] |= {"TTL": "86400", "Urgency": "high"}
    apns["headers"] |= {
        "apns-push-type": "alert",
        "apns-expiration": str(message.expires_at // 1_000_000),
        "apns-collapse-id": delivery.id,
    }
    return said


def recording(vendor):
    """What the vendor's library sends; nothing without contracts."""
    folder = contracts()
    return (
        [] if folder is None else json.loads((folder / vendor / "sdk-requests.json").read_text())["requests"]
    )


def told(recorded):
    return {"method": recorded["method"], "url": recorded["url"]}


def saying(channel, *, variables=MappingProxyType({}), **words):
    """A delivery of a message with these words."""
    planned = samples.deliveries()[f"message_by_{channel}"]
    return replace(
        planned, message=msgspec.structs.replace(planned.message, words=words, variables=dict(variables))
    )
