"""A store in a directory, which may be shared over a network file system that has hard links."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from jobs.store import NotStored, Store
from superscaling.errors import StoreUnavailable

SCRATCH = ".scratch"


class DirectoryStore(Store):
    """Keeps each value in a file. New files get their name once they are complete and on the disk.

    Args:
        root: is made if it is missing.

    Raises:
        StoreUnavailable: it can't be.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        with _failures():
            self.scratch.mkdir(parents=True, exist_ok=True)

    @property
    def scratch(self) -> Path:
        """In the same file system, so that files can be renamed into their places."""
        return self._root / SCRATCH

    def put(self, key: str, data: bytes | Path) -> None:
        """Write a temporary file, or take that, and rename it."""
        with _failures(), self._complete_file(data) as temporary:
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(temporary, path)
            _sync(path.parent)

    def create(self, key: str, data: bytes) -> bool:
        """Write a temporary file, and link it to its name, which fails if that exists."""
        with _failures(), self._complete_file(data) as temporary:
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
            _sync(path.parent)
            return True

    def get(self, key: str) -> bytes:
        """Read a file."""
        with _failures():
            return self._path(key).read_bytes()

    def read(self, key: str, start: int, length: int) -> bytes:
        """Read a part of a file."""
        with _failures(), self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def size(self, key: str) -> int:
        """The size of a file."""
        with _failures():
            return self._path(key).stat().st_size

    def fetch(self, key: str, path: Path) -> Path:
        """The file itself."""
        self.size(key)
        return self._path(key)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Walk through a directory."""
        with _failures():
            found = sorted(self._below(self._path(prefix)))
        return (key for key in found if key > after)

    def delete(self, key: str) -> None:
        """Delete a file or a directory."""
        with _failures(), contextlib.suppress(FileNotFoundError):
            if key.endswith("/"):
                shutil.rmtree(self._path(key))
            else:
                self._path(key).unlink()

    def _path(self, key: str) -> Path:
        return self._root / key

    def _below(self, directory: Path) -> Iterator[str]:
        for folder, folders, files in os.walk(directory):
            folders[:] = [name for name in folders if not name.startswith(".")]
            yield from (
                Path(folder, name).relative_to(self._root).as_posix() for name in files if not name.startswith(".")
            )

    @contextlib.contextmanager
    def _complete_file(self, data: bytes | Path) -> Iterator[Path]:
        path = data if isinstance(data, Path) else self.scratch / uuid.uuid4().hex
        try:
            with path.open("rb+" if isinstance(data, Path) else "xb") as file:
                if isinstance(data, bytes):
                    file.write(data)
                    file.flush()
                os.fsync(file.fileno())
            yield path
        finally:
            path.unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    """Make sure that a directory's entries are on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as exc:
        raise NotStored(str(exc.filename)) from exc
    except OSError as exc:
        raise StoreUnavailable(f"jobs can't be kept at the moment ({exc.strerror}): try again later") from exc
