"""The source: which request is which, whose key it carries, and what it is answered."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import StringConstraints

import hub

from . import answers, keys, pixel, webhook
from .messages import CALLS, from_batch, from_single


class Settings(hub.Settings):
    """Options of a `segment` source."""

    public_keys: list[Annotated[str, StringConstraints(min_length=1)]] = hub.Option(
        "Write keys that may sit in a web page or an app: what they send counts as a claim.", default=[]
    )
    secret_keys: list[hub.Secret] = hub.Option(
        "Write keys that only servers know: what they send counts as proven.", default=[]
    )
    secret: hub.Secret | None = hub.Option(
        "The shared secret of Segment's own webhook destination, which sends to /in/{label}.", default=None
    )
    library: Literal["segment", "customerio"] = hub.Option(
        "Whose browser library asks for its settings: segment, or customerio for Customer.io's.",
        default="segment",
    )


class Segment(hub.Source[Settings]):
    """Events from the libraries of Segment, RudderStack and Customer.io's CDP, only their host changed."""

    name = "segment"
    paths = ("/v1/", "/beacon/v1/", "/sourceConfig", "/sourceConfig/")
    browser = True
    example = """\
[sources.site]
connector   = "segment"
public_keys = ["pk_shop"]
# secret_keys = [{ env = "SEGMENT_KEY" }]
"""

    @classmethod
    def key(cls, inbound: hub.Inbound) -> str | None:
        """The write key: of the Authorization header, else of the body, else of the address."""
        return keys.find(inbound)

    def keys(self) -> Mapping[str, str]:
        """All write keys; one that is listed as both kinds is public."""
        secret = {key.reveal(): "secret" for key in self.settings.secret_keys}
        return secret | dict.fromkeys(self.settings.public_keys, "public")

    def authenticate(self, inbound: hub.Inbound) -> str:
        """A webhook of Segment by its signature; anybody else by a write key."""
        if webhook.is_signed(inbound) and self.settings.secret is not None:
            webhook.check(inbound, self.settings.secret.reveal())
            return "secret"
        key = keys.find(inbound)
        trust = "" if key is None else self._trust(key)
        if not trust:
            raise hub.BadSignature("neither a valid X-Signature nor a write key of this source")
        return trust

    def _trust(self, key: str) -> str:
        # Every key is compared, whichever fits, so that the time taken says nothing of them.
        given = key.encode("utf-8", "replace")
        found = ""
        for known, trust in self.keys().items():
            found = trust if hmac.compare_digest(known.encode(), given) else found
        return found

    def receive(self, inbound: hub.Inbound) -> Iterable[hub.Event | hub.BadEvent]:
        """The events of a request; other requests than those that bring events bring none."""
        call = _call(inbound)
        if call == "pixel":
            return pixel.receive(inbound, self.categories)
        if inbound.method != "POST":
            return ()
        if call == "webhook" and webhook.is_signed(inbound) and self.settings.secret is not None:
            return webhook.receive(inbound, self.categories, max_event=self.max_event)
        if call in ("batch", "webhook"):
            return from_batch(inbound, self.categories, max_event=self.max_event)
        if call not in CALLS.values():
            return ()
        return from_single(inbound, call, self.categories, max_event=self.max_event)

    def respond(self, inbound: hub.Inbound, accepted: int, quarantined: int) -> hub.Response | None:
        """The settings and the picture that some requests ask for; else the hub's own answer."""
        call = _call(inbound)
        if call == "pixel":
            return answers.picture()
        if call == "settings":
            return answers.settings(inbound, public_url=self.public_url, library=self.settings.library)
        if call == "source_config":
            return answers.source_config(self.label, inbound.key or "")
        return None if inbound.method == "POST" and call else answers.not_found()

    @classmethod
    def refuse(cls, inbound: hub.Inbound, status: int, reason: str) -> hub.Response | None:
        """A pixel always gets its picture; unknown settings are not there; metrics are nobody's."""
        call = _call(inbound)
        if call == "pixel":
            return answers.picture()
        if call == "settings" and status == 401:
            return answers.not_found()
        return answers.dropped() if call == "metrics" and status in (401, 429) else None


_CALLS = {
    "batch": "batch",
    "b": "batch",
    "import": "batch",
    "m": "metrics",
    **CALLS,
    **{name: name for name in CALLS.values()},
}


def _call(inbound: hub.Inbound) -> str:
    """What a request wants: a call, `batch`, `metrics`, `settings`, `source_config`, `pixel`, `webhook`."""
    parts = inbound.path.strip("/").split("/")
    if parts[0] == "in":
        return "webhook"
    if parts[0] == "sourceConfig":
        return "source_config"
    parts = parts[1:] if parts[0] == "beacon" else parts
    if len(parts) == 2:
        return _CALLS.get(parts[1], "")
    if len(parts) == 3 and parts[1] == "pixel":
        return "pixel"
    return "settings" if len(parts) == 4 and parts[1] == "projects" and parts[3] == "settings" else ""
