"""Signatures over a request's bytes: read, and compared with what our secrets make of them."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

import hub

from .schemes import PLACEHOLDER, TOLERANCE, Signature

_PREFIX = "whsec_"
_STANDARD = ("webhook", "svix")
"""What the three headers of Standard Webhooks begin with; Svix, where it comes from, has names of its own."""
_PLAIN_HEADERS = ("x-signature", "x-signature-256", "x-webhook-signature", "x-hub-signature-256")
_COUNTED = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,9})?")
_BETWEEN = re.compile(r"[,\s]+")
_FIRST_MILLISECONDS = 10**11
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Said(NamedTuple):
    """What a request says of its signing: the signatures, the bytes they are over, and when that was."""

    signatures: tuple[bytes, ...]
    signed: bytes
    at: int | None


@dataclass(frozen=True, slots=True)
class Proof:
    """Checks requests against one scheme with any of some keys; two keys are a rotation."""

    keys: tuple[bytes, ...]
    algorithm: str
    tolerance: timedelta
    read: Callable[[hub.Inbound], Said | None]

    def is_given(self, inbound: hub.Inbound) -> bool:
        """Whether the request carries such a signature; raises BadSignature where it is wrong."""
        said = self.read(inbound)
        if said is None:
            return False
        if said.at is not None and abs(inbound.received_at - said.at) > self.tolerance // _MICROSECOND:
            raise hub.BadSignature("the signed time is too far from ours; both clocks must be right")
        right = [hmac.digest(key, said.signed, self.algorithm) for key in self.keys]
        # Each is compared with each, whichever fits, so that the time taken says nothing of them.
        if not sum(hmac.compare_digest(one, other) for one in right for other in said.signatures):
            raise hub.BadSignature("the signature does not fit this body and our secret")
        return True


def standard(secrets: Sequence[str]) -> list[Proof]:
    """Standard Webhooks; under a secret that is no whsec_… also an HMAC-SHA256 of the body alone.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    keys = tuple(key for secret in secrets for key in _standard_keys(secret))
    proofs = [Proof(keys, "sha256", TOLERANCE, _standard)]
    plain = tuple(secret.encode() for secret in secrets if not secret.startswith(_PREFIX))
    return [*proofs, Proof(plain, "sha256", TOLERANCE, _plain)] if plain else proofs


def _standard_keys(secret: str) -> Iterable[bytes]:
    # A secret without the prefix is used as it is by some libraries, and decoded by others.
    if not secret.startswith(_PREFIX):
        yield secret.encode()
    decoded = decoded_secret(secret)
    if decoded:
        yield decoded


def decoded_secret(secret: str) -> bytes | None:
    """The bytes of a whsec_… secret; None where they cannot be read."""
    return _from_base64(secret.removeprefix(_PREFIX).rstrip("="))


def _standard(inbound: hub.Inbound) -> Said | None:
    name = next((one for one in _STANDARD if inbound.header(f"{one}-signature") is not None), None)
    if name is None:
        return None
    given, id, at = (inbound.header(f"{name}-{one}") or "" for one in ("signature", "id", "timestamp"))
    if not id or not at:
        raise hub.BadSignature(f"{name}-signature comes with {name}-id and {name}-timestamp")
    # Signatures stand behind each other with spaces, `v1,…`; other versions are others' business.
    parts = [part[3:] for part in given.split() if part.startswith("v1,")]
    signed = f"{id}.{at}.".encode("latin-1", "replace") + inbound.body
    return Said(_decoded(parts, _from_base64), signed, _instant(at))


def _plain(inbound: hub.Inbound) -> Said | None:
    given = next((given for name in _PLAIN_HEADERS if (given := inbound.header(name)) is not None), None)
    if given is None:
        return None
    part = given.strip().removeprefix("sha256=")
    return Said((*_decoded([part], _from_hex), *_decoded([part], _from_base64)), inbound.body, None)


def signed_as(scheme: Signature, secrets: Sequence[str], public_url: str) -> list[Proof]:
    """A scheme of the settings; secrets are used as they are written."""
    header = scheme.header.lower()
    decode = _from_hex if scheme.encoding == "hex" else _from_base64

    def read(inbound: hub.Inbound) -> Said | None:
        given = inbound.header(header)
        if given is None:
            return None
        parts = _BETWEEN.split(given.strip())
        signatures = [part.removeprefix(scheme.prefix) for part in parts if part.startswith(scheme.prefix)]
        time = _time(scheme, parts, inbound)
        at = None if time is None else _instant(time)
        return Said(_decoded(signatures, decode), _signed(scheme.signed, inbound, time, public_url), at)

    return [Proof(tuple(secret.encode() for secret in secrets), scheme.algorithm, scheme.tolerance, read)]


def _time(scheme: Signature, parts: Sequence[str], inbound: hub.Inbound) -> str | None:
    if scheme.timestamp:
        given = inbound.header(scheme.timestamp.lower())
    elif scheme.timestamp_prefix:
        times = (part for part in parts if part.startswith(scheme.timestamp_prefix))
        given = next((part.removeprefix(scheme.timestamp_prefix) for part in times), None)
    else:
        return None
    if not given:
        raise hub.BadSignature("the signature comes without its time")
    return given


def _signed(template: str, inbound: hub.Inbound, time: str | None, public_url: str) -> bytes:
    query = f"?{inbound.query_string}" if inbound.query_string else ""
    values = {
        "timestamp": (time or "").encode("latin-1", "replace"),
        "method": inbound.method.encode(),
        "url": f"{public_url.rstrip('/')}{quote(inbound.path)}{query}".encode("latin-1", "replace"),
        "body": inbound.body,
    }
    pieces = PLACEHOLDER.split(template)
    return b"".join(values[one] if number % 2 else one.encode() for number, one in enumerate(pieces))


def _instant(text: str) -> int:
    """Seconds or milliseconds since 1970, or ISO 8601, as an instant; raises BadSignature."""
    text = text.strip()
    try:
        if _COUNTED.fullmatch(text):
            count = float(text)
            return round(count * (1_000 if count >= _FIRST_MILLISECONDS else 1_000_000))
        when = datetime.fromisoformat(text)
    except ValueError:
        raise hub.BadSignature("the signed time cannot be read") from None
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def _decoded(parts: Iterable[str], decode: Callable[[str], bytes | None]) -> tuple[bytes, ...]:
    return tuple(one for part in parts if (one := decode(part)))


def _from_hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
