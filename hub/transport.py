"""The hub's only way out by HTTP: guarded against addresses inside, patient with hostile answers.

A sink's address is resolved once, every address that comes back is checked, and the connection goes to the
checked one, so that no second answer of a name server can lead inside. Redirects are not followed, proxies
of the environment are not used, cookies are not kept, and an answer is read as far as its request says:
64 KB where it says nothing else.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpcore
import httpx
import tenacity

from hub.errors import CredentialsRejected, DeliveryError, GiveUp, RetryLater
from hub.wire import Request, Response

MOST_AT_ONCE = 64 * 1024
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 20.0
USER_AGENT = "hub"

Send = Callable[[Request], Awaitable[Response]]
"""Where requests go: a client here, a recorder in a preview."""
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host."""
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
# Python's own tables differ from version to version; these are never out in the world.
_INSIDE = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/96", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7"),
        *("fe80::/10", "fec0::/10", "ff00::/8"),
    )
)


class AddressDenied(Exception):
    """A host stands for an address that sinks may not call."""


def is_public(address: Address) -> bool:
    """Whether an address is out in the world; forms that wrap an IPv4 address count as what they wrap."""
    if isinstance(address, IPv6Address):
        inner = _wrapped(address)
        if inner is not None:
            return is_public(inner)
        if address.scope_id is not None:
            return False
    return address.is_global and not any(address in network for network in _INSIDE)


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


class Guard:
    """Decides which addresses may be called: all public ones, and those inside that are allowed by name."""

    def __init__(
        self, allow_private: Sequence[Network | str] = (), *, resolve: Resolve | None = None
    ) -> None:
        self._allowed = tuple(ip_network(n) if isinstance(n, str) else n for n in allow_private)
        self._resolve = resolve or _resolve

    def allows(self, address: Address) -> bool:
        """Whether a connection to this address may be made."""
        forms = [address]
        if isinstance(address, IPv6Address) and (inner := _wrapped(address)) is not None:
            forms.append(inner)
        if any(form in network for form in forms for network in self._allowed):
            return True
        return is_public(address)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The checked addresses of a host; one bad among them denies all: raises AddressDenied."""
        texts = [host] if _is_literal(host) else await self._resolve(host, port)
        for text in texts:
            if not self.allows(ip_address(text)):
                raise AddressDenied(host)
        return list(dict.fromkeys(texts))


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def _resolve(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    # Also reads 2130706433, 0x7f.1 and 0177.0.0.1 as the system does: what is checked is what is called.
    found = await loop.getaddrinfo(host, port, type=1)
    return [str(entry[4][0]) for entry in found]


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses only; TLS still speaks of the host's name, above this."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's own signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._guard.addresses(host, port)
        except (OSError, UnicodeError) as fault:
            raise httpcore.ConnectError(f"no address: {type(fault).__name__}") from fault
        failed: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout=timeout, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
                failed = fault
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's own signature)
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise AddressDenied(path)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport over a pool whose connections are guarded."""

    def __init__(self, guard: Guard, *, connections: int, context: ssl.SSLContext | None) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=_GuardedBackend(guard),
        )


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


# A connection that was never made carried nothing: trying again at once repeats no effect.
_again = tenacity.AsyncRetrying(
    retry=tenacity.retry_if_exception_type(httpx.ConnectError),
    stop=tenacity.stop_after_attempt(2),
    wait=tenacity.wait_random(0.05, 0.25),
    reraise=True,
)


class Client:
    """Sends one sink's requests; opened by the first one, safe to close twice.

    Failures are DeliveryErrors whose reasons name the host and nothing else of the address.
    """

    def __init__(self, base_url: str, guard: Guard, *, connections: int = 4, deadline: float = 30.0) -> None:
        self._base = base_url
        self._guard = guard
        self._connections = connections
        self._deadline = deadline
        self._client: httpx.AsyncClient | None = None

    async def send(self, request: Request) -> Response:
        """The answer, whatever its status; raises RetryLater, GiveUp or CredentialsRejected."""
        url, ours = self._address(request)
        try:
            async with asyncio.timeout(self._deadline):
                return await self._exchange(_built(request, url), request.longest_answer)
        except AddressDenied:
            raise _denied(url, ours) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as fault:
            raise _unusable(ours, f"the address cannot be used: {type(fault).__name__}") from None
        except (httpx.LocalProtocolError, UnicodeError, TypeError) as fault:
            raise GiveUp(f"the request cannot be written: {type(fault).__name__}") from None
        except (TimeoutError, httpx.TimeoutException):
            raise RetryLater(f"{_host(url)}: no answer in time") from None
        except httpx.TransportError as fault:
            raise RetryLater(f"{_host(url)}: {_broken(fault)}") from None

    async def aclose(self) -> None:
        """Closes every connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _address(self, request: Request) -> tuple[str, bool]:
        """The whole address, and whether it is the sink's own (not one from an event's data)."""
        if request.path.startswith(("https://", "http://")):
            return request.path, False
        return (self._base.rstrip("/") + request.path if request.path else self._base), True

    async def _exchange(self, request: httpx.Request, longest: int) -> Response:
        client = self._client or self._open()
        try:
            answer = await client.send(request, stream=True)
        except httpx.ConnectError:
            answer = await _again.copy()(client.send, request, stream=True)
        try:
            body, truncated = await _read(answer, longest)
        finally:
            await answer.aclose()
        return Response(answer.status_code, _headers(answer), body, truncated)

    def _open(self) -> httpx.AsyncClient:
        context = _tls() if self._base.startswith("https:") else None
        self._client = httpx.AsyncClient(
            transport=_GuardedTransport(self._guard, connections=self._connections, context=context),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
        return self._client


_TIMEOUT = httpx.Timeout(None, connect=CONNECT_SECONDS).as_dict()


def _built(request: Request, url: str) -> httpx.Request:
    body, content_type = request.body()
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if content_type is not None:
        headers["Content-Type"] = content_type
    if request.query:
        url += ("&" if "?" in url else "?") + urlencode(request.query)
    return httpx.Request(
        request.method,
        url,
        headers=httpx.Headers({**_titled(headers), **_titled(request.headers)}),
        content=body or None,
        extensions={"timeout": _TIMEOUT},
    )


def _titled(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers.raw}


async def _read(answer: httpx.Response, longest: int) -> tuple[bytes, bool]:
    """The body to so many bytes, and whether there was more."""
    coding = answer.headers.get("content-encoding", "identity").lower()
    kept = bytearray()
    async for chunk in _inflated(answer.aiter_raw(), coding):
        kept += chunk
        if len(kept) > longest:
            return bytes(kept[:longest]), True
    return bytes(kept), False


async def _inflated(chunks: AsyncIterator[bytes], coding: str) -> AsyncIterator[bytes]:
    """Undoes gzip and deflate in steps: a small answer may be a large one in disguise."""
    if coding not in ("gzip", "deflate"):
        async for chunk in chunks:
            yield chunk
        return
    inflate = zlib.decompressobj(zlib.MAX_WBITS | (16 if coding == "gzip" else 0))
    async for chunk in chunks:
        while chunk:
            try:
                yield inflate.decompress(chunk, MOST_AT_ONCE)
            except zlib.error:
                return
            chunk = inflate.unconsumed_tail


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "the address"
    except ValueError:
        return "the address"


def _denied(url: str, ours: bool) -> DeliveryError:
    return _unusable(
        ours, f"{_host(url)} is an address inside, which sinks may not call unless [hub] allow_private has it"
    )


def _unusable(ours: bool, reason: str) -> DeliveryError:
    # Our own wrong address is a setting: events wait. One from an event's data harms that event alone.
    return CredentialsRejected(reason) if ours else GiveUp(reason)


def _broken(fault: httpx.TransportError) -> str:
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(fault, httpx.ConnectError):
        return "no connection"
    return f"the connection broke ({type(fault).__name__})"
