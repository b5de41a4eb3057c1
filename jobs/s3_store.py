"""A store in a bucket of S3, or of what speaks like it, through obstore."""

import contextlib
import functools
import os
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store as Bucket

from jobs.store import NotStored, Store, check_key
from superscaling.errors import StoreUnavailable

if TYPE_CHECKING:  # they exist for type checkers only
    from obstore.store import ClientConfig, RetryConfig

Taken = TypeVar("Taken")
# How often a value is read that is replaced meanwhile.
MAX_READS = 5
# Values are sent and read in pieces of so many bytes, each by a request of its own, so that requests can have a time
# limit whatever the size of a value. A piece in 30 s is 2.3 Mbit/s. S3 takes at most 10 000 pieces: 84 GB.
PIECE = 8 << 20
MAX_PIECES_AT_ONCE = 4
CLIENT: "ClientConfig" = {
    "connect_timeout": timedelta(seconds=5),
    "timeout": timedelta(seconds=30),
    "allow_http": True,  # where the endpoint that the operator names says so
}
# No retry begins later than 20 s after a request, so a method gives up after at most 50 s for each of its requests.
RETRIES: "RetryConfig" = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=3), "base": 2},
}
# Keys that are listed, or deleted, by one request: the most that S3 allows.
PAGE = 1000
# An object's attribute that tells whose `create` wrote it.
WRITER = "writer"
_users = set[int]()  # the process that has used obstore


class S3Store(Store):
    """Keeps each value in an object.

    obstore takes credentials, region and endpoint from the usual variables, such as `AWS_ENDPOINT_URL`. Needs
    conditional writes (`If-None-Match: *`) and listing in the order of keys: S3 has both, its directory buckets do not
    list in order. An upload that breaks off leaves pieces that nobody sees, but the bucket's owner pays for: a
    lifecycle rule deletes them. After a process has used it, no child that is forked of it can. What processes that
    were killed have left in `scratch` is deleted when it is opened.

    Args:
        url: `s3://bucket` or `s3://bucket/prefix`.
    """

    def __init__(self, url: str) -> None:
        self._name, _, prefix = url.removeprefix("s3://").partition("/")
        self._prefix = prefix or None
        self.tidy()

    @property
    def _bucket(self) -> Bucket:
        if _users and os.getpid() not in _users:  # obstore's threads are not in a child, which would wait for ever
            raise RuntimeError("a process that has used S3 can't be forked into one that does: use it after the fork")
        _users.add(os.getpid())
        return self._opened

    @functools.cached_property
    def _opened(self) -> Bucket:
        with _failures():
            return Bucket(self._name, prefix=self._prefix, client_options=CLIENT, retry_config=RETRIES)

    @functools.cached_property
    def scratch(self) -> Path:
        """A directory of the user of this process, in that for temporary files."""
        path = Path(tempfile.gettempdir(), f"image-super-scaling-{os.getuid()}")
        with _failures():
            path.mkdir(0o700, exist_ok=True)
            state = path.lstat()
        if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o077:
            raise StoreUnavailable("jobs can't be kept: the directory for temporary files belongs to somebody else")
        return path

    def put(self, key: str, data: bytes | Path) -> None:
        """Upload a value, piece by piece if it is large: it is seen once it is complete."""
        with _failures():
            self._bucket.put(check_key(key), data, chunk_size=PIECE, max_concurrency=MAX_PIECES_AT_ONCE)
        if isinstance(data, Path):
            data.unlink(missing_ok=True)

    def create(self, key: str, data: bytes) -> bool:
        """Upload a value on the condition that there is none."""
        writer = uuid.uuid4().hex
        with _failures():
            try:
                self._bucket.put(check_key(key), data, mode="create", attributes={WRITER: writer})
            except AlreadyExistsError:
                # obstore may have repeated a request whose answer was lost.
                return self._writer(key) == writer
            return True

    def get(self, key: str) -> bytes:
        """Read an object."""
        return self._read_one(key, b"".join)

    def read(self, key: str, start: int, length: int) -> bytes:
        """Read a part of an object."""
        stop = min(start + length, self.size(key))  # S3 refuses a range that is all beyond the end
        pieces = range(start, stop, PIECE)
        with _failures(key):
            return b"".join(bytes(self._bucket.get_range(key, start=at, end=min(at + PIECE, stop))) for at in pieces)

    def size(self, key: str) -> int:
        """The size of an object."""
        with _failures(key):
            return self._bucket.head(check_key(key))["size"]

    def fetch(self, key: str, path: Path) -> Path:
        """Download an object, piece by piece."""

        def write(pieces: Iterator[bytes]) -> Path:
            with _failures(key), path.open("wb") as file:
                file.writelines(pieces)
            return path

        return self._read_one(key, write)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """List objects, page by page."""
        offset = after if after > prefix else None
        with _failures():
            pages = iter(self._bucket.list(check_key(prefix), offset=offset, chunk_size=PAGE))
        while True:
            with _failures():
                page = next(pages, None)
            if page is None:
                return
            yield from (found["path"] for found in page)

    def delete(self, key: str) -> None:
        """Delete an object, or all below a prefix, a page at a time."""
        if not key.endswith("/"):
            with _failures():
                self._bucket.delete([check_key(key)])
            return
        with _failures():
            for page in self._bucket.list(check_key(key), chunk_size=PAGE):
                self._bucket.delete([found["path"] for found in page])

    def _read_one(self, key: str, take: Callable[[Iterator[bytes]], Taken]) -> Taken:
        """Read an object as it was at one moment: from the beginning again, if it is replaced between two pieces."""
        for _ in range(MAX_READS):
            with contextlib.suppress(PreconditionError):
                return take(self._pieces(key))
        raise StoreUnavailable("what is stored of a job is replaced again and again: try again later")

    def _pieces(self, key: str) -> Iterator[bytes]:
        with _failures(key):
            answer = self._bucket.get(check_key(key))
            size, version = answer.meta["size"], answer.meta["e_tag"]
            if size <= PIECE:
                yield bytes(answer.bytes())
                return
        del answer
        for start in range(0, size, PIECE):
            part = start, min(start + PIECE, size)
            with _failures(key):
                yield bytes(self._bucket.get(key, options={"range": part, "if_match": version}).bytes())

    def _writer(self, key: str) -> object:
        try:
            return self._bucket.get(key).attributes.get(WRITER)
        except FileNotFoundError:  # deleted meanwhile: somebody else's
            return None


@contextlib.contextmanager
def _failures(key: str | None = None) -> Iterator[None]:
    """Errors of obstore, whose texts name hosts and buckets, and of the directory for temporary files."""
    try:
        yield
    except PreconditionError:  # for `_read_one`
        raise
    except FileNotFoundError as exc:
        if key is not None and exc.filename is None and "NoSuchBucket" not in str(exc):
            raise NotStored(key) from exc
        raise StoreUnavailable("jobs can't be kept at the moment: the bucket does not answer as one") from exc
    except BaseError as exc:
        raise StoreUnavailable(f"jobs can't be kept at the moment ({_kind(exc)}): try again later") from exc
    except OSError as exc:
        raise StoreUnavailable(f"jobs can't be kept at the moment ({exc.strerror}): try again later") from exc


def _kind(error: BaseError) -> str:
    return {
        "PermissionDeniedError": "the bucket refuses it",
        "UnauthenticatedError": "the bucket refuses it",
    }.get(type(error).__name__, "the bucket does not answer")
