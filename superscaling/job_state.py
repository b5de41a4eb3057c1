"""Where jobs are."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job is: `queued` until it is planned; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """Whether it stays."""
        return self not in (JobState.QUEUED, JobState.RUNNING)
