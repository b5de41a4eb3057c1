"""Lists of hosts that operators allow."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from outbound.location import MAX_PORT, Location, parse_location
from outbound.refused import Refused
from superscaling.settings import invalid

EVERY = "*"
# Below are the ports of other protocols: a mail server should not be sent HTTP because a client asks for it.
FIRST_FREE_PORT = 1024
ENTRY = re.compile(r"(?P<any>\*\.)?(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?", re.ASCII)


@dataclass(frozen=True)
class _Entry:
    """`host`: as a URL has it; `below`: names below it are meant instead; `port`: None: the usual one of the scheme."""

    host: str
    below: bool
    port: int | None

    def matches(self, location: Location) -> bool:
        host = location.host_in_url
        is_host = host.endswith(f".{self.host}") if self.below else host == self.host
        return is_host and (location.has_usual_port if self.port is None else location.port == self.port)


class HostList:
    """Hosts that may be reached: `name` and `*.name` at the usual port of the scheme, `name:port`, or `*`.

    `*` means all hosts, at the usual ports and from 1024 on. Which addresses hosts may have is another question.

    Args:
        setting: the field of `Settings` that has them.
        names: of the hosts; none: nothing may be reached.

    Raises:
        SettingInvalid: one of them can't be the name of a host.
    """

    def __init__(self, setting: str, names: Sequence[str]) -> None:
        self.setting = setting
        self._every = EVERY in names
        self._entries = [_entry(setting, name) for name in names if name != EVERY]

    def __bool__(self) -> bool:
        return self._every or bool(self._entries)

    def allows(self, location: Location) -> bool:
        """Whether a request may be sent there."""
        if self._every and (location.has_usual_port or location.port >= FIRST_FREE_PORT):
            return True
        return any(entry.matches(location) for entry in self._entries)


def _entry(setting: str, name: str) -> _Entry:
    match = ENTRY.fullmatch(name.lower())
    if match and int(match["port"] or 1) <= MAX_PORT:
        try:
            location = parse_location(f"http://{match['host']}/")
        except Refused:
            pass
        else:
            if not (match["any"] and location.address):
                port = int(match["port"]) if match["port"] else None
                return _Entry(location.host_in_url, match["any"] is not None, port)
    raise invalid(setting, name, "must be hosts, such as example.com, example.com:8080, *.example.com or [2001:db8::1]")
