"""Messages to responses."""

from collections.abc import Iterator

from flask import Response

from http_edge.negotiation import JSON, AnswerForm
from image_codec import FORMATS
from message_protocol import UpscaleOutput
from super_resolution.engine import EngineFacts
from super_resolution.work import Work

# Bytes of an answer handed to the server at a time; the write timeout holds for each.
CHUNK = 1 << 20


def json_answer(text: str) -> Response:
    """A JSON document."""
    return Response(text, mimetype=JSON)


def upscale_answer(output: UpscaleOutput, form: AnswerForm, work: Work, facts: EngineFacts) -> Response:
    """The enlarged image in the form that the client accepts."""
    data = output.to_json().encode() if form.json else output.image
    response = Response(_chunks(data), mimetype=JSON if form.json else FORMATS[output.format].media_type)
    response.content_length = len(data)
    response.headers["X-Upscaler-Model"] = str(facts)
    response.headers["X-Result-Width"] = str(output.width)
    response.headers["X-Result-Height"] = str(output.height)
    if output.notes:
        response.headers["X-Upscaler-Notes"] = "; ".join(output.notes)
    response.headers["Server-Timing"] = ", ".join(
        f"{name};dur={work.seconds[name] * 1000:.1f}" for name in ("queue", "decode", "infer", "encode")
    )
    return response


def _chunks(data: bytes) -> Iterator[bytes]:
    view = memoryview(data)
    for start in range(0, len(data), CHUNK):
        yield bytes(view[start : start + CHUNK])
