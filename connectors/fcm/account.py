"""The service account that speaks for a Firebase project, and the tokens that it gets from Google.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import hub

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
HOUR = 3600
EARLY = 60
"""Seconds before its end at which a token is no longer used."""
EXTRA = "push needs PyJWT and cryptography: pip install 'eventhub-esp[fcm]'"

_NEEDED = ("client_email", "private_key", "token_uri", "project_id")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are, what we sign with, and who gives us tokens."""

    email: str
    project: str
    token_uri: str
    key_id: str
    private_key: hub.Secret


@dataclass(frozen=True, slots=True)
class Token:
    """What Google let us have, and until when (an instant)."""

    text: hub.Secret
    until: int

    def is_good(self, now: int) -> bool:
        """Whether a request may still go out with it."""
        return now < self.until - EARLY * 1_000_000


def account(text: str) -> Account:
    """The account in a JSON file from Firebase's console; raises ValueError with what is wrong with it."""
    try:
        said = json.loads(text)
    except ValueError:
        raise ValueError("is not the JSON file of a service account; give the file's text") from None
    if not isinstance(said, dict) or said.get("type") != "service_account":
        raise ValueError("is JSON, but not that of a service account (its type is service_account)")
    for name in _NEEDED:
        if not isinstance(said.get(name), str) or not said[name]:
            raise ValueError(f"lacks {name}; download the service account's key again")
    address = urlsplit(said["token_uri"])
    if address.scheme != "https" and address.hostname not in _LOOPBACK:
        raise ValueError("has a token_uri without https")
    return Account(
        said["client_email"],
        said["project_id"],
        said["token_uri"],
        str(said.get("private_key_id") or ""),
        hub.Secret(said["private_key"]),
    )


def can_sign() -> bool:
    """Whether the libraries that sign are there; they are not loaded for that."""
    return all(find_spec(name) is not None for name in ("jwt", "cryptography"))


def assertion(account: Account, now: int) -> str:
    """What we show for a token: who we are and what we want, signed; raises CredentialsRejected."""
    try:
        # Only who sends push messages needs these libraries, and only then.
        import jwt
    except ImportError:
        raise hub.CredentialsRejected(EXTRA) from None
    second = now // 1_000_000
    claims = {
        "iss": account.email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": second,
        "exp": second + HOUR,
    }
    headers = {"kid": account.key_id} if account.key_id else None
    try:
        return jwt.encode(claims, account.private_key.reveal(), algorithm="RS256", headers=headers)
    except NotImplementedError:
        raise hub.CredentialsRejected(EXTRA) from None
    except (jwt.PyJWTError, ValueError, TypeError):
        # Not `from`: the text may repeat the key.
        why = "the service account's private_key cannot be used; download the key again"
        raise hub.CredentialsRejected(why) from None


def token(answer: hub.Response, asked_at: int) -> Token:
    """The token in an answer; raises RetryLater where the answer is no JSON object.

    An object without a token gives an empty one, with which no request is accepted.
    """
    said: Any = answer.json()
    if not isinstance(said, Mapping):
        raise hub.RetryLater("the token endpoint answered with something else than a token")
    text, seconds = said.get("access_token"), said.get("expires_in")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds <= 24 * HOUR:
        seconds = HOUR
    return Token(hub.Secret(text if isinstance(text, str) else ""), asked_at + seconds * 1_000_000)


def refusal(fault: hub.DeliveryError) -> hub.CredentialsRejected:
    """What it means that we are not given a token."""
    answer = fault.answer
    said = answer.json() if isinstance(answer, hub.Response) else None
    code = said.get("error") if isinstance(said, dict) else None
    known = isinstance(code, str) and code.isascii() and code.replace("_", "").isalpha() and len(code) < 40
    why = f": {code}" if known else ""
    status = answer.status if isinstance(answer, hub.Response) else 0
    return hub.CredentialsRejected(
        f"the token endpoint answered {status}{why}; is the service account's key still there, and our clock "
        "right?"
    )
