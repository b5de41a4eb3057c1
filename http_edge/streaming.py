"""Streamed answers: server-sent events."""

from collections.abc import Callable

from flask import Response

from http_edge.answers import X_UPSCALER_MODEL
from http_edge.event_stream import EventStream
from http_edge.stream_events import StreamEvents
from message_protocol import EVENTS, UpscaleOutput
from superscaling.engines import EngineFacts


def stream_answer(call: Callable[[], UpscaleOutput], events: StreamEvents, facts: EngineFacts) -> Response:
    """Run `call` and answer with its events.

    Raises:
        Exception: raised by `call` before its first event, so that it can still be answered with its own status.
    """
    response = Response(EventStream(events, call), content_type=f"{EVENTS}; charset=utf-8")
    response.headers[X_UPSCALER_MODEL] = str(facts)
    response.headers["X-Accel-Buffering"] = "no"  # otherwise nginx buffers the stream
    return response
