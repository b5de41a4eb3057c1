"""Gigantic pictures: larger than what is decoded in memory. They are cut into bands on the disk, and joined from there.

    inspect    in a process of its own: what the file is, by its header; then the limits
    plan       the file is decoded once, in a process of its own; each block gets the rows that it depends on
    block      these rows become rows of the result, to the byte as in the whole picture
    join       a process of its own encodes the rows of all blocks, one after the other

Disk: the bands have the size of the decoded picture, and some context more; the blocks that of the decoded result, and
while they are joined twice that; the result that of its file. A picture that has to be turned is once more on the disk
while it is cut. What does not fit ends with `StoreUnavailable`, and is tried again. From a store that is not on this
machine's disk, the source, and for the join one block after the other, are fetched to the scratch directory first.
"""

import contextlib
import functools
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from jobs.ledger import Ledger
from jobs.records import Block, Job, Plan, Result
from jobs.store import NotStored
from superscaling.enlarging import BandUpscaler, LoadedModels, PictureUpscaler, choose_sizes
from superscaling.errors import FormatCannotHold, ResultTooLarge, SizeOutOfRange, StoreUnavailable
from superscaling.format_name import FormatName
from superscaling.isolation import run_isolated
from superscaling.pictures import (
    FORMATS,
    GiganticHeader,
    Samples,
    band_name,
    check_size,
    cut_bands,
    inspect_gigantic,
    join_bands,
    to_8_bits,
)
from superscaling.scheduling import Deadline, ProgressListener, Timings
from superscaling.size_choice import ResultSize
from superscaling.upscale_options import UpscaleOptions

T = TypeVar("T")

# What results are written as: what libvips writes row by row.
RESULT_FORMATS = (FormatName.JPEG, FormatName.PNG, FormatName.TIFF)
# Seconds that a process may take, and those for each megapixel: a PNG of 16 bits is encoded at 1 s/MP.
SECONDS, SECONDS_PER_MEGAPIXEL = 120.0, 10.0
# Bytes that are copied at a time.
COPIED = 1 << 20
# The most bytes of pixels in a block; a block has one row of parts at least.
MAX_BLOCK_BYTES = 1 << 27
# The most bytes of the pixels that one row of parts makes, in RGB of 16 bits: they are in memory several times.
MAX_ROW_BYTES = 1 << 30


@dataclass(frozen=True)
class GiganticLimits:
    """In px: of a picture (`UPSCALER_JOBS_MAX_PIXELS`), of its result, and of what is done in memory."""

    pixels: int
    result_pixels: int
    ordinary_pixels: int


@dataclass(frozen=True)
class InspectedGigantic:
    """A gigantic picture that is within the limits, not decoded yet.

    `result`: the part of the upright picture that is used, and the size of the result; `format`: of the result;
    `notes`: for people.
    """

    header: GiganticHeader
    model: PictureUpscaler
    result: ResultSize
    format: FormatName
    notes: tuple[str, ...]

    @property
    def pixels(self) -> int:
        """Of the picture."""
        height, width = self.header.size
        return height * width

    @property
    def is_16_bit(self) -> bool:
        """Whether the result has 16 bits."""
        return self.header.is_16_bit and self.format is not FormatName.JPEG

    def bands(self) -> BandUpscaler:
        """What enlarges it."""
        return BandUpscaler(self.model.upscaler, self.result.crop.size, (self.result.height, self.result.width))


class GiganticFiles:
    """Inspects gigantic pictures, when their jobs are taken and in every step. Thread-safe.

    Args:
        models: that can be asked for.
        limits: of pictures and results.
    """

    def __init__(self, models: LoadedModels, limits: GiganticLimits) -> None:
        self._models = models
        self.limits = limits

    def inspect(self, path: Path, options: UpscaleOptions, deadline: Deadline, timings: Timings) -> InspectedGigantic:
        """Read the header of an image file on the disk, and check all that it tells. Nothing is decoded.

        Raises:
            UnknownModel, StrengthNotOffered: as `FileUpscaler.inspect`.
            UnsupportedImage, UnsupportedMode: it can't be done row by row; the error names the way out, and the
                operator's.
            ImageCorrupt, ImageTooComplex, ImageTooLarge, ImageUndecodable: as `FileUpscaler.inspect`.
            FormatCannotHold: the result's format can't be written row by row, or can't hold the result.
            SizeOutOfRange: the result would be smaller than the picture, or too large.
            ResultTooLarge: it would have more px than is allowed, or be too wide.
            DecoderUnavailable, ClientGone, DeadlinePassed, ServiceStopping: as `FileUpscaler.inspect`.
        """
        model = self._models.chosen(options.model, options.strength)
        task = functools.partial(inspect_gigantic, path.absolute(), self.limits.pixels)
        header = run_isolated(task, SECONDS, functools.partial(deadline.check, timings))
        name = options.format or header.format
        if name not in RESULT_FORMATS:
            raise FormatCannotHold(
                f"images of more than {self.limits.ordinary_pixels} px are written as {', '.join(RESULT_FORMATS[:-1])}"
                f" or {RESULT_FORMATS[-1]} only, not as {name}: ask for one of these",
                limit=self.limits.ordinary_pixels,
                setting="max_pixels",
            )
        (result,) = choose_sizes([header.size], options.size, model.facts)
        self._check_result(result)
        check_size(result.height, result.width, name)
        inspected = InspectedGigantic(header, model, result, name, header.notes)
        rows = max(row.place[1] - row.place[0] for row in inspected.bands().rows)
        if (taken := rows * result.width * 6) > MAX_ROW_BYTES:
            most = MAX_ROW_BYTES // 6 // rows
            raise ResultTooLarge(
                f"the result would be {result.width} px wide; of an image as large as this, at most {most} px are made:"
                " turn it on its side, or ask for a smaller scale or width",
                limit=MAX_ROW_BYTES,
                actual=taken,
            )
        if options.quality is not None and not FORMATS[name].has_quality:
            inspected = InspectedGigantic(
                header, model, result, name, (*header.notes, f"'quality' was ignored, as {name} has none")
            )
        return inspected

    def _check_result(self, result: ResultSize) -> None:
        height, width = result.crop.size
        if result.height < height or result.width < width:
            raise SizeOutOfRange(
                f"the result would be smaller than the image's {width} x {height} px, which is not done with images of"
                f" more than {self.limits.ordinary_pixels} px: ask for scale=1, or for a larger size",
                limit=height * width,
                actual=result.height * result.width,
                setting="max_pixels",
            )
        pixels = result.height * result.width
        if pixels > self.limits.result_pixels:
            raise ResultTooLarge(
                f"the result would have {result.width} x {result.height} px = {pixels} px; at most"
                f" {self.limits.result_pixels} px are made: ask for a smaller scale, width or height",
                limit=self.limits.result_pixels,
                actual=pixels,
                setting="jobs_max_result_pixels",
            )


class GiganticSteps:
    """The steps of a gigantic picture's job, for `Steps`, which says what all steps raise.

    Args:
        ledger: knows the jobs.
        files: inspects them.
        quality: of JPEGs for which none is asked, 1 to 100.
        block_seconds: how long a block shall take.
    """

    def __init__(self, ledger: Ledger, files: GiganticFiles, quality: int, block_seconds: float) -> None:
        self._ledger = ledger
        self._files = files
        self._quality = quality
        self._block_seconds = block_seconds
        self._inspected: tuple[str, InspectedGigantic] | None = None

    def plan(self, job: Job, window: int, deadline: Deadline) -> Plan:
        """Cut the picture into bands, and decide what the blocks are. The plan is not written yet."""
        with self._folder() as folder:
            source = self._ledger.fetch_source(job.id, folder / "source")
            file = self._inspect(job, source, deadline)
            bands = file.bands()
            blocks = list(self._blocks(file, bands))
            spans = [bands.shown(block.first, block.stop) for block in blocks]
            crop, most = file.result.crop, self._files.limits.pixels
            task = functools.partial(cut_bands, source.absolute(), crop, spans, folder, most)
            cut = self._run(task, file.pixels, deadline)
            # Two may plan at the same time, with other blocks: a band's name says which rows it has.
            for span in sorted(set(spans)):
                self._ledger.write_band(job.id, band_name(span), folder / band_name(span))
            seconds = sum(file.model.seconds_for(row.cost.area) for row in bands.rows)
            levels = cut.darkest, cut.brightest
            return Plan(time.time(), tuple(blocks), window, seconds, levels, cut.notes)

    def block(self, job: Job, plan: Plan, number: int, deadline: Deadline, listener: ProgressListener) -> bytes:
        """Make a block: rows of the result, in the machine's byte order."""
        file = self._known(job, deadline)
        block, bands = plan.blocks[number], file.bands()
        span = bands.shown(block.first, block.stop)
        data = self._ledger.band(job.id, band_name(span))
        band: Samples = np.frombuffer(data, np.uint16 if file.header.is_16_bit else np.uint8)
        band = band.reshape(span[1] - span[0], file.result.crop.size[1], file.header.channels)
        timings = Timings(tiles=block.tiles)
        enlarged = bands.enlarge(block.first, block.stop, band, plan.levels, deadline, timings, listener)
        return (enlarged if file.is_16_bit else to_8_bits(enlarged)).tobytes()

    def join(self, job: Job, plan: Plan, deadline: Deadline) -> None:
        """Encode the result, and end the job. All blocks are finished."""
        with self._folder() as folder:
            source = self._ledger.fetch_source(job.id, folder / "source")
            file = self._inspect(job, source, deadline)
            path = folder / "result"
            rows = folder / "rows"
            self._collect(job.id, plan, rows)
            size = file.result.height, file.result.width
            task = functools.partial(
                join_bands,
                source.absolute(),
                file.result.crop,
                rows,
                size,
                file.is_16_bit,
                file.format,
                job.options.quality or self._quality,
                job.options.metadata,
                path,
                self._files.limits.pixels,
            )
            notes = self._run(task, size[0] * size[1], deadline)
            with path.open("rb") as written:
                sha256 = hashlib.file_digest(written, "sha256").hexdigest()
            result = Result(
                file.format, size[1], size[0], path.stat().st_size, sha256, (*job.notes, *plan.notes, *notes)
            )
            self._ledger.finish_job(job.id, path, result)

    def _blocks(self, file: InspectedGigantic, bands: BandUpscaler) -> Iterator[Block]:
        """Runs of rows of parts, each as long as possible, but no longer than `block_seconds`."""
        first, seconds, taken, tiles = 0, 0.0, 0, 0
        row_bytes = file.result.width * file.header.channels * (2 if file.is_16_bit else 1)
        for number, row in enumerate(bands.rows):
            duration, size = file.model.seconds_for(row.cost.area), (row.place[1] - row.place[0]) * row_bytes
            if number > first and (seconds + duration > self._block_seconds or taken + size > MAX_BLOCK_BYTES):
                yield Block(first, number, tiles)
                first, seconds, taken, tiles = number, 0.0, 0, 0
            seconds, taken, tiles = seconds + duration, taken + size, tiles + row.cost.tiles
        yield Block(first, len(bands.rows), tiles)

    def _collect(self, job_id: str, plan: Plan, rows: Path) -> None:
        """Put the blocks into one file: libvips would keep a part of each of many files in memory."""
        with _disk_errors(), rows.open("wb") as file:
            for number in range(len(plan.blocks)):
                fetched = rows.with_name("block")
                with self._ledger.fetch_block(job_id, number, fetched).open("rb") as block:
                    shutil.copyfileobj(block, file, COPIED)
                fetched.unlink(missing_ok=True)

    def _known(self, job: Job, deadline: Deadline) -> InspectedGigantic:
        """What the picture is, which is kept for the next block of the same job."""
        if self._inspected is not None and self._inspected[0] == job.id:
            return self._inspected[1]
        with self._folder() as folder:
            return self._inspect(job, self._ledger.fetch_source(job.id, folder / "source"), deadline)

    def _inspect(self, job: Job, source: Path, deadline: Deadline) -> InspectedGigantic:
        inspected = self._files.inspect(source, job.options, deadline, Timings())
        self._inspected = job.id, inspected
        return inspected

    def _run(self, task: Callable[[], T], pixels: int, deadline: Deadline) -> T:
        seconds = SECONDS + SECONDS_PER_MEGAPIXEL * pixels / 1e6
        with _disk_errors():
            return run_isolated(task, seconds, functools.partial(deadline.check, Timings()))

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        """A directory for temporary files, on the disk of the store if that is on a disk."""
        with _disk_errors():
            folder = Path(tempfile.mkdtemp(prefix="gigantic-", dir=self._ledger.store.scratch.absolute()))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    """Say that the disk is full, or can't be written to."""
    try:
        yield
    except FileNotFoundError as exc:  # the job has ended meanwhile, and its files are deleted
        raise NotStored(str(exc.filename)) from exc
    except OSError as exc:
        raise StoreUnavailable(f"temporary files can't be written ({exc.strerror}): try again later") from exc
