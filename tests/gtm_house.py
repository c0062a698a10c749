"""A source for Google's tags, and requests as they send them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlencode

import pytest

import hub
from connectors.gtm import Gtm
from connectors.gtm.source import Settings

SHARED = os.environ.get("HUB_SHARED")
needs_samples = pytest.mark.skipif(SHARED is None, reason="HUB_SHARED names no folder of samples")
NINE = 1_795_255_200_000_000
TID = "G-ABC123"
SECRET = "servers_alone_know_it"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"


def gtm(**changed):
    options = {"measurement_ids": [TID, "1:1234:android:abcd"], "api_secret": SECRET}
    return Gtm(Settings(**(options | changed)), "tags")


def hit(query="", body="", *, method="POST", path="/g/collect", **headers):
    sent = body if isinstance(body, bytes) else body.encode()
    return hub.Inbound(method, path, {"user-agent": CHROME, **headers}, query, sent, NINE, key=TID)


def call(body, query="", path="/mp/collect"):
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    asked = query or urlencode({"measurement_id": TID, "api_secret": SECRET})
    return hub.Inbound("POST", path, {}, asked, sent, NINE, key=TID, trust="secret")


def push(body, query="", *, trust="secret", **headers):
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return hub.Inbound("POST", "/in/tags", named, query, sent, NINE, trust=trust)


def received(source, inbound):
    return list(source.receive(inbound))


def one(source, inbound):
    [event] = received(source, inbound)
    assert isinstance(event, hub.Event), event.reason
    return event


def of_hit(source, **params):
    return one(source, hit(urlencode({"v": "2", "tid": TID, "cid": "1.2"} | params)))


def of_event(source, name, **params):
    return one(source, call({"client_id": "1.2", "events": [{"name": name, "params": params}]}))


def ids(event):
    return [str(identifier) for identifier in event.identifiers]


def agreed(event):
    return {consent.purpose: consent.state for consent in event.consent}


def samples(name):
    for sample in json.loads((Path(SHARED) / "samples" / "ga4" / f"{name}.json").read_text("utf-8")):
        query, body = sample["query"], sample["body"]
        yield hub.Inbound(
            sample["method"],
            sample["path"],
            {"user-agent": CHROME},
            query if isinstance(query, str) else urlencode(query),
            body.encode() if isinstance(body, str) else json.dumps(body).encode(),
            NINE,
        )
