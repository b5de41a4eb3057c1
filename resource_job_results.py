"""The results of jobs: one, or those of a group."""

from collections.abc import Callable
from dataclasses import dataclass

from jobs.keeping import kept_result
from jobs.ledger import Ledger
from jobs.records import Result
from jobs.store import NotStored
from message_protocol import ArchiveInput, JobOutput, JobsInput, JobState
from resource_jobs import ResourceJobs, owned, poll_seconds
from superscaling.errors import (
    GroupTooLarge,
    JobCancelled,
    JobExpired,
    JobFailed,
    JobNotFinished,
    JobUnknown,
)
from superscaling.format_name import FormatName

# The most jobs in one archive: it has to be listed before it is sent.
MAX_ARCHIVED = 10_000
PAGE = 1000
# Of names of files, where it is not the format's name.
EXTENSIONS = {FormatName.JPEG: "jpg"}


@dataclass(frozen=True)
class StoredResult:
    """A result in the store.

    `name`: of the file; `ended`: seconds since 1970; `model`: its model and how it was run, empty if that was not kept;
    `read`: a part, by start and length. `read` raises `JobExpired` once the result is deleted, and `StoreUnavailable`.
    """

    name: str
    result: Result
    ended: float
    model: str
    read: Callable[[int, int], bytes]


@dataclass(frozen=True)
class Archive:
    """Results of a group, and where all of its jobs are."""

    results: tuple[StoredResult, ...]
    jobs: tuple[JobOutput, ...]


class ResourceJobResults:
    """Finds the results of jobs.

    Args:
        jobs: tells where they are.
    """

    def __init__(self, jobs: ResourceJobs) -> None:
        self._jobs = jobs

    def main(self, owner: str, job_id: str) -> StoredResult:
        """Find a result.

        Raises:
            JobsOff, JobUnknown: there is no such job for this owner.
            JobNotFinished, JobFailed, JobCancelled, JobExpired: it has no result.
        """
        ledger = self._jobs.ledger
        status = owned(ledger, owner, job_id)
        end = status.end
        if end is None:
            output = self._jobs.output(status)
            progress = f"{output.done} of {output.total} tiles are done" if output.total else "it is queued"
            raise JobNotFinished(
                f"the job has not ended ({progress}): ask again later", retry_after=poll_seconds(output)
            )
        if status.is_expired:
            raise expired(ledger, job_id)
        if end.result is None:
            if end.state is JobState.CANCELLED:
                raise JobCancelled("the job was cancelled: send the image again")
            reason = end.failure.detail if end.failure else "for a reason that was not kept"
            raise JobFailed(f"the job has failed: {reason}")
        return _stored(ledger, job_id, end.result, end.ended, status.job.model)

    def archive(self, owner: str, message: ArchiveInput) -> Archive:
        """Find the results of a group.

        Raises:
            JobsOff, JobUnknown: there are no jobs.
            JobNotFinished: some have not ended, and the message wants all.
            GroupTooLarge: there are too many.
        """
        jobs = self._all(owner, message.group)
        if not jobs:
            raise JobUnknown(f"there are no jobs of the group {message.group!r}")
        waiting = [job for job in jobs if not job.status.is_end]
        if waiting and not message.partial:
            raise JobNotFinished(
                f"{len(waiting)} of the group's {len(jobs)} jobs have not ended: ask again later, or for"
                " those that have with partial=true",
                retry_after=max(poll_seconds(job) or 0 for job in waiting),
            )
        ledger = self._jobs.ledger
        ids = [job.id for job in jobs if job.result is not None]
        ends = zip(ids, self._jobs.each(ledger.end, ids), strict=True)
        results = (_stored(ledger, each, end.result, end.ended) for each, end in ends if end and end.result)
        return Archive(tuple(results), tuple(jobs))

    def _all(self, owner: str, group: str) -> list[JobOutput]:
        jobs = list[JobOutput]()
        cursor = ""
        while True:
            page = self._jobs.group(owner, JobsInput(group=group, cursor=cursor, limit=PAGE))
            jobs += page.jobs
            if page.cursor is None:
                return jobs
            if len(jobs) > MAX_ARCHIVED - PAGE:
                raise GroupTooLarge(
                    f"the group has more than {MAX_ARCHIVED} jobs: fetch their results one by one, and use smaller"
                    " groups",
                    limit=MAX_ARCHIVED,
                )
            cursor = page.cursor


def _stored(ledger: Ledger, job_id: str, result: Result, ended: float, model: str = "") -> StoredResult:
    def read(start: int, length: int) -> bytes:
        try:
            return ledger.store.read(f"jobs/{job_id}/result", start, length)
        except NotStored:
            raise expired(ledger, job_id) from None

    return StoredResult(file_name(job_id, result.format), result, ended, model, read)


def file_name(job_id: str, name: FormatName) -> str:
    """Of a result."""
    return f"{job_id}.{EXTENSIONS.get(name, name)}"


def expired(ledger: Ledger, job_id: str) -> JobExpired:
    """The error for a result that is deleted. (To be raised.)"""
    detail = f"the result of job {job_id} is deleted: send the image again"
    kept = kept_result(ledger, job_id)
    if kept is None:
        return JobExpired(detail, setting="jobs_keep")
    # What takes no room before its time is over was deleted by its owner.
    return JobExpired(detail, setting="keep_minutes") if kept.size else JobExpired(detail)
