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
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from jobs.gigantic_files import GiganticFiles, InspectedGigantic
from jobs.ledger import Ledger
from jobs.records import Block, Job, Plan, Result
from jobs.store import NotStored
from superscaling.enlarging import BandUpscaler
from superscaling.errors import StoreUnavailable
from superscaling.isolation import run_isolated
from superscaling.pictures import (
    Samples,
    band_name,
    cut_bands,
    join_bands,
    piece_bytes,
    to_8_bits,
)
from superscaling.scheduling import Deadline, ProgressListener, Timings

T = TypeVar("T")

# Seconds that a process may take, and those for each megapixel: a PNG of 16 bits is encoded at 1 s/MP.
SECONDS, SECONDS_PER_MEGAPIXEL = 120.0, 10.0
# Bytes that are copied at a time.
COPIED = 1 << 20
# The most bytes of pixels in a block; a block has one row of parts at least.
MAX_BLOCK_BYTES = 1 << 27


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
            return Plan(time.time(), tuple(blocks), window, seconds, levels=levels, notes=cut.notes)

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
            row = file.result.width * file.header.channels * (2 if file.is_16_bit else 1)
            pieces = self._collect(job.id, plan, folder, piece_bytes(row))
            size = file.result.height, file.result.width
            task = functools.partial(
                join_bands,
                source.absolute(),
                file.result.crop,
                pieces,
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
            said = tuple(dict.fromkeys((*job.notes, *file.notes, *plan.notes, *notes)))
            result = Result(file.format, size[1], size[0], path.stat().st_size, sha256, said)
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

    def _collect(self, job_id: str, plan: Plan, folder: Path, length: int) -> list[Path]:
        """Copy all blocks, one after the other, into files of so many bytes, of which libvips needs one at a time."""
        pieces, left = list[Path](), 0
        with _disk_errors(), contextlib.ExitStack() as stack:
            for number in range(len(plan.blocks)):
                fetched = folder / "block"
                with self._ledger.fetch_block(job_id, number, fetched).open("rb") as block:
                    while chunk := block.read(min(COPIED, left or length)):
                        if not left:
                            stack.close()
                            pieces.append(folder / f"piece-{len(pieces)}")
                            piece, left = stack.enter_context(pieces[-1].open("wb")), length
                        piece.write(chunk)
                        left -= len(chunk)
                fetched.unlink(missing_ok=True)
        return pieces

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
        with contextlib.ExitStack() as stack:
            with _disk_errors():
                folder = stack.enter_context(self._ledger.store.scratch_folder("gigantic"))
            yield folder


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    """Say that the disk is full, or can't be written to."""
    try:
        yield
    except FileNotFoundError as exc:  # the job has ended meanwhile, and its files are deleted
        raise NotStored(str(exc.filename)) from exc
    except OSError as exc:
        raise StoreUnavailable(f"temporary files can't be written ({exc.strerror}): try again later") from exc
