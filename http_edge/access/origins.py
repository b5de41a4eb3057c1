"""Web pages that may use the service: its own, and those of the origins that the operator allows."""

from collections.abc import Sequence

from flask import Request

from http_edge.access.proxies import TrustedProxies
from message_protocol import MAX_ECHOED
from superscaling.errors import CrossSite
from superscaling.web_names import DEFAULT_PORTS, Host, read_host, read_origin

ALL = "*"
# They change nothing, and what they answer is hidden from pages of other origins by CORS.
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# What browsers write into `Sec-Fetch-Site` for the service's own page, and for what the user did without a page.
OWN_SITES = {"same-origin", "none"}


class Origins:
    """Refuses what browsers send for pages of other origins. `allows_all`, `allows_some`: so does the operator.

    A form, or a simple request of a script, goes to any address without asking first (CORS has no preflight for it),
    and its sender need not see the answer: it costs minutes of computing all the same.

    Args:
        allowed: origins, as browsers write them; `*`: all.
        proxies: that may say which scheme the client used.
    """

    def __init__(self, allowed: Sequence[str], proxies: TrustedProxies) -> None:
        self.allows_all = ALL in allowed
        self.allows_some = bool(allowed)
        self._allowed = frozenset(allowed)
        self._proxies = proxies

    def allows(self, origin: str) -> bool:
        """Whether the operator allows the pages of an origin, as `Origin` names it."""
        return self.allows_all or origin in self._allowed

    def check(self, request: Request) -> None:
        """Check where a request comes from. Tools, which say nothing about that, pass.

        `Sec-Fetch-Site` decides if there is one: it is the browser's own judgement, which no proxy changes. Browsers
        send none to http:// names other than `localhost`. There the host of `Origin` has to be the service's; not its
        scheme, unless a trusted proxy tells it, as the service does not see the TLS that a proxy ends.

        Raises:
            CrossSite: a page sends it that may not use the service.
        """
        origin = request.headers.get("Origin")
        is_allowed = origin is not None and self.allows(origin)
        if not (request.method in SAFE_METHODS or is_allowed or self._is_own(origin, request)):
            raise refusal(origin)

    def _is_own(self, origin: str | None, request: Request) -> bool:
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site.lower() in OWN_SITES
        return origin is None or self._is_origin_of(origin, request)

    def _is_origin_of(self, origin: str, request: Request) -> bool:
        """Whether the client of a request may have this origin from the service itself."""
        try:
            page, own = read_origin(origin), read_host(request.headers.get("Host", ""))
        except ValueError:  # `null`, of a page that hides its origin
            return False
        port = None if own.port == DEFAULT_PORTS.get(page.scheme) else own.port
        return page.host == Host(own.name, port) and page.scheme == (self._proxies.scheme(request) or page.scheme)


def refusal(origin: str | None) -> CrossSite:
    """The error for a page of an origin that is not allowed. (To be raised.)"""
    of = "" if origin is None else f" of {origin[:MAX_ECHOED]!r}"
    return CrossSite(
        f"a browser sends this for a page{of} that may not use this service: use the service's own page, or a program",
        setting="allow_origins",
    )
