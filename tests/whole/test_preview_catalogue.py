"""`hub preview` of every sink over the whole catalogue, held against the vendors' own contracts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from running_hub import HUB

from hub.catalogue import EVENTS, example
from hub.testing.contracts import Contract, contracts

NINE = "2026-11-20T09:00:00Z"
TABLES = """
[sources.site]
connector   = "segment"
secret_keys = [{ env = "SITE_KEY" }]

[channels]
sms  = "texts.send"
push = "app.send"

[rules.by_text]
when   = "activity"
repeat = "always"
send   = { channel = "sms", template = "any", purpose = "transactional" }

[rules.by_push]
when   = "activity"
repeat = "always"
send   = { channel = "push", template = "any", purpose = "transactional" }

[templates.any]
title = "{{ trigger.name | default: 'News' }}"
text  = "About {{ trigger.name | default: 'you' }} at {{ trigger.price }} {{ trigger.currency }}"

[sinks.texts]
connector   = "twilio"
account_sid = "AC00000000000000000000000000004711"
auth_token  = { env = "TWILIO_TOKEN" }
sender      = "+15005550006"

[sinks.app]
connector       = "fcm"
service_account = { env = "FIREBASE_ACCOUNT" }

[sinks.news]
connector = "klaviyo"
api_key   = { env = "KLAVIYO_KEY" }

[sinks.crm]
connector = "hubspot"
token     = { env = "HUBSPOT_TOKEN" }
portal_id = "4711"

[sinks.letters]
connector = "mailchimp"
api_key   = { env = "MAILCHIMP_KEY" }
server    = "us6"
list_id   = "a6b5da1054"

[routes.news]
to = "news"

[routes.letters]
to = "letters"

[routes.crm]
to = "crm"
"""
CONTRACTS = {
    "news": {"/api": "klaviyo/klaviyo-2026-07-15.json"},
    "crm": {"/crm/v3/objects": "hubspot/contacts.json", "/events": "hubspot/events-send.json"},
    "letters": {"/3.0": "mailchimp/marketing-3.0.json"},
    "texts": {"/2010": "twilio/messages-2010-04-01.json"},
    "app": {"/v1/projects": "fcm/fcm-v1.openapi.json"},
}
"""Each sink's contracts, by how their paths begin."""

pytestmark = pytest.mark.skipif(contracts() is None, reason="HUB_SHARED names no folder of contracts")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("preview")
    (made / "plugins.toml").write_text(TABLES)
    (made / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines()))
    return made


def lines() -> Iterator[dict[str, Any]]:
    """A person with every address, the catalogue's examples, and the shapes that break mappings."""
    device = {"device": {"id": "phone-1", "type": "ios", "token": "token-1"}}
    told = {"userId": "ann", "timestamp": NINE, "context": device}
    traits = {"email": "ann@example.com", "phone": "+15005550009", "firstName": "Ann"}
    yield {"type": "identify", **told, "traits": traits}
    for name, known in EVENTS.items():
        if known.spelling:
            yield {"type": "track", **told, "event": known.spelling, "properties": example(name)}
    order = {"type": "track", **told, "event": "Order Completed"}
    yield {**order, "properties": {}}
    yield {**order, "properties": {"revenue": "12,50", "currency": "ZZZ", "products": "none"}}
    yield {**order, "event": "x" * 300, "properties": {"name": "y" * 300}}
    yield {"type": "track", "event": "Product Added", "timestamp": NINE, "anonymousId": "nobody"}


def previewed(folder: Path, sink: str) -> list[dict[str, Any]]:
    command = [str(HUB), "preview", sink, "events.jsonl"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [row for row in map(json.loads, done.stdout.splitlines()) if row["url"]]


def faults(sink: str, row: dict[str, Any]) -> list[str]:
    asked = urlsplit(row["url"])
    contract = next(
        (Contract.of(name) for start, name in CONTRACTS[sink].items() if asked.path.startswith(start)), None
    )
    if contract is None:
        return [] if asked.path.endswith("/token") else [f"no contract describes {asked.path}"]
    body = row["body"] if isinstance(row["body"], str) else json.dumps(row["body"])
    # Mailchimp's contract has the version in its server's address.
    path = asked.path.removeprefix("/3.0")
    return [str(one) for one in contract.faults(row["method"], path, row["headers"], body.encode())]


@pytest.mark.parametrize("sink", CONTRACTS)
def test_every_request_for_every_event_passes_the_vendors_contract_and_a_spoiled_one_does_not(
    folder: Path, sink: str
) -> None:
    rows = previewed(folder, sink)

    assert len(rows) > 20
    assert [fault for row in rows for fault in faults(sink, row)] == []
    spoiled = {**rows[-1], "body": "Nobody=1" if sink == "texts" else {"message": 1, "data": 1, "inputs": 1}}
    assert faults(sink, spoiled)
