"""What jobs are kept in: bytes by key, whole or not at all, and there after a power failure."""

import abc
import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from superscaling.errors import StoreUnavailable

# Parts that begin with a dot would lead out of the store, or to what is unfinished.
PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}"
KEY = re.compile(rf"(?:{PART}/)*{PART}/?")
# Temporary files that are older were left by a process that was killed: a client has less time to send a file.
SCRATCH_SECONDS = 86_400.0
# In a directory for temporary files: locked as long as its process lives, also for other machines that share the disk.
LOCK = ".lock"


class NotStored(Exception):
    """There is nothing under this key."""


def check_key(key: str) -> str:
    """Return a key, or the prefix of keys.

    Raises:
        ValueError: it is none. Callers make keys of what they have checked, so this is their defect.
    """
    if not KEY.fullmatch(key):
        raise ValueError(f"not a key: {key!r}")
    return key


class Store(abc.ABC):
    """Bytes by key.

    A key is a path such as `jobs/01h…/out/7`; its parts are of `[A-Za-z0-9._-]`, at most 200, and don't begin with a
    dot. Thread-safe, and safe with other processes and machines on the same store. Once a method that writes has
    returned, every reader sees what it wrote, also after a power failure. All methods raise `StoreUnavailable` if the
    store is full, or can't be reached or written to; constructors don't, so that a service starts without its store.
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
        """The keys that begin with `prefix`, which ends with a slash, and come after another text, in order."""

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

    @contextlib.contextmanager
    def scratch_folder(self, name: str) -> Iterator[Path]:
        """A directory for temporary files, whose name begins so. It is deleted at the end.

        If this process is killed before, `tidy` deletes it as soon as its children have ended as well.

        Raises:
            OSError: it can't be made.
        """
        making = Path(tempfile.mkdtemp(prefix="making-", dir=self.scratch.absolute()))
        folder = making.with_name(f"{name}-{making.name.removeprefix('making-')}")
        with (making / LOCK).open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError:  # a network file system without locks: only its age tells that it was left behind
                (making / LOCK).unlink()
            making.rename(folder)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def tidy(self) -> None:
        """Delete temporary files and directories that were left behind."""
        with contextlib.suppress(OSError, StoreUnavailable):
            for path in self.scratch.iterdir():
                with contextlib.suppress(FileNotFoundError):  # its owner, or another process, has deleted it
                    if _is_unlocked(path) or path.stat().st_mtime < time.time() - SCRATCH_SECONDS:
                        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_unlocked(folder: Path) -> bool:
    """Whether the process that made a directory for temporary files has ended."""
    if folder.name.startswith("making-"):  # and may not be locked yet
        return False
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
