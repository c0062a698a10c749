"""The token endpoint of Google, for one service account: who signs as that account gets a token.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
Needs `pyjwt[crypto]`, from the extra `fcm`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EMAIL = "hub@stand-in.iam.gserviceaccount.com"
KEY_ID = "stand-in-key"
HOUR = 3600
SKEW = 60
"""Seconds that a clock may be ahead."""

Wall = Callable[[], float]
"""Seconds since 1970."""


class Refused(Exception):
    """No token; `args` are the error's name and what is wrong."""


class Tokens:
    """Hands out tokens for signed assertions, and knows which ones are good."""

    def __init__(self, project: str, wall: Wall, *, lifetime: int = HOUR) -> None:
        self.project = project
        self.lifetime = lifetime
        self._wall = wall
        self._good: dict[str, float] = {}
        self._given = 0

    def account(self, token_uri: str) -> str:
        """The JSON file of the service account."""
        return json.dumps(
            {
                "type": "service_account",
                "project_id": self.project,
                "private_key_id": KEY_ID,
                "private_key": _keys()[0],
                "client_email": EMAIL,
                "client_id": "100000000000000000000",
                "auth_uri": "https://accounts.google.com/o/oauth2/auth",
                "token_uri": token_uri,
                "universe_domain": "googleapis.com",
            },
            indent=2,
        )

    def exchange(self, form: bytes, token_uri: str) -> dict[str, Any]:
        """The answer to a request for a token; raises Refused."""
        said = dict(parse_qsl(form.decode("utf-8", "replace")))
        if said.get("grant_type") != GRANT:
            raise Refused("unsupported_grant_type", "Invalid grant_type")
        self._check(said.get("assertion", ""), token_uri)
        self._given += 1
        token = f"ya29.stand-in-{self._given}"
        self._good[token] = self._wall() + self.lifetime
        return {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}

    def is_good(self, token: str) -> bool:
        """Whether a request with this token is one of the account's."""
        return self._good.get(token, 0.0) > self._wall()

    def revoke(self) -> None:
        """No token that was given is good any more."""
        self._good.clear()

    def _check(self, assertion: str, token_uri: str) -> None:
        import jwt

        try:
            said = jwt.decode(
                assertion,
                _keys()[1],
                algorithms=["RS256"],
                audience=token_uri,
                # The times are held against a clock of our own, below.
                options={"require": ["iss", "iat", "exp"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidAudienceError:
            raise Refused("invalid_grant", "Invalid JWT: the audience is wrong") from None
        except jwt.PyJWTError as fault:
            raise Refused("invalid_grant", f"Invalid JWT: {type(fault).__name__}") from None
        now, start, end = self._wall(), said["iat"], said["exp"]
        if not start - SKEW <= now < end <= start + HOUR:
            raise Refused("invalid_grant", "Invalid JWT: the times are not reasonable")
        if said["iss"] != EMAIL:
            raise Refused("invalid_grant", "Invalid grant: account not found")
        if said.get("scope") != SCOPE:
            raise Refused("invalid_scope", "Bad request: the scope is not firebase.messaging")


@cache
def _keys() -> tuple[str, str]:
    """A private key and its public one, in PEM; made once, for it takes a while."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()
