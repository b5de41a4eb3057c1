"""The messages about jobs: `POST /jobs` and what follows."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from message_protocol.problem import Problem
from message_protocol.upscale_input import UpscaleInput, needs_image
from message_protocol.validation import from_query
from superscaling.format_name import FormatName
from superscaling.job_state import JobState
from superscaling.metadata_choice import MetadataChoice
from superscaling.option_texts import GROUP, check_group
from superscaling.upscale_options import UpscaleOptions

# The most jobs in one answer.
MAX_JOBS = 1000

GroupName = Annotated[
    str,
    Field(
        strict=True,
        description="a name for jobs that belong together: 1 to 200 letters, digits, dots, dashes or underscores,"
        " beginning with a letter or digit",
        json_schema_extra={"pattern": f"^{GROUP.pattern}$"},
    ),
    AfterValidator(check_group),
]


def _without_answers(schema: dict[str, Any]) -> None:
    """What is said of the answer of /upscale is refused."""
    needs_image(schema)
    del schema["properties"]["tiles"], schema["properties"]["onError"]


class JobInput(UpscaleInput):
    """The image to enlarge later, the options for its result, and what becomes of the job."""

    model_config = ConfigDict(json_schema_extra=_without_answers)

    group: GroupName | None = Field(None, description="a name for jobs that belong together")
    webhook: Annotated[str | None, Field(strict=True, min_length=1, max_length=2000)] = Field(
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


class GroupInput(BaseModel):
    """Which jobs are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: GroupName

    @classmethod
    def from_query(cls, options: Mapping[str, str]) -> Self:
        """Read the query parameters.

        Raises:
            MalformedMessage: a parameter is missing, unknown or invalid.
        """
        return from_query(cls, options)


class ResultInput(BaseModel):
    """How a result is wanted; without any option: as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: FormatName | None = Field(None, description="format of the answer; default: that of the result")
    quality: Annotated[int, Field(ge=1, le=100, strict=True)] | Literal["default"] | None = Field(
        None,
        description="quality of a JPEG, WebP or AVIF answer; `default`: as if none had been asked for; without it: that"
        " which the job was asked for",
    )
    metadata: MetadataChoice | None = Field(
        None, description="which metadata the answer keeps; default: those that the job was asked for"
    )

    @classmethod
    def from_query(cls, options: Mapping[str, str]) -> Self:
        """Read the query parameters.

        Raises:
            MalformedMessage: a parameter is unknown or invalid.
        """
        return from_query(cls, options)

    @property
    def is_as_it_is(self) -> bool:
        """Whether nothing is asked for."""
        return self == ResultInput()

    def on(self, options: UpscaleOptions, name: FormatName) -> UpscaleOptions:
        """The options of a job, whose result has the format `name`, with those of this message in their place."""
        quality = options.quality if self.quality is None else self.quality
        return replace(
            options,
            format=self.format or name,
            quality=None if quality == "default" else quality,
            metadata=self.metadata or options.metadata,
        )


class JobsInput(GroupInput):
    """Which jobs are asked for, and how many at a time."""

    cursor: Annotated[str, Field(strict=True)] = Field("", description="of the last answer; none: from the first job")
    limit: int = Field(100, ge=1, le=MAX_JOBS, strict=True, description="the most jobs of the answer")


class ArchiveInput(GroupInput):
    """Whose results are asked for, as one file."""

    partial: bool = Field(
        False, strict=True, description="whether jobs that have not ended may be missing; otherwise the answer is 409"
    )
