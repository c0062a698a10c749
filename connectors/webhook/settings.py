"""What a `webhook` source can be told: how its sender proves itself, and where in its JSON things are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import model_validator

import hub

from .paths import Place
from .schemes import Signature
from .signatures import decoded_secret

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
        """Says what does not fit together, all of it; never a secret."""
        faults = [*self._unproven(), *self._untyped()]
        if faults:
            raise ValueError(", and ".join(faults))
        return self

    def _unproven(self) -> Iterator[str]:
        if self.signature != "standard" and self.secret is None:
            yield "signature needs the secret that the sender signs with"
        fault = self.signature.fault() if isinstance(self.signature, Signature) else ""
        if fault:
            yield f"signature: {fault}"
        if self.secret == [] or self.token == []:
            yield "an empty list of secrets proves nobody; leave the option out"
        if self.signature == "standard":
            for secret in revealed(self.secret):
                if secret.startswith("whsec_") and not decoded_secret(secret):
                    yield "secret: what stands behind whsec_ is no base64; copy it whole"

    def _untyped(self) -> Iterator[str]:
        if isinstance(self.type, Word) and self.type.word not in _CALLS:
            yield f"type: the word is one of {', '.join(_CALLS)}"
        if self.type in _CALLS:
            yield f'type: this is a path; for a fixed one write {{ word = "{self.type}" }}'


def revealed(said: hub.Secret | list[hub.Secret] | None) -> list[str]:
    """The secrets themselves, of one or a list; without those that are empty."""
    secrets = said if isinstance(said, list) else [said]
    return [secret.reveal() for secret in secrets if secret is not None and secret.reveal()]
