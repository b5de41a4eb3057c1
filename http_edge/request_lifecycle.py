"""The life of every request: its id, its slot, reading it, its deadline, the headers and the end of its answer."""

import contextlib
import functools
import re
import uuid
from collections.abc import Callable, Collection, Iterator

from flask import Flask, Response, g, request

from http_edge.answers import X_REQUEST_ID, X_UPSCALER_MODEL, Chunks, Parts
from http_edge.gunicorn_worker import Connection
from http_edge.job_events import JobEvents
from http_edge.metrics import Metrics, TileMetrics
from http_edge.negotiation import AnswerForm, negotiate
from http_edge.places import request_slots
from http_edge.problems import register_problems
from http_edge.reading import Message, check_encodings, query_options, read_message
from http_edge.recognition import BodyForm
from http_edge.request_body import BodyLimits, RequestBody
from http_edge.request_log import RequestLog
from http_edge.shutdown import ShutdownDeadline
from http_edge.streaming import EventStream, StreamEvents
from message_protocol import UpscaleInput
from superscaling import tracing
from superscaling.enlarging import LoadedModels
from superscaling.scheduling import Deadline, ProgressListener, Timings
from superscaling.settings import Settings

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class RequestLifecycle:
    """Hooks into every request of `app`, and reads requests for its routes.

    `shutdown` is to be told when the service stops.

    Args:
        app: the Flask application.
        settings: limits and timeouts.
        models: that requests may ask for.
        metrics: of the service.
        seconds_until_free: estimates the seconds until the first of the admitted images is finished.
        guarded: the endpoints whose POST requests take a slot, before their bodies are read.
        orders: the endpoints whose POST requests ask for jobs, and are counted as such.
    """

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        models: LoadedModels,
        metrics: Metrics,
        seconds_until_free: Callable[[], float],
        guarded: Collection[str],
        orders: Collection[str] = (),
    ) -> None:
        self.shutdown = ShutdownDeadline(settings.timeout)
        self._settings = settings
        self._models = models
        self._metrics = metrics
        self._guarded = guarded
        self._orders = orders
        as_job = settings.jobs_max_body_bytes if settings.jobs_store else 0
        self._limits = BodyLimits(settings.max_body_bytes, settings.read_timeout, as_job=as_job)
        self._slots = request_slots(settings.max_requests, seconds_until_free)
        register_problems(app)
        app.before_request(self._begin)
        app.after_request(self._end)
        app.teardown_request(lambda _: tracing.activate(tracing.NO_SPAN))  # the thread takes another request

    def _begin(self) -> None:
        given = request.headers.get(X_REQUEST_ID, "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        route = request.url_rule.rule if request.url_rule else ""
        parent = request.headers.get("Traceparent")
        g.request_log = RequestLog(g.request_id, request.method, request.path, route, parent)
        tracing.activate(g.request_log.span)
        g.body = RequestBody(request.environ, self._limits)
        g.has_slot = False
        g.count = None
        if request.method != "POST":  # Flask routes OPTIONS here, too
            return
        if request.endpoint in self._orders:
            g.count = self._metrics.job_request_answered
        elif request.endpoint in self._guarded:
            g.count = self._metrics.answered
            self._take()
            g.has_slot = True

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """A request slot, which is waited for: the body of the current request has already arrived.

        Raises:
            TooManyRequests: there was none in time.
            ClientGone: the client has disconnected while it waited.
        """
        self._take(self._settings.read_timeout)
        try:
            yield
        finally:
            self._give_back()

    def read(self, kind: type[Message], prefers_json: bool = False) -> tuple[Message, AnswerForm]:
        """Read the current request: the message, and the form of its answer.

        Args:
            kind: of the message.
            prefers_json: whether to answer with JSON if `Accept` leaves the choice; otherwise as the request was sent.

        Raises:
            UnsupportedMedia, NotAcceptable: by the headers, before the body is read, or by what the body is.
            MalformedMessage, BodyTooLarge, BodyTimeout, ClientGone: the body could not be read or is malformed.
            UnknownModel, StrengthNotOffered: the model that the message asks for is not loaded, or has no strength.
        """
        check_encodings(request)
        accepted = negotiate(request.headers.get("Accept", ""))
        message, sent = read_message(request, g.body, kind)
        self.use_model(message.model, message.strength)
        form = accepted.answer_form(prefers_json or sent is BodyForm.JSON)
        form.check(message)
        return message.model_copy(update={"format": form.format_for(message)}), form

    def use_model(self, name: str | None, strength: float) -> None:
        """Name what the current request asks for in its answer's header, in the log, and the model in the metrics.

        Args:
            name: of a model; None: the default.
            strength: from 0 to 1.

        Raises:
            UnknownModel, StrengthNotOffered: the model is not loaded, or has no strength to choose.
        """
        facts = self._models.chosen(name, strength).facts
        g.model_header = str(facts)
        g.request_log.model, g.request_log.strength = facts.model, facts.strength

    def query(self) -> dict[str, str]:
        """The query parameters of the current request.

        Raises:
            MalformedMessage: a parameter is given more than once.
        """
        return query_options(request)

    @property
    def timings(self) -> Timings:
        """The current request's timings, which are logged and counted once it is answered."""
        timings: Timings = g.request_log.timings
        return timings

    def deadline(self) -> Deadline:
        """The deadline of the current request, from now."""
        settings, is_gone = self._settings, Connection(request.environ).is_gone
        return self._deadline(settings.timeout, "timeout", is_gone, stream_seconds=settings.stream_timeout)

    def listener(self) -> ProgressListener:
        """What listens to the progress of the current request."""
        return TileMetrics(self._metrics, g.request_log.model)

    def stream(self, message: UpscaleInput) -> tuple[StreamEvents, Deadline, ProgressListener]:
        """The same for a request that is answered as a stream: its events, deadline and listener."""
        events = StreamEvents(g.request_id, message.tiles)
        is_gone = Connection(request.environ).is_gone
        seconds, setting = self._settings.stream_timeout, "stream_timeout"
        deadline = self._deadline(seconds, setting, lambda: events.stop.is_set() or is_gone())
        return events, deadline, TileMetrics(self._metrics, g.request_log.model, events)

    def _deadline(
        self, seconds: float, setting: str, is_client_gone: Callable[[], bool], stream_seconds: float = 0.0
    ) -> Deadline:
        return Deadline(
            seconds,
            setting,
            is_client_gone,
            lambda: self.shutdown.seconds_left,
            stream_seconds,
            bool(self._settings.jobs_store),
        )

    def _end(self, response: Response) -> Response:
        response.headers[X_REQUEST_ID] = g.request_id
        if "model_header" in g:
            response.headers[X_UPSCALER_MODEL] = g.model_header
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        connection = Connection(request.environ)
        if not g.body.is_complete:
            connection.close_after_answer()
        if g.has_slot:
            # When the answer has been sent, or the client has disconnected.
            response.call_on_close(self._give_back)
        finish = functools.partial(g.request_log.finish, response.status_code, g.count)
        if isinstance(response.response, Chunks | EventStream | JobEvents | Parts):
            body = response.response
            connection.wait_while_sending()
            response.call_on_close(lambda: finish(body.error))
        else:
            finish(g.get("problem"))
        return response

    def _take(self, seconds: float = 0.0) -> None:
        self._slots.take(seconds, Connection(request.environ).is_gone)
        self._metrics.request_begins()

    def _give_back(self) -> None:
        self._slots.give_back()
        self._metrics.request_ends()
