"""Which store this is."""

import contextlib
import uuid

from jobs.store import NotStored, Store

STORE_ID = "store-id"


class StoreIdentity:
    """Tells a store from others. Thread-safe. All methods raise `StoreUnavailable`.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._store_id = ""

    def store_id(self) -> str:
        """What tells this store from others, for messages about its jobs. The first who asks decides it."""
        if not self._store_id:
            self._store.create(STORE_ID, uuid.uuid4().hex.encode())
            self._read_store_id()
        return self._store_id

    def is_store(self, store_id: str) -> bool:
        """Whether `store_id` was called for this store. (It decides nothing: the directory may not be mounted yet.)"""
        if self._store_id != store_id:
            with contextlib.suppress(NotStored):
                self._read_store_id()
        return self._store_id == store_id

    def _read_store_id(self) -> None:
        self._store_id = self._store.get(STORE_ID).decode(errors="replace")
