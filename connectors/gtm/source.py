"""The source: which request is which, whose key it carries, and what it is answered."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated
from urllib.parse import unquote_plus

from pydantic import StringConstraints

import hub

from . import collect, containers, protocol, validation
from .said import Said

_IDS = ("tid", "measurement_id", "firebase_app_id")
_WHOSE = re.compile(r"(?:^|&)(tid|measurement_id|firebase_app_id|api_secret)=([^&]*)")
_ID_IN_BODY = re.compile(rb'"(?:x-ga-)?measurement_id"\s*:\s*"([\w:.-]{1,128})"')


class Settings(hub.Settings):
    """Options of a `gtm` source."""

    measurement_ids: list[Annotated[str, StringConstraints(min_length=1)]] = hub.Option(
        "Measurement ids (G-…) and Firebase app ids whose events come here; everybody can read them in a "
        "page, so what comes under them counts as a claim.",
        default=[],
    )
    api_secret: hub.Secret | None = hub.Option(
        "What servers send with them, as api_secret in the address or as a bearer token: their events count "
        "as proven.",
        default=None,
        min_length=1,
    )


class Gtm(hub.Source[Settings]):
    """Events from Google's tags: gtag, Tag Manager's web and server containers, the Measurement Protocol."""

    name = "gtm"
    paths = ("/g/collect", "/mp/collect", "/debug/mp/collect")
    browser = True
    example = """\
[sources.tags]
connector       = "gtm"
measurement_ids = ["G-ABC123"]
# api_secret    = { env = "GA4_API_SECRET" }
"""

    @classmethod
    def key(cls, inbound: hub.Inbound) -> str | tuple[str, ...] | None:
        """The measurement id together with the secret beside it, then the measurement id alone."""
        query = _asked(inbound)
        named = next((query[name] for name in _IDS if query.get(name)), None)
        secret = query.get("api_secret")
        return (_proof(named, secret), named) if named and secret else named

    def keys(self) -> Mapping[str, str]:
        """All measurement ids, and each of them together with the secret."""
        keys = dict.fromkeys(self.settings.measurement_ids, "public")
        secret = self.settings.api_secret
        if secret is not None:
            keys |= {_proof(named, secret.reveal()): "secret" for named in self.settings.measurement_ids}
        return keys

    def authenticate(self, inbound: hub.Inbound) -> str:
        """A container by the secret, which proves, or by a measurement id, which claims."""
        given = _secrets(inbound)
        if given and self.settings.api_secret is not None:
            # Each is compared, whichever fits, so that the time taken says nothing of the secret.
            if sum(map(self._is_right, given)):
                return "secret"
            raise hub.BadSignature("the secret is not this source's api_secret")
        named = [value for name, value in _asked(inbound).items() if name in _IDS]
        named += [found.decode() for found in _ID_IN_BODY.findall(inbound.body)]
        if not set(named) & set(self.settings.measurement_ids):
            raise hub.BadSignature("neither the api_secret nor a measurement id of this source")
        return "public"

    def _is_right(self, given: str) -> bool:
        secret = self.settings.api_secret
        return secret is not None and hmac.compare_digest(
            given.encode("utf-8", "replace"), secret.reveal().encode()
        )

    def _is_wrong(self, inbound: hub.Inbound) -> bool:
        return self.settings.api_secret is not None and bool(_asked(inbound).get("api_secret"))

    def receive(self, inbound: hub.Inbound) -> Iterable[hub.Event | hub.BadEvent]:
        """The events of a request; the debug endpoint brings none."""
        if inbound.path.startswith("/debug/"):
            return ()
        if inbound.key is not None and inbound.trust != "secret" and self._is_wrong(inbound):
            raise hub.BadSignature("the api_secret is not this source's")
        return self._events(inbound)

    def _events(self, inbound: hub.Inbound) -> Iterator[hub.Event | hub.BadEvent]:
        for said in _said(inbound, self.max_event):
            if isinstance(said, hub.BadEvent):
                yield said
                continue
            try:
                yield said.event(self.categories)
            except hub.BadEvent as bad:
                yield hub.BadEvent(bad.reason, body=said.body())

    def respond(self, inbound: hub.Inbound, accepted: int, quarantined: int) -> hub.Response | None:
        """204 as Google says it, the validation's messages, or the hub's own answer to a container."""
        if inbound.path.startswith("/debug/"):
            return validation.answer(inbound, self.max_event)
        return None if inbound.path.startswith("/in/") else hub.Response(204, {"cache-control": "no-store"})


def _said(inbound: hub.Inbound, max_event: int) -> Iterable[Said | hub.BadEvent]:
    if inbound.path == "/g/collect" or _is_hit(inbound):
        return collect.receive(inbound)
    if inbound.method != "POST":
        return ()
    receive = containers.receive if inbound.path.startswith("/in/") else protocol.receive
    return receive(inbound, max_event)


def _asked(inbound: hub.Inbound) -> dict[str, str]:
    """The parameters that say whose request it is; all of them are read only once, where they are needed."""
    return {name: unquote_plus(value) for name, value in _WHOSE.findall(inbound.query_string)}


def _is_hit(inbound: hub.Inbound) -> bool:
    """A server container forwards a hit as it came."""
    query = inbound.query if inbound.path.startswith("/in/") else {}
    return query.get("v") == "2" and "tid" in query


def _proof(named: str, secret: str) -> str:
    return f"{named}\n{secret}"


def _secrets(inbound: hub.Inbound) -> list[str]:
    """The secrets that a request gives: in its address, as a bearer token, in a header of its own."""
    scheme, _, token = (inbound.header("authorization") or "").strip().partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else None
    given = (_asked(inbound).get("api_secret"), bearer, inbound.header("x-api-secret"))
    return [secret for secret in given if secret]
