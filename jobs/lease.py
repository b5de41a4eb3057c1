"""Who does the jobs of a store that several processes have opened: one at a time, as a rule."""

import secrets
import threading
import time
from collections.abc import Callable

from jobs.store import NotStored, Store

# Seconds until the jobs of a process that was killed are taken over.
SECONDS = 10.0
# How often whoever has the lease renews it, and others look after it.
INTERVAL = 2.0


class Lease:
    """A lease that one process has, until it gives it back or has not renewed it for `SECONDS`.

    It is a key `lease/<number>` with a changing value; the highest number counts. Who wants it watches the value by
    its own clock, so clocks need not agree, and creates the next number once the value has not changed for so long.
    Of several who do, the store lets one. A process that was stopped and goes on may believe for a moment that it still
    has the lease: what is done under it must do no harm if it is done twice. Thread-safe.

    Args:
        store: where the lease is.
        clock: seconds that never go back.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._own: str | None = None
        self._until = 0.0
        self._seen: tuple[str, bytes] | None = None
        self._seen_at = 0.0

    @property
    def is_held(self) -> bool:
        """Whether this process has it, for all that it knows."""
        return self._own is not None and self._clock() < self._until

    def take(self) -> bool:
        """Take the lease if it is free. Returns whether this process has it.

        Raises:
            StoreUnavailable: nothing is known of it.
        """
        with self._lock:
            if self.is_held:
                return True
            if self._own is not None and self._renewed():  # late, but nobody took it over
                return True
            newest = self._newest()
            if newest is not None and not self._is_abandoned(newest):
                return False
            number = 1 + (0 if newest is None else int(newest.removeprefix("lease/")))
            key = f"lease/{number:012}"
            now = self._clock()
            if not self._store.create(key, _value()):
                return False
            self._own, self._until = key, now + SECONDS
            for older in self._store.keys("lease/"):
                if older < key:
                    self._store.delete(older)
            return self._has_newest()

    def renew(self) -> bool:
        """Renew the lease, if this process has it. Returns whether it has.

        Raises:
            StoreUnavailable: it is not renewed.
        """
        with self._lock:
            return self._own is not None and self._renewed()

    def release(self) -> None:
        """Give the lease back, if this process has it.

        Raises:
            StoreUnavailable: others wait until it has run out.
        """
        with self._lock:
            own, self._own = self._own, None
            if own is not None:
                self._store.delete(own)

    def _renewed(self) -> bool:
        if not self._has_newest():
            return False
        now = self._clock()
        self._store.put(str(self._own), _value())
        self._until = now + SECONDS
        return self._has_newest()

    def _has_newest(self) -> bool:
        """Whether nobody has taken over; otherwise the lease is lost."""
        if self._newest() == self._own:
            return True
        own, self._own = self._own, None
        self._store.delete(str(own))
        return False

    def _is_abandoned(self, key: str) -> bool:
        """Whether a lease has not changed for `SECONDS`, as far as this process has watched it."""
        try:
            seen = key, self._store.get(key)
        except NotStored:  # given back just now
            return False
        if seen != self._seen:
            self._seen, self._seen_at = seen, self._clock()
        return self._clock() - self._seen_at >= SECONDS

    def _newest(self) -> str | None:
        return max(self._store.keys("lease/"), default=None)


def _value() -> bytes:
    """A value that nobody has written before."""
    return secrets.token_hex(16).encode()
