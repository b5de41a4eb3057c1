"""The address of a service, and connections to it."""

import contextlib
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import BinaryIO
from urllib.parse import urlsplit

from upscale.answers import refusal
from upscale.errors import Broken, FatalError, NoService, UsageError

CONNECT_TIMEOUT = 10.0  # s
SILENCE = 120.0  # s without data, heartbeats included, after which the connection counts as dead
BLOCK = 1 << 18  # bytes of a file that are sent at a time


class Service:
    """A service.

    Args:
        url: its base address.
        key: an API key, sent with every request, and nowhere else: redirects are not followed.

    Raises:
        UsageError: `url` is not the address of a service.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as exc:
            raise UsageError(f"--url {url}: {exc}") from exc
        if parts.scheme not in ("http", "https") or not self._host or parts.query or parts.fragment or parts.username:
            raise UsageError(f"--url {url} is not an address such as http://localhost:7777")
        self.url = url
        self._credentials = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._connection = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._path = parts.path.rstrip("/")

    @contextlib.contextmanager
    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes | BinaryIO | None = None
    ) -> Iterator[HTTPResponse]:
        """Send a request; inside, its answer can be read. A file is sent piece by piece and needs a Content-Length.

        Raises:
            Broken: the connection broke, also while the answer was read.
            NoService: there is none at the address.
        """
        connection = self._connected()
        try:
            # A service that rejects a request by its head may answer and close before it has read the body.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, self._path + path, body, headers | self._credentials)
            yield connection.getresponse()
        except TimeoutError as exc:
            raise Broken(f"no data from {self.url} for {SILENCE:.0f} s") from exc
        except (OSError, HTTPException) as exc:
            raise Broken(f"the connection to {self.url} broke: {exc or type(exc).__name__}") from exc
        finally:
            connection.close()

    def refusal(self, response: HTTPResponse) -> Exception:
        """Turn an answer that is no result into `Failed`, `Busy`, or a `FatalError` that names the address."""
        exc = refusal(response)
        return FatalError(f"{self.url}: {exc}") if isinstance(exc, FatalError) else exc

    def _connected(self) -> HTTPConnection:
        connection = self._connection(self._host, self._port, timeout=CONNECT_TIMEOUT, blocksize=BLOCK)
        try:
            connection.connect()
        except OSError as exc:
            raise NoService(f"no service at {self.url}: {exc.strerror or exc}") from exc
        connection.sock.settimeout(SILENCE)
        return connection
