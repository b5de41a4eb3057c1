"""Idempotency-Keys: a request that is repeated finds the job of the first."""

import hashlib
import logging
import time
from itertools import islice

from jobs.ids import new_id, time_of
from jobs.records import Claim, from_json, to_json
from jobs.store import NotStored, Store
from superscaling.errors import IdempotencyMismatch, StoreUnavailable

log = logging.getLogger("jobs")

# What was not accepted for so many seconds will not be: the request has broken off.
ABANDONED_SECONDS = 3_600.0
# How often a claim is made anew, as others give theirs up.
MAX_CLAIMS = 5
# How many claims are looked at for tidying at a time.
MAX_TIDIED = 1_000
ACCEPTED, WITHDRAWN = b"", b"withdrawn"


class Claims:
    """Keeps which job a key belongs to. All methods raise `StoreUnavailable`.

    Args:
        store: where that is.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tidied = ""

    def claim(self, owner: str, key: str | None, asked: str) -> tuple[str, str | None]:
        """Find, or make, the id for a request.

        Args:
            owner: of the request.
            key: its Idempotency-Key, if it has one.
            asked: SHA-256 of all that it asks for.

        Returns:
            The id, and the name of the claim, None without a key.

        Raises:
            IdempotencyMismatch: the key was used for something else.
        """
        if key is None:
            return new_id(), None
        name = _name(owner, key)
        for _ in range(MAX_CLAIMS):
            fresh = Claim(new_id(), asked)
            if self._store.create(f"keys/{name}", to_json(fresh)):
                return fresh.id, name
            claim = self._read(name)
            if claim is None or self._is_stale(claim):
                self.release(name, claim.id if claim else "")
                continue
            if claim.asked != asked:
                raise IdempotencyMismatch(
                    "this Idempotency-Key was used for another image, or with other options: use a new one"
                )
            return claim.id, name
        raise StoreUnavailable("this Idempotency-Key is being used by other requests: try again later")

    def has_job(self, owner: str, key: str) -> bool:
        """Whether there is a job that was accepted with a key. One that was refused leaves only its claim."""
        claim = self._read(_name(owner, key))
        return claim is not None and is_accepted(self._store, claim.id)

    def release(self, name: str, job_id: str) -> None:
        """Forget that a key belongs to a job, if it does or can't be read."""
        claim = self._read(name)
        if claim is None or claim.id == job_id:
            self._store.delete(f"keys/{name}")

    def tidy(self) -> None:
        """Forget the keys of jobs that never were: the others are released with theirs. Goes on where it ended."""
        keys = list(islice(self._store.keys("keys/", self._tidied), MAX_TIDIED))
        self._tidied = keys[-1] if len(keys) == MAX_TIDIED else ""
        for key in keys:
            name = key.removeprefix("keys/")
            claim = self._read(name)
            if claim is not None and self._is_stale(claim):
                self.release(name, claim.id)

    def _read(self, name: str) -> Claim | None:
        """A claim; None: there is none, or none that can be read."""
        try:
            return from_json(Claim, self._store.get(f"keys/{name}"))
        except NotStored:
            return None
        except ValueError:
            log.exception("a claim can't be read", extra={"key": name})
            return None

    def _is_stale(self, claim: Claim) -> bool:
        """Whether its job is not there, and will not be: forgotten, or never taken."""
        return time.time() - time_of(claim.id) > ABANDONED_SECONDS and not is_accepted(self._store, claim.id)


def _name(owner: str, key: str) -> str:
    return hashlib.sha256(f"{owner}\n{key}".encode()).hexdigest()


def is_accepted(store: Store, job_id: str) -> bool:
    """Whether a job was accepted, and not forgotten since."""
    try:
        return store.get(f"jobs/{job_id}/accepted") == ACCEPTED
    except NotStored:
        return False
