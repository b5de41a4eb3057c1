"""The life of every request: its id, rates and slot, its reading, its deadline, headers and end of its answer."""

import contextlib
import functools
import re
import uuid
from collections.abc import Callable, Collection, Iterator

from flask import Flask, Response, g, request

from http_edge.access.entrance import Entrance
from http_edge.answers import X_REQUEST_ID, X_UPSCALER_MODEL, Chunks, Parts
from http_edge.gunicorn_worker import Connection
from http_edge.job_events import JobEvents
from http_edge.metrics import Metrics, TileMetrics
from http_edge.negotiation import AnswerForm, negotiate
from http_edge.originals import wants_original
from http_edge.places import (
    MAX_FAILED_FETCHES,
    MAX_FETCHES,
    MAX_PATIENT,
    MAX_RETURNED,
    PATIENCE,
    Places,
    places_to_fetch,
    request_slots,
)
from http_edge.problems import register_problems
from http_edge.reading import Message, check_encodings, query_options, read_message
from http_edge.recognition import BodyForm
from http_edge.request_body import BodyLimits, RequestBody
from http_edge.request_log import RequestLog
from http_edge.shutdown import ShutdownDeadline
from http_edge.streaming import EventStream, StreamEvents
from message_protocol import UpscaleInput
from outbound.fetching import ImageFetcher
from superscaling import tracing
from superscaling.api_keys import KeyRefused, redacted
from superscaling.api_keys_file import ApiKeysFile
from superscaling.enlarging import LoadedModels
from superscaling.errors import TooManyRequests
from superscaling.scheduling import Budget, Deadline, ProgressListener, Timings
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
        fetcher: of images that requests name by their addresses.
        guarded: the endpoints whose POST requests take a slot, before their bodies are read.
        patient: those of them whose requests wait for it if they want their image in any case.
        orders: the endpoints whose POST requests ask for jobs, and are counted as such. The rates of clients are those
            of both.
        api_keys: of which requests need one; None: they need none.
    """

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        models: LoadedModels,
        metrics: Metrics,
        seconds_until_free: Callable[[], float],
        fetcher: ImageFetcher,
        guarded: Collection[str],
        patient: Collection[str] = (),
        orders: Collection[str] = (),
        api_keys: ApiKeysFile | None = None,
    ) -> None:
        self.shutdown = ShutdownDeadline(settings.timeout)
        self._settings = settings
        self._models = models
        self._metrics = metrics
        self._guarded = guarded
        self._patient_endpoints = patient
        self._orders = orders
        as_job = settings.jobs_max_body_bytes if settings.jobs_store else 0
        self._limits = BodyLimits(settings.max_body_bytes, settings.read_timeout, as_job=as_job)
        self._entrance = Entrance(settings, api_keys, self._key_refused, metrics.rate_store_answers)
        self._slots = request_slots(settings.max_requests, seconds_until_free)
        self._patient = self._slots.beside(MAX_PATIENT)
        self._returned = self._slots.beside(MAX_RETURNED)
        self._fetcher = fetcher
        self._fetches = places_to_fetch(MAX_FETCHES)
        self._failed_fetches = places_to_fetch(MAX_FAILED_FETCHES)
        register_problems(app)
        app.before_request(self._begin)
        app.after_request(self._end)
        app.teardown_request(lambda _: tracing.activate(tracing.NO_SPAN))  # the thread takes another request

    def _begin(self) -> Response | None:
        given = request.headers.get(X_REQUEST_ID, "")
        is_id = REQUEST_ID.fullmatch(given) and redacted(given) == given  # it is logged
        g.request_id = given if is_id else uuid.uuid4().hex
        route = request.url_rule.rule if request.url_rule else ""
        parent = request.headers.get("Traceparent")
        g.request_log = RequestLog(g.request_id, request.method, request.path, route, parent)
        tracing.activate(g.request_log.span)
        address = self._entrance.address(request)
        g.request_log.address = None if address is None else str(address)
        g.body = RequestBody(request.environ, self._limits)
        g.has_slot, g.refusal = False, None
        is_post = request.method == "POST"  # Flask routes OPTIONS here, too
        takes_slot = is_post and request.endpoint in self._guarded
        g.count = None
        if is_post and request.endpoint in self._orders:
            g.count = self._metrics.job_request_answered
        elif takes_slot:
            g.count = self._metrics.answered
        client = self._entrance.check(request, address)
        if isinstance(client, Response):
            return client
        g.client = g.request_log.client = client
        if g.count is None:
            return None
        g.rates = self._entrance.rates(client)
        g.rates.count_request()
        if takes_slot and request.endpoint in self._patient_endpoints and wants_original(request):
            self._take_patiently()
        elif takes_slot:
            self._take()
        return None

    def check_slot(self) -> None:
        """Make sure that the current request has a slot. One that wants its image in any case may be read without.

        Raises:
            TooManyRequests: it has none.
        """
        if g.refusal is not None:
            raise g.refusal

    def begin_conversion(self) -> None:
        """Let the current request, whose answer is a result that is converted for it, be one of those with a slot.

        It counts in its client's rate of requests.

        Raises:
            TooManyRequests: there is no slot.
            RateExceeded: the client has sent too many requests.
        """
        g.count = self._metrics.converted
        g.rates = self._entrance.rates(g.client)
        g.rates.count_request()
        self._take()

    def _key_refused(self, refusal: KeyRefused) -> None:
        self._metrics.access.unauthorized(refusal.reason)
        g.request_log.key_refused = refusal

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
            if g.has_slot:  # not if it was left for an image that could not be fetched
                self._leave()

    def read(self, kind: type[Message], prefers_json: bool = False) -> tuple[Message, AnswerForm]:
        """Read the current request: the message, and the form of its answer.

        Args:
            kind: of the message.
            prefers_json: whether to answer with JSON if `Accept` leaves the choice; otherwise as the request was sent.

        Raises:
            UnsupportedMedia, NotAcceptable: by the headers, before the body is read, or by what the body is.
            MalformedMessage, BodyTooLarge, BodyTimeout, ClientGone: the body could not be read or is malformed.
            UnknownModel, StrengthNotOffered: the model that the message asks for is not loaded, or has no strength.
            UrlNotFetched, TooManyRequests: as `with_image`.
        """
        check_encodings(request)
        accepted = negotiate(request.headers.get("Accept", ""))
        message, sent = read_message(request, g.body, kind)
        self.use_model(message.model, message.strength)
        form = accepted.answer_form(prefers_json or sent is BodyForm.JSON)
        form.check(message)
        message = self.with_image(message)
        return message.model_copy(update={"format": form.format_for(message)}), form

    def with_image(self, message: Message) -> Message:
        """A message with its image, which is fetched if the message names an address.

        Meanwhile the request has a place among those that are fetched, and its slot is left to others. As with a body,
        the deadline of the request begins afterwards. A failed fetch leaves its place before it waits.

        Raises:
            MalformedMessage: the address is none.
            UrlNotFetched: the image can't be had.
            TooManyRequests: too many images are being fetched, or there was no slot in time afterwards.
            ClientGone: the client hung up.
        """
        if message.image_url is None:
            return message
        self.check_slot()
        with self._fetches.held(self._failed_fetches) as exchange:
            self._leave()
            image = self._fetcher.fetch(message.image_url, g.request_id, Connection(request.environ).is_gone, exchange)
            self._take(self._settings.read_timeout)
        return message.model_copy(update={"image": image})

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

    @property
    def budget(self) -> Budget:
        """The pixels that the client of the current request, which has an image, may still have enlarged."""
        budget: Budget = g.rates
        return budget

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
        if "rates" in g:
            response.headers.update(g.rates.headers())
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        self._entrance.tell(request, response)
        connection = Connection(request.environ)
        if not g.body.is_complete:
            connection.close_after_answer()
        if g.has_slot:
            # When the answer has been sent, or the client has disconnected.
            response.call_on_close(self._give_back)
        if g.refusal is not None:
            response.call_on_close(self._returned.give_back)
        finish = functools.partial(g.request_log.finish, response.status_code, g.count)
        failure = g.get("problem")
        if isinstance(response.response, Chunks | EventStream | JobEvents | Parts):
            body = response.response
            connection.wait_while_sending()
            response.call_on_close(lambda: finish(body.error or failure))
        else:
            finish(failure)
        return response

    def _take(self, seconds: float = 0.0, otherwise: Places | None = None) -> None:
        """Take a slot, or a place `otherwise`."""
        g.has_slot = self._slots.take(seconds, Connection(request.environ).is_gone, otherwise) is self._slots
        if g.has_slot:
            self._metrics.request_begins()

    def _take_patiently(self) -> None:
        """Take a slot; if there is none in time, a slot or a place to send the image back. See `check_slot`.

        Raises:
            TooManyRequests: there is neither, or too many requests wait.
            ClientGone: the client has disconnected while it waited.
        """
        with self._patient.held():
            try:
                self._take(PATIENCE)
            except TooManyRequests as exc:
                self._take(PATIENCE, self._returned)
                g.refusal = None if g.has_slot else exc

    def _leave(self) -> None:
        """Give the slot back before the request ends."""
        g.has_slot = False
        self._give_back()

    def _give_back(self) -> None:
        self._slots.give_back()
        self._metrics.request_ends()
