"""What deletes jobs: in part when they expire, or all of them.

All functions raise `StoreUnavailable`, and may be called again, also after they broke off.
"""

import contextlib
import logging
import time
from itertools import groupby

from jobs.claims import ABANDONED_SECONDS
from jobs.ids import is_id, time_of, unknown
from jobs.indices import find_open, group_key, open_key, timed_key
from jobs.ledger import Ledger
from jobs.work import WORKING_PARTS
from superscaling.errors import JobUnknown

log = logging.getLogger("jobs")


def expire(ledger: Ledger, job_id: str) -> None:
    """Delete all of a job that has ended, but for its records.

    Raises:
        JobUnknown: it has no end, or not all of it is stored any more.
    """
    end = ledger.end(job_id)
    if end is None:
        raise unknown(job_id)
    ledger.store.put(f"jobs/{job_id}/expired", b"")
    ledger.clear(job_id)
    for part in ("result", "picture"):
        ledger.store.delete(f"jobs/{job_id}/{part}")
    ledger.store.put(timed_key("expired", job_id, end.ended), b"")
    ledger.store.delete(timed_key("ended", job_id, end.ended))


def forget(ledger: Ledger, job_id: str, ended: float | None = None) -> None:
    """Delete all of a job, as if it had never been.

    Args:
        ledger: where it stands.
        job_id: of the job.
        ended: when it has, as an index says; its records may be gone.
    """
    job = None
    with contextlib.suppress(JobUnknown):
        job = ledger.job(job_id)
        ended = end.ended if (end := ledger.end(job_id)) else ended
    if job is not None and job.key is not None:
        ledger.claims.release(job.key, job_id)
    keys = []
    if job is not None and job.group is not None:
        keys.append(group_key(job.owner, job.group, job_id))
    parts = ("job.json", *WORKING_PARTS, "plan.json", "result", "picture", "webhook/", "expired", "end.json")
    keys += [f"jobs/{job_id}/{part}" for part in (*parts, "")]
    if name := open_key(job) if job is not None else find_open(ledger.store, job_id):
        keys.append(name)
    if ended is not None:
        keys += [timed_key(index, job_id, ended) for index in ("ended", "expired")]
    for key in keys:
        ledger.store.delete(key)
    ledger.room.remove(job_id)


def sweep(ledger: Ledger) -> None:
    """Delete what was written of jobs that were forgotten meanwhile. Lists all keys of jobs."""
    limit = time.time() - 2 * ABANDONED_SECONDS  # others may be being taken
    for job_id, keys in groupby(ledger.store.keys("jobs/"), lambda key: key.split("/")[1]):
        if is_id(job_id) and time_of(job_id) < limit and f"jobs/{job_id}/job.json" not in keys:
            log.warning("what was left of a job is deleted", extra={"job": job_id})
            forget(ledger, job_id)
