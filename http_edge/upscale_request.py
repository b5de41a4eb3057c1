"""An upscale request to a message: JSON, or plain bytes with query parameters."""

from collections.abc import Mapping

from flask import Request

from errors import MalformedMessage, UnsupportedMedia
from http_edge.negotiation import JSON
from http_edge.request_body import RequestBody
from image_codec import FORMATS
from message_protocol import MOST_ECHOED, UpscaleInput

BYTES = "application/octet-stream"


def is_json(request: Request) -> bool:
    """Whether the request carries a JSON message, else the image file itself.

    Raises:
        UnsupportedMedia: it carries neither.
    """
    if (encoding := request.headers.get("Content-Encoding", "identity")) != "identity":
        raise UnsupportedMedia(f"Content-Encoding {encoding[:MOST_ECHOED]} is not read: send the body as it is")
    if (coding := request.headers.get("Transfer-Encoding", "chunked").lower()) != "chunked":
        raise UnsupportedMedia(f"Transfer-Encoding {coding[:MOST_ECHOED]} is not read: send the body as it is")
    media_type = request.mimetype
    if media_type == JSON:
        return True
    if media_type == BYTES or media_type.startswith("image/"):
        return False
    raise UnsupportedMedia(
        f"Content-Type is {media_type[:MOST_ECHOED] or 'missing'}: send {JSON}, or the image file itself as"
        f" {', '.join(each.media_type for each in FORMATS.values())} or {BYTES}"
    )


def read_message(request: Request, body: RequestBody) -> UpscaleInput:
    """Read the body and make the message of it.

    Raises:
        MalformedMessage: body or query parameters are wrong.
        BodyTooLarge, BodyTimeout, ClientGone: see `RequestBody.read`.
    """
    sent_json = is_json(request)
    options = _options(request)
    if sent_json and options:
        name = next(iter(options))[:MOST_ECHOED]
        raise MalformedMessage(f"query parameter {name!r}: options belong into the JSON message")
    data = body.read()
    if not data:
        raise MalformedMessage("the body is empty")
    return UpscaleInput.from_json(data) if sent_json else UpscaleInput.from_bytes(data, options)


def _options(request: Request) -> Mapping[str, str]:
    for name, values in request.args.lists():
        if len(values) > 1:
            raise MalformedMessage(f"query parameter {name[:MOST_ECHOED]!r} is given {len(values)} times")
    return request.args.to_dict()
