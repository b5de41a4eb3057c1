"""Gigantic pictures: larger than what is decoded in memory. They are cut into bands on the disk, and joined from there.

    inspect    in a process of its own: what the file is, by its header; then the limits
    plan       the file is decoded once, in a process of its own; each block gets the rows that it depends on, and the
               plan what the header says, so that blocks need nothing else of the file
    block      these rows become rows of the result, to the byte as in the whole picture
    join       a process of its own encodes the rows of all blocks, one after the other, with the file's metadata

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

from jobs.blocks import cut_into_blocks
from jobs.gigantic_files import GiganticFiles, InspectedGigantic
from jobs.ledger import Ledger
from jobs.records import Job, Plan, Result
from jobs.step_time import PROCESS_SECONDS
from jobs.store import NotStored
from superscaling.enlarging import PartSize
from superscaling.errors import BlockFailed, StoreUnavailable
from superscaling.geometry import Span
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

# Bytes that are copied at a time.
COPIED = 1 << 20


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

    def plan(self, job: Job, window: int, deadline: Deadline) -> Plan:
        """Cut the picture into bands, and decide what the blocks are. The plan is not written yet."""
        with self._folder() as folder:
            source = self._ledger.work.fetch_source(job.id, folder / "source")
            file = self._files.inspect(source, job.options, deadline, Timings())
            bands = file.bands
            seconds = [file.model.seconds_for(row.cost) for row in bands.rows]
            sizes = [PartSize(row.cost, (row.place[1] - row.place[0]) * file.row_bytes) for row in bands.rows]
            blocks = tuple(cut_into_blocks(sizes, seconds, self._block_seconds))
            spans = [bands.shown(block.first, block.stop) for block in blocks]
            crop, most = file.result.crop, self._files.limits.pixels
            task = functools.partial(cut_bands, source.absolute(), crop, spans, folder, most)
            cut = self._run(task, deadline)
            picture = f"{len(bands.rows)}-{cut.checksum:08x}"
            for span in sorted(set(spans)):
                deadline.check(Timings())
                self._ledger.work.write_band(job.id, _name(picture, span), folder / band_name(span))
            levels, total = (cut.darkest, cut.brightest), sum(seconds)
            return Plan(time.time(), blocks, window, total, picture, levels=levels, notes=cut.notes, header=file.header)

    def block(self, job: Job, plan: Plan, number: int, deadline: Deadline, listener: ProgressListener) -> bytes:
        """Make a block: rows of the result, in the machine's byte order."""
        file = self._planned(job, plan)
        block, bands = plan.blocks[number], file.bands
        span = bands.shown(block.first, block.stop)
        data = self._ledger.work.band(job.id, _name(plan.picture, span))
        band: Samples = np.frombuffer(data, np.uint16 if file.header.is_16_bit else np.uint8)
        band = band.reshape(span[1] - span[0], file.result.crop.size[1], file.header.channels)
        timings = Timings(tiles=block.tiles)
        enlarged = bands.enlarge(block.first, block.stop, band, plan.levels, deadline, timings, listener)
        return (enlarged if file.is_16_bit else to_8_bits(enlarged)).tobytes()

    def join(self, job: Job, plan: Plan, deadline: Deadline) -> None:
        """Encode the result, and end the job. All blocks are finished."""
        file = self._planned(job, plan)
        with self._folder() as folder:
            source = self._ledger.work.fetch_source(job.id, folder / "source")
            path = folder / "result"
            pieces = self._collect(job.id, plan, folder, piece_bytes(file.row_bytes), deadline)
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
            notes = self._run(task, deadline)
            with path.open("rb") as written:
                sha256 = hashlib.file_digest(written, "sha256").hexdigest()
            deadline.check(Timings())
            said = tuple(dict.fromkeys((*job.notes, *file.notes, *plan.notes, *notes)))
            result = Result(file.format, size[1], size[0], path.stat().st_size, sha256, said)
            self._ledger.finish_job(job.id, path, result)

    def _planned(self, job: Job, plan: Plan) -> InspectedGigantic:
        """What the picture is, as it was planned.

        Raises:
            BlockFailed: it would be done in other parts now, as the service was changed.
        """
        if plan.header is not None:
            file = self._files.chosen(plan.header, job.options)
            if plan.picture.startswith(f"{len(file.bands.rows)}-"):
                return file
        raise BlockFailed(
            "the image would be done in other parts than when the work on it began, as the service was changed: send it"
            " again"
        )

    def _collect(self, job_id: str, plan: Plan, folder: Path, length: int, deadline: Deadline) -> list[Path]:
        """Copy all blocks, one after the other, into files of so many bytes, of which libvips needs one at a time."""
        pieces, left = list[Path](), 0
        with _disk_errors(), contextlib.ExitStack() as stack:
            for number in range(len(plan.blocks)):
                deadline.check(Timings())
                fetched = folder / "block"
                with self._ledger.work.fetch_block(job_id, number, fetched).open("rb") as block:
                    while chunk := block.read(min(COPIED, left or length)):
                        if not left:
                            deadline.check(Timings())
                            stack.close()
                            pieces.append(folder / f"piece-{len(pieces)}")
                            piece, left = stack.enter_context(pieces[-1].open("wb")), length
                        piece.write(chunk)
                        left -= len(chunk)
                fetched.unlink(missing_ok=True)
        return pieces

    def _run(self, task: Callable[[], T], deadline: Deadline) -> T:
        with _disk_errors():
            return run_isolated(task, PROCESS_SECONDS, functools.partial(deadline.check, Timings()))

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        """A directory for temporary files, on the disk of the store if that is on a disk."""
        with contextlib.ExitStack() as stack:
            with _disk_errors():
                folder = stack.enter_context(self._ledger.store.scratch_folder("gigantic"))
            yield folder


def _name(picture: str, span: Span) -> str:
    """Of a band in the store.

    Two may plan at the same time, with other blocks or, after an update, another decoder. A band's name says which rows
    of which pixels it has, so that neither spoils the other's plan.
    """
    return f"{picture}-{band_name(span)}"


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    """Say that the disk is full, or can't be written to."""
    try:
        yield
    except FileNotFoundError as exc:  # the job has ended meanwhile, and its files are deleted
        raise NotStored(str(exc.filename)) from exc
    except OSError as exc:
        raise StoreUnavailable(f"temporary files can't be written ({exc.strerror}): try again later") from exc
