"""Whether a job is taken: written down, then accepted or withdrawn, of which one wins.

All functions raise `StoreUnavailable`.
"""

from pathlib import Path

from jobs.claims import ACCEPTED, WITHDRAWN
from jobs.deletion import forget
from jobs.indices import group_key, open_key
from jobs.ledger import Ledger
from jobs.records import Job, to_json
from jobs.store import NotStored
from superscaling.errors import JobUnknown, StoreUnavailable


def add(ledger: Ledger, job: Job, source: bytes | Path) -> None:
    """Write a job down. It is lost until it is accepted. May be called again, after a failure or beside another.

    Args:
        ledger: where it is written down.
        job: with an id of `Claims.claim`.
        source: the image file, a `Path` in the store's `scratch`, where it is not afterwards.
    """
    ledger.store.put(open_key(job), b"")
    ledger.store.put(f"jobs/{job.id}/source", source)
    ledger.store.create(f"jobs/{job.id}/job.json", to_json(job))
    if job.group is not None:
        ledger.store.put(group_key(job.owner, job.group, job.id), b"")
    ledger.room.add(job.id, job.size)
    ledger.observer.job_added(job.id)


def accept(ledger: Ledger, job_id: str) -> None:
    """The engine has the job: from now on it is never lost.

    Raises:
        StoreUnavailable: also if it was withdrawn meanwhile, by another request with the same Idempotency-Key.
    """
    key = f"jobs/{job_id}/accepted"
    is_first = ledger.store.create(key, ACCEPTED)
    if not is_first and not ledger.is_accepted(job_id):
        raise _given_up()
    # Whoever withdraws a job deletes its source before this key: if it was created after that, that is missing.
    if not _is_whole(ledger, job_id):
        if is_first:
            ledger.store.delete(key)
        raise _given_up()


def withdraw(ledger: Ledger, job_id: str) -> bool:
    """Forget a job that could not be taken. Returns whether it is: not if another request had it accepted."""
    key = f"jobs/{job_id}/accepted"
    if not ledger.store.create(key, WITHDRAWN):
        try:
            if ledger.store.get(key) != WITHDRAWN:
                return False
        except NotStored:
            return True  # others have done it
    forget(ledger, job_id)
    return True


def _is_whole(ledger: Ledger, job_id: str) -> bool:
    """Whether all that a job needs is there, or it has ended already."""
    try:
        needed = (f"jobs/{job_id}/source", open_key(ledger.job(job_id)))
    except JobUnknown:
        return False
    return all(map(ledger.store.has, needed)) or ledger.has_ended(job_id)


def _given_up() -> StoreUnavailable:
    return StoreUnavailable("the job was given up meanwhile, as it could not be handed over: send it again")
