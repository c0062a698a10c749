"""The recipes of the guide read what their senders send."""

from __future__ import annotations

import hmac
import re
import tomllib
from base64 import b64encode
from pathlib import Path
from typing import Any

from webhook_source_house import KEY, NINE, NINE_SECONDS, WHSEC, partner, post, standard, told

import hub

GUIDE = Path(__file__).parents[2] / "docs" / "how_to" / "webhook_source.md"
STRIPE = {
    "id": "evt_1",
    "object": "event",
    "type": "checkout.session.completed",
    "created": NINE_SECONDS,
    "data": {
        "object": {
            "id": "cs_1",
            "amount_total": 1250,
            "currency": "eur",
            "customer_details": {"email": "ann@example.com"},
        }
    },
}
GITHUB = {"action": "opened", "repository": {"full_name": "acme/shop"}, "sender": {"login": "ann"}}
CLOUD = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "com.example.order.completed",
    "subject": "o/77",
    "data": {"order": {"id": "77", "total": 12.5}, "customer": {"email": "ann@example.com"}},
}


def recipe(heading: str, label: str, **secrets: Any):
    """A source as the guide configures it under a heading, with these secrets."""
    section = GUIDE.read_text(encoding="utf-8").split(f"## {heading}")[1].split("\n## ")[0]
    blocks = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    [options] = [one[label] for text in blocks if label in (one := tomllib.loads(text)["sources"])]
    return partner(**{name: value for name, value in options.items() if name != "connector"} | secrets)


def proven(source, inbound) -> hub.Event:
    assert source.authenticate(inbound) == "secret"
    [event], bad = told(source, inbound)
    assert bad == []
    return event


def test_a_sender_of_standard_webhooks():
    source = recipe("Recipe: a sender that", "partner", secret=[WHSEC])
    body = b'{"type": "invoice.paid", "timestamp": "2026-11-21T10:00:00Z", "data": {"user_id": "u1", "n": 1}}'

    event = proven(source, post(body, **standard(body, keys=(KEY,))))

    assert (event.id, event.name, event.occurred_at) == ("msg_1", "invoice_paid", NINE)
    assert event.identifiers == (hub.Identifier("user_id", "u1"),)


def test_github():
    source = recipe("Recipe: GitHub", "code", secret="s")
    sent = post(GITHUB)
    signature = "sha256=" + hmac.new(b"s", sent.body, "sha256").hexdigest()

    event = proven(
        source,
        post(GITHUB, X_Hub_Signature_256=signature, X_GitHub_Event="issues", X_GitHub_Delivery="d-1"),
    )

    assert (event.id, event.name) == ("d-1", "issues")
    assert event.properties == {"action": "opened", "repository": "acme/shop"}
    assert event.identifiers == (hub.Identifier("user_id", "ann"),)


def test_stripe():
    source = recipe("Recipe: GitHub", "payments", secret="whsec_s")
    signed = f"{NINE_SECONDS}.".encode() + post(STRIPE).body
    signature = hmac.new(b"whsec_s", signed, "sha256").hexdigest()

    event = proven(source, post(STRIPE, Stripe_Signature=f"t={NINE_SECONDS},v1={signature}"))

    assert (event.id, event.name, event.occurred_at) == ("evt_1", "order_completed", NINE)
    assert event.properties == {"order_id": "cs_1", "cents": 1250, "currency": "eur"}
    assert event.identifiers == (hub.Identifier("email", "ann@example.com"),)


def test_a_hmac_of_ones_own():
    source = recipe("Recipe: GitHub", "partner", secret="s")
    signed = f"{NINE_SECONDS}.".encode() + b'{"type": "x"}'
    digest = hmac.digest(b"s", signed, "sha512")
    sent = post(
        b'{"type": "x"}',
        X_Partner_Signature="sig=" + b64encode(digest).decode(),
        X_Partner_Time=str(NINE_SECONDS),
    )

    assert proven(source, sent).name == "x"


def test_cloud_events():
    source = recipe("Recipe: CloudEvents", "platform", token="t")

    event = proven(source, post(CLOUD, authorization="Bearer t"))

    assert event.name == "order_completed"
    assert event.properties == {"order_id": "77", "revenue": 12.5, "about": "o/77"}
    assert event.identifiers == (hub.Identifier("email", "ann@example.com"),)
