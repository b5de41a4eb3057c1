"""Which addresses a connection may be opened to: global unicast, and networks that the operator names.

The tables are IANA's registries of special-purpose addresses (RFC 6890) of 2025:
https://www.iana.org/assignments/iana-ipv4-special-registry and https://www.iana.org/assignments/iana-ipv6-special-registry.
Python's `is_global` follows older ones, and another one in each version.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# No single machine can be meant by these, whatever an operator names.
NEVER_4 = tuple(map(IPv4Network, ("0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32")))
NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            "10.0.0.0/8",  # private use
            "100.64.0.0/10",  # shared address space, behind carriers' NAT
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # not IANA's: Azure's machines find their host here, which has metadata
            "169.254.0.0/16",  # link local, with the metadata of clouds
            "172.16.0.0/12",  # private use
            "192.0.0.0/24",  # of the IETF's protocols
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays, no longer in use
            "192.168.0.0/16",  # private use
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "240.0.0.0/4",  # reserved
        ),
    )
)
# These have an IPv4 address inside, to which a router may send what is sent to them.
EMBEDDING_6 = tuple(
    map(
        IPv6Network,
        (
            "::/96",  # IPv4-compatible, with the unspecified and the loopback address
            "::ffff:0:0/96",  # IPv4-mapped
            "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
            "64:ff9b::/96",  # NAT64
            "64:ff9b:1::/48",  # NAT64 within a network
            "2001::/32",  # Teredo
            "2002::/16",  # 6to4
        ),
    )
)
# ISATAP (RFC 5214): the interface's identifier begins so in any network. With or without the bit for global ones.
ISATAP = (0x00005EFE, 0x02005EFE)
MULTICAST_6 = IPv6Network("ff00::/8")
LOOPBACK_6 = IPv6Address("::1")
# All that is assigned as global unicast is in here, but for what follows.
GLOBAL_UNICAST_6 = IPv6Network("2000::/3")
NOT_PUBLIC_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # of the IETF's protocols
            "2001:db8::/32",  # documentation
            "3fff::/20",  # documentation
        ),
    )
)


def is_public(address: Address) -> bool:
    """Whether an address is global unicast, and has no other address inside."""
    if isinstance(address, IPv4Address):
        return not _is_in(address, NEVER_4) and not _is_in(address, NOT_PUBLIC_4)
    return not _embeds(address) and address in GLOBAL_UNICAST_6 and not _is_in(address, NOT_PUBLIC_6)


def may_connect(address: Address, private: Sequence[Network]) -> bool:
    """Whether a connection may be opened to an address.

    Args:
        address: one with a scope, such as fe80::1%eth0, may not be connected to.
        private: networks that are not public, but allowed. Addresses that have others inside stay refused, so that
            each machine has one name here.
    """
    if is_public(address):
        return True
    if isinstance(address, IPv4Address):
        is_one = not _is_in(address, NEVER_4)
    else:
        is_one = address not in MULTICAST_6 and (address == LOOPBACK_6 or not _embeds(address))
    return is_one and _is_in(address, private)


def networks(names: Sequence[str]) -> tuple[Network, ...]:
    """Networks by their names, such as 10.1.0.0/16. A ValueError: one is none."""
    return tuple(map(ip_network, names))


def _embeds(address: IPv6Address) -> bool:
    """Whether it has an IPv4 address inside, or a scope."""
    identifier = int(address) >> 32 & 0xFFFFFFFF
    return address.scope_id is not None or identifier in ISATAP or _is_in(address, EMBEDDING_6)


def _is_in(address: Address, among: Sequence[Network]) -> bool:
    """False of networks of the other version."""
    return any(address in network for network in among)
