"""`GET /jobs/<id>/result?format=…`: results in other formats, and results of requests that are kept for that."""

import contextlib
import functools
import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from jobs.keeping import Keeping, kept_bytes, kept_picture
from jobs.ledger import Ledger
from jobs.orders import order_of
from jobs.records import Result
from jobs.store import NotStored
from message_protocol import Kept, ResultInput, UpscaleInput, UpscaleOutput
from resource_job_results import ResourceJobResults, StoredResult, expired
from resource_jobs import Asker, ResourceJobs
from superscaling import tracing
from superscaling.enlarging import EnlargedFile, FileUpscaler
from superscaling.errors import EstimateOverDeadline, ImageTooLarge, StoreUnavailable
from superscaling.format_name import FormatName
from superscaling.geometry import Cost
from superscaling.isolation import Handover
from superscaling.pictures import FORMATS, Limits, Picture, Size, check_can_hold
from superscaling.scheduling import Admission, Deadline, Demand, Timings

log = logging.getLogger("jobs")

# Of a pixel of most results.
RGB_BYTES = 3


class ResourceConversion:
    """Keeps results of requests, and writes results anew.

    Args:
        jobs: knows whose they are.
        results: finds them.
        files: reads and writes image files.
        admission: of pictures in progress, whose memory these share.
        limits: of input pictures and their results.
        keeping: keeps results of requests; None: that is off.
    """

    def __init__(
        self,
        jobs: ResourceJobs,
        results: ResourceJobResults,
        files: FileUpscaler,
        admission: Admission,
        limits: Limits,
        keeping: Keeping | None,
    ) -> None:
        self._jobs = jobs
        self._results = results
        self._files = files
        self._admission = admission
        self._limits = limits
        self._keeping = keeping

    def keeper(self, message: UpscaleInput, asker: Asker) -> "RequestKeeper | None":
        """What keeps the result of a request; None: nothing does."""
        return RequestKeeper(self._keeping, self._files, message, asker) if self._keeping else None

    def main(
        self, owner: str, job_id: str, message: ResultInput, deadline: Deadline, timings: Timings
    ) -> tuple[UpscaleOutput, StoredResult]:
        """A result as the message wants it, and the result as it is stored.

        One whose picture was kept is what `/upscale` would have answered. Others are decoded and written again.

        Raises:
            ServiceError: as `ResourceJobResults.main`, `FileUpscaler.inspect_alone` and `write`.
            ImageTooLarge: it has more pixels than results of requests.
            FormatCannotHold: the format can't store it.
            EstimateOverDeadline: writing it would take too long.
            QueueFull: there is no memory for it beside the pictures in progress.
        """
        stored = self._results.main(owner, job_id)
        result, ledger = stored.result, self._jobs.ledger
        options = message.on(ledger.known_job(job_id).options, result.format)
        name = message.format or result.format
        # Of animations and pages, the first one's size says little.
        stored_bytes = max(kept_bytes(ledger, job_id) or 0, result.size)
        pixels = max(result.width * result.height, stored_bytes // RGB_BYTES)
        self._check_size([(result.height, result.width)])
        with self._admission.admitted(self._demand(pixels, name), deadline, timings) as admitted:

            def allow(sizes: list[Size]) -> None:
                self._check_size(sizes)
                self._admission.correct(admitted, self._demand(_pixels(sizes), name))

            picture, notes = self._read(ledger, job_id, result, allow, deadline, timings)
            deadline.check(timings)
            check_can_hold(picture, picture.sizes, name)
            seconds = self._files.writing_seconds(picture, picture.sizes, name, options, deadline, timings)
            if seconds > deadline.seconds_left:
                raise _too_slow(name, seconds, deadline)
            handover = Handover(picture)
            del picture
            written = self._files.write(handover, name, options, notes, deadline, timings)
        output = UpscaleOutput(
            image=written.data, format=name, width=written.width, height=written.height, notes=written.notes
        )
        return output, stored

    def _read(
        self,
        ledger: Ledger,
        job_id: str,
        result: Result,
        allow: Callable[[list[Size]], None],
        deadline: Deadline,
        timings: Timings,
    ) -> tuple[Picture, tuple[str, ...]]:
        """The picture of a result, and what it lacks already. `allow` is told its sizes before it is decoded."""
        with timings.span("decode"):
            picture = kept_picture(ledger, job_id)
        if picture is not None:
            allow(picture.sizes)
            return picture, ()
        try:
            data = ledger.store.get(f"jobs/{job_id}/result")
        except NotStored:
            raise expired(ledger, job_id) from None
        most = self._limits.result_pixels or self._limits.pixels
        inspected = self._files.inspect_alone(data, replace(self._limits, pixels=most), deadline, timings)
        allow(list(inspected.sizes))
        with timings.span("decode"):
            return inspected.decode(), result.notes

    def _check_size(self, sizes: list[Size]) -> None:
        pixels, most = _pixels(sizes), self._limits.result_pixels
        if most is not None and pixels > most:
            raise ImageTooLarge(
                f"the result has {pixels} px; results of at most {most} px are converted: fetch it as it is",
                limit=most,
                actual=pixels,
                setting="max_result_pixels",
            )

    def _demand(self, pixels: int, name: FormatName) -> Demand:
        """Memory, and no turn of the network."""
        demand = Demand((), Cost(), NoNetwork(), FORMATS[name].memory, pixels)
        self._limits.check_memory(demand.pixels, 0, name, demand.memory)
        return demand


class RequestKeeper:
    """Keeps the result of one request, unless that fails: then the request does without.

    Args:
        keeping: where.
        files: knows the models.
        message: the request.
        asker: who may have the result.
    """

    def __init__(self, keeping: Keeping, files: FileUpscaler, message: UpscaleInput, asker: Asker) -> None:
        self._keeping = keeping
        self._files = files
        self._message = message
        self._asker = asker

    @contextlib.contextmanager
    def hold(self, picture: Picture, pixels: int) -> Iterator[Callable[[EnlargedFile], Kept | None]]:
        """Hold an enlarged picture, which an image of so many `pixels` became. Yields what keeps its result."""
        with self._keeping.written(picture) as path:
            del picture
            yield functools.partial(self._keep, path, pixels)

    def _keep(self, path: Path | None, pixels: int, file: EnlargedFile) -> Kept | None:
        if path is None:
            return None
        order = replace(
            order_of(self._files.models, self._message.asked, file.format, pixels),
            owner=self._asker.owner,
            request_id=self._asker.request_id,
            trace=tracing.current().traceparent,
        )
        sha256 = hashlib.sha256(file.data).hexdigest()
        result = Result(file.format, file.width, file.height, len(file.data), sha256, file.notes)
        try:
            job_id = self._keeping.keep(order, path, file.data, result)
        except StoreUnavailable as exc:
            log.warning("a result could not be kept", extra={"reason": exc.detail})
            return None
        return Kept(id=job_id, seconds=int(self._keeping.seconds)) if job_id else None


class NoNetwork:
    """The pace of work that needs no network."""

    def seconds_for(self, cost: Cost) -> float:
        """None at all."""
        return 0.0

    def measure_speed(self, deadline: Deadline, max_age: float = 0.0) -> None:
        """Do nothing."""


def _pixels(sizes: list[Size]) -> int:
    return sum(height * width for height, width in sizes)


def _too_slow(name: FormatName, seconds: float, deadline: Deadline) -> EstimateOverDeadline:
    return EstimateOverDeadline(
        f"writing the result as {name} would take about {seconds:.0f} s; a request may take {deadline.seconds:g} s: ask"
        " for a format that is written faster",
        limit=deadline.seconds,
        actual=round(seconds, 1),
        setting=deadline.setting,
    )
