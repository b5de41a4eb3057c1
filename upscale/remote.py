"""Enlarge through a running service, as a stream of events."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlencode, urlsplit

from message_protocol import BYTES, EVENTS, JSON, ModelOutput, ModelsOutput, UpscaleOutput
from upscale.answers import MAX_DOCUMENT, follow, read_events, refusal
from upscale.console import Progress
from upscale.errors import Busy, Failed, FatalError, UsageError

HEADERS = {"Content-Type": BYTES, "Accept": EVENTS}
CONNECT_TIMEOUT = 10.0  # s
SILENCE = 120.0  # s without data, heartbeats included, after which the connection counts as dead
MAX_PAUSE = 300.0  # s before the next attempt, whatever Retry-After says


class Remote:
    """Enlarges through the service at `url`.

    Args:
        url: the base address, without `/upscale`.
        retries: how often to ask a busy service again.
        say: prints a line about each retry.

    Raises:
        UsageError: `url` is not the address of a service.
    """

    def __init__(self, url: str, retries: int, say: Callable[[str], None]) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as exc:
            raise UsageError(f"--url {url}: {exc}") from exc
        if parts.scheme not in ("http", "https") or not self._host or parts.query or parts.fragment or parts.username:
            raise UsageError(f"--url {url} is not an address such as http://localhost:7777")
        self._url = url
        self._connection = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._path = parts.path.rstrip("/")
        self._retries = retries
        self._say = say

    def get_ready(self) -> None:
        """Nothing is to be done: whether the service is there, the first request finds out."""

    def enlarge(self, image: bytes, options: Mapping[str, str], progress: Progress) -> UpscaleOutput:
        """Enlarge one image file.

        Args:
            image: the file.
            options: what is asked for, as in the query of a request.
            progress: learns of every tile.

        Raises:
            Failed: this image was rejected, or the connection broke.
            FatalError: there is no such service at the address, or it does not know an option or the model.
        """
        for attempt in range(1, self._retries + 2):
            try:
                return self._ask(image, options, progress)
            except Busy as busy:
                if attempt > self._retries:
                    tried = f" (tried {attempt} times)" if attempt > 1 else ""
                    raise Failed(f"{busy}{tried}") from busy
                seconds = min(2.0 ** (attempt - 1) if busy.seconds is None else busy.seconds, MAX_PAUSE)
                self._say(f"{busy}: trying again in {seconds:.0f} s ({attempt} of {self._retries})")
                time.sleep(seconds)
        raise AssertionError("unreachable")

    def models(self) -> list[ModelOutput]:
        """Ask which models the service has loaded; the default is the first.

        Raises:
            Failed: the connection broke.
            FatalError: there is no such service at the address, or it has no list of models.
        """
        with self._open() as connection:
            connection.request("GET", f"{self._path}/models", headers={"Accept": JSON})
            response = connection.getresponse()
            if response.status != 200:
                raise FatalError(f"{self._url}: {refusal(response)}")
            try:
                return ModelsOutput.model_validate_json(response.read(MAX_DOCUMENT)).root
            except ValueError as exc:  # pydantic's
                raise FatalError(f"{self._url}: the answer is not a list of models") from exc

    def _ask(self, image: bytes, options: Mapping[str, str], progress: Progress) -> UpscaleOutput:
        with self._open() as connection:
            # A service that rejects a request by its head may answer and close before it has read the body.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                query = f"?{urlencode(options)}" if options else ""
                connection.request("POST", f"{self._path}/upscale{query}", body=image, headers=HEADERS)
            return self._result(connection.getresponse(), progress)

    @contextlib.contextmanager
    def _open(self) -> Iterator[HTTPConnection]:
        """A connection to the service, whose failures are reported as this module's errors."""
        connection = self._connected()
        try:
            yield connection
        except TimeoutError as exc:
            raise Failed(f"no data from {self._url} for {SILENCE:.0f} s") from exc
        except (OSError, HTTPException) as exc:
            raise Failed(f"the connection to {self._url} broke: {exc or type(exc).__name__}") from exc
        finally:
            connection.close()

    def _result(self, response: HTTPResponse, progress: Progress) -> UpscaleOutput:
        if response.status != 200 or response.headers.get_content_type() != EVENTS:
            exc = refusal(response)
            raise FatalError(f"{self._url}: {exc}") if isinstance(exc, FatalError) else exc
        return follow(read_events(response), progress)

    def _connected(self) -> HTTPConnection:
        connection = self._connection(self._host, self._port, timeout=CONNECT_TIMEOUT)
        try:
            connection.connect()
        except OSError as exc:
            raise FatalError(f"no service at {self._url}: {exc.strerror or exc}") from exc
        connection.sock.settimeout(SILENCE)
        return connection
