"""What jobs are kept in: bytes by key, whole or not at all, and there after a power failure."""

import abc
from collections.abc import Iterator
from pathlib import Path


class NotStored(Exception):
    """There is nothing under this key."""


class Store(abc.ABC):
    """Bytes by key.

    A key is a path such as `jobs/01h…/out/7`; its parts are of `[A-Za-z0-9._-]` and don't begin with a dot.
    Thread-safe, and safe with other processes and machines on the same store. Once a method that writes has returned,
    every reader sees what it wrote, also after a power failure. All methods raise `StoreUnavailable` if the store is
    full, or can't be reached or written to.
    """

    @property
    @abc.abstractmethod
    def scratch(self) -> Path:
        """A directory of this machine for temporary files, which `put` moves or uploads; it exists."""

    @abc.abstractmethod
    def put(self, key: str, data: bytes | Path) -> None:
        """Write, or replace, all of a value. A file lies in `scratch`; whether it is there afterwards is not said."""

    @abc.abstractmethod
    def create(self, key: str, data: bytes) -> bool:
        """Write a value unless there is one. Returns whether it was written: to one of all callers, ever."""

    @abc.abstractmethod
    def get(self, key: str) -> bytes:
        """Read all of a value.

        Raises:
            NotStored: there is none.
        """

    @abc.abstractmethod
    def read(self, key: str, start: int, length: int) -> bytes:
        """Read so many bytes of a value, or fewer at its end.

        Raises:
            NotStored: there is none.
        """

    @abc.abstractmethod
    def size(self, key: str) -> int:
        """The length of a value in bytes.

        Raises:
            NotStored: there is none.
        """

    @abc.abstractmethod
    def fetch(self, key: str, path: Path) -> Path:
        """Make a value readable as a file of this machine: at `path`, or where the store has it. Not to be changed.

        Raises:
            NotStored: there is none.
        """

    @abc.abstractmethod
    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """The keys that begin with `prefix`, which ends with a slash, and come after another key, in order."""

    @abc.abstractmethod
    def delete(self, key: str) -> None:
        """Delete a value, if there is one; or all below a key that ends with a slash."""

    def has(self, key: str) -> bool:
        """Whether there is a value."""
        try:
            self.size(key)
        except NotStored:
            return False
        return True
