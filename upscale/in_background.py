"""Hand images in as jobs of a service, and fetch the results as they get done.

Nothing is written down here: the Idempotency-Key of an image with its options is the same in each run, so that the same
command finds the jobs of an earlier one, finished or not.
"""

import contextlib
import time
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from image_super_scaling import Download, Job, JobState, Saved
from upscale.console import Console, Progress
from upscale.errors import Busy, Expired, Failed, Full, UsageError
from upscale.jobs import MAX_ABSENCE, Jobs, failure_of, key_of
from upscale.output import writing
from upscale.report import Report
from upscale.tasks import Arguments, Task

# Jobs, the oldest first, that the service is asked about: they are done in about this order.
WATCHED = 8
FIRST_PAUSE = 1.0  # s until the first question about a job
MIN_PAUSE, MAX_PAUSE = 0.2, 30.0  # s until a busy service is asked about a job again, whatever it says
MAX_WAIT = 300.0  # s until the next attempt to submit
# How many earlier jobs of an image that have no result (failed, cancelled, expired) are passed over.
MAX_GENERATIONS = 8


@dataclass(frozen=True)
class Submission:
    """An image to hand in.

    `target`: of the result, no other image's; `replace`: whether it may exist; `options`: as in the query of a request;
    `generation`: of its key;
    `busy`: how often the service was.
    """

    source: Path
    target: Path
    replace: bool
    options: dict[str, str]
    generation: int = 0
    busy: int = 0

    @property
    def name(self) -> str:
        """What messages call the image."""
        return str(self.source)


@dataclass(eq=False)
class OpenJob:
    """A job whose result is not here.

    `due`: when to ask about it; `busy`: how often the service was, since it last said something about the job;
    `busy_since`: since when. All times are in s of the monotonic clock.
    """

    submission: Submission
    job: Job
    start: float
    due: float
    busy: int = 0
    busy_since: float = 0.0


class InBackground:
    """Does tasks as jobs.

    Args:
        arguments: the command line.
        url: of the service.
        console: prints messages and progress.

    Raises:
        UsageError: `url` is not the address of a service.
    """

    def __init__(self, arguments: Arguments, url: str, console: Console) -> None:
        self._arguments = arguments
        self._jobs = Jobs(url, arguments.key, console.say)
        self._console = console

    def do(self, tasks: list[Task], report: Report, bar: tqdm) -> None:
        """Do all tasks; a failure stops no other one. `bar` is updated after each.

        Raises:
            UsageError: a task is about standard input or output.
        """
        submissions = [self._submission(task) for task in tasks]
        with contextlib.closing(_Shown(self._console)) as shown:
            try:
                _Round(self._jobs, self._arguments, self._console, report, bar, shown).run(submissions)
            except (KeyboardInterrupt, SystemExit):
                self._console.complain("what is handed in goes on at the service; the same command fetches the results")
                raise

    def close(self) -> None:
        """Close all connections."""
        self._jobs.close()

    def _submission(self, task: Task) -> Submission:
        if task.source is None or task.target is None:
            raise UsageError("--jobs reads and writes files: for a pipe, leave it out")
        group = {} if self._arguments.group is None else {"group": self._arguments.group}
        return Submission(task.source, task.target, task.replace, {**task.options(self._arguments), **group})


class _Round:
    """Hands in what the service takes and looks after what it has, in turns, until all is done."""

    def __init__(
        self, jobs: Jobs, arguments: Arguments, console: Console, report: Report, bar: tqdm, shown: "_Shown"
    ) -> None:
        self._jobs = jobs
        self._arguments = arguments
        self._say = console.say
        self._report = report
        self._bar = bar
        self._shown = shown
        self._waiting = deque[Submission]()
        self._submit_at = 0.0
        self._open = list[OpenJob]()

    def run(self, submissions: list[Submission]) -> None:
        self._waiting.extend(submissions)
        while self._waiting or self._open:
            if self._waiting and time.monotonic() >= self._submit_at:
                submission = self._waiting.popleft()
                if not self._report.attempt(submission.name, partial(self._submit, submission)):
                    self._bar.update()
            for each in [each for each in self._open[:WATCHED] if time.monotonic() >= each.due]:
                if not self._report.attempt(each.submission.name, partial(self._look, each)):
                    self._end(each)
            self._shown.show(self._open[0] if self._open else None)
            dues = [each.due for each in self._open[:WATCHED]] + ([self._submit_at] if self._waiting else [])
            time.sleep(max(0.0, min(dues, default=0.0) - time.monotonic()))

    def _end(self, open_job: OpenJob) -> None:
        self._open.remove(open_job)
        self._bar.update()
        if self._open:
            self._open[0].due = time.monotonic()  # it is probably done as well, if jobs are small

    def _submit(self, submission: Submission) -> None:
        source, options = submission.source, submission.options
        key = key_of(source, options, submission.generation)
        try:
            job = self._jobs.submit(source, options, key)
        except Busy as busy:
            attempt = submission.busy + 1
            # A full queue is waited for, however long: work is being done. What else is wrong may stay wrong.
            if not isinstance(busy, Full) and attempt > self._arguments.retries:
                raise Failed(f"{busy} (tried {attempt} times)") from busy
            seconds = _pause_after(busy, attempt)
            self._say(f"{submission.name}: {busy}: trying again in {seconds:.0f} s")
            self._waiting.appendleft(replace(submission, busy=attempt))
            self._submit_at = time.monotonic() + seconds
            return
        # Failed or cancelled already: it is a job of an earlier run.
        if job.state in (JobState.FAILED, JobState.CANCELLED) and submission.generation < MAX_GENERATIONS:
            self._pass_over(submission)
        else:
            now = time.monotonic()
            self._open.append(OpenJob(submission, job, now, now if job.state.is_end else now + FIRST_PAUSE))

    def _pass_over(self, submission: Submission) -> None:
        """Submit an image anew, because the job that was found has no result."""
        self._waiting.appendleft(replace(submission, generation=submission.generation + 1, busy=0))

    def _look(self, open_job: OpenJob) -> None:
        try:
            if not open_job.job.state.is_end:
                open_job.job, pause = self._jobs.look(open_job.job)
                open_job.due = time.monotonic() + pause
            if open_job.job.state is JobState.DONE:
                self._fetch(open_job)
            elif open_job.job.state.is_end:
                raise failure_of(open_job.job)
            open_job.busy = 0
        except Busy as busy:
            self._put_off(open_job, busy)
        except Expired:
            if open_job.submission.generation >= MAX_GENERATIONS:
                raise
            self._open.remove(open_job)
            self._pass_over(open_job.submission)

    def _put_off(self, open_job: OpenJob, busy: Busy) -> None:
        now = time.monotonic()
        open_job.busy_since = open_job.busy_since if open_job.busy else now
        open_job.busy += 1
        # Places for downloads are waited for, however long. What else is wrong is waited for like an absent service.
        if not isinstance(busy, Full) and now - open_job.busy_since > MAX_ABSENCE:
            raise Failed(f"{busy} (tried {open_job.busy} times)") from busy
        seconds = min(MAX_PAUSE, max(MIN_PAUSE, _pause_after(busy, open_job.busy)))
        self._say(f"{open_job.submission.name}: {busy}: asking again in {seconds:.0f} s")
        open_job.due = now + seconds

    def _fetch(self, open_job: OpenJob) -> None:
        target = open_job.submission.target
        with writing(target, replace=open_job.submission.replace) as file:
            result = self._fetched(open_job.job, Download(file))
        seconds = time.monotonic() - open_job.start
        line = f"{target}: {result.width} x {result.height} px, {seconds:.1f} s"
        self._report.done(open_job.submission.name, line, result.notes)
        self._end(open_job)

    def _fetched(self, job: Job, download: Download) -> Saved:
        attempt = 1
        while True:
            try:
                return self._jobs.fetch(job, download)
            except Busy as busy:
                # Before the first byte there is nothing to lose: other jobs are looked after meanwhile.
                if not download.size or attempt > self._arguments.retries:
                    raise
                time.sleep(_pause_after(busy, attempt))
                attempt += 1


def _pause_after(busy: Busy, attempt: int) -> float:
    """The seconds to wait after attempt 1, 2, …: as the service asks, or else twice as long each time."""
    return min(2.0 ** min(attempt - 1, 10) if busy.seconds is None else busy.seconds, MAX_WAIT)


class _Shown:
    """The bar of the job that is the next to be done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = contextlib.ExitStack()
        self._progress: Progress | None = None
        self._job: OpenJob | None = None

    def show(self, open_job: OpenJob | None) -> None:
        """Show how far a job is."""
        if open_job is not self._job:
            self.close()
            self._job = open_job
            if open_job is not None:
                self._progress = self._bar.enter_context(self._console.file(open_job.submission.name))
        if open_job is not None and self._progress is not None and open_job.job.total:
            self._progress.expect(open_job.job.total)
            self._progress.reach(open_job.job.done)

    def close(self) -> None:
        """Show nothing."""
        self._bar.close()
        self._progress = None
