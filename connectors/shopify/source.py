"""The source: whose request it is, and whether it was signed with the app's secret."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated

from pydantic import AfterValidator

import hub

from .events import receive
from .notice import header


def _domain(text: str) -> str:
    if "." not in text or any(sign in text for sign in "/:@ "):
        raise ValueError("must be the shop's own domain: acme.myshopify.com")
    return text


class Settings(hub.Settings):
    """Options of a `shopify` source."""

    secret: hub.Secret = hub.Option("The app's client secret, which signs its webhooks.", min_length=1)
    former_secret: hub.Secret | None = hub.Option(
        "The secret before a rotation: Shopify signs with it for up to an hour longer.", default=None
    )
    shops: list[Annotated[str, AfterValidator(_domain)]] = hub.Option(
        "Shops that may send (acme.myshopify.com), others are refused; empty for all that the app is in.",
        default=[],
    )


class Shopify(hub.Source[Settings]):
    """Orders, checkouts, carts and customers of a Shopify shop, from its webhooks to /in/{label}."""

    name = "shopify"
    max_event = 2 * 1024 * 1024
    example = """\
[sources.shop]
connector = "shopify"
secret    = { env = "SHOPIFY_SECRET" }
# shops   = ["acme.myshopify.com"]
"""

    def authenticate(self, inbound: hub.Inbound) -> str:
        """Proven by a signature over the body as it came, under the secret or the one before it."""
        given = (header(inbound, "hmac-sha256") or "").strip().encode("utf-8", "replace")
        right = False
        for secret in (self.settings.secret, self.settings.former_secret):
            # An empty secret is one that everybody knows.
            if secret is not None and secret.reveal():
                right |= hmac.compare_digest(given, _signature(secret.reveal(), inbound.body))
        if not right:
            raise hub.BadSignature("X-Shopify-Hmac-Sha256 does not fit this body and our secret")
        self._check_shop(header(inbound, "shop-domain") or "")
        return "secret"

    def _check_shop(self, shop: str) -> None:
        shops = {known.strip().lower() for known in self.settings.shops}
        if shops and shop.strip().lower() not in shops:
            raise hub.BadSignature("this shop is none of those in `shops`")

    def receive(self, inbound: hub.Inbound) -> Iterable[hub.Event | hub.BadEvent]:
        """The events of a webhook; what cannot be read is kept, since Shopify gives up on who refuses."""
        return receive(inbound) if inbound.method == "POST" else ()


def _signature(secret: str, body: bytes) -> bytes:
    return b64encode(hmac.new(secret.encode(), body, sha256).digest())
