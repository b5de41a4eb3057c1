"""Does jobs in the process that serves: one thread, a few blocks of each in turn, behind the requests."""

import logging
import math
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass

from jobs.indices import open_jobs
from jobs.lease import INTERVAL, Lease
from jobs.ledger import Ledger
from jobs.records import Job
from jobs.steps import Steps
from superscaling.errors import ClientGone, JobUnknown, ServiceStopping, StoreUnavailable
from superscaling.scheduling import Deadline, NoListener, Timings

log = logging.getLogger("jobs")

# Blocks of a job in the queue at a time: there is one worker.
WINDOW = 1
# Blocks of a job that are made before the next job has its turn: each turn begins with decoding the picture.
TURN_BLOCKS = 4
# Seconds between two looks for jobs that other processes took, and left behind.
LOOK_INTERVAL = 5.0
# Seconds until a job is tried again after a failure of the store or the engine; they double up to the second number.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# Seconds that `stop` waits for the tile in progress. A join that takes longer is left, and made again later.
STOP_SECONDS = 30.0


class EmbeddedEngine:
    """Works on all open jobs in turn: makes `TURN_BLOCKS` of each, or what is left of it, and then its result.

    Next is the job whose latest turn is the longest ago, or that had none. One that is submitted ends the turn of
    another after the block in progress.

    What is to be done stands in the ledger, so nothing is lost with this process. Of several processes on one store,
    the one that has the lease does the jobs of all; it has the lease as long as there are any.

    Args:
        ledger: knows the jobs.
        steps: does them.
    """

    def __init__(self, ledger: Ledger, steps: Steps) -> None:
        self._ledger = ledger
        self._steps = steps
        self._lease = Lease(ledger.store)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._submitted = set[str]()  # here, and perhaps not accepted yet
        self._listed = frozenset[str]()  # as of the latest look into the ledger
        self._turns = dict[str, int]()  # of each job, the number of its latest
        self._turn_count = 0
        self._failures = dict[str, _Failures]()
        self._current: _Current | None = None
        self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._watcher = threading.Thread(target=self._watch, name="jobs-watch", daemon=True)

    def start(self) -> None:
        """Begin with the open jobs of earlier processes."""
        self._worker.start()
        self._watcher.start()

    def submit(self, job: Job) -> None:
        """Take a job."""
        self._submitted.add(job.id)
        self._wake.set()

    def cancelled(self, job_id: str) -> None:
        """Stop before the next tile, if the job is being worked on."""
        current = self._current
        if current is not None and current.job_id == job_id:
            current.is_cancelled = True

    def tiles_in_progress(self, job_id: str, finished: Collection[int]) -> int:
        """Tiles of the blocks of this turn, but for those that were finished when it was looked for them."""
        current = self._current
        if current is None or current.job_id != job_id:
            return 0
        return sum(tiles for number, tiles in tuple(current.tiles.items()) if number not in finished)

    def stop(self) -> None:
        """Stop before the next tile, and wait for that. An encoder is not waited for longer than `STOP_SECONDS`."""
        self._stopping.set()
        self._wake.set()
        if self._worker.ident is None:  # never started
            return
        self._worker.join(STOP_SECONDS)
        if self._worker.is_alive():
            self._steps.attempts.give_up()

    def _work(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                wait = self._turn()
                pause = FIRST_PAUSE
            except StoreUnavailable as exc:
                log.warning("jobs wait for their store: %s", exc.detail)
                wait, pause = pause, min(2 * pause, LONGEST_PAUSE)
            except Exception:  # a defect, such as a record that can't be read, must not end this thread
                log.exception("jobs could not be continued")
                wait, pause = pause, min(2 * pause, LONGEST_PAUSE)
            if wait:
                self._steps.release()
                self._wake.wait(wait)
        try:
            self._lease.release()
        except StoreUnavailable as exc:
            log.warning("the lease of jobs is not given back: %s", exc.detail)

    def _turn(self) -> float:
        """Give the next open job that has something to do its turn. Returns the seconds until the next turn."""
        submitted = list(self._submitted)
        jobs = [each.job_id for each in open_jobs(self._ledger.store)]
        self._listed = frozenset(jobs)
        self._submitted.difference_update(set(submitted) - self._listed)
        self._turns = {job_id: number for job_id, number in self._turns.items() if job_id in self._listed}
        self._failures = {job_id: failures for job_id, failures in self._failures.items() if job_id in self._listed}
        if not jobs:
            self._lease.release()
            return LOOK_INTERVAL
        was_held = self._lease.is_held
        if not self._lease.take():
            return INTERVAL
        if not was_held:
            self._ledger.forget_plans()  # whoever had the lease may have other models, and have planned jobs anew
        for job_id in sorted(jobs, key=lambda job_id: self._turns.get(job_id, 0)):
            if self._stopping.is_set() or not self._lease.is_held:
                break
            failures = self._failures.get(job_id)
            if (failures is None or failures.is_over) and self._advance_safely(job_id):
                return 0.0
        return min((each.seconds_left for each in self._failures.values()), default=LOOK_INTERVAL)

    def _advance_safely(self, job_id: str) -> bool:
        """Work on a job, if it is accepted. Returns whether there was something to do, and no failure."""
        self._current = current = _Current(job_id)
        try:
            is_done = self._advance(current)
            self._failures.pop(job_id, None)
            return is_done
        except ClientGone:  # cancelled
            return True
        except (ServiceStopping, JobUnknown):
            return False
        except Exception as exc:
            failures = self._failures.setdefault(job_id, _Failures())
            failures.add()
            reason = getattr(exc, "detail", None) or type(exc).__name__
            log.warning("a job waits %g s: %s", failures.pause, reason, extra={"job": job_id})
            return False
        finally:
            self._current = None

    def _advance(self, current: "_Current") -> bool:
        job_id = current.job_id
        if self._ledger.has_ended(job_id):  # and its index is behind
            self._ledger.clear(job_id)
            return False
        if job_id not in self._submitted and not self._ledger.is_accepted(job_id):
            return False
        self._turn_count += 1
        self._turns[job_id] = self._turn_count
        deadline = Deadline(
            is_client_gone=lambda: current.is_cancelled,
            seconds_until_stop=lambda: -1.0 if self._stopping.is_set() or not self._lease.is_held else math.inf,
            is_background=True,
        )
        plan = self._steps.plan(job_id, WINDOW, deadline)
        if plan is None:
            return True
        missing = self._ledger.work.missing(job_id, plan)
        made = 0
        for number in missing[:TURN_BLOCKS]:
            current.block = number
            if self._steps.block(job_id, number, deadline, current) is None:
                return True
            made += 1
            if not self._submitted <= self._listed:  # there is a new job
                break
        if made == len(missing):
            self._steps.join(job_id, deadline)
        return True

    def _watch(self) -> None:
        """Renew the lease, and look whether another process has cancelled what is being done."""
        while not self._stopping.wait(INTERVAL):
            try:
                current = self._current
                if self._lease.renew() and current is not None and self._ledger.has_ended(current.job_id):
                    current.is_cancelled = True
            except StoreUnavailable as exc:
                log.warning("the lease of jobs is not renewed: %s", exc.detail)


class _Current(NoListener):
    """The job that is being worked on. `block`: the number of the latest; `tiles`: that are done, by block."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.is_cancelled = False
        self.block = 0
        self.tiles = dict[int, int]()

    def tile_done(self, timings: Timings) -> None:
        self.tiles[self.block] = timings.tiles_done


@dataclass
class _Failures:
    """Failures of a job, one after the other. `pause`: seconds after the latest."""

    pause: float = FIRST_PAUSE / 2
    until: float = 0.0

    def add(self) -> None:
        self.pause = min(2 * self.pause, LONGEST_PAUSE)
        self.until = time.monotonic() + self.pause

    @property
    def seconds_left(self) -> float:
        """Until the job is tried again."""
        return max(0.1, self.until - time.monotonic())

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until
