"""The source: any sender of JSON, read by a mapping and proven by a signature or a token."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import hub

from .reading import Reading
from .schemes import KNOWN
from .settings import Settings, revealed
from .signatures import Proof, signed_as, standard
from .tokens import is_token, tokens


class WebhookSource(hub.Source[Settings]):
    """Events from any sender of JSON: signed webhooks, CloudEvents, or whatever a mapping can read."""

    name = "webhook"
    max_event = 2 * 1024 * 1024
    example = """\
[sources.partner]
connector   = "webhook"
secret      = { env = "PARTNER_SECRET" }
id          = "data.id"
name        = "type"
time        = "timestamp"
identifiers = { email = "data.email" }
properties  = "data"
"""

    @cached_property
    def _proofs(self) -> Sequence[Proof]:
        secrets, scheme = revealed(self.settings.secret), self.settings.signature
        if not secrets:
            return ()
        if scheme == "standard":
            return standard(secrets)
        return signed_as(KNOWN[scheme] if isinstance(scheme, str) else scheme, secrets, self.public_url)

    @cached_property
    def _reading(self) -> Reading:
        return Reading(self.settings, self.categories)

    def kinds(self) -> Mapping[str, str]:
        """Those of `identifiers`."""
        return dict.fromkeys(self.settings.identifiers, "identifiers")

    def authenticate(self, inbound: hub.Inbound) -> str:
        """Proven by its signature, else by its token; where neither is asked for it is the public.

        A signature that is there must be right, whatever token stands beside it.
        """
        settings = self.settings
        if settings.secret is None and settings.token is None:
            return "public"
        if sum(proof.is_given(inbound) for proof in self._proofs):
            return "secret"
        given = tokens(inbound, header=settings.token_header, parameter=settings.token_parameter)
        if is_token(given, revealed(settings.token)):
            return "secret"
        if given and settings.token is not None:
            raise hub.BadSignature("the token is not this source's")
        wanted = [("a signature", settings.secret), ("a token", settings.token)]
        missing = " or ".join(name for name, known in wanted if known is not None)
        raise hub.BadSignature(f"the request comes without {missing}")

    def receive(self, inbound: hub.Inbound) -> Iterable[hub.Event | hub.BadEvent]:
        """The events of a request; other methods than POST and PUT bring none."""
        if inbound.method not in ("POST", "PUT") or self._challenge(inbound) is not None:
            return ()
        return self._reading.events(inbound)

    def respond(self, inbound: hub.Inbound, accepted: int, quarantined: int) -> hub.Response | None:
        """Slack's challenge, given back; else the hub's own answer."""
        challenge = self._challenge(inbound)
        if challenge is None:
            return None
        return hub.Response(
            200, {"content-type": "application/json"}, json.dumps({"challenge": challenge}).encode()
        )

    def _challenge(self, inbound: hub.Inbound) -> str | None:
        """What Slack wants to hear again before it sends events; None where it asks for nothing.

        https://api.slack.com/events/url_verification
        """
        if self.settings.signature != "slack" or b'"url_verification"' not in inbound.body:
            return None
        try:
            body = inbound.json()
        except hub.BadPayload:
            return None
        if not isinstance(body, dict) or body.get("type") != "url_verification":
            return None
        challenge = body.get("challenge")
        return challenge if isinstance(challenge, str) else None
