"""A store in a directory, which may be shared over a network file system that has hard links."""

import contextlib
import errno
import logging
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from jobs.store import NotStored, Store, check_key
from superscaling.errors import StoreUnavailable

log = logging.getLogger("jobs")

SCRATCH = ".scratch"
# Only the user of the service reads what it keeps.
FILE_MODE, DIRECTORY_MODE = 0o600, 0o700
# How often a value is put into a directory that others delete meanwhile.
MAX_PLACINGS = 20
# What linking says on file systems without hard links, such as FAT.
NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}


class DirectoryStore(Store):
    """Keeps each value in a file. New files get their name once they are complete and on the disk.

    Args:
        root: is made if it is missing. If that fails it is logged, and tried again when something is written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._was_there = False
        try:
            self._check_root()
        except StoreUnavailable as exc:
            log.warning("the store of jobs is not available", extra={"store": str(root), "reason": str(exc)})
        else:
            self.tidy()

    @property
    def scratch(self) -> Path:
        """In the same file system, so that files can be renamed into their places."""
        self._check_root()
        return self._root / SCRATCH

    def put(self, key: str, data: bytes | Path) -> None:
        """Write a temporary file, or take that, and rename it."""
        self._check_root()
        with _failures(), self._complete_file(data) as temporary:
            self._place(key, lambda path: os.replace(temporary, path))

    def create(self, key: str, data: bytes) -> bool:
        """Write a temporary file, and link it to its name, which fails if that exists."""
        self._check_root()
        with _failures(), self._complete_file(data) as temporary:
            try:
                self._place(key, lambda path: _link(temporary, path))
            except FileExistsError:
                # A network file system may have lost its first answer, and repeated what it had done.
                return temporary.stat().st_nlink > 1
            return True

    def get(self, key: str) -> bytes:
        """Read a file."""
        with self._reading(key) as path:
            return path.read_bytes()

    def read(self, key: str, start: int, length: int) -> bytes:
        """Read a part of a file."""
        with self._reading(key) as path, path.open("rb") as file:
            file.seek(start)
            return file.read(length)

    def size(self, key: str) -> int:
        """The size of a file."""
        with self._reading(key) as path:
            return path.stat().st_size

    def fetch(self, key: str, path: Path) -> Path:
        """The file itself."""
        self.size(key)
        return self._path(key)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Walk through a directory."""
        with _failures():
            found = sorted(self._below(self._path(prefix)))
        if not found:
            self._check_root()
        return (key for key in found if key > after)

    def delete(self, key: str) -> None:
        """Delete a file or a directory."""
        path = self._path(key)
        with _failures():
            if not key.endswith("/"):
                path.unlink(missing_ok=True)
                self._delete_empty(path.parent)
                return
            for folder, _, files in os.walk(path, topdown=False, onerror=_unless_gone):
                for name in files:
                    Path(folder, name).unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # others have put something there, or deleted it
                    Path(folder).rmdir()

    def _delete_empty(self, directory: Path) -> None:
        """Delete directories without a value, such as that of a group, but for those at the top."""
        with contextlib.suppress(OSError):  # it is not empty, or others were faster
            while self._root not in (directory, directory.parent):
                directory.rmdir()
                directory = directory.parent

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _check_root(self) -> None:
        """Make sure that the store is there.

        It is made once. One that was there and is gone, such as a volume that is no longer mounted, is not made anew:
        its jobs would seem to be unknown, and new ones would be lost when it comes back.
        """
        with _failures():
            if self._was_there and not (self._root / SCRATCH).is_dir():
                raise StoreUnavailable("the store of jobs is gone at the moment: try again later")
            if not self._was_there:
                self._make(self._root / SCRATCH)
                probe = self._root / SCRATCH / uuid.uuid4().hex
                with self._complete_file(b"") as temporary:
                    try:
                        _link(temporary, probe)
                    finally:
                        probe.unlink(missing_ok=True)
                self._was_there = True

    @contextlib.contextmanager
    def _reading(self, key: str) -> Iterator[Path]:
        with _failures():
            try:
                yield self._path(key)
            except (FileNotFoundError, NotADirectoryError) as exc:
                self._check_root()
                raise NotStored(key) from exc

    def _place(self, key: str, place: Callable[[Path], None]) -> None:
        """Give a file its name. A directory that is deleted meanwhile is made again."""
        path = self._path(key)
        for attempt in range(1, MAX_PLACINGS + 1):
            try:
                self._make(path.parent)
                place(path)
            except FileNotFoundError:
                if attempt == MAX_PLACINGS:
                    raise
            else:
                with contextlib.suppress(FileNotFoundError):  # others have deleted it since
                    _sync(path.parent)
                return

    def _make(self, directory: Path) -> None:
        """Make a directory and those above that are missing; their names are on the disk afterwards."""
        if directory.is_dir():
            return
        self._make(directory.parent)
        with contextlib.suppress(FileExistsError):
            directory.mkdir(DIRECTORY_MODE)
        _sync(directory.parent)

    def _below(self, directory: Path) -> Iterator[str]:
        for folder, folders, files in os.walk(directory, onerror=_unless_gone):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below = Path(folder).relative_to(self._root).as_posix()
            yield from (f"{below}/{name}" for name in files if not name.startswith("."))

    @contextlib.contextmanager
    def _complete_file(self, data: bytes | Path) -> Iterator[Path]:
        """A temporary file with all of the data, on the disk. It is gone afterwards."""
        path = data if isinstance(data, Path) else self._root / SCRATCH / uuid.uuid4().hex
        flags = os.O_RDWR | os.O_CLOEXEC | (0 if isinstance(data, Path) else os.O_CREAT | os.O_EXCL)
        try:
            with open(os.open(path, flags, FILE_MODE), "rb+") as file:
                os.fchmod(file.fileno(), FILE_MODE)
                if isinstance(data, bytes):
                    file.write(data)
                    file.flush()
                os.fsync(file.fileno())
            yield path
        finally:
            path.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as exc:
        if exc.errno in NO_LINKS:
            raise StoreUnavailable(
                "jobs can't be kept: the file system of their store has no hard links, and whoever operates the service"
                " has to choose another"
            ) from exc
        raise


def _sync(directory: Path) -> None:
    """Make sure that a directory's entries are on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """What the file system says is told to clients without its paths."""
    try:
        yield
    except OSError as exc:
        raise StoreUnavailable(f"jobs can't be kept at the moment ({exc.strerror}): try again later") from exc
