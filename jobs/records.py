"""What is written down of a job, as JSON. Records are written once and never changed; a plan may be replaced."""

import math
from dataclasses import dataclass
from typing import TypeVar

from pydantic import TypeAdapter

from message_protocol import JobState
from superscaling.errors import ServiceError, http_error
from superscaling.format_name import FormatName
from superscaling.pictures import GiganticHeader
from superscaling.upscale_options import UpscaleOptions

Record = TypeVar("Record", bound="Job | Plan | End | Claim")

# A file that is larger than its picture counts by its length, so that the limit of pixels bounds bytes as well.
BYTES_OF_A_PIXEL = 3


@dataclass(frozen=True)
class Job:
    """What is to be done.

    `id`: 26 characters, in the order of time; `owner`: who sees it, empty: whoever knows the id; `created`: seconds
    since 1970; `queue`: name of the model with a fingerprint of all that decides about pixels, which workers that
    work on it must have in common; `format`: of the result; `pixels`: of the picture, all frames; `is_gigantic`: it is
    done band by band; `model`: its model and how it is run, for its client, empty if that was not kept; `group`: the
    client's name for jobs that belong together; `webhook`: the URL that is told its end; `key`: under which a claim
    names it; `request_id`, `trace`: of the request, the latter as a `traceparent`; `source_bytes`: the length of the
    image file.
    """

    id: str
    owner: str
    created: float
    options: UpscaleOptions
    queue: str
    format: FormatName
    pixels: int
    is_gigantic: bool = False
    model: str = ""
    group: str | None = None
    webhook: str | None = None
    key: str | None = None
    request_id: str = ""
    trace: str | None = None
    notes: tuple[str, ...] = ()
    source_bytes: int = 0

    @property
    def size(self) -> int:
        """What it counts in the queue, in px: its own, or one for three bytes of its file if these are more."""
        return max(self.pixels, math.ceil(self.source_bytes / BYTES_OF_A_PIXEL))


@dataclass(frozen=True)
class Block:
    """Parts `first` up to, not including, `stop`, with the number of their `tiles`.

    Of a gigantic picture: rows of its parts, whose pixels, with their context, are in a band.
    """

    first: int
    stop: int
    tiles: int


@dataclass(frozen=True)
class Plan:
    """How a job is done.

    `window`: blocks in the queue at a time; `seconds`: estimated for all blocks, one by one; `picture`: fingerprint of
    the decoded picture and its parts, and `queue`: of the model, which must be the same for all blocks. Of a gigantic
    picture: `header`: of its file; and what its cutting told: `levels`: the darkest and the brightest of all samples;
    `notes`: for people.
    """

    created: float
    blocks: tuple[Block, ...]
    window: int
    seconds: float
    picture: str = ""
    queue: str = ""
    levels: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()
    header: GiganticHeader | None = None

    @property
    def tiles(self) -> int:
        """Of all blocks."""
        return sum(block.tiles for block in self.blocks)


@dataclass(frozen=True)
class Result:
    """The file that a job became. `width` and `height` of its first frame in px; `size`: in bytes."""

    format: FormatName
    width: int
    height: int
    size: int
    sha256: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Why a job failed: the fields of a `ServiceError`."""

    status: int
    code: str
    title: str
    detail: str
    limit: float | None = None
    actual: float | None = None
    setting: str | None = None

    @classmethod
    def of(cls, error: ServiceError) -> "Failure":
        """Write an error down."""
        return cls(error.status, error.code, error.title, error.detail, error.limit, error.actual, error.setting)

    def error(self) -> ServiceError:
        """The error again, of the general class. (To be told, not to be caught.)"""
        error = http_error(self.status, self.detail)
        error.code, error.title = self.code, self.title
        error.limit, error.actual, error.setting = self.limit, self.actual, self.setting
        return error


@dataclass(frozen=True)
class End:
    """How a job ended, and when, in seconds since 1970. `result`: if it is done; `failure`: if it failed."""

    state: JobState
    ended: float
    result: Result | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Claim:
    """Which job an Idempotency-Key belongs to, and the SHA-256 of what was asked."""

    id: str
    asked: str


def to_json(record: Record) -> bytes:
    """Write a record."""
    return TypeAdapter(type(record)).dump_json(record)


def from_json(kind: type[Record], data: bytes) -> Record:
    """Read a record.

    Raises:
        ValueError: it is none of this kind.
    """
    return TypeAdapter(kind).validate_json(data)
