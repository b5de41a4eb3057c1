"""The file of API keys: read again when it changes, and changed as a whole."""

import contextlib
import fcntl
import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from superscaling.api_key_lines import parse_keys
from superscaling.api_keys import ApiKeys, today
from superscaling.errors import ApiKeysInvalid

log = logging.getLogger("keys")

# Bytes of the file: more than 10,000 keys.
MAX_BYTES = 4 << 20
# Seconds between two looks at the file.
INTERVAL = 1.0
# A file that was changed so recently, in seconds, may change again without another time of change.
UNSETTLED = 2.0

# What tells that a file is another one, or has changed.
Stamp = tuple[int, ...]


class ApiKeysFile:
    """The keys of a file, as they are now. Thread-safe.

    A change is seen within `INTERVAL`, also where a mounted secret is exchanged by its symbolic link. While the file is
    invalid or missing, the last good keys hold, and an error is logged, once for each reason.

    Args:
        path: of the file.
        clock: seconds that never go back.

    Raises:
        ApiKeysInvalid: the file can't be read, or is invalid.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._text, self._stamp = _read(path)
        self._keys = _parsed(path, self._text)
        self._next = clock() + INTERVAL
        self._error: str | None = None
        self._warn_without_keys()

    @property
    def keys(self) -> ApiKeys:
        """The keys."""
        self._look()
        return self._keys

    @property
    def is_valid(self) -> bool:
        """Whether the file is valid now; otherwise the keys are those of an earlier one."""
        self._look()
        return self._error is None

    def _look(self) -> None:
        """Read the file again if it is time and it has changed. One thread does so, others don't wait for it."""
        if self._clock() < self._next or not self._lock.acquire(blocking=False):
            return
        try:
            self._next = self._clock() + INTERVAL
            self._read_again()
        except ApiKeysInvalid as exc:
            self._stamp = None
            if str(exc) != self._error:
                self._error = str(exc)
                log.error("%s; the keys of the last valid file hold until it is mended", exc)
        finally:
            self._lock.release()

    def _read_again(self) -> None:
        if self._stamp is not None and _stamp_of(self._path) == self._stamp:
            return
        text, self._stamp = _read(self._path)
        if text != self._text or self._error is not None:
            self._keys, self._text, self._error = _parsed(self._path, text), text, None
            log.info("the API keys were read again", extra={"valid": self._keys.active(today())})
            self._warn_without_keys()

    def _warn_without_keys(self) -> None:
        if not self._keys.active(today()):
            log.warning("no API key in %s is valid: nobody can use the service", self._path)


def read_keys(path: Path) -> ApiKeys:
    """The keys of a file.

    Raises:
        ApiKeysInvalid: it can't be read, or is invalid.
    """
    return _parsed(path, _read(path)[0])


def change_keys(path: Path, change: Callable[[str, ApiKeys], str]) -> None:
    """Change a file as a whole: readers see the old one or the new one. Others who change it wait.

    A new file gets mode 0600; an old one keeps its owner and mode, so that the service can still read it.

    Args:
        path: of the file. If it is missing, it is made.
        change: returns the new text, from the present one and its keys.

    Raises:
        ApiKeysInvalid: the file is invalid, or can't be read or written.
    """
    try:
        path = path.resolve()
        with _locked(path):
            text = _read(path)[0] if path.exists() else ""
            changed = change(text, _parsed(path, text))
            _parsed(path, changed)
            _replace(path, changed.encode())
    except OSError as exc:
        raise ApiKeysInvalid(f"{path} can't be changed: {exc.strerror or exc}") from exc


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the folder: the file itself is replaced, and a lock file would have an owner and a mode of its own."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with open(descriptor, "wb") as file:
            with contextlib.suppress(FileNotFoundError):
                old = path.stat()
                if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), old.st_uid, old.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _stamp_of(path: Path) -> Stamp | None:
    """The stamp of a file; None: it is missing, or may change without another one."""
    try:
        return _stamp(path.stat())
    except OSError:
        return None


def _stamp(found: os.stat_result) -> Stamp | None:
    if time.time() - max(found.st_mtime, found.st_ctime) < UNSETTLED:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _read(path: Path) -> tuple[str, Stamp | None]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise ApiKeysInvalid(f"{path} is no file")
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            data = file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise ApiKeysInvalid(f"{path} can't be read: {exc.strerror or exc}") from exc
    if len(data) > MAX_BYTES:
        raise ApiKeysInvalid(f"{path} has more than {MAX_BYTES} bytes")
    try:
        return data.decode("utf-8-sig"), _stamp(found)
    except UnicodeDecodeError as exc:
        raise ApiKeysInvalid(f"{path} is not in UTF-8") from exc


def _parsed(path: Path, text: str) -> ApiKeys:
    try:
        return parse_keys(text)
    except ValueError as exc:
        raise ApiKeysInvalid(f"{path} has invalid API keys: {exc}") from exc
