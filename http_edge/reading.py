"""Reading requests: an upscale request becomes a message, from JSON, from a form or from an image file."""

import io
import threading
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from http_edge.gunicorn_worker import Connection, ParseException
from message_protocol import BYTES, FORM, JSON, MAX_ECHOED, UpscaleInput
from superscaling.errors import BodyTimeout, BodyTooLarge, ClientGone, MalformedMessage, UnsupportedMedia
from superscaling.pictures import MEDIA_TYPES

READ_BYTES = 1 << 20  # per call

# The part of a form that has the image file.
PART = "image"
# A form has one part for each field of the message. More parts than this are rejected before they are parsed.
MAX_PARTS = 10
# Of each part that is not a file. Werkzeug also uses it for its buffer, which must have at least 64 KiB.
MAX_OPTION_BYTES = 500_000


class BodyForm(Enum):
    """The form of a request body."""

    JSON = auto()
    FORM = auto()
    BYTES = auto()


def body_form_of(request: Request) -> BodyForm:
    """Tell the form of a request's body from its headers.

    Raises:
        UnsupportedMedia: the content type or an encoding is not supported.
    """
    if (encoding := request.headers.get("Content-Encoding", "").lower()) not in ("", "identity"):
        raise UnsupportedMedia(f"Content-Encoding {encoding[:MAX_ECHOED]} is not supported: send the body unencoded")
    if (coding := request.headers.get("Transfer-Encoding", "chunked").lower()) != "chunked":
        raise UnsupportedMedia(f"Transfer-Encoding {coding[:MAX_ECHOED]} is not supported: send the body unencoded")
    media_type = request.mimetype
    if media_type == JSON:
        return BodyForm.JSON
    if media_type == FORM:
        return BodyForm.FORM
    if media_type == BYTES or media_type.startswith("image/"):
        return BodyForm.BYTES
    raise UnsupportedMedia(
        f"Content-Type is {media_type[:MAX_ECHOED] or 'missing'}: send {JSON}, {FORM}, or the image file itself as"
        f" {', '.join(MEDIA_TYPES)} or {BYTES}"
    )


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


def read_message(request: Request, body_form: BodyForm, body: RequestBody) -> UpscaleInput:
    """Read the body of an upscale request and make the message of it.

    Args:
        request: provides the query parameters.
        body_form: from `body_form_of`.
        body: not read yet.

    Raises:
        MalformedMessage: the body, a part of a form or a query parameter is malformed.
        BodyTooLarge, BodyTimeout, ClientGone: the body could not be read.
    """
    parameters = _parameters(request)
    if body_form is BodyForm.JSON and parameters:
        name, _ = parameters[0]
        raise MalformedMessage(f"query parameter {name[:MAX_ECHOED]!r}: options belong in the JSON message")
    data = body.read()
    if not data:
        raise MalformedMessage("the body is empty")
    match body_form:
        case BodyForm.JSON:
            return UpscaleInput.from_json(data)
        case BodyForm.FORM:
            image, parts = _read_form(data, request.mimetype_params.get("boundary"))
            return UpscaleInput.from_bytes(image, _options([*parameters, *parts]))
        case BodyForm.BYTES:
            return UpscaleInput.from_bytes(data, _options(parameters))


def query_options(request: Request) -> dict[str, str]:
    """The query parameters of a request.

    Raises:
        MalformedMessage: a parameter is given more than once.
    """
    return _options(_parameters(request))


def _parameters(request: Request) -> list[tuple[str, str]]:
    return [(name, value) for name, values in request.args.lists() for value in values]


def _options(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in pairs:
        if name in options:
            raise MalformedMessage(f"option {name[:MAX_ECHOED]!r} is given more than once")
        options[name] = value
    return options


def _read_form(body: bytes, boundary: str | None) -> tuple[bytes, list[tuple[str, str]]]:
    """Parse a form.

    Args:
        body: the whole body.
        boundary: from the content type.

    Returns:
        The image file, and the names and values of the other parts. Empty ones are left out: a browser sends them for
        the fields that a user has not filled in.

    Raises:
        MalformedMessage: the body is no form, or does not have exactly one file, in the part `image`.
    """
    if not boundary:
        raise MalformedMessage(f"{FORM} without a boundary in Content-Type")
    # Files stay in memory, as the body is there already; by default werkzeug writes them to temporary files.
    parser = FormDataParser(
        stream_factory=lambda *_, **__: io.BytesIO(),
        max_form_memory_size=MAX_OPTION_BYTES,
        max_form_parts=MAX_PARTS,
        silent=False,
    )
    try:
        _, options, files = parser.parse(io.BytesIO(body), FORM, len(body), {"boundary": boundary})
    except RequestEntityTooLarge as exc:
        raise MalformedMessage(
            f"the form has more than {MAX_PARTS} parts, or one that is not a file and has over {MAX_OPTION_BYTES} bytes"
        ) from exc
    except ValueError as exc:
        raise MalformedMessage(
            f"the body is not valid {FORM}: its parts must have a header in UTF-8 and end with the boundary"
        ) from exc
    if None in options or None in files:  # werkzeug keeps such parts, against its types
        raise MalformedMessage("a part of the form has no name")
    if PART in options:
        raise MalformedMessage(f"part {PART!r} is not a file: it has no filename")
    images = files.poplist(PART)
    if files:
        raise MalformedMessage(f"file {next(iter(files))[:MAX_ECHOED]!r} is unknown; the image is the part {PART!r}")
    if len(images) != 1:
        raise MalformedMessage(f"the form has {len(images)} parts {PART!r}; it must have one")
    image = images[0].read()
    if not image:
        raise MalformedMessage(f"part {PART!r} is empty")
    return image, [(name, value) for name, values in options.lists() for value in values if value]
