"""Jobs, for programs without an event loop."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from os import PathLike
from typing import Unpack

from image_super_scaling.async_jobs import AsyncJobsClient
from image_super_scaling.blocking import entered, run
from image_super_scaling.downloads import Download
from image_super_scaling.messages import Job, Result, Saved
from image_super_scaling.options import ConversionOptions, JobOptions


class JobsClient:
    """Jobs of one service: images that it enlarges whether or not somebody waits. `UpscaleClient.jobs` is one.

        job = client.jobs.submit("in.jpg", scale=3)
        client.jobs.wait(job)
        client.jobs.download(job, "out.jpg")

    What it repeats and raises, `AsyncJobsClient` says, which has the same methods. A job may be named by its id.
    """

    def __init__(self, jobs: AsyncJobsClient) -> None:
        self._jobs = jobs

    def submit(
        self, image: bytes | str | PathLike[str] | None, *, key: str | None = None, **options: Unpack[JobOptions]
    ) -> Job:
        """Hand an image in. Once this returns, the service won't lose it.

        Args:
            image: the content of the file, or its path, which is then sent piece by piece; None: see `image_url`.
            key: the same request with the same key finds the same job again; None: a new one.
            options: see `JobOptions`.

        Raises:
            UpscaleError: the service refuses, or there was no answer, or one that can't be used.
            OSError: the file can't be read.
        """
        return run(self._jobs.submit(image, key=key, **options))

    def find(self, job: Job | str) -> Job:
        """Ask where a job is."""
        return run(self._jobs.find(job))

    def look(self, job: Job | str) -> tuple[Job, float]:
        """Ask where a job is, and when it is sensible to ask again, in s."""
        return run(self._jobs.look(job))

    def list(self, group: str) -> "list[Job]":
        """List the jobs of a group, the oldest first."""
        return run(self._jobs.list(group))

    def wait(self, job: Job | str, *, listener: Callable[[Job], None] = lambda job: None) -> Job:
        """Wait for the end of a job, and for ten minutes for a service that is away.

        Args:
            job: the job.
            listener: hears of the job whenever the service was asked, the last time when it has ended.

        Returns:
            The job, which is done.

        Raises:
            UpscaleError: it has failed, for this reason; `NoResult`: it was cancelled.
        """
        return run(self._jobs.wait(job, listener=listener))

    def events(self, job: Job | str) -> AbstractContextManager[Iterator[Job]]:
        """Watch a job; inside, iterate over what it becomes. The last one has ended, unless the service stops."""
        return entered(self._jobs.events(job))

    def fetch(self, job: Job | str, download: Download) -> Saved:
        """Fetch the result of a job that is done into a download, going on where an earlier attempt ended.

        Raises:
            NoResult: there is none.
            Expired: there is none any more.
            Malformed: it did not arrive as the service has it.
        """
        return run(self._jobs.fetch(job, download))

    def result(self, job: Job | str, **options: Unpack[ConversionOptions]) -> Result:
        """Fetch the result of a job that is done, into memory. Errors are those of `fetch`.

        Args:
            job: the job.
            options: of another format, or quality, to which the service converts it; none: as it is.
        """
        return run(self._jobs.result(job, **options))

    def download(self, job: Job | str, file: str | PathLike[str]) -> Saved:
        """Write the result of a job that is done to a file, atomically; it may be larger than memory.

        Args:
            job: the job.
            file: is replaced if it exists; its folder must exist.

        Raises:
            UpscaleError: as `fetch`.
            OSError: the file can't be written.
        """
        return run(self._jobs.download(job, file))

    def archive(self, group: str, file: str | PathLike[str], *, partial: bool = False) -> None:
        """Write the results of a group to a file, as a ZIP, atomically.

        Args:
            group: its name.
            file: is replaced if it exists; its folder must exist.
            partial: whether jobs that have not ended may be missing.

        Raises:
            NoResult: a job has not ended.
            NotFound: the group has no jobs.
            OSError: the file can't be written.
        """
        run(self._jobs.archive(group, file, partial=partial))

    def cancel(self, job: Job | str) -> None:
        """Cancel a job; of one that is done, delete the result. It may be repeated."""
        run(self._jobs.cancel(job))
