"""Requests about jobs: submit an image file, ask how far it is, fetch the result."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

from message_protocol import BYTES, JSON, JobOutput
from upscale.answers import MAX_DOCUMENT, read_problem, refused, retry_after
from upscale.connection import Service
from upscale.downloads import OK, PARTIAL, Download
from upscale.errors import Broken, Expired, Failed, FatalError

ACCEPTED, UNKNOWN, CONFLICT, GONE = 202, 404, 409, 410
BETWEEN = (502, 504)  # a proxy waits in vain for a service that is being restarted
# Set apart from whatever else makes keys of files; another number makes all jobs anew.
SALT = b"upscale --jobs 1"


def key_of(file: Path, options: Mapping[str, str], generation: int) -> str:
    """Return the Idempotency-Key of a file with options: the same in each run.

    Args:
        file: the image.
        options: all that is asked for, as in the query of a request.
        generation: from 0; another key for each.

    Raises:
        Failed: the file can't be read.
    """
    try:
        with file.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").digest()
    except OSError as exc:
        raise Failed(str(exc.strerror)) from exc
    asked = urlencode(sorted(options.items())).encode()
    return hashlib.sha256(b"\n".join((SALT, str(generation).encode(), content, asked))).hexdigest()


@dataclass(frozen=True)
class Result:
    """What is in a file that was fetched. `width`, `height`: in px, as text; `notes`: what could not be kept."""

    width: str
    height: str
    notes: tuple[str, ...]


class Jobs:
    """Asks a service about jobs. All methods raise what `Service.ask` does, and `Busy`."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def submit(self, file: Path, options: Mapping[str, str], key: str) -> JobOutput:
        """Hand in an image file; with the same key and options again: find the job that it became.

        Raises:
            Failed: the image was rejected, or the file can't be read.
            FatalError: there is no such service at the address, or it does not know an option or the model.
        """
        try:
            with file.open("rb") as opened:
                size = os.fstat(opened.fileno()).st_size
                if not size:
                    raise Failed("is empty")
                headers = {"Content-Type": BYTES, "Accept": JSON, "Content-Length": str(size), "Idempotency-Key": key}
                path = f"/jobs?{urlencode(options)}" if options else "/jobs"
                with self._service.ask("POST", path, headers, opened) as response:
                    if response.status not in (OK, ACCEPTED):
                        raise _passing(response) or self._service.refusal(response)
                    return self._job(response)
        except OSError as exc:
            raise Failed(str(exc.strerror)) from exc

    def look(self, job_id: str) -> tuple[JobOutput, float | None]:
        """Ask how far a job is. Returns when to ask again as well, in s, if the service says that.

        Raises:
            Failed: it no longer has it.
        """
        with self._service.ask("GET", f"/jobs/{job_id}", {"Accept": JSON}) as response:
            if response.status != OK:
                raise self._refusal(response)
            return self._job(response), retry_after(response)

    def fetch(self, job_id: str, download: Download) -> Result:
        """Fetch the result, or what is missing of it.

        Raises:
            Failed: there is none.
            Expired: there is none any more.
        """
        with self._service.ask("GET", f"/jobs/{job_id}/result", download.headers) as response:
            if response.status not in (OK, PARTIAL):
                raise self._refusal(response)
            download.take(response)
            width, height, notes = (
                response.headers.get(name, "") for name in ("X-Result-Width", "X-Result-Height", "X-Upscaler-Notes")
            )
            return Result(width, height, tuple(notes.split("; ")) if notes else ())

    def _job(self, response: HTTPResponse) -> JobOutput:
        try:
            job = JobOutput.model_validate_json(response.read(MAX_DOCUMENT))
        except ValueError as exc:  # pydantic's
            raise FatalError(f"{self._service.url}: the answer is not a job") from exc
        if not (job.id.isascii() and job.id.isalnum()):  # it becomes part of a path
            raise FatalError(f"{self._service.url}: the answer has no valid id of a job")
        return job

    def _refusal(self, response: HTTPResponse) -> Exception:
        """An answer about a job that exists, or did."""
        if response.status == UNKNOWN:
            return Failed("the service no longer knows the job: the same command submits it again")
        if response.status in (CONFLICT, GONE):
            kind = Expired if response.status == GONE else Failed
            return kind(read_problem(response).detail)
        return _passing(response) or self._service.refusal(response)


def _passing(response: HTTPResponse) -> Exception | None:
    """What a proxy says while the service is away."""
    return Broken(f"the answer is {response.status} {response.reason}") if response.status in BETWEEN else None


def failure_of(job: JobOutput) -> Failed:
    """Why a job has failed or was cancelled."""
    if job.problem is None:
        return Failed(f"the job was {job.status}" if job.status == "cancelled" else "the job has failed")
    refusal = refused(job.problem, None)
    return refusal if isinstance(refusal, Failed) else Failed(str(refusal))
