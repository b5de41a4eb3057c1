"""The proxies in front of the service, and what they say of the requests that they pass on."""

import ipaddress
from collections.abc import Sequence

from flask import Request


class TrustedProxies:
    """Proxies whose word is taken for the name by which a client reached the service.

    Args:
        networks: their addresses or networks.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def host(self, request: Request) -> str | None:
        """The host that the client named: `X-Forwarded-Host` of a trusted proxy, or else `Host`; None: no host."""
        return self._said(request, "X-Forwarded-Host") or request.headers.get("Host")

    def scheme(self, request: Request) -> str | None:
        """The scheme that the client used; None: no trusted proxy says, and one may have ended TLS."""
        return self._said(request, "X-Forwarded-Proto") or None

    def _said(self, request: Request, header: str) -> str:
        """What a trusted proxy says; of several values the first, which is that of the proxy next to the client."""
        return request.headers.get(header, "").partition(",")[0].strip() if self._trusts(request.remote_addr) else ""

    def _trusts(self, peer: str | None) -> bool:
        if not self._networks or peer is None:
            return False
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)
