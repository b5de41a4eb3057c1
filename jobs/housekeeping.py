"""What is done beside jobs: webhooks, expiry, and mending what a process left that was killed."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, takewhile

from jobs.acceptance import withdraw
from jobs.claims import ABANDONED_SECONDS
from jobs.deletion import expire, forget, sweep
from jobs.ids import time_of
from jobs.indices import EndedJob, ended_jobs, expired_jobs, open_jobs
from jobs.keeping import forget_kept
from jobs.ledger import Ledger
from jobs.webhooks import Webhooks
from superscaling.errors import JobUnknown, StoreUnavailable

log = logging.getLogger("jobs")

# How often, in seconds: webhooks; ends and expiry; what lists all that is stored.
WEBHOOK_INTERVAL, INTERVAL, RARE_INTERVAL = 1.0, 60.0, 3_600.0
# A job is forgotten so many times as long after its end as it expires: until then its client hears that it has.
FORGET_AFTER = 7
STOP_SECONDS = 2.0
# How many open jobs are looked at in a round.
MAX_MENDED = 100


class Housekeeping:
    """Does its rounds in a thread, and delivers webhooks in another, so that neither keeps the other waiting.

    Several processes on one store do each other no harm.

    Args:
        ledger: is kept in order.
        keep_seconds: from the end of a job until it expires.
        webhooks: delivers them; None: nobody does.
    """

    def __init__(self, ledger: Ledger, keep_seconds: float, webhooks: Webhooks | None = None) -> None:
        self._ledger = ledger
        self._keep_seconds = keep_seconds
        self._webhooks = webhooks
        self._mended = ""  # the last job that was looked at, if others follow
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep, name="housekeeping", daemon=True),
            threading.Thread(target=self._deliver, name="webhooks", daemon=True),
        ]

    def start(self) -> None:
        """Begin. Called once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End. Whatever is being done may break off anywhere: another process, or the next, goes on with it."""
        self._stopping.set()
        end = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, end - time.monotonic()))

    def tick(self) -> None:
        """Do all of a round.

        Raises:
            StoreUnavailable: the rest of the round is for the next.
        """
        self.deliver()
        self._mended = ""
        self.mend(sys.maxsize)
        self.expire()
        self.tidy()

    def deliver(self) -> None:
        """Deliver webhooks that are due."""
        if self._webhooks is not None:
            self._webhooks.deliver()

    def mend(self, most: int = MAX_MENDED) -> None:
        """Finish what was begun to be written about ends, and forget what was never accepted.

        Looks at so many open jobs, and goes on behind them the next time.
        """
        jobs = list(islice(open_jobs(self._ledger.store, self._mended), most))
        self._mended = jobs[-1].job_id if len(jobs) == most else ""
        for job_id in (each.job_id for each in jobs):
            if self._ledger.has_ended(job_id):
                self._each(Ledger.clear, job_id, time_of(job_id))
                continue
            is_old = time.time() - time_of(job_id) > ABANDONED_SECONDS
            if is_old and not self._ledger.is_accepted(job_id) and withdraw(self._ledger, job_id):
                log.info("a job was never accepted, and is forgotten", extra={"job": job_id})

    def expire(self) -> None:
        """Delete what is no longer kept."""
        forget_kept(self._ledger)
        for each in _ended_before(ended_jobs(self._ledger.store), time.time() - self._keep_seconds):
            self._each(expire, each.job_id, each.ended)
        for each in _ended_before(expired_jobs(self._ledger.store), self._forget_before()):
            forget(self._ledger, each.job_id, each.ended)

    def tidy(self) -> None:
        """Delete what no job leads to, and temporary files."""
        self._ledger.claims.tidy()
        sweep(self._ledger)
        self._ledger.store.tidy()

    def _forget_before(self) -> float:
        return time.time() - FORGET_AFTER * self._keep_seconds

    def _each(self, act: Callable[[Ledger, str], None], job_id: str, since: float) -> None:
        """Do something to a job. One that is half deleted, or can't be read, must not keep the others waiting.

        What another version of the service wrote may be read by that; it is kept as long as other jobs.
        """
        try:
            act(self._ledger, job_id)
        except JobUnknown:
            if since < self._forget_before() or not self._ledger.store.has(f"jobs/{job_id}/job.json"):
                log.warning("a job of which not all is stored is forgotten", extra={"job": job_id})
                forget(self._ledger, job_id, since)

    def _deliver(self) -> None:
        self._repeat(Duty(self.deliver, WEBHOOK_INTERVAL))

    def _keep(self) -> None:
        self._repeat(Duty(self.mend, INTERVAL), Duty(self.expire, INTERVAL), Duty(self.tidy, RARE_INTERVAL))

    def _repeat(self, *duties: "Duty") -> None:
        while not self._stopping.wait(WEBHOOK_INTERVAL):
            for duty in duties:
                duty.do_if_due()


class Duty:
    """What is done again and again. After a failure it waits for a minute at least.

    Args:
        act: raises `StoreUnavailable`.
        interval: in seconds.
    """

    def __init__(self, act: Callable[[], None], interval: float) -> None:
        self._act = act
        self._interval = interval
        self._due = 0.0

    def do_if_due(self) -> None:
        """Do it, unless it was done a moment ago."""
        if time.monotonic() < self._due:
            return
        pause = self._interval
        try:
            self._act()
        except StoreUnavailable as exc:
            log.warning("housekeeping waits for the store", extra={"duty": self._act.__name__, "reason": exc.detail})
            pause = max(pause, INTERVAL)
        except Exception:  # the thread must go on
            log.exception("housekeeping failed", extra={"duty": self._act.__name__})
            pause = max(pause, INTERVAL)
        self._due = time.monotonic() + pause


def _ended_before(jobs: Iterable[EndedJob], limit: float) -> Iterator[EndedJob]:
    return takewhile(lambda each: each.ended < limit, jobs)
