"""The settings of a client."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict
from urllib.parse import urlsplit

from image_super_scaling.errors import UpscaleError

# What can stand in a header (RFC 6750, 2.1), and longer than any key.
API_KEY = re.compile(r"[A-Za-z0-9._~+/=-]{1,1000}")


@dataclass(frozen=True)
class Retry:
    """A request is about to be repeated: `error` happened, in `seconds` comes attempt `attempt` of those after it."""

    error: UpscaleError
    seconds: float
    attempt: int


class ClientSettings(TypedDict, total=False):
    """What can be set of a client.

    `api_key`: sent with every request, and nowhere else: redirects are not followed; use https, as http shows it to the
    network. `timeout` (150 s): how long the service may be silent; a plain request has 90 s by its default, and is
    answered within that. `connect_timeout` (10 s). `retries` (3): how often a request is repeated after 429 or 503.
    `longest_wait` (60 s): if the service asks for a longer wait, the request fails at once. `absence` (0 s): for how
    long requests about jobs are repeated while a service that has answered before is away; `wait` takes ten minutes in
    any case. `max_answer_bytes` (512 MiB): of an answer that is kept in memory. `on_retry`: hears of each repetition.
    """

    api_key: str | None
    timeout: float
    connect_timeout: float
    retries: int
    longest_wait: float
    absence: float
    max_answer_bytes: int
    on_retry: Callable[[Retry], None]


@dataclass(frozen=True)
class Settings:
    """`url`, the address of the service, and `ClientSettings` with their defaults.

    Raises:
        ValueError: a setting is invalid. The message does not show a key.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 150.0
    connect_timeout: float = 10.0
    retries: int = 3
    longest_wait: float = 60.0
    absence: float = 0.0
    max_answer_bytes: int = 512 << 20
    on_retry: Callable[[Retry], None] = lambda retry: None

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _checked(self.url).rstrip("/"))
        if self.api_key is not None and not API_KEY.fullmatch(self.api_key):
            raise ValueError("the API key has other characters than letters, digits and . _ ~ + / = -")
        for name in ("timeout", "connect_timeout", "max_answer_bytes"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0")
        for name in ("retries", "longest_wait", "absence"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more")


def _checked(url: str) -> str:
    """The address, if it is one of http or https with a host, perhaps a port, and perhaps a path.

    Raises:
        ValueError: it is not.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as exc:
        raise ValueError(f"{url}: {exc}") from exc
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{url} is not an address such as http://localhost:7777")
    return url
