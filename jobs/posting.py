"""One request to a server that is not trusted: bounded in time and bytes."""

import contextlib
import logging
import socket
import ssl
import threading
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult

log = logging.getLogger("jobs")

PORTS = {"http": 80, "https": 443}
TIMEOUT = 15.0  # s, for all of it
MAX_ANSWER = 1 << 16  # bytes that are read


def post(parts: SplitResult, body: bytes, headers: dict[str, str]) -> int | None:
    """Send a POST to an address. Redirects are not followed, and no proxy is asked.

    Returns:
        The status; None: there was no answer in time, or none that is HTTP.
    """
    exchange = _Exchange(parts, body, headers)
    # A thread, as a name is looked up without a limit, and each of its addresses is tried.
    thread = threading.Thread(target=exchange.run, name="webhook", daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    return exchange.cut()


class _Exchange:
    """A request and its answer, which another thread may end."""

    def __init__(self, parts: SplitResult, body: bytes, headers: dict[str, str]) -> None:
        self._parts = parts
        self._body = body
        self._headers = headers
        self._lock = threading.Lock()
        self._is_late = False
        self._connected: socket.socket | None = None
        self._status: int | None = None

    def run(self) -> None:
        """Send it, and read the answer."""
        parts = self._parts
        name, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        connection = (
            HTTPSConnection(name, port, timeout=TIMEOUT, context=ssl.create_default_context())
            if parts.scheme == "https"
            else HTTPConnection(name, port, timeout=TIMEOUT)
        )
        try:
            connection.connect()
            with self._lock:
                if self._is_late:
                    return
                self._connected = connection.sock
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            connection.request("POST", path, self._body, self._headers)
            answer = connection.getresponse()
            answer.read(MAX_ANSWER)
            with self._lock:
                if not self._is_late:  # otherwise it seems to have ended where it was cut
                    self._status = answer.status
        except (OSError, HTTPException, ValueError) as exc:  # ValueError: of a TLS connection that was cut
            log.debug("a webhook was not answered", extra={"host": name, "reason": str(exc)})
        finally:
            with self._lock:
                self._connected = None
            connection.close()

    def cut(self) -> int | None:
        """End it. Returns the status, if it has come."""
        with self._lock:
            self._is_late = True
            if self._connected is not None:
                with contextlib.suppress(OSError, ValueError):  # the other side may have closed it
                    self._connected.shutdown(socket.SHUT_RDWR)
            return self._status
