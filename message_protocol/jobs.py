"""The messages about jobs: `POST /jobs` and what follows."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from message_protocol.problem import Problem
from message_protocol.upscale_input import UpscaleInput


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


class JobInput(UpscaleInput):
    """The image to enlarge later, the options for its result, and what becomes of the job."""

    group: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")] = Field(
        None,
        description="a name for jobs that belong together: 1 to 200 letters, digits, dots, dashes or underscores,"
        " beginning with a letter or digit",
    )
    webhook: Annotated[str | None, Field(min_length=1, max_length=2000)] = Field(
        None, description="URL that is told the end of the job (Standard Webhooks), if the operator allows its host"
    )


class JobOutput(BaseModel):
    """Where a job is."""

    model_config = ConfigDict(populate_by_name=True, frozen=True)

    id: str
    status: JobState
    done: int = Field(description="tiles that are done")
    total: int = Field(description="tiles of the image; 0 until the job is planned")
    seconds_left: float | None = Field(None, alias="secondsLeft", description="estimated time until the end")
    group: str | None = None
    result: str | None = Field(None, description="path of the result, once it is there")
    problem: Problem | None = Field(None, description="why it failed")

    def to_json(self) -> str:
        """Serialise it without the members that do not apply."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


class JobsOutput(BaseModel):
    """The jobs of a group, the oldest first."""

    model_config = ConfigDict(frozen=True)

    jobs: tuple[JobOutput, ...]
    cursor: str | None = Field(None, description="to be sent as cursor for the jobs that follow; none: these are all")

    def to_json(self) -> str:
        """Serialise it without the members that do not apply."""
        return self.model_dump_json(by_alias=True, exclude_none=True)
