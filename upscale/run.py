"""Run the command line: one image after the other; a failure stops no other image."""

import logging
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import click

from message_protocol import UpscaleOutput
from superscaling.errors import SettingInvalid, StartError
from superscaling.models import directory_of
from superscaling.settings import Settings, describe_unknown, environment_variable, read_settings, unknown_variables
from upscale.console import Console, Progress, shown
from upscale.errors import DONE, FAILED, INTERRUPTED, WRONG_USAGE, Failed, FatalError, UsageError
from upscale.interrupts import ended_at_once
from upscale.jobs import Arguments, Job, Plan, plan
from upscale.output import write_stdout, write_target

log = logging.getLogger(__name__)


class Enlarger(Protocol):
    """`Local` or `Remote`."""

    def get_ready(self) -> None:
        """Do what is to be done once, before the first image. May be called again."""

    def enlarge(self, image: bytes, options: Mapping[str, str], progress: Progress) -> UpscaleOutput:
        """Enlarge one image file."""


def main(arguments: Arguments) -> int:
    """Do what the command line says; returns the exit status."""
    _exit_on_signals()
    console = Console(arguments.quiet)
    logging.getLogger().addHandler(console)
    try:
        return Run(arguments, _enlarger(arguments, console), console).run(plan(arguments))
    except (UsageError, SettingInvalid) as exc:
        click.echo(f"upscale: {shown(exc)}", err=True)
        return WRONG_USAGE
    except StartError as exc:
        click.echo(f"upscale: {shown(exc)}", err=True)
        return FAILED


def _enlarger(arguments: Arguments, console: Console) -> Enlarger:
    # Imported late: neither needs what the other imports.
    if arguments.url is not None:
        with ended_at_once():
            from upscale.remote import Remote

        return Remote(arguments.url, arguments.retries, console.say)
    with ended_at_once():
        from upscale.local import Local

    settings = read_settings()
    for variable in unknown_variables():
        console.complain(describe_unknown(variable))
    settings = replace(settings, models=())  # one is enough
    return Local(settings if arguments.model is None else _with_model(settings, arguments.model))


def _with_model(settings: Settings, model: str) -> Settings:
    chosen = replace(settings, model=model)
    try:
        directory_of(chosen)
    except SettingInvalid as exc:
        raise UsageError(str(exc).replace(f"{environment_variable('model')}=", "--model ", 1)) from exc
    return chosen


def _exit_on_signals() -> None:
    """Make SIGTERM and a closed terminal clean up as Ctrl-C does, unless they are ignored (nohup)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda number, _: sys.exit(128 + number))


class Run:
    """Works through a plan and reports on it.

    Args:
        arguments: the command line.
        enlarger: enlarges the images.
        console: prints messages and progress.
    """

    def __init__(self, arguments: Arguments, enlarger: Enlarger, console: Console) -> None:
        self._arguments = arguments
        self._enlarger = enlarger
        self._console = console
        self._done = 0
        self._failures = list[tuple[str, str]]()

    def run(self, plan: Plan) -> int:
        """Do all jobs and report; returns the exit status."""
        for note in plan.notes:
            self._console.say(note)
        for name, reason in plan.failures:
            self._fail(name, reason)
        count = len(plan.jobs) + len(plan.failures)
        if not count:
            self._console.complain("there are no images to enlarge")
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
            self._fail(job.name, "there is not enough memory for this image")
        except FatalError:
            raise
        except Exception as exc:  # a bug must not stop the other images
            log.debug("%s", job.name, exc_info=exc)
            self._fail(job.name, f"a bug in this program: {exc!r}")

    def _do(self, job: Job) -> None:
        with self._console.file(job.name) as progress:
            image = _read(job)
            self._enlarger.get_ready()  # a conversion takes minutes, which are not this image's
            start = time.monotonic()
            output = self._enlarger.enlarge(image, self._options(job), progress)
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
        return {**self._arguments.options, **({} if job.format is None else {"format": job.format})}

    def _fail(self, name: str, reason: str) -> None:
        self._failures.append((name, reason))
        self._console.complain(f"{name}: failed: {reason}")

    def _sum_up(self, count: int) -> None:
        """Print the counts and what failed; for a single image all of that is printed already."""
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
