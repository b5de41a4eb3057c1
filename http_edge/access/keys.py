"""Whose API key a request has."""

import re
from collections.abc import Callable

from flask import Request

from http_edge.access.client import Client
from http_edge.access.ports import METRICS
from superscaling.api_keys import KeyRefused, Refusal, today
from superscaling.api_keys_file import ApiKeysFile
from superscaling.errors import Unauthorized

X_API_KEY = "X-API-Key"
BEARER = re.compile(r"bearer(?: +(.*))?", re.IGNORECASE)

# The endpoints that need no key: probes, the pages with their files, and the description of the API. None has a secret,
# or costs anything. Whatever is not here, such as a route that is added, needs one.
PAGES = ("index", "docs", "sample", "static", "manifest", "worker")
OPEN = frozenset({"ping", "livez", "readyz", "openapi", *(f"pages.{name}" for name in PAGES)})

MISSING = (
    f"this service needs an API key: send it as 'Authorization: Bearer KEY' or '{X_API_KEY}: KEY'; who runs the service"
    " gives keys out"
)
# The same for all reasons: what is wrong with a key would tell which ids there are.
INVALID = "the API key is not valid: it is mistyped, has expired or was revoked; who runs the service gives others out"
SEVERAL = f"Authorization and {X_API_KEY} have different API keys: send one"


class KeyCheck:
    """Lets requests with a valid key pass; all requests, if there is no file of keys.

    Args:
        keys: the file; None: none are needed.
        refused: is told of each refusal.
        metrics_are_open: whether metrics need none, as they have a port of their own.
    """

    def __init__(self, keys: ApiKeysFile | None, refused: Callable[[KeyRefused], None], metrics_are_open: bool) -> None:
        self._keys = keys
        self._refused = refused
        self._open_too = METRICS if metrics_are_open else None

    def client(self, request: Request, address: str) -> Client:
        """Who sends a request.

        Args:
            request: of which the head was read.
            address: that it comes from; what rates are counted for, if there are no keys.

        Raises:
            Unauthorized: a key is needed, and the request has none that is valid.
        """
        endpoint = request.endpoint
        if self._keys is None or is_open(endpoint, request.method) or endpoint == self._open_too:
            return Client(address)
        given = keys_of(request)
        try:
            if not given:
                raise KeyRefused(Refusal.MISSING)
            if len(given) > 1:
                raise KeyRefused(Refusal.MALFORMED)
            (key,) = given
            found = self._keys.keys.find(key, today())
        except KeyRefused as exc:
            self._refused(exc)
            detail = (MISSING, INVALID, SEVERAL)[len(given)]
            raise Unauthorized(detail, has_key=bool(given)) from None
        return Client(found.owner, found.owner, found.id, found.megapixels_per_hour)


def is_open(endpoint: str | None, method: str) -> bool:
    """Whether requests need no key.

    Args:
        endpoint: that they reach; None: there is none, which everybody may hear.
        method: OPTIONS is how browsers ask what they may send, which they do without keys.
    """
    return endpoint is None or endpoint in OPEN or method == "OPTIONS"


def keys_of(request: Request) -> set[str]:
    """The different keys that a request has. Empty ones are none, and other schemes than Bearer a proxy's business."""
    authorization = BEARER.fullmatch(request.headers.get("Authorization", ""))
    bearer = (authorization[1] or "") if authorization else ""
    return {key for key in (bearer, request.headers.get(X_API_KEY, "")) if key}
