"""Who may use the API: whoever holds the token and does not come from a strange web page."""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from urllib.parse import urlsplit

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Guard:
    """The one gate of all API routes; what it does not know it refuses.

    The Host is checked against DNS rebinding, the Origin against forged requests from other pages.
    """

    def __init__(self, token: str, hosts: tuple[str, ...]) -> None:
        self._token = token.encode()
        self._hosts = frozenset(_LOOPBACK) | {host for host in map(_host, hosts) if host}

    def refusal(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """None where the request may pass; else the status and the reason."""
        if _host(headers.get("host", "")) not in self._hosts:
            return 403, "the API does not answer under this host"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            return 403, "the API does not answer other pages"
        scheme, _, given = headers.get("authorization", "").partition(" ")
        proven = compare_digest(given.strip().encode("utf-8", "replace"), self._token)
        if not (self._token and scheme.lower() == "bearer" and proven):
            return 401, "the API needs its token: Authorization: Bearer …"
        return None


def _host(text: str) -> str:
    """The host without its port, in lower case; of a whole address too."""
    netloc = urlsplit(text).netloc if "://" in text else text
    if netloc.startswith("["):
        return netloc.partition("]")[0].lower() + "]"
    return netloc.partition(":")[0].lower()
