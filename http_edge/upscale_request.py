"""An upscale request to a message: JSON, a form, or plain bytes with query parameters."""

from collections.abc import Iterable
from enum import Enum, auto

from flask import Request

from http_edge.negotiation import JSON
from http_edge.request_body import RequestBody
from http_edge.upscale_form import FORM, read_form
from message_protocol import MAX_ECHOED, UpscaleInput
from superscaling.errors import MalformedMessage, UnsupportedMedia
from superscaling.pictures import FORMATS

BYTES = "application/octet-stream"


class BodyForm(Enum):
    """The form of a request."""

    JSON = auto()
    FORM = auto()
    BYTES = auto()


def body_form_of(request: Request) -> BodyForm:
    """The form of a request, by its headers.

    Raises:
        UnsupportedMedia: it is none that is read.
    """
    if (encoding := request.headers.get("Content-Encoding", "identity")) != "identity":
        raise UnsupportedMedia(f"Content-Encoding {encoding[:MAX_ECHOED]} is not read: send the body as it is")
    if (coding := request.headers.get("Transfer-Encoding", "chunked").lower()) != "chunked":
        raise UnsupportedMedia(f"Transfer-Encoding {coding[:MAX_ECHOED]} is not read: send the body as it is")
    media_type = request.mimetype
    if media_type == JSON:
        return BodyForm.JSON
    if media_type == FORM:
        return BodyForm.FORM
    if media_type == BYTES or media_type.startswith("image/"):
        return BodyForm.BYTES
    raise UnsupportedMedia(
        f"Content-Type is {media_type[:MAX_ECHOED] or 'missing'}: send {JSON}, {FORM}, or the image file itself as"
        f" {', '.join(each.media_type for each in FORMATS.values())} or {BYTES}"
    )


def read_message(request: Request, body_form: BodyForm, body: RequestBody) -> UpscaleInput:
    """Read the body and make the message of it.

    Args:
        request: for its query parameters.
        body_form: from `body_form_of`.
        body: not read yet.

    Raises:
        MalformedMessage: body, parts or query parameters are wrong.
        BodyTooLarge, BodyTimeout, ClientGone: see `RequestBody.read`.
    """
    parameters = _parameters(request)
    if body_form is BodyForm.JSON and parameters:
        name, _ = parameters[0]
        raise MalformedMessage(f"query parameter {name[:MAX_ECHOED]!r}: options belong into the JSON message")
    data = body.read()
    if not data:
        raise MalformedMessage("the body is empty")
    match body_form:
        case BodyForm.JSON:
            return UpscaleInput.from_json(data)
        case BodyForm.FORM:
            image, parts = read_form(data, request.mimetype_params.get("boundary"))
            return UpscaleInput.from_bytes(image, _options([*parameters, *parts]))
        case BodyForm.BYTES:
            return UpscaleInput.from_bytes(data, _options(parameters))


def query_options(request: Request) -> dict[str, str]:
    """The query parameters of a request.

    Raises:
        MalformedMessage: one is given more than once.
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
