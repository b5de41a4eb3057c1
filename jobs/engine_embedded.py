"""Does jobs in the process that serves: one thread, one block at a time."""

import logging
import threading
from collections import deque

from jobs.ledger import Ledger
from jobs.records import Job
from jobs.steps import Steps
from superscaling.errors import ServiceError
from superscaling.scheduling import Deadline

log = logging.getLogger("jobs")

# Blocks of a job in the queue at a time: there is one worker.
WINDOW = 1


class EmbeddedEngine:
    """Works on all open jobs in turn, a block of each.

    Args:
        ledger: knows the jobs.
        steps: does them.
    """

    def __init__(self, ledger: Ledger, steps: Steps) -> None:
        self._ledger = ledger
        self._steps = steps
        self._queue = deque[str]()
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin with the open jobs of earlier processes."""
        self._queue.extend(each.job_id for each in self._ledger.open_jobs() if self._ledger.is_accepted(each.job_id))
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Take a job."""
        with self._wake:
            if job.id not in self._queue:
                self._queue.append(job.id)
            self._wake.notify()

    def cancelled(self, job_id: str) -> None:
        """Nothing is to be done: each step finds out."""

    def tiles_in_progress(self, job_id: str) -> int:
        """Not known yet."""
        return 0

    def stop(self) -> None:
        """Stop before the next tile."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._stopping:
                    self._wake.wait()
                if self._stopping:
                    return
                job_id = self._queue.popleft()
            try:
                if self._advance(job_id):
                    self._queue.append(job_id)
            except ServiceError:
                log.exception("a job could not be continued", extra={"job": job_id})
                self._queue.append(job_id)

    def _advance(self, job_id: str) -> bool:
        """Do the next step of a job. Returns whether there is another."""
        deadline = Deadline()
        plan = self._steps.plan(job_id, WINDOW, deadline)
        if plan is None:
            return False
        missing = self._ledger.missing(job_id, plan)
        if missing:
            self._steps.block(job_id, missing[0], deadline)
            return True
        self._steps.join(job_id, deadline)
        return False
