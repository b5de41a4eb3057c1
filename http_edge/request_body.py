"""Reading a request's body: never more than the limit, never longer than the deadline."""

import threading
from collections.abc import Iterator
from typing import Any

from http_edge.gunicorn_worker import Connection, ParseException
from superscaling.errors import BodyTimeout, BodyTooLarge, ClientGone, MalformedMessage

CHUNK = 1 << 20  # bytes read at a time


class RequestBody:
    """The body of one request.

    Args:
        environ: the WSGI environment; its input has to end where the body does.
        max_bytes: the most bytes that are read.
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
        """Read all of it.

        Raises:
            BodyTooLarge: it is longer than allowed, with or without a Content-Length.
            BodyTimeout: it was not complete in time.
            ClientGone: the client hung up before its end.
            MalformedMessage: its chunks are malformed.
        """
        if self._declared is not None and self._declared > self._max_bytes:
            raise self._too_large(self._declared)
        with self._connection.read_deadline(self._timeout) as passed:
            try:
                # One byte past the limit tells a body that fits from one that does not.
                data = b"".join(self._chunks(self._max_bytes + 1, passed))
            except (ParseException, OSError) as exc:
                self._check_time(passed)
                if isinstance(exc, ParseException):
                    raise MalformedMessage(f"the body's chunked encoding is broken: {exc}") from exc
                raise ClientGone("the client hung up while it sent the body") from exc
        self._check_time(passed)
        if len(data) > self._max_bytes:
            raise self._too_large(None)
        if self._declared is not None and len(data) < self._declared:
            raise ClientGone(f"the client hung up after {len(data)} of {self._declared} bytes")
        self._complete = True
        return data

    @property
    def is_complete(self) -> bool:
        """Whether nothing of it is left on the connection."""
        return self._complete

    def _chunks(self, most: int, passed: threading.Event) -> Iterator[bytes]:
        while self._received < most and not passed.is_set():
            chunk: bytes = self._input.read(min(CHUNK, most - self._received))
            if not chunk:
                return
            self._received += len(chunk)
            yield chunk

    def _check_time(self, passed: threading.Event) -> None:
        if passed.is_set():
            raise BodyTimeout(
                f"the body was not complete within {self._timeout:g} s ({self._received} bytes came):"
                " send it faster, or raise UPSCALER_READ_TIMEOUT",
                limit=self._timeout,
                setting="UPSCALER_READ_TIMEOUT",
            )

    def _too_large(self, actual: int | None) -> BodyTooLarge:
        size = f"{actual} bytes" if actual else "more bytes than allowed"
        return BodyTooLarge(
            f"the body has {size}; at most {self._max_bytes} are read: raise UPSCALER_MAX_BODY_BYTES for more",
            limit=self._max_bytes,
            actual=actual,
            setting="UPSCALER_MAX_BODY_BYTES",
        )
