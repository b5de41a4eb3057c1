"""The body of a request, read up to a limit and a deadline."""

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from http_edge.gunicorn_worker import ChunksTooSmall, Connection, ParseException
from superscaling.errors import BodyTimeout, BodyTooLarge, ClientGone, MalformedMessage

READ_BYTES = 1 << 20  # per call
HEAD_BYTES = 1024  # that tell what a body is


@dataclass(frozen=True)
class BodyLimits:
    """`size`: the largest body that is accepted, in bytes; `seconds`: for the whole body.

    `size_setting`, `seconds_setting`: the fields of `Settings` that say so. `as_job`: the largest file that is accepted
    as a job, in bytes; 0: there are no jobs.
    """

    size: int
    seconds: float
    size_setting: str = "max_body_bytes"
    seconds_setting: str = "read_timeout"
    as_job: int = 0


class RequestBody:
    """The body of one request, read once.

    Args:
        environ: the WSGI environment; its input must end where the body does.
        limits: of the body, unless others are given when it is read.
    """

    def __init__(self, environ: dict[str, Any], limits: BodyLimits) -> None:
        self._input = environ["wsgi.input"]
        self._connection = Connection(environ)
        self._limits = limits
        length = environ.get("CONTENT_LENGTH")
        self._declared = int(length) if length else None
        self._received = 0
        self._head = b""
        # Without a length and without chunks there is no body.
        self._complete = not self._declared and "HTTP_TRANSFER_ENCODING" not in environ

    def read(self) -> bytes:
        """Read the whole body, or what `head` has left of it, which then comes first again.

        Raises:
            BodyTooLarge: it exceeds the limit, with or without a Content-Length.
            BodyTimeout: it was not complete in time.
            ClientGone: the client disconnected before the end.
            MalformedMessage: its chunked encoding is malformed, or its chunks are tiny.
        """
        body = io.BytesIO()  # grows in place, and gives away its bytes without a copy
        for piece in self.pieces(self._limits):
            body.write(piece)
        return body.getvalue()

    def head(self, limits: BodyLimits) -> bytes:
        """Read the first bytes, up to `HEAD_BYTES`: enough to tell what the body is.

        Args:
            limits: the widest that the whole body may have.

        Raises:
            BodyTooLarge, BodyTimeout, ClientGone, MalformedMessage: as `read`.
        """
        self._check_declared(limits)
        self._head = b"".join(self._received_parts(HEAD_BYTES, self._limits))
        return self._head

    def pieces(self, limits: BodyLimits) -> Iterator[bytes]:
        """The whole body, piece by piece, each of at most `READ_BYTES`. The head comes first, if it was read.

        Raises:
            BodyTooLarge, BodyTimeout, ClientGone, MalformedMessage: as `read`; the first of them also between pieces.
        """
        self._check_declared(limits)
        if self._head:
            yield self._head
        # One byte more than the limit tells a body that is too large from one that fits exactly.
        yield from self._received_parts(limits.size + 1, limits)
        if self._received > limits.size:
            raise self._too_large(limits, None)
        if self._declared is not None and self._received < self._declared:
            raise ClientGone(f"the client disconnected after {self._received} of {self._declared} bytes of the body")
        self._complete = True

    @property
    def is_complete(self) -> bool:
        """Whether the connection has no unread bytes of this body."""
        return self._complete

    def _received_parts(self, most: int, limits: BodyLimits) -> Iterator[bytes]:
        """What arrives until there are `most` bytes, or the body ends."""
        with self._connection.read_deadline(limits.seconds) as passed:
            try:
                while self._received < most and not passed.is_set():
                    part: bytes = self._input.read(min(READ_BYTES, most - self._received))
                    if not part:
                        break
                    self._received += len(part)
                    yield part
            except (ParseException, OSError) as exc:
                self._check_time(passed, limits)
                if isinstance(exc, ChunksTooSmall):
                    raise MalformedMessage(str(exc)) from exc
                if isinstance(exc, ParseException):
                    raise MalformedMessage("the body's chunked encoding is malformed") from exc
                raise ClientGone("the client disconnected while it sent the body") from exc
        self._check_time(passed, limits)

    def _check_declared(self, limits: BodyLimits) -> None:
        if self._declared is not None and self._declared > limits.size:
            raise self._too_large(limits, self._declared)

    def _check_time(self, passed: threading.Event, limits: BodyLimits) -> None:
        if passed.is_set():
            raise BodyTimeout(
                f"the body was not complete within {limits.seconds:g} s ({self._received} bytes were received):"
                " send it faster, or send a smaller file",
                limit=limits.seconds,
                setting=limits.seconds_setting,
            )

    def _too_large(self, limits: BodyLimits, actual: int | None) -> BodyTooLarge:
        size = f"{actual} bytes" if actual else "more bytes than allowed"
        may_be_job = limits.as_job > limits.size and (actual is None or actual <= limits.as_job)
        or_as_job = ", or a JPEG, PNG or TIFF file as it is to /jobs" if may_be_job else ""
        return BodyTooLarge(
            f"the body has {size}; at most {limits.size} bytes are accepted: send a smaller image{or_as_job}",
            limit=limits.size,
            actual=actual,
            setting=limits.size_setting,
        )
