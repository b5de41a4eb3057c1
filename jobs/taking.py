"""Taking jobs: whoever is told that a job is taken will find its end, and whoever is told nothing may ask again."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from jobs.acceptance import accept, add, withdraw
from jobs.engine import JobEngine
from jobs.ledger import Ledger
from jobs.records import Job
from superscaling.errors import ServiceError, StoreUnavailable

# Requests with one Idempotency-Key wait for each other; those with another rarely.
LOCKS = 64


class JobTaking:
    """Writes jobs down and hands them to the engine. Thread-safe, also with other processes on the same store.

    Args:
        ledger: where they are written down.
        engine: what does them.
    """

    def __init__(self, ledger: Ledger, engine: JobEngine) -> None:
        self._ledger = ledger
        self._engine = engine
        self._keys = [threading.Lock() for _ in range(LOCKS)]

    def take(self, order: Job, source: bytes | Path, key: str | None, asked: str) -> tuple[str, bool]:
        """Take a job, or find the one that was taken for the same request. Returns its id, and whether it is new.

        Args:
            order: the job; its `id`, `key` and `source_bytes` are filled in here.
            source: the image file; a path lies in the store's `scratch`.
            key: the request's Idempotency-Key, if it has one.
            asked: SHA-256 of all that the request asks for.

        Raises:
            IdempotencyMismatch: the key was used for another request.
            JobsQueueFull: there are too many jobs.
            StoreUnavailable, BrokerUnavailable: it can't be taken at the moment, and is forgotten.
        """
        with self._one_at_a_time(order.owner, key):
            job_id, claim = self._ledger.claims.claim(order.owner, key, asked)
            if claim is not None and self._ledger.is_accepted(job_id):
                return job_id, False
            job = replace(order, id=job_id, key=claim, source_bytes=_size(source))
            with self._ledger.room.reserved(job.id, job.size):
                try:
                    add(self._ledger, job, source)
                except StoreUnavailable:
                    self._give_up(job_id)
                    raise
            try:
                self._engine.submit(job)
                accept(self._ledger, job_id)
            except ServiceError:
                if self._give_up(job_id):
                    raise
                return job_id, False
            return job_id, True

    @contextlib.contextmanager
    def _one_at_a_time(self, owner: str, key: str | None) -> Iterator[None]:
        if key is None:
            yield
            return
        with self._keys[hash((owner, key)) % LOCKS]:
            yield

    def _give_up(self, job_id: str) -> bool:
        """Forget a job. Returns whether that was right: not if another process has just taken it."""
        with contextlib.suppress(ServiceError):  # the housekeeping deletes what is left
            if not withdraw(self._ledger, job_id):
                return False
            self._engine.cancelled(job_id)
        return True


def _size(source: bytes | Path) -> int:
    """In bytes."""
    if isinstance(source, bytes):
        return len(source)
    try:
        return source.stat().st_size
    except OSError as exc:  # with the store
        raise StoreUnavailable("the image file can't be kept at the moment: send it again later") from exc
