"""What happens around every request: its id, its slot, its body, its headers, its line in the log."""

import functools
import re
import uuid
from collections.abc import Callable

from flask import Flask, Response, g, request

from http_edge.chunks import Chunks
from http_edge.event_stream import EventStream
from http_edge.gunicorn_worker import Connection
from http_edge.metrics import Metrics
from http_edge.negotiation import AnswerForm, negotiate
from http_edge.problems import register_problems
from http_edge.request_body import RequestBody
from http_edge.request_log import RequestLog
from http_edge.shutdown import ShutdownDeadline
from http_edge.slots import Slots
from http_edge.stream_events import StreamEvents
from http_edge.tile_metrics import TileMetrics
from http_edge.upscale_request import BodyForm, body_form_of, query_options, read_message
from message_protocol import UpscaleInput
from superscaling.scheduling import Deadline, ProgressListener, Timings
from superscaling.settings import Settings

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class RequestLifecycle:
    """Installs itself around the routes of `app`, and reads their requests.

    `shutdown`: for whoever ends the service.

    Args:
        app: the Flask application.
        settings: limits and timeouts.
        metrics: of the service.
        seconds_until_free: estimates when the first of the requests that are held will end.
        guarded: the endpoint that takes a slot, before its body is read.
    """

    def __init__(
        self, app: Flask, settings: Settings, metrics: Metrics, seconds_until_free: Callable[[], float], guarded: str
    ) -> None:
        self.shutdown = ShutdownDeadline(settings.timeout)
        self._settings = settings
        self._metrics = metrics
        self._guarded = guarded
        self._slots = Slots(settings.max_requests, seconds_until_free)
        register_problems(app)
        app.before_request(self._begin)
        app.after_request(self._end)

    def read(self) -> tuple[UpscaleInput, AnswerForm]:
        """Read the current request: the message, and the form of its answer.

        Raises:
            UnsupportedMedia, NotAcceptable: seen in the headers, before the body is read.
            MalformedMessage, BodyTooLarge, BodyTimeout, ClientGone: see `read_message`.
        """
        body_form = body_form_of(request)
        form = negotiate(request.headers.get("Accept", ""), sent_json=body_form is BodyForm.JSON)
        message = read_message(request, body_form, g.body)
        form.check(message)
        return message.model_copy(update={"format": form.format_for(message)}), form

    def query(self) -> dict[str, str]:
        """The current request's query parameters.

        Raises:
            MalformedMessage: one is given more than once.
        """
        return query_options(request)

    @property
    def timings(self) -> Timings:
        """The current request's timings, which are logged and counted once it is answered."""
        timings: Timings = g.request_log.timings
        return timings

    def deadline(self) -> Deadline:
        """The deadline of the current request, from now."""
        return Deadline(
            self._settings.timeout,
            "timeout",
            Connection(request.environ).is_gone,
            lambda: self.shutdown.seconds_left,
        )

    def listener(self) -> ProgressListener:
        """What listens to the progress of the current request."""
        return TileMetrics(self._metrics)

    def stream(self, message: UpscaleInput) -> tuple[StreamEvents, Deadline, ProgressListener]:
        """The same for a request that is answered as a stream: its events, deadline and listener."""
        events = StreamEvents(g.request_id, message.tiles)
        is_gone = Connection(request.environ).is_gone
        deadline = Deadline(
            self._settings.stream_timeout,
            "stream_timeout",
            lambda: events.stop.is_set() or is_gone(),
            lambda: self.shutdown.seconds_left,
        )
        return events, deadline, TileMetrics(self._metrics, events)

    def _begin(self) -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        g.request_log = RequestLog(g.request_id, request.method, request.path)
        g.body = RequestBody(request.environ, self._settings.max_body_bytes, self._settings.read_timeout)
        g.has_slot = False
        g.is_guarded = request.endpoint == self._guarded and request.method == "POST"  # Flask answers OPTIONS, too
        if g.is_guarded:
            self._slots.take()
            g.has_slot = True
            self._metrics.request_begins()

    def _end(self, response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        connection = Connection(request.environ)
        connection.set_write_timeout(self._settings.read_timeout)
        if not g.body.is_complete:
            connection.close_after_answer()
        if g.has_slot:
            # Once the answer is sent, whether the client took it or not.
            response.call_on_close(self._give_back)
        metrics = self._metrics if g.is_guarded else None
        finish = functools.partial(g.request_log.finish, response.status_code, metrics)
        if isinstance(response.response, Chunks | EventStream):
            body = response.response
            response.call_on_close(lambda: finish(body.error))
        else:
            finish(g.get("problem"))
        return response

    def _give_back(self) -> None:
        self._slots.give_back()
        self._metrics.request_ends()
