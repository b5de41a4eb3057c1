"""The names by which the service is reached. Others are refused: they may be an attacker's.

A page of an attacker's site can ask a name server of its own to answer, from now on, with an address in the visitor's
network (DNS rebinding). To the browser, the service there is then a part of that site. Only the `Host` tells, which no
page can choose. Other headers can't: a proxy that doesn't set `X-Forwarded-Host` passes on what the client wrote there.
"""

import ipaddress
from collections.abc import Sequence

from flask import Request

from message_protocol import MAX_ECHOED
from superscaling.errors import HostNotServed
from superscaling.web_names import DEFAULT_PORTS, Host, read_host


class HostCheck:
    """Refuses requests for names that the service is not known by.

    Addresses can't be bound to another machine, so they are served always, as is `localhost`. Where the list of names
    is empty, a service that only this machine can reach is known by no other name: whoever runs one for themselves is
    who rebinding is aimed at.

    Args:
        allowed: names, `*.name` for all below one, each with or without a port; `*`: all.
        listens_on: the address, or the name, that the service listens on.
    """

    def __init__(self, allowed: Sequence[str], listens_on: str) -> None:
        self._serves_all = "*" in allowed or not (allowed or _is_of_this_machine(listens_on))
        self._names = [(name.startswith("*."), read_host(name.removeprefix("*."))) for name in allowed if name != "*"]

    def check(self, request: Request) -> None:
        """Check the host of a request. One without a host passes: no browser sends such.

        Raises:
            HostNotServed: the service is not known by it.
        """
        text = request.headers.get("Host")
        if self._serves_all or text is None:
            return
        try:
            host = read_host(text)
        except ValueError as exc:
            raise HostNotServed(f"the host of a request {exc}, not {text[:MAX_ECHOED]!r}") from exc
        if not (host.is_address or host.is_local or any(_is_meant(host, *each) for each in self._names)):
            raise HostNotServed(
                f"the service does not answer to {str(host)[:MAX_ECHOED]}: use the name that its operator gave out, or"
                " its address",
                setting="allowed_hosts",
            )


def _is_meant(host: Host, all_below: bool, allowed: Host) -> bool:
    is_name = host.name.endswith(f".{allowed.name}") if all_below else host.name == allowed.name
    # A host without a port is at the default one, and whether that is of http or https is not known behind a proxy.
    ports = DEFAULT_PORTS.values() if host.port is None else [host.port]
    return is_name and (allowed.port is None or allowed.port in ports)


def _is_of_this_machine(listens_on: str) -> bool:
    try:
        return ipaddress.ip_address(listens_on).is_loopback
    except ValueError:
        return listens_on == "localhost"
