"""Names of hosts and origins on the web: as operators write them, and as browsers send them (`Host`, `Origin`)."""

import ipaddress
import re
from dataclasses import dataclass

LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"{LABEL}(?:\.{LABEL})*")
MAX_NAME = 253  # RFC 1035, 2.3.4, as text
HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[^\[\]:]+?)\.?)(?::(?P<port>[0-9]{0,5}))?")
ORIGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[^/]+)")
# Ports that are left out, by the scheme.
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Host:
    """A host, and its port if it is named.

    `name`: in lower case without a final dot, or an address in its canonical form, without brackets.
    """

    name: str
    port: int | None = None

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether the name is an IP address."""
        return ":" in self.name or _ends_in_a_number(self.name)

    @property
    def is_local(self) -> bool:
        """Whether the name means this machine to every browser, whatever name servers say (RFC 6761, 6.3)."""
        return self.name == "localhost" or self.name.endswith(".localhost")


@dataclass(frozen=True)
class Origin:
    """Where a page comes from. `host`: without the port that is the default of `scheme`."""

    scheme: str
    host: Host

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}"


def read_host(text: str) -> Host:
    """Read a host, as `name`, `name:port`, an IPv4 address, or an IPv6 address in brackets.

    Raises:
        ValueError: it is none.
    """
    match = HOST.fullmatch(text.lower()) if text.isascii() else None
    if match is None:
        raise ValueError("must be a name such as upscale.example.com, in ASCII, or an address, IPv6 in brackets")
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 1 <= port <= 65_535:
        raise ValueError("must have a port from 1 to 65535")
    name = match["name"]
    try:
        if name is None:
            return Host(ipaddress.IPv6Address(match["six"]).compressed, port)
        # What browsers take for an address is one, or nothing (WHATWG URL, "ends in a number").
        if _ends_in_a_number(name):
            return Host(str(ipaddress.IPv4Address(name)), port)
    except ipaddress.AddressValueError as exc:
        raise ValueError("must be a name, or an address in its usual form") from exc
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        raise ValueError("must be a name of letters, digits, hyphens and dots")
    return Host(name, port)


def read_origin(text: str) -> Origin:
    """Read an origin, as `scheme://host` or `scheme://host:port`.

    Raises:
        ValueError: it is none.
    """
    match = ORIGIN.fullmatch(text.lower()) if text.isascii() else None
    if match is None:
        raise ValueError("must be an origin such as https://app.example.com, in ASCII and without a path")
    scheme, host = match["scheme"], read_host(match["host"])
    return Origin(scheme, Host(host.name, None if host.port == DEFAULT_PORTS.get(scheme) else host.port))


def _ends_in_a_number(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last.isdigit() or re.fullmatch("0x[0-9a-f]*", last) is not None
