"""Reading what requests about jobs say: the image, who asks, and in which form."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from flask import g, request

from http_edge.access.client import Client
from http_edge.gunicorn_worker import Connection
from http_edge.job_events import JobEvents, JobWatch
from http_edge.job_reading import JobReading, JobRequest
from http_edge.negotiation import negotiate
from http_edge.places import MAX_UPLOADS, places_to_send
from http_edge.preferences import IDEMPOTENCY_KEY, KEEP, RESPOND_ASYNC, idempotency_key, prefers
from http_edge.reading import check_encodings
from http_edge.recognition import BodyForm
from http_edge.request_body import BodyLimits
from http_edge.request_lifecycle import RequestLifecycle
from resource_jobs import Asker
from superscaling.errors import OwnerMissing
from superscaling.settings import Settings


class JobRequests:
    """Reads the current request, which is about a job.

    Args:
        lifecycle: of all requests.
        watch: looks at jobs for those who watch them.
        settings: limits of bodies, and where the owner is named.
    """

    def __init__(self, lifecycle: RequestLifecycle, watch: JobWatch, settings: Settings) -> None:
        self._lifecycle = lifecycle
        self._watch = watch
        self._owner_header = settings.jobs_owner_header
        self._uploads = places_to_send(MAX_UPLOADS, "images for jobs", "try again later")
        self._small = BodyLimits(settings.max_body_bytes, settings.read_timeout, as_job=settings.jobs_max_body_bytes)
        self._large = BodyLimits(
            max(settings.max_body_bytes, settings.jobs_max_body_bytes),
            max(settings.read_timeout, settings.jobs_body_timeout),
            size_setting="jobs_max_body_bytes",
            seconds_setting="jobs_body_timeout",
        )

    @contextlib.contextmanager
    def read(self, scratch: Path) -> Iterator[JobRequest]:
        """Read a request for a job. Its file is there, and a request slot held, until the block inside ends.

        While the body arrives, the request has a place among the uploads: slow ones leave the slots to others.

        Args:
            scratch: a directory for the file.

        Raises:
            TooManyRequests: too many bodies arrive at the moment, or there was no slot in time afterwards.
            StoreUnavailable: the file can't be written there.
            ServiceError: as `RequestLifecycle.read`.
        """
        check_encodings(request)
        accepted = negotiate(request.headers.get("Accept", ""))
        reading = JobReading(request, g.body, self._small, self._large, scratch)
        with contextlib.ExitStack() as stack:
            with self._uploads.held():
                stack.enter_context(reading.received())
                stack.enter_context(self._lifecycle.slot())
            sent = reading.read()
            self._lifecycle.use_model(sent.message.model, sent.message.strength)
            message = self._lifecycle.with_image(sent.message)
            name = accepted.answer_form(sent.form is BodyForm.JSON).format_for(message)
            yield replace(sent, message=message.model_copy(update={"format": name}))

    def prefers_async(self) -> bool:
        """Whether the request wants to be done as a job."""
        return prefers(RESPOND_ASYNC, request.headers.get("Prefer", ""))

    def keeping_for(self) -> Asker | None:
        """For whom the result of the request is kept; None: nobody wants that, or it is not known for whom."""
        if prefers(KEEP, request.headers.get("Prefer", "")):
            with contextlib.suppress(OwnerMissing):
                return Asker(self.owner(), g.request_id)
        return None

    def asker(self) -> Asker:
        """Who sends a request for a job.

        Raises:
            OwnerMissing: the request does not say.
            MalformedMessage: its Idempotency-Key is invalid.
        """
        return Asker(self.owner(), g.request_id, idempotency_key(request.headers.get(IDEMPOTENCY_KEY)))

    def owner(self) -> str:
        """Whose jobs the request may see; empty if the service knows no owners.

        Raises:
            OwnerMissing: the service knows owners, but the request names none.
        """
        client: Client = g.client
        if client.owner or not self._owner_header:
            return client.owner
        if owner := request.headers.get(self._owner_header, "").strip():
            return owner
        raise OwnerMissing(
            "jobs belong to users here, and this request names none: send it through the proxy that knows the users"
        )

    def wants_events(self) -> bool:
        """Whether the request wants a stream of events rather than JSON."""
        accepted = negotiate(request.headers.get("Accept", ""))
        return accepted.stream > accepted.json and request.method != "HEAD"

    def events(self, job_id: str) -> JobEvents:
        """The events of a job, until it has ended, the client has left, or the service stops.

        Raises:
            OwnerMissing: as `owner`.
            ServiceError: as `JobEvents`.
        """
        is_gone, shutdown = Connection(request.environ).is_gone, self._lifecycle.shutdown
        return JobEvents(
            self._watch, self.owner(), job_id, g.request_id, is_gone, lambda: shutdown.seconds_left < math.inf
        )
