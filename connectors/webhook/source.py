"""The source: any sender of JSON, read by a mapping and proven by a signature or a token."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Literal

from pydantic import model_validator

import hub

from .paths import Place
from .reading import Reading
from .schemes import KNOWN, Signature
from .signatures import Proof, decoded_secret, signed_as, standard
from .tokens import is_token, tokens

_CALLS = ("track", "identify", "page", "screen", "group", "alias")


class Word(hub.Settings):
    """A word of our own, instead of a path to one."""

    word: str = hub.Option("The same for every event.", min_length=1)


class Settings(hub.Settings):
    """Options of a `webhook` source. A path (`data.items.0.id`) leads into the body."""

    secret: hub.Secret | list[hub.Secret] | None = hub.Option(
        "What the sender signs with; during a rotation a list of the old and the new one.", default=None
    )
    signature: (
        Literal["standard", "customerio", "github", "hubspot", "klaviyo", "slack", "stripe"] | Signature
    ) = hub.Option(
        "How it signs: as Standard Webhooks says, as a sender known by name does, or a table that says it.",
        default="standard",
    )
    token: hub.Secret | list[hub.Secret] | None = hub.Option(
        "Instead of a signature: what the sender puts into Authorization, as a bearer token.", default=None
    )
    token_header: str = hub.Option("Another header for the token.", default="Authorization", min_length=1)
    token_parameter: str = hub.Option(
        "A parameter of the address for the token, for a sender that can set no header.", default=""
    )
    items: Place | None = hub.Option(
        "Path to a list, where a request holds many events; other paths then begin in its items.",
        default=None,
    )
    id: Place | None = hub.Option(
        "Path to what is the same when the sender repeats an event; default: the webhook-id, else a hash "
        "of the body.",
        default=None,
    )
    type: Place | Word | None = hub.Option(
        'Path to track, identify, page, screen, group or alias, or { word = "identify" }; default: track.',
        default=None,
    )
    name: Place | Word = hub.Option(
        'Path to the event\'s name, or { word = "order_completed" }.', default="type"
    )
    names: dict[str, str] = hub.Option("The sender's names for events and ours.", default={})
    time: Place | None = hub.Option(
        "Path to when it happened: ISO 8601, or (milli-, micro-) seconds since 1970.", default=None
    )
    identifiers: dict[str, Place] = hub.Option(
        "Whose event it is: user_id, email, phone … and the path to each.", default={}
    )
    properties: Place | dict[str, Place] | None = hub.Option(
        "Path to the properties, or a table of names and paths; default: the whole body.", default=None
    )
    traits: Place | dict[str, Place] | None = hub.Option(
        "Path to what is said of the person, or a table of names and paths.", default=None
    )
    context: Place | dict[str, Place] | None = hub.Option(
        "Path to the event's context, or a table of names and paths.", default=None
    )

    @model_validator(mode="after")
    def _whole(self) -> Settings:
        """Says what does not fit together; never a secret."""
        if self.signature != "standard" and self.secret is None:
            raise ValueError("signature needs the secret that the sender signs with")
        fault = self.signature.fault() if isinstance(self.signature, Signature) else ""
        if fault:
            raise ValueError(f"signature: {fault}")
        if self.secret == [] or self.token == []:
            raise ValueError("an empty list of secrets proves nobody; leave the option out")
        if self.signature == "standard":
            for secret in _revealed(self.secret):
                if secret.startswith("whsec_") and not decoded_secret(secret):
                    raise ValueError("secret: what stands behind whsec_ is no base64; copy it whole")
        if isinstance(self.type, Word) and self.type.word not in _CALLS:
            raise ValueError(f"type: the word is one of {', '.join(_CALLS)}")
        if self.type in _CALLS:
            raise ValueError(f'type: this is a path; for a fixed one write {{ word = "{self.type}" }}')
        return self


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
        secrets, scheme = _revealed(self.settings.secret), self.settings.signature
        if not secrets:
            return ()
        if scheme == "standard":
            return standard(secrets)
        return signed_as(KNOWN[scheme] if isinstance(scheme, str) else scheme, secrets, self.public_url)

    @cached_property
    def _reading(self) -> Reading:
        return Reading(self.settings, self.categories)

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
        if is_token(given, _revealed(settings.token)):
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


def _revealed(said: hub.Secret | list[hub.Secret] | None) -> list[str]:
    secrets = said if isinstance(said, list) else [said]
    return [secret.reveal() for secret in secrets if secret is not None and secret.reveal()]
