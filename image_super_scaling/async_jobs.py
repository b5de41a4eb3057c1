"""Jobs, for asyncio: images that the service enlarges whether or not somebody waits."""

import contextlib
import io
import os
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO, Unpack

import httpx

from image_super_scaling.answers import failure_of, retry_after
from image_super_scaling.downloads import OK, PARTIAL, Download
from image_super_scaling.errors import Malformed, NotTheService
from image_super_scaling.events import read_events
from image_super_scaling.files import written_whole
from image_super_scaling.json_objects import Object, as_object, optional, text
from image_super_scaling.messages import JOB_ID, Job, Result, Saved
from image_super_scaling.options import ConversionOptions, JobOptions, as_query
from image_super_scaling.requests import MAX_DOCUMENT, Requests, bounded
from image_super_scaling.results import EVENTS, media_type_of, notes_of, plain_result, sides_of
from image_super_scaling.transport import BYTES, JSON, Ask
from superscaling.format_name import FormatName
from superscaling.recognition.formats import sniff

ACCEPTED = 202
ABSENCE = 600.0  # s for which whoever waits for the end of a job waits for a service that is away
USUAL_PAUSE = 2.0  # s between two questions about a job, if the service doesn't say
AnyJob = Job | str


class AsyncJobsClient:
    """Jobs of one service; `AsyncUpscaleClient.jobs` is one.

        job = await client.jobs.submit("in.jpg", scale=3)
        await client.jobs.wait(job)
        await client.jobs.download(job, "out.jpg")

    All requests may be repeated without harm, so they are, after 429 and 503, after broken connections, and after what
    a proxy answers for a service that is away (502, 504), as the client's settings say. A job may be named by its id.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def submit(
        self, image: bytes | str | os.PathLike[str] | None, *, key: str | None = None, **options: Unpack[JobOptions]
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
        body = b"" if image is None else image if isinstance(image, bytes) else Path(image)
        # The same for all attempts: if the answer to one was lost, the next one finds its job.
        headers = {"Content-Type": BYTES, "Accept": JSON, "Idempotency-Key": key or uuid.uuid4().hex}
        return (await self._job(Ask("POST", "/jobs", as_query(options, JobOptions), headers, body), OK, ACCEPTED))[0]

    async def find(self, job: AnyJob) -> Job:
        """Ask where a job is."""
        return (await self.look(job))[0]

    async def look(self, job: AnyJob, *, patience: float = 0.0) -> tuple[Job, float]:
        """Ask where a job is, and when it is sensible to ask again, in s; for `patience` s if the service is away."""
        found, response = await self._job(Ask("GET", _path(job), headers={"Accept": JSON}), patience=patience)
        pause = retry_after(response)
        return found, bounded(USUAL_PAUSE if pause is None else pause)

    async def list(self, group: str) -> "list[Job]":
        """List the jobs of a group, the oldest first."""
        jobs, query = [], {"group": group}
        while True:
            answer, _ = await self._requests.document(Ask("GET", "/jobs", query, {"Accept": JSON}), repeatable=True)
            try:
                page = as_object(answer)
                jobs += [Job.read(each) for each in _array(page, "jobs")]
                cursor = optional(text, page, "cursor")
            except ValueError as exc:
                raise NotTheService("the answer is not a list of jobs", status=200) from exc
            if cursor is None:
                return jobs
            query["cursor"] = cursor

    async def wait(self, job: AnyJob, *, listener: Callable[[Job], None] = lambda job: None) -> Job:
        """Wait for the end of a job, and for ten minutes for a service that is away.

        Args:
            job: the job.
            listener: hears of the job whenever the service was asked, the last time when it has ended.

        Returns:
            The job, which is done.

        Raises:
            UpscaleError: it has failed, for this reason; `NoResult`: it was cancelled.
        """
        while True:
            found, pause = await self.look(job, patience=ABSENCE)
            listener(found)
            if found.state.is_end:
                return found.must_be_done()
            await self._requests.transport.sleep(pause)

    @contextlib.asynccontextmanager
    async def events(self, job: AnyJob) -> AsyncIterator[AsyncIterator[Job]]:
        """Watch a job; inside, iterate over what it becomes. The last one has ended, unless the service stops."""
        ask = Ask("GET", _path(job), headers={"Accept": EVENTS})
        async with contextlib.AsyncExitStack() as stack:

            async def begin() -> httpx.Response:
                return await stack.enter_async_context(self._requests.opened(ask))

            response = await self._requests.attempt(begin, repeatable=True)
            if media_type_of(response) != EVENTS:
                raise NotTheService(f"the answer is {media_type_of(response)}, not a stream of events", status=200)
            pieces = await stack.enter_async_context(contextlib.aclosing(self._requests.transport.pieces(response)))
            yield await stack.enter_async_context(contextlib.aclosing(_states(pieces)))

    async def fetch(self, job: AnyJob, download: Download) -> Saved:
        """Fetch the result of a job that is done into a download, going on where an earlier attempt ended.

        Raises:
            NoResult: there is none.
            Expired: there is none any more.
            Malformed: it did not arrive as the service has it.
        """
        path = f"{_path(job)}/result"

        async def once() -> Saved:
            ask = Ask("GET", path, headers=download.headers)
            async with (
                self._requests.opened(ask, OK, PARTIAL) as response,
                contextlib.aclosing(self._requests.transport.pieces(response)) as pieces,
            ):
                await download.take(response, pieces)
            return Saved(*sides_of(response), notes_of(response))

        return await self._requests.attempt(once, repeatable=True, reached=lambda: download.size)

    async def result(self, job: AnyJob, **options: Unpack[ConversionOptions]) -> Result:
        """Fetch the result of a job that is done, into memory. Errors are those of `fetch`.

        Args:
            job: the job.
            options: of another format, or quality, to which the service converts it; none: as it is.
        """
        if query := as_query(options, ConversionOptions):
            return await self._converted(Ask("GET", f"{_path(job)}/result", query))
        file = io.BytesIO()
        saved = await self.fetch(job, Download(file, self._requests.settings.max_answer_bytes))
        image = file.getvalue()
        found = sniff(image)
        if not isinstance(found, FormatName):
            raise Malformed("the result is not an image", status=OK)
        return Result(image, found, saved.width, saved.height, saved.notes)

    async def download(self, job: AnyJob, file: str | os.PathLike[str]) -> Saved:
        """Write the result of a job that is done to a file, atomically; it may be larger than memory.

        Args:
            job: the job.
            file: is replaced if it exists; its folder must exist.

        Raises:
            UpscaleError: as `fetch`.
            OSError: the file can't be written.
        """
        with written_whole(Path(file), replace=True) as opened:
            return await self.fetch(job, Download(opened))

    async def archive(self, group: str, file: str | os.PathLike[str], *, partial: bool = False) -> None:
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
        query = {"group": group, **({"partial": "true"} if partial else {})}
        with written_whole(Path(file), replace=True) as opened:
            await self._requests.attempt(lambda: self._archive(query, opened), repeatable=True)

    async def cancel(self, job: AnyJob) -> None:
        """Cancel a job; of one that is done, delete the result. It may be repeated."""

        async def once() -> None:
            async with self._requests.opened(Ask("DELETE", _path(job)), 204):
                pass

        await self._requests.attempt(once, repeatable=True)

    async def _converted(self, ask: Ask) -> Result:
        async def once() -> Result:
            async with self._requests.opened(ask) as response:
                image = await self._requests.read(response, self._requests.settings.max_answer_bytes)
            return plain_result(response, image)

        return await self._requests.attempt(once, repeatable=True)

    async def _job(self, ask: Ask, *accepted: int, patience: float = 0.0) -> tuple[Job, httpx.Response]:
        try:
            answer, response = await self._requests.document(ask, *accepted, repeatable=True, patience=patience)
        except NotTheService as exc:
            raise NotTheService("the answer is not a job", status=exc.status) from exc
        try:
            return Job.read(answer), response
        except ValueError as exc:
            raise NotTheService(str(exc), status=response.status_code) from exc

    async def _archive(self, query: dict[str, str], file: BinaryIO) -> None:
        file.seek(0)
        file.truncate()
        async with (
            self._requests.opened(Ask("GET", "/jobs/archive", query)) as response,
            contextlib.aclosing(self._requests.transport.pieces(response)) as pieces,
        ):
            async for piece in pieces:
                file.write(piece)


async def _states(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Job, None]:
    job: Job | None = None
    async with contextlib.aclosing(read_events(pieces, MAX_DOCUMENT)) as events:
        async for name, data in events:
            if name == "problem":
                raise failure_of(data)
            try:
                if name == "status":
                    job = Job.read(data)
                elif name == "progress" and job is not None:
                    job = job.moved(data)
            except ValueError as exc:
                raise Malformed(f"the service sent an invalid event: {exc}", status=200) from exc
            if job is not None:
                yield job


def _path(job: AnyJob) -> str:
    """Of a job. ValueError: it is no id."""
    job_id = job.id if isinstance(job, Job) else job
    if not JOB_ID.fullmatch(job_id):
        raise ValueError(f"{job_id!r} is not an id of a job")
    return f"/jobs/{job_id}"


def _array(page: Object, name: str) -> "list[Any]":
    value = page.get(name)
    if not isinstance(value, list):
        raise ValueError(f"there is no array {name}")
    return value
