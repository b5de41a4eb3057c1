"""The body of a request, read up to a limit and a deadline."""

import threading
from collections.abc import Iterator
from typing import Any

from http_edge.gunicorn_worker import Connection, ParseException
from superscaling.errors import BodyTimeout, BodyTooLarge, ClientGone, MalformedMessage

READ_BYTES = 1 << 20  # per call


class RequestBody:
    """The body of one request, read up to a limit and a deadline.

    Args:
        environ: the WSGI environment; its input must end where the body does.
        max_bytes: the largest body that is accepted.
        timeout: seconds for the whole body.
    """

    def __init__(self, environ: dict[str, Any], max_bytes: int, timeout: float) -> None:
        self._input = environ["wsgi.input"]
        self._connection = Connection(environ)
        self._max_bytes = max_bytes
        self._timeout = timeout
        length = environ.get("CONTENT_LENGTH")
        self._declared = int(length) if length else None
        self._received = 0
        # Without a length and without chunks there is no body.
        self._complete = not self._declared and "HTTP_TRANSFER_ENCODING" not in environ

    def read(self) -> bytes:
        """Read the whole body.

        Raises:
            BodyTooLarge: it exceeds the limit, with or without a Content-Length.
            BodyTimeout: it was not complete in time.
            ClientGone: the client disconnected before the end.
            MalformedMessage: its chunked encoding is malformed.
        """
        if self._declared is not None and self._declared > self._max_bytes:
            raise self._too_large(self._declared)
        with self._connection.read_deadline(self._timeout) as passed:
            try:
                # One byte more than the limit tells a body that is too large from one that fits exactly.
                data = b"".join(self._parts(self._max_bytes + 1, passed))
            except (ParseException, OSError) as exc:
                self._check_time(passed)
                if isinstance(exc, ParseException):
                    raise MalformedMessage("the body's chunked encoding is malformed") from exc
                raise ClientGone("the client disconnected while it sent the body") from exc
        self._check_time(passed)
        if len(data) > self._max_bytes:
            raise self._too_large(None)
        if self._declared is not None and len(data) < self._declared:
            raise ClientGone(f"the client disconnected after {len(data)} of {self._declared} bytes of the body")
        self._complete = True
        return data

    @property
    def is_complete(self) -> bool:
        """Whether the connection has no unread bytes of this body."""
        return self._complete

    def _parts(self, most: int, passed: threading.Event) -> Iterator[bytes]:
        while self._received < most and not passed.is_set():
            part: bytes = self._input.read(min(READ_BYTES, most - self._received))
            if not part:
                return
            self._received += len(part)
            yield part

    def _check_time(self, passed: threading.Event) -> None:
        if passed.is_set():
            raise BodyTimeout(
                f"the body was not complete within {self._timeout:g} s ({self._received} bytes were received):"
                " send it faster, or send a smaller file",
                limit=self._timeout,
                setting="read_timeout",
            )

    def _too_large(self, actual: int | None) -> BodyTooLarge:
        size = f"{actual} bytes" if actual else "more bytes than allowed"
        return BodyTooLarge(
            f"the body has {size}; at most {self._max_bytes} bytes are accepted",
            limit=self._max_bytes,
            actual=actual,
            setting="max_body_bytes",
        )
