"""The run: one picture after the other; a bad one stops no other."""

import logging
import sys
import time
from collections.abc import Mapping
from typing import Protocol

from message_protocol import UpscaleOutput
from upscale.arguments import Arguments
from upscale.console import Console, Progress
from upscale.errors import Failed, FatalError
from upscale.jobs import Job, Plan
from upscale.output import write_stdout, write_target

log = logging.getLogger(__name__)

DONE, FAILED, INTERRUPTED = 0, 1, 130


class Enlarger(Protocol):
    """`Local` or `Remote`."""

    def enlarge(self, image: bytes, options: Mapping[str, str], progress: Progress) -> UpscaleOutput:
        """Enlarge one image file."""


class Run:
    """Works through a plan.

    Args:
        arguments: the command line.
        enlarger: what enlarges.
        console: what people see.
    """

    def __init__(self, arguments: Arguments, enlarger: Enlarger, console: Console) -> None:
        self._arguments = arguments
        self._enlarger = enlarger
        self._console = console
        self._done = 0
        self._failures = list[tuple[str, str]]()

    def run(self, plan: Plan) -> int:
        """Do all of it, and say what became of it; returns the exit status."""
        for note in plan.notes:
            self._console.say(note)
        for name, reason in plan.failures:
            self._fail(name, reason)
        count = len(plan.jobs) + len(plan.failures)
        if not count:
            self._console.complain("there are no pictures to enlarge")
            return FAILED
        try:
            with self._console.files(len(plan.jobs)) as bar:
                for job in plan.jobs:
                    self._try(job)
                    bar.update()
        except FatalError as exc:
            self._console.complain(f"upscale: {exc}")
            self._sum_up(count)
            return FAILED
        except KeyboardInterrupt:
            self._console.complain("interrupted")
            self._sum_up(count)
            return INTERRUPTED
        self._sum_up(count)
        return FAILED if self._failures else DONE

    def _try(self, job: Job) -> None:
        try:
            self._do(job)
            self._done += 1
        except Failed as exc:
            self._fail(job.name, str(exc))
        except MemoryError:
            self._fail(job.name, "there is not enough memory for this picture")
        except FatalError:
            raise
        except Exception as exc:  # a defect that one picture shows stops no other
            log.debug("%s", job.name, exc_info=exc)
            self._fail(job.name, f"a defect of this program: {exc!r}")

    def _do(self, job: Job) -> None:
        start = time.monotonic()
        with self._console.file(job.name) as progress:
            output = self._enlarger.enlarge(_read(job), self._options(job), progress)
        if job.target is None:
            write_stdout(output.image)
        else:
            write_target(job.target, output.image, replace=self._arguments.force)
        target = "standard output" if job.target is None else job.target
        seconds = time.monotonic() - start
        self._console.say(f"{job.name} -> {target}: {output.width} x {output.height} px, {seconds:.1f} s")
        for note in output.notes:
            self._console.say(f"{job.name}: note: {note}")

    def _options(self, job: Job) -> dict[str, str]:
        asked = {"format": job.format, "quality": self._arguments.quality}
        return {name: str(value) for name, value in asked.items() if value is not None}

    def _fail(self, name: str, reason: str) -> None:
        self._failures.append((name, reason))
        self._console.complain(f"{name}: failed: {reason}")

    def _sum_up(self, count: int) -> None:
        """One line, and under it what failed; of a single picture all was said before."""
        if count == 1:
            return
        counts = [f"{self._done} done", f"{len(self._failures)} failed"]
        if left := count - self._done - len(self._failures):
            counts.append(f"{left} left")
        self._console.say(", ".join(counts) + (":" if self._failures else ""))
        for name, reason in self._failures:
            self._console.say(f"  {name}: {reason}")


def _read(job: Job) -> bytes:
    try:
        data = sys.stdin.buffer.read() if job.source is None else job.source.read_bytes()
    except OSError as exc:
        raise Failed(str(exc.strerror)) from exc
    if not data:
        raise Failed("is empty")
    return data
