"""Run the command line: a failure stops no other image."""

import contextlib
import logging
import signal
import sys
import time
from collections.abc import Mapping
from functools import partial
from typing import Protocol

import click
from tqdm import tqdm

from image_super_scaling import Result
from superscaling.errors import SettingInvalid, StartError
from upscale.console import Console, Progress, shown
from upscale.errors import DONE, FAILED, INTERRUPTED, WRONG_USAGE, Failed, FatalError, UsageError
from upscale.interrupts import ended_at_once
from upscale.local_packages import require_local_packages
from upscale.output import write_stdout, write_target
from upscale.report import Report
from upscale.tasks import Arguments, Plan, Task, plan


class Enlarger(Protocol):
    """`Local` or `Remote`."""

    def get_ready(self) -> None:
        """Do what is to be done once, before the first image. May be called again."""

    def enlarge(self, image: bytes, options: Mapping[str, str], progress: Progress) -> Result:
        """Enlarge one image file."""

    def close(self) -> None:
        """Close connections, if there are any."""


class Work(Protocol):
    """`OneByOne` or `InBackground`."""

    def do(self, tasks: list[Task], report: Report, bar: tqdm) -> None:
        """Do all tasks; a failure stops no other one. `bar` is updated after each."""

    def close(self) -> None:
        """Close connections, if there are any."""


def main(arguments: Arguments) -> int:
    """Do what the command line says; returns the exit status."""
    _exit_on_signals()
    console = Console(arguments.quiet)
    logging.getLogger().addHandler(console)
    try:
        with contextlib.closing(_work(arguments, console)) as work:
            return Run(work, console).run(plan(arguments))
    except (UsageError, SettingInvalid) as exc:
        click.echo(f"upscale: {shown(exc)}", err=True)
        return WRONG_USAGE
    except StartError as exc:
        click.echo(f"upscale: {shown(exc)}", err=True)
        return FAILED


def _work(arguments: Arguments, console: Console) -> Work:
    if not arguments.jobs:
        return OneByOne(arguments, _enlarger(arguments, console), console)
    if arguments.url is None:
        raise UsageError("--jobs needs --url: jobs are done by a service; without it, images are enlarged here")
    with ended_at_once():
        from upscale.in_background import InBackground

    return InBackground(arguments, arguments.url, console)


def _enlarger(arguments: Arguments, console: Console) -> Enlarger:
    # Imported late: neither needs what the other imports.
    if arguments.url is not None:
        with ended_at_once():
            from upscale.remote import Remote

        return Remote(arguments.url, arguments.retries, console.say, arguments.key)
    require_local_packages()
    with ended_at_once():
        from upscale.local import local_enlarger

    return local_enlarger(arguments.model, console.complain)


def _exit_on_signals() -> None:
    """Make SIGTERM and a closed terminal clean up as Ctrl-C does, unless they are ignored (nohup)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda number, _: sys.exit(128 + number))


class Run:
    """Works through a plan and reports on it.

    Args:
        work: does the tasks.
        console: prints messages and progress.
    """

    def __init__(self, work: Work, console: Console) -> None:
        self._work = work
        self._console = console

    def run(self, plan: Plan) -> int:
        """Do all tasks and report; returns the exit status."""
        count = len(plan.tasks) + len(plan.failures)
        for note in plan.notes if count or plan.finished else ():
            self._console.say(note)
        report = Report(self._console, count)
        for name, reason in plan.failures:
            report.failed(name, reason)
        if not count and plan.finished:
            return DONE
        if not count:
            # Also when quiet, as the notes may say why: pictures of a format that is not read.
            self._console.complain(": ".join(["there are no images to enlarge", *plan.notes]))
            return FAILED
        try:
            with self._console.files(len(plan.tasks)) as bar:
                self._work.do(plan.tasks, report, bar)
        except FatalError as exc:
            self._console.complain(f"upscale: {exc}")
            report.sum_up()
            return FAILED
        except KeyboardInterrupt:
            self._console.complain("interrupted")
            report.sum_up()
            return INTERRUPTED
        report.sum_up()
        return FAILED if report.has_failures else DONE


class OneByOne:
    """Enlarges one image after the other.

    Args:
        arguments: the command line.
        enlarger: enlarges the images.
        console: shows progress.
    """

    def __init__(self, arguments: Arguments, enlarger: Enlarger, console: Console) -> None:
        self._arguments = arguments
        self._enlarger = enlarger
        self._console = console

    def do(self, tasks: list[Task], report: Report, bar: tqdm) -> None:
        """Do all tasks; a failure stops no other one. `bar` is updated after each."""
        for task in tasks:
            report.attempt(task.name, partial(self._do, task, report))
            bar.update()

    def close(self) -> None:
        """Close connections, if there are any."""
        self._enlarger.close()

    def _do(self, task: Task, report: Report) -> None:
        with self._console.file(task.name) as progress:
            image = _read(task)
            self._enlarger.get_ready()  # a conversion takes minutes, which are not this image's
            start = time.monotonic()
            output = self._enlarger.enlarge(image, task.options(self._arguments), progress)
        if task.target is None:
            write_stdout(output.image)
        else:
            write_target(task.target, output.image, replace=task.replace)
        target = "standard output" if task.target is None else task.target
        seconds = time.monotonic() - start
        line = f"{target}: {output.width} x {output.height} px, {seconds:.1f} s"
        report.done(task.name, line, output.notes)


def _read(task: Task) -> bytes:
    try:
        data = sys.stdin.buffer.read() if task.source is None else task.source.read_bytes()
    except OSError as exc:
        raise Failed(str(exc.strerror)) from exc
    if not data:
        raise Failed("is empty")
    return data
