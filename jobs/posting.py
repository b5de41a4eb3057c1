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
TIMEOUT = 10.0  # s, to connect, and again for all that follows
MAX_ANSWER = 1 << 16  # bytes that are read


def post(parts: SplitResult, body: bytes, headers: dict[str, str]) -> int | None:
    """Send a POST to an address. Redirects are not followed, and no proxy is asked.

    Returns:
        The status; None: there was no answer in time, or none that is HTTP.
    """
    name, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    connection = (
        HTTPSConnection(name, port, timeout=TIMEOUT, context=ssl.create_default_context())
        if parts.scheme == "https"
        else HTTPConnection(name, port, timeout=TIMEOUT)
    )
    timer, is_late = None, threading.Event()
    try:
        connection.connect()
        # The limit of a socket is for each of its operations: an answer that trickles would take for ever.
        timer = threading.Timer(TIMEOUT, _cut, [connection.sock, is_late])
        timer.daemon = True
        timer.start()
        connection.request("POST", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", body, headers)
        answer = connection.getresponse()
        answer.read(MAX_ANSWER)
        return None if is_late.is_set() else answer.status
    except (OSError, HTTPException, ValueError) as exc:  # ValueError: of a TLS connection that was cut
        log.debug("a webhook was not answered", extra={"host": name, "reason": str(exc)})
        return None
    finally:
        if timer is not None:
            timer.cancel()
        connection.close()


def _cut(connected: socket.socket, is_late: threading.Event) -> None:
    is_late.set()
    with contextlib.suppress(OSError, ValueError):  # it may be closed already
        connected.shutdown(socket.SHUT_RDWR)
