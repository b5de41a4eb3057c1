"""Messages to responses."""

from collections.abc import Callable

from flask import Response

from http_edge.chunks import Chunks
from http_edge.event_stream import EventStream
from http_edge.negotiation import EVENTS, JSON, AnswerForm
from http_edge.stream_events import StreamEvents
from message_protocol import UpscaleOutput
from superscaling.engines import EngineFacts
from superscaling.pictures import FORMATS
from superscaling.scheduling import SPANS, Timings

MODEL_HEADER = "X-Upscaler-Model"


def json_answer(text: str) -> Response:
    """A JSON document."""
    return Response(text, mimetype=JSON)


def upscale_answer(output: UpscaleOutput, form: AnswerForm, timings: Timings, facts: EngineFacts) -> Response:
    """The enlarged image in the form that the client accepts."""
    data = output.to_json().encode() if form.json else output.image
    response = Response(Chunks(data), mimetype=JSON if form.json else FORMATS[output.format].media_type)
    response.content_length = len(data)
    response.headers[MODEL_HEADER] = str(facts)
    response.headers["X-Result-Width"] = str(output.width)
    response.headers["X-Result-Height"] = str(output.height)
    if output.notes:
        response.headers["X-Upscaler-Notes"] = "; ".join(output.notes)
    response.headers["Server-Timing"] = ", ".join(f"{span};dur={timings.seconds[span] * 1000:.1f}" for span in SPANS)
    return response


def text_answer(text: str, content_type: str) -> Response:
    """Plain text of some kind."""
    return Response(text, content_type=content_type)


def stream_answer(call: Callable[[], UpscaleOutput], events: StreamEvents, facts: EngineFacts) -> Response:
    """The events of a streamed request.

    Raises:
        Exception: whatever `call` raises before the first event.
    """
    response = Response(EventStream(events, call), content_type=f"{EVENTS}; charset=utf-8")
    response.headers[MODEL_HEADER] = str(facts)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would wait for more
    return response
