"""Addresses of the web, read strictly: what two readers might take for different hosts is refused."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urljoin

from outbound.addresses import Address
from outbound.refused import Refused

MAX_URL = 2_000
MAX_PORT = 65_535
PORTS = {"http": 80, "https": 443}
# The characters of RFC 3986, and brackets in a query, which browsers leave there. No user's name, and no fragment.
PCHAR = r"[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}"
URL = re.compile(
    r"(?P<scheme>https?)://(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<six>[0-9A-Fa-f:.]+)\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    rf"(?P<path>(?:/(?:{PCHAR}|/)*+)?)(?P<query>(?:\?(?:{PCHAR}|[/?\[\]])*+)?)",
    re.IGNORECASE | re.ASCII,
)
# RFC 1123, 2.1, and underscores, which names within networks have. At most 253 characters.
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
MAX_NAME = 253
# A name that ends so is an address in the WHATWG's URL standard and in C libraries, such as 127.1 and 0x7f000001.
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
CHARACTERS = re.compile(r"[!-~]*")


@dataclass(frozen=True)
class Location:
    """Where a request is sent.

    `scheme`: `http` or `https`; `host`: a name in lower case, or an address without brackets; `address`: the host, if
    it is one; `port`: from 1; `target`: path and query, as the request has it.
    """

    scheme: str
    host: str
    address: Address | None
    port: int
    target: str

    @property
    def host_in_url(self) -> str:
        """The host as a URL has it: an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def has_usual_port(self) -> bool:
        """Whether the port is that of the scheme."""
        return self.port == PORTS[self.scheme]

    @property
    def authority(self) -> str:
        """Host and port, as the header `Host` has them."""
        return self.host_in_url if self.has_usual_port else f"{self.host_in_url}:{self.port}"

    def redirected(self, to: str) -> "Location":
        """Where a `Location` header leads from here. It may be relative, and have a fragment.

        Raises:
            Refused: it is none, or leads from https to http.
        """
        if not 1 <= len(to) <= MAX_URL or not CHARACTERS.fullmatch(to):
            raise Refused("it redirects to what is no address")
        base = f"{self.scheme}://{self.authority}{self.target}"
        try:
            there = parse_location(urljoin(base, to.partition("#")[0]))
        except ValueError as exc:  # of brackets that enclose nothing
            raise Refused("it redirects to what is no address") from exc
        if self.scheme == "https" and there.scheme == "http":
            raise Refused("it redirects from https to http")
        return there


def parse_location(url: str) -> Location:
    """Read an absolute address of http or https.

    Raises:
        Refused: it is too long, or anything else, or could be read in two ways.
    """
    match = URL.fullmatch(url) if len(url) <= MAX_URL else None
    if match is None:
        raise Refused("it is no plain address of http or https")
    scheme = match["scheme"].lower()
    port = int(match["port"] or PORTS[scheme])
    if port > MAX_PORT:
        raise Refused("its port is none")
    address = _address(match["name"], match["six"])
    host = match["name"].lower() if address is None else str(address)
    return Location(scheme, host, address, port, f"{match['path'] or '/'}{match['query']}")


def _address(name: str | None, six: str | None) -> Address | None:
    """The address that a host is; None: it is a name."""
    try:
        if name is None:
            return IPv6Address(six or "")
        labels = name.lower().split(".")
        if NUMBER.fullmatch(labels[-1]):
            return IPv4Address(name)  # four decimal numbers, without zeros before them
    except AddressValueError as exc:
        raise Refused("its host is an address that is not written as usual") from exc
    if len(name) > MAX_NAME or not all(map(LABEL.fullmatch, labels)):
        raise Refused("its host is no name")
    return None
