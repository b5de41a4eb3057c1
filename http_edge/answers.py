"""Plain answers: messages to responses."""

import time
from collections.abc import Callable, Iterable, Iterator

from flask import Response

from http_edge.negotiation import AnswerForm
from http_edge.preferences import KEEP
from message_protocol import JSON, ImagesUpscaleOutput, UpscaleOutput
from superscaling.errors import ClientGone, ServiceError
from superscaling.pictures import FORMATS
from superscaling.scheduling import SPANS, Timings

X_REQUEST_ID = "X-Request-ID"
X_UPSCALER_MODEL = "X-Upscaler-Model"
X_RESULT_WIDTH = "X-Result-Width"
X_RESULT_HEIGHT = "X-Result-Height"
X_UPSCALER_NOTES = "X-Upscaler-Notes"
X_UPSCALER_JOB = "X-Upscaler-Job"
SERVER_TIMING = "Server-Timing"
PREFERENCE_APPLIED = "Preference-Applied"

# Large answers are made and sent in parts of at most so many bytes.
PART_BYTES = 1 << 20


class Chunks:
    """A large answer as an iterable of parts.

    `error` is a `ClientGone` until the server has sent all of them, then None.

    Args:
        data: the answer.
    """

    def __init__(self, data: bytes) -> None:
        self.error: ServiceError | None = not_taken()
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        view = memoryview(self._data)
        for start in range(0, len(self._data), PART_BYTES):
            yield bytes(view[start : start + PART_BYTES])
        # The server asks for the next part only after it has sent the last one.
        self.error = None


class Parts:
    """An answer that is made while it is sent. `error` is as that of `Chunks`; an error on the way cuts the answer off.

    Args:
        parts: the answer; closed with this, if it can be.
    """

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.error: ServiceError | None = not_taken()
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._parts
        except ServiceError as exc:
            self.error = exc
            raise
        self.error = None

    def close(self) -> None:
        """Close what makes the answer."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()


def not_taken() -> ClientGone:
    """The error of an answer that has not been sent completely."""
    return ClientGone("the client disconnected, or stopped reading, before it had the whole answer")


def json_answer(text: str) -> Response:
    """Answer with a JSON document."""
    return Response(text, mimetype=JSON)


def text_answer(text: str, content_type: str) -> Response:
    """Answer with text of the given content type."""
    return Response(text, content_type=content_type)


def no_content() -> Response:
    """Answer that it is done, and that there is nothing to say."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def images_upscale_json(response_format: str, output: UpscaleOutput) -> str:
    """Write the enlarged image as OpenAI's images API answers, with now as the time of its creation."""
    media_type = FORMATS[output.format].media_type
    return ImagesUpscaleOutput.of(output, media_type, int(time.time()), response_format).to_json()


def upscale_answer(
    output: UpscaleOutput, form: AnswerForm, timings: Timings, to_json: Callable[[UpscaleOutput], str]
) -> Response:
    """Answer with the enlarged image, as JSON, which `to_json` writes, or as an image file."""
    if form.json:
        return _described(large_answer(to_json(output).encode(), JSON), output, timings)
    return image_answer(output, timings)


def image_answer(output: UpscaleOutput, timings: Timings) -> Response:
    """Answer with the image file."""
    return _described(large_answer(output.image, FORMATS[output.format].media_type), output, timings)


def large_answer(data: bytes, media_type: str) -> Response:
    """Answer with bytes, which are sent in parts."""
    response = Response(Chunks(data), mimetype=media_type)
    response.content_length = len(data)
    return response


def _described(response: Response, output: UpscaleOutput, timings: Timings) -> Response:
    """Add the headers of a result."""
    response.headers[X_RESULT_WIDTH] = str(output.width)
    response.headers[X_RESULT_HEIGHT] = str(output.height)
    if output.notes:
        response.headers[X_UPSCALER_NOTES] = "; ".join(output.notes)
    if output.kept:
        response.headers[X_UPSCALER_JOB] = output.kept.id
        response.headers[PREFERENCE_APPLIED] = KEEP
    response.headers[SERVER_TIMING] = ", ".join(f"{span};dur={timings.seconds[span] * 1000:.1f}" for span in SPANS)
    return response
