"""The proxies in front of the service, and what they say of the requests that they pass on."""

import ipaddress
import re
from collections.abc import Sequence

from flask import Request

from outbound.addresses import Address

# An address with a port, as some proxies write it: 192.0.2.1:4711, [2001:db8::1] or [2001:db8::1]:4711.
WITH_PORT = re.compile(r"(?:([0-9.]+):[0-9]{1,5}|\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?)")
# The longest text of an address, [IPv6 with IPv4 inside]:port.
MAX_TEXT = 53
# A site gets at least so many bits of an IPv6 address as its prefix (RFC 6177), and its devices choose the rest.
SITE = 64


class TrustedProxies:
    """Proxies whose word is taken for who a client is, and for whether it came by TLS.

    Args:
        networks: their addresses or networks.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def client(self, peer: str | None, forwarded: str) -> Address | None:
        """The address of a client.

        Behind trusted proxies, it is the last one in `X-Forwarded-For` that is no trusted proxy's: each proxy adds whom
        it was called by, and what stands before that was written by the client.

        Args:
            peer: the address of the other end of the connection; None: it has none.
            forwarded: `X-Forwarded-For`; several of these headers are joined by commas; empty: there is none.

        Returns:
            The peer, if it is no trusted proxy, or the header says anything odd; None: it has no address.
        """
        try:
            seen = client = _parsed(peer or "")
        except ValueError:
            return None
        hops = forwarded.split(",") if forwarded else []
        while hops and self._trusts(client):
            try:
                client = _address(hops.pop().strip(" \t"))
            except ValueError:
                return seen
        return client

    def scheme(self, request: Request) -> str | None:
        """The scheme that the client used, in lower case; None: no trusted proxy says, and one may have ended TLS.

        Of several values of `X-Forwarded-Proto` it is the first, which is that of the proxy next to the client.
        """
        try:
            is_trusted = self._trusts(_parsed(request.remote_addr or ""))
        except ValueError:
            return None
        said = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower() if is_trusted else ""
        return said or None

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def rate_name(address: Address | None) -> str:
    """Whom a rate is counted for: an IPv4 address, or the network of an IPv6 address, as its site has all of that."""
    if address is None:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address) >> (128 - SITE) << (128 - SITE), SITE)))


def _address(text: str) -> Address:
    """The address in an element of `X-Forwarded-For`.

    Raises:
        ValueError: it is none.
    """
    if len(text) > MAX_TEXT:
        raise ValueError("too long for an address")
    if match := WITH_PORT.fullmatch(text):
        four, six = match.groups()
        return ipaddress.IPv4Address(four) if four else _plain(ipaddress.IPv6Address(six))
    if "%" in text:
        raise ValueError("a zone means nothing on another machine")
    return _parsed(text)


def _parsed(text: str) -> Address:
    """An address, without its zone.

    Raises:
        ValueError: it is none.
    """
    return _plain(ipaddress.ip_address(text.partition("%")[0]))


def _plain(address: Address) -> Address:
    """An address of IPv4 that is written as one of IPv6 is that of IPv4."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
