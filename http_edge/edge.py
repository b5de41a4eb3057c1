"""What happens around every request: its id, its slot, its body, its headers, its line in the log."""

import functools
import json
import logging
import re
import time
import uuid
from http import HTTPStatus

from flask import Flask, Response, g, request

from errors import ServiceError
from http_edge.connection import Connection
from http_edge.negotiation import AnswerForm, negotiate
from http_edge.problems import register_problems
from http_edge.request_body import RequestBody
from http_edge.slots import Slots
from http_edge.upscale_request import Sent, read_message, sent_as
from message_protocol import UpscaleInput
from settings import Settings
from super_resolution.work import Work

access_log = logging.getLogger("access")

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Probes come every few seconds: they are logged only when they fail.
PROBES = {"/ping", "/livez", "/readyz"}


class Edge:
    """Installs itself around the routes of `app`, and reads their requests.

    Args:
        app: the Flask application.
        settings: limits and timeouts.
        guarded: the endpoint that takes a slot, before its body is read.
    """

    def __init__(self, app: Flask, settings: Settings, guarded: str) -> None:
        self._settings = settings
        self._guarded = guarded
        self._slots = Slots(settings.max_requests)
        register_problems(app)
        app.before_request(self._begin)
        app.after_request(self._end)

    def read(self) -> tuple[UpscaleInput, AnswerForm]:
        """Read the current request: the message, and the form of its answer.

        Raises:
            UnsupportedMedia, NotAcceptable: seen in the headers, before the body is read.
            MalformedMessage, BodyTooLarge, BodyTimeout, ClientGone: see `read_message`.
        """
        sent = sent_as(request)
        form = negotiate(request.accept_mimetypes, sent_json=sent is Sent.JSON)
        message = read_message(request, sent, g.body)
        return message.model_copy(update={"format": form.format_for(message)}), form

    def work(self) -> Work:
        """The current request's work: until its deadline, or until the client hangs up."""
        work = Work(self._settings.timeout, "UPSCALER_TIMEOUT", Connection(request.environ).is_gone)
        g.work = work
        return work

    def _begin(self) -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        g.start = time.monotonic()
        g.body = RequestBody(request.environ, self._settings.max_body_bytes, self._settings.read_timeout)
        g.slot = None
        if request.endpoint == self._guarded:
            g.slot = self._slots.take()

    def _end(self, response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        connection = Connection(request.environ)
        connection.set_write_timeout(self._settings.read_timeout)
        if not g.body.is_complete:
            connection.close_after_answer()
        if g.slot is not None:
            # Once the answer is sent, whether the client took it or not.
            response.call_on_close(functools.partial(g.slot.release, worked=response.status_code == HTTPStatus.OK))
        self._log(response)
        return response

    def _log(self, response: Response) -> None:
        if request.path in PROBES and response.status_code < 400:
            return
        work: Work | None = g.get("work")
        problem: ServiceError | None = g.get("problem")
        record: dict[str, object] = {
            "request_id": g.request_id,
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "milliseconds": round((time.monotonic() - g.start) * 1000, 1),
        }
        if work is not None:
            record |= {f"{name}_milliseconds": round(value * 1000, 1) for name, value in work.seconds.items()}
        if problem is not None:
            record |= {"code": problem.code, "detail": problem.detail}
        # As JSON values, so that nothing a client sends can pass for a line or a field of its own.
        text = " ".join(f"{name}={json.dumps(value)}" for name, value in record.items())
        access_log.info(text, extra=record)
