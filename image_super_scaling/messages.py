"""What the service answers with."""

import re
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Self

from image_super_scaling.answers import failure_of
from image_super_scaling.errors import NoResult, UpscaleError
from image_super_scaling.files import written_whole
from image_super_scaling.json_objects import Object, as_object, flag, number, optional, text, whole
from superscaling.format_name import FormatName
from superscaling.job_state import JobState

# What an id of a job looks like, which becomes part of a path.
JOB_ID = re.compile(r"[A-Za-z0-9]{1,100}")


@dataclass(frozen=True)
class Result:
    """An enlarged image.

    `image`: the file; `format`: its format; `width`, `height`: in px, None: the answer does not say; `notes`: what
    could not be kept of the input.
    """

    image: bytes
    format: FormatName
    width: int | None
    height: int | None
    notes: tuple[str, ...] = ()

    def save(self, file: str | PathLike[str]) -> None:
        """Write the image to a file, atomically. Replaces an existing one; its folder must exist.

        Raises:
            OSError: it can't be written.
        """
        with written_whole(Path(file), replace=True) as opened:
            opened.write(self.image)


@dataclass(frozen=True)
class Saved:
    """An enlarged image whose file was written. `width`, `height`, `notes`: as of a `Result`."""

    width: int | None
    height: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A model that the service has loaded.

    `default`: whether it serves requests that name none; `scale`: factor of the network itself; `kind`: `faithful`,
    `perceptual` or `line-art`; `seconds_per_megapixel`: of its input at present, None: not measured yet; `strength`:
    whether requests may choose one other than 1; `sha256`, `licence`: of its weights.
    """

    name: str
    default: bool
    scale: int
    kind: str
    precision: str
    seconds_per_megapixel: float | None
    sha256: str
    licence: str
    strength: bool

    @classmethod
    def read(cls, value: object) -> Self:
        """Read it from JSON.

        Raises:
            ValueError: it is none.
        """
        model = as_object(value)
        return cls(
            text(model, "name"),
            flag(model, "default"),
            whole(model, "scale"),
            text(model, "kind"),
            text(model, "precision"),
            optional(number, model, "secondsPerMegapixel"),
            text(model, "sha256"),
            text(model, "licence"),
            optional(flag, model, "strength") or False,  # earlier services have none
        )


@dataclass(frozen=True)
class Estimate:
    """What an image would take now.

    `width`, `height`: of the result in px; `tiles`: of the network; `seconds`: of inference, if the image were alone;
    `queue_seconds`: more, because of the `ahead` images in progress; `plain`, `stream`, `job`: whether it would be
    admitted as such.
    """

    width: int
    height: int
    tiles: int
    seconds: float
    queue_seconds: float
    ahead: int
    plain: bool
    stream: bool
    job: bool

    @classmethod
    def read(cls, value: object) -> Self:
        """Read it from JSON.

        Raises:
            ValueError: it is none.
        """
        answer = as_object(value)
        return cls(
            width=whole(answer, "width"),
            height=whole(answer, "height"),
            tiles=whole(answer, "tiles"),
            seconds=number(answer, "seconds"),
            queue_seconds=number(answer, "queueSeconds"),
            ahead=whole(answer, "ahead"),
            plain=flag(answer, "plain"),
            stream=flag(answer, "stream"),
            job=flag(answer, "job"),
        )


@dataclass(frozen=True)
class Job:
    """A job, as it was when the service was asked.

    `id`: names it; whoever knows it can fetch the result, unless the service knows owners; `done` of `total` tiles are
    done, `total` is 0 until the job is planned; `seconds_left`: estimated, None: nobody knows; `group`: the name that
    it shares with others; `failure`: why it has failed.
    """

    id: str
    state: JobState
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    group: str | None = None
    failure: UpscaleError | None = None

    @classmethod
    def read(cls, value: object) -> Self:
        """Read it from JSON.

        Raises:
            ValueError: it is none.
        """
        job = as_object(value)
        try:
            state = JobState(text(job, "status"))
            done, total = whole(job, "done"), whole(job, "total")
        except ValueError as exc:
            raise ValueError("the answer is not a job") from exc
        job_id = job.get("id")
        if not (isinstance(job_id, str) and JOB_ID.fullmatch(job_id)):
            raise ValueError("the answer has no valid id of a job")
        problem = job.get("problem")
        failure = failure_of(problem) if isinstance(problem, dict) else None
        return cls(
            job_id, state, done, total, optional(number, job, "secondsLeft"), optional(text, job, "group"), failure
        )

    def moved(self, progress: Object) -> Self:
        """The job after an event about its progress.

        Raises:
            ValueError: the event is malformed.
        """
        left = optional(number, progress, "secondsLeft")
        return replace(self, done=whole(progress, "done"), total=whole(progress, "total"), seconds_left=left)

    def must_be_done(self) -> Self:
        """The job itself.

        Raises:
            UpscaleError: it has failed, for this reason.
            NoResult: it was cancelled, has failed for no reason that is known, or has not ended.
        """
        if self.state is JobState.DONE:
            return self
        if self.failure is not None:
            raise self.failure
        how = {JobState.CANCELLED: "was cancelled", JobState.FAILED: "has failed"}.get(self.state, "has not ended")
        raise NoResult(f"the job {how}", status=409)
