"""Reading requests: an upscale request becomes a message, from JSON, from a form or from an image file."""

from collections.abc import Iterable
from typing import TypeVar

from flask import Request

from http_edge.forms import read_form
from http_edge.recognition import BodyForm, boundary_in, encoded_image, found, is_text, recognise
from http_edge.request_body import RequestBody
from message_protocol import BYTES, FORM, JSON, MAX_ECHOED, URL_FIELD, UpscaleInput
from superscaling.errors import MalformedMessage, UnsupportedMedia
from superscaling.pictures import MEDIA_TYPES

Message = TypeVar("Message", bound=UpscaleInput)


def check_encodings(request: Request) -> None:
    """Make sure, before a request's body is read, that it is sent as it is.

    Raises:
        UnsupportedMedia: it is compressed, or encoded in another way.
    """
    if (encoding := request.headers.get("Content-Encoding", "").lower()) not in ("", "identity"):
        raise UnsupportedMedia(f"Content-Encoding {encoding[:MAX_ECHOED]} is not supported: send the body unencoded")
    if (coding := request.headers.get("Transfer-Encoding", "chunked").lower()) != "chunked":
        raise UnsupportedMedia(f"Transfer-Encoding {coding[:MAX_ECHOED]} is not supported: send the body unencoded")


def read_message(request: Request, body: RequestBody, kind: type[Message]) -> tuple[Message, BodyForm]:
    """Read the body of an upscale request and make the message of it.

    Args:
        request: provides the content type and the query parameters.
        body: not read yet.
        kind: of the message.

    Returns:
        The message, and the form that the body had.

    Raises:
        UnsupportedMedia: the body is not what the content type says, or nothing that can be read.
        MalformedMessage: the body, a part of a form or a query parameter is malformed.
        BodyTooLarge, BodyTimeout, ClientGone: the body could not be read.
    """
    data = body.read()
    form = form_of(request, data)
    return parse_message(request, data, form, kind), form


def parse_message(request: Request, data: bytes, form: BodyForm, kind: type[Message]) -> Message:
    """Make the message of a body that is read.

    Args:
        request: as for `read_message`.
        data: the body; of an image file, its beginning is enough to check the options.
        form: of the body.
        kind: of the message.

    Raises:
        MalformedMessage: as `read_message`.
    """
    parameters = _parameters(request)
    match form:
        case BodyForm.JSON:
            if parameters:
                name, _ = parameters[0]
                raise MalformedMessage(f"query parameter {name[:MAX_ECHOED]!r}: options belong in the JSON message")
            return kind.from_json(data)
        case BodyForm.FORM:
            image, parts = read_form(data, _boundary(request, data), URL_FIELD not in request.args)
            return kind.from_bytes(image, _options([*parameters, *parts]))
        case BodyForm.BYTES:
            return kind.from_bytes(data, _options(parameters))


def query_options(request: Request) -> dict[str, str]:
    """The query parameters of a request.

    Raises:
        MalformedMessage: a parameter is given more than once.
    """
    return _options(_parameters(request))


def form_of(request: Request, data: bytes) -> BodyForm:
    """The form of a body: what its content type says, or, if that says nothing, what it looks like.

    Args:
        request: as for `read_message`.
        data: the body, or its first `HEAD_BYTES`.

    Raises:
        MalformedMessage: it is empty, and no parameter says where the image is.
        UnsupportedMedia: it looks like something else than the content type says, or like nothing that can be read.
    """
    if not data:
        if URL_FIELD in request.args:
            return BodyForm.BYTES
        raise MalformedMessage("the body is empty")
    media_type = request.mimetype
    seen = recognise(data)
    if media_type == JSON:
        said = BodyForm.JSON
    elif media_type == FORM:
        said = BodyForm.FORM
    elif media_type.startswith("image/"):
        said = BodyForm.BYTES
    else:
        said = seen or _file(media_type, data)
    if seen is not None and seen is not said:
        hint = "its own media type" if seen is BodyForm.BYTES else seen.value
        raise UnsupportedMedia(
            f"Content-Type is {media_type[:MAX_ECHOED]}, but the body is {found(data)}: send it as {hint}"
        )
    if said is BodyForm.BYTES and (text := encoded_image(data)):
        raise UnsupportedMedia(f'the body is {text}: send the file itself, or JSON, {{"imageBase64": "…"}}')
    return said


def _file(media_type: str, data: bytes) -> BodyForm:
    """What is unknown is taken for an image file, whose format is reported as not supported, unless it is text.

    Raises:
        UnsupportedMedia: it is text, and not sent as a file.
    """
    if media_type == BYTES or encoded_image(data) or not is_text(data):
        return BodyForm.BYTES
    types = ", ".join(MEDIA_TYPES)
    raise UnsupportedMedia(
        f"Content-Type is {media_type[:MAX_ECHOED] or 'missing'}, and the body is text, but not a JSON message:"
        f" send {JSON}, {FORM}, or the image file itself as {types} or {BYTES}"
    )


def _boundary(request: Request, data: bytes) -> bytes:
    """The boundary of a form: that of the content type, or, if that has none, that of the first line.

    Raises:
        MalformedMessage: there is none, or they differ.
    """
    given = request.mimetype_params.get("boundary", "").encode("latin-1", errors="replace")
    seen = boundary_in(data)
    if given and seen not in (None, given):
        raise MalformedMessage("the boundary in Content-Type is not that of the body: let your client set this header")
    if boundary := given or seen:
        return boundary
    raise MalformedMessage(f"{FORM} without a boundary in Content-Type, and the body begins with none")


def _parameters(request: Request) -> list[tuple[str, str]]:
    return [(name, value) for name, values in request.args.lists() for value in values]


def _options(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in pairs:
        if name in options:
            raise MalformedMessage(f"option {name[:MAX_ECHOED]!r} is given more than once")
        options[name] = value
    return options
