"""Requests about jobs: submit an image file, ask how far it is, fetch the result."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import urlencode

from image_super_scaling import (
    Download,
    Job,
    JobOptions,
    JobState,
    NotFound,
    Retry,
    Saved,
    UpscaleError,
)
from upscale.answers import SILENCE, client_of, meaning_of
from upscale.errors import Failed

Answer = TypeVar("Answer")
MAX_ABSENCE = 600.0  # s for which a service that is away is asked again
# Set apart from whatever else makes keys of files; another number makes all jobs anew.
SALT = b"upscale --jobs 1"


def key_of(file: Path, options: Mapping[str, str], generation: int) -> str:
    """Return the Idempotency-Key of a file with options: the same in each run.

    Args:
        file: the image.
        options: all that is asked for, as in the query of a request.
        generation: from 0; another key for each.

    Raises:
        Failed: the file can't be read, or is empty.
    """
    try:
        with file.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").digest()
            if not opened.tell():
                raise Failed("is empty")
    except OSError as exc:
        raise Failed(str(exc.strerror)) from exc
    asked = urlencode(sorted(options.items())).encode()
    return hashlib.sha256(b"\n".join((SALT, str(generation).encode(), content, asked))).hexdigest()


class Jobs:
    """Asks a service about jobs; while one that was there is away, again and again.

    All methods raise `Failed`, `Busy`, and `FatalError` if there is no such service, or it does not know an option.

    Args:
        url: of the service.
        key: an API key of it, if it needs one.
        say: prints a line about each repetition.

    Raises:
        UsageError: `url` is not the address of a service.
    """

    def __init__(self, url: str, key: str | None, say: Callable[[str], None]) -> None:
        self._url = url
        self._say = say
        # Who is busy is asked again by the caller, who looks after other jobs meanwhile.
        self._client = client_of(
            url,
            {
                "api_key": key,
                "timeout": SILENCE,
                "retries": 0,
                "absence": MAX_ABSENCE,
                "on_retry": self._again,
            },
        )
        self._jobs = self._client.jobs

    def submit(self, file: Path, options: Mapping[str, str], key: str) -> Job:
        """Hand in an image file; with the same key and options again: find the job that it became."""
        try:
            return self._ask(lambda: self._jobs.submit(file, key=key, **cast(JobOptions, dict(options))))
        except OSError as exc:
            raise Failed(str(exc.strerror)) from exc

    def look(self, job: Job) -> tuple[Job, float]:
        """Ask how far a job is, and when to ask again, in s."""
        return self._about(lambda: self._jobs.look(job))

    def fetch(self, job: Job, download: Download) -> Saved:
        """Fetch the result, or what is missing of it.

        Raises:
            Expired: there is none any more.
        """
        return self._about(lambda: self._jobs.fetch(job, download))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _about(self, request: Callable[[], Answer]) -> Answer:
        """Ask about a job that exists, or did."""

        def asked() -> Answer:
            try:
                return request()
            except NotFound as exc:
                raise Failed("the service no longer knows the job: the same command submits it again") from exc

        return self._ask(asked)

    def _ask(self, request: Callable[[], Answer]) -> Answer:
        try:
            return request()
        except UpscaleError as error:
            raise meaning_of(error, self._url) from error

    def _again(self, retry: Retry) -> None:
        self._say(f"{retry.error.detail}: trying again in {retry.seconds:.0f} s")


def failure_of(job: Job) -> Failed:
    """Why a job has failed or was cancelled."""
    failure = job.failure
    if failure is None:
        return Failed("the job was cancelled" if job.state is JobState.CANCELLED else "the job has failed")
    return Failed(failure.detail + (f" ({failure.hint})" if failure.hint else ""))
