"""Who a request comes from, also through proxies that we trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


class Senders:
    """Finds the address of a request's sender; nobody else's word on it is believed."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)

    def is_trusted(self, address: str) -> bool:
        """Whether this is one of our own proxies."""
        if not self._trusted:
            return False
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)

    def address(self, peer: str, headers: Mapping[str, str]) -> str:
        """The nearest address of X-Forwarded-For that is no proxy of ours; else the peer's."""
        if not self._trusted or not self.is_trusted(peer):
            return peer
        for hop in reversed(headers.get("x-forwarded-for", "").split(",")):
            hop = hop.strip()
            if hop and not self.is_trusted(hop):
                return hop if _is_address(hop) else peer
        return peer


def group(address: str) -> str:
    """Addresses that one sender has at will count as one: of IPv6 the first 64 bits."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Network((int(parsed) >> 64 << 64, 64)))
    return address


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
