"""Results of requests that are kept for a short time, as jobs that are done, with the pictures that they were made of.

    kept/<ms>-<id>-<bytes>    until when, in ms since 1970, and what it takes; deleted last
    jobs/<id>/picture         see `pictures.py`

beside `job.json`, `end.json` and `result` of a job. All of it is deleted when the time is over, or earlier, the oldest
first, when others need the room. All that reads or writes raises `StoreUnavailable`.

A request waits for its result to be kept, as its answer has the address. So a thread writes to the store, from files in
its scratch. If that takes long, the request goes on alone and takes the files with it: nobody hears then of what the
thread has kept, and it is deleted.
"""

import contextlib
import functools
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from jobs.deletion import forget
from jobs.ids import new_id
from jobs.indices import ID
from jobs.ledger import Ledger
from jobs.pictures import read_picture, samples_bytes, write_picture
from jobs.records import End, Job, Result, to_json
from jobs.store import NotStored
from message_protocol import JobState
from superscaling.errors import StoreUnavailable
from superscaling.pictures import Picture

KEPT = re.compile(rf"kept/([0-9]{{13}})-{ID}-([0-9]{{1,18}})")
# What each takes at least, in bytes: files have their own size, and there shall not be millions of small ones.
LEAST_BYTES = 1 << 18
# Most results that are deleted for one that is new.
MAX_DELETED = 16
# Seconds that a request waits for its result to be kept, that one result waits for others that make room, and for which
# nothing is kept after the store has failed or taken too long.
MAX_WAIT, PATIENCE, PAUSE = 2.0, 1.0, 60.0


@dataclass(frozen=True)
class KeptResult:
    """A result that is kept `until` a time, in seconds since 1970. `size`: of all its files, in bytes."""

    key: str
    job_id: str
    until: float
    size: int

    @classmethod
    def of(cls, job_id: str, until: float, size: int) -> Self:
        """One that is not there yet."""
        return cls(f"kept/{round(until * 1000):013}-{job_id}-{size}", job_id, until, size)


class Keeping:
    """Keeps results. Thread-safe; several processes on one store may keep a little more together.

    Args:
        ledger: of the store.
        seconds: for which a result is kept.
        max_bytes: that all may take together, and those that are being made.
    """

    def __init__(self, ledger: Ledger, seconds: float, max_bytes: int) -> None:
        self.seconds = seconds
        self._ledger = ledger
        self._max_bytes = max_bytes
        self._room = threading.Lock()  # held while some are deleted
        self._scratch = threading.Lock()
        self._scratch_bytes = 0
        self._pause_until = 0.0

    @contextlib.contextmanager
    def written(self, picture: Picture) -> Iterator[Path | None]:
        """The picture as a file in the store's scratch, until the end; None: it can't be kept."""
        size, write = samples_bytes(picture), functools.partial(write_picture, picture)
        del picture
        with self._scratch_file(size, write) as path:
            del write
            yield path

    @contextlib.contextmanager
    def _scratch_file(self, size: int, write: Callable[[Path], object]) -> Iterator[Path | None]:
        """A file of so many bytes in the store's scratch, until the end; None: there can't be one."""
        with self._reserved(size) as is_free:
            path = None
            try:
                if is_free:
                    path = self._ledger.store.scratch / f"keeping-{uuid.uuid4().hex}"
                    write(path)
            except (OSError, StoreUnavailable):
                _delete(path)
                path = None
            del write  # the picture: encoding, which follows, takes the most memory
            try:
                yield path
            finally:
                _delete(path)

    @contextlib.contextmanager
    def _reserved(self, size: int) -> Iterator[bool]:
        """Reserve bytes of the scratch, until the end; False: there are none, or the store is away."""
        with self._scratch:
            is_free = self._scratch_bytes + size < self._max_bytes and not self._is_paused
            self._scratch_bytes += size * is_free
        try:
            yield is_free
        finally:
            with self._scratch:
                self._scratch_bytes -= size * is_free

    def keep(self, order: Job, picture: Path, data: bytes, result: Result) -> str | None:
        """Keep a result, within `MAX_WAIT`. Returns the id of its job; None: there is no room for it.

        Args:
            order: what was asked for; its `id` is filled in here.
            picture: a file that `written` has made.
            data: the result.
            result: describes it.

        Raises:
            StoreUnavailable: it can't be kept.
        """
        try:
            size = max(LEAST_BYTES, picture.stat().st_size + len(data))
        except OSError as exc:
            raise StoreUnavailable("the result can't be kept at the moment") from exc
        if size > self._max_bytes or self._is_paused:
            return None
        job = replace(order, id=new_id())
        ended = time.time()
        own = KeptResult.of(job.id, ended + self.seconds, size)
        end = End(JobState.DONE, ended, result)
        kept = Future[str | None]()
        with self._scratch_file(len(data), functools.partial(Path.write_bytes, data=data)) as file:
            if file is None:
                return None
            write = functools.partial(self._write, own, job, end, picture, file)
            threading.Thread(target=self._fulfil, args=(kept, own, write), name="keeping", daemon=True).start()
            try:
                return kept.result(MAX_WAIT)
            except TimeoutError:
                if not kept.cancel():  # it has just ended
                    return kept.result()
                self._pause()
                raise StoreUnavailable(f"the store takes longer than {MAX_WAIT:g} s") from None

    def _fulfil(self, kept: "Future[str | None]", own: KeptResult, write: Callable[[], str | None]) -> None:
        """Write a result, and tell the request that waits for it; if none does any more, delete it."""
        try:
            job_id = write()
        except Exception as exc:
            with contextlib.suppress(InvalidStateError):
                kept.set_exception(exc)
            return
        try:
            kept.set_result(job_id)
        except InvalidStateError:
            with contextlib.suppress(StoreUnavailable):
                _forget(self._ledger, own)

    def _write(self, own: KeptResult, job: Job, end: End, picture: Path, data: Path) -> str | None:
        store = self._ledger.store
        try:
            if not self._enter(own):
                return None
            store.put(f"jobs/{job.id}/picture", picture)
            store.put(f"jobs/{job.id}/result", data)
            store.put(f"jobs/{job.id}/end.json", to_json(end))
            store.put(f"jobs/{job.id}/job.json", to_json(job))
            if store.has(own.key):
                return job.id
            forget(self._ledger, job.id)  # others needed the room meanwhile
        except StoreUnavailable:
            self._pause()
            with contextlib.suppress(StoreUnavailable):
                _forget(self._ledger, own)
            raise
        return None

    def _pause(self) -> None:
        self._pause_until = time.monotonic() + PAUSE

    @property
    def _is_paused(self) -> bool:
        return time.monotonic() < self._pause_until

    def _enter(self, own: KeptResult) -> bool:
        """Make room for a result, and say that it takes it; False: there is none at the moment.

        That comes first, so that whatever follows is deleted in time, also if this process is killed.
        """
        if not self._room.acquire(timeout=PATIENCE):
            return False
        try:
            kept = list(kept_results(self._ledger))
            taken = sum(each.size for each in kept) + own.size
            for each in kept[:MAX_DELETED]:
                if taken <= self._max_bytes:
                    break
                _forget(self._ledger, each)
                taken -= each.size
            if taken > self._max_bytes:
                return False
            self._ledger.store.put(own.key, b"")
            return True
        finally:
            self._room.release()


def kept_picture(ledger: Ledger, job_id: str) -> Picture | None:
    """The picture that a result was made of; None: that was not kept, or by another version of the service."""
    try:
        return read_picture(ledger.store.get(f"jobs/{job_id}/picture"))
    except (NotStored, ValueError):
        return None


def kept_bytes(ledger: Ledger, job_id: str) -> int | None:
    """What the picture that a result was made of takes; None: it was not kept."""
    try:
        return ledger.store.size(f"jobs/{job_id}/picture")
    except NotStored:
        return None


def kept_result(ledger: Ledger, job_id: str) -> KeptResult | None:
    """What a job is kept as; None: it is no result of a request. `size` is 0 after `give_room_back`."""
    return next((each for each in kept_results(ledger) if each.job_id == job_id), None)


def give_room_back(ledger: Ledger, job_id: str) -> None:
    """What was deleted of a result before its time takes no room any more."""
    for each in list(kept_results(ledger)):
        if each.job_id == job_id:
            ledger.store.put(KeptResult.of(job_id, each.until, 0).key, b"")
            ledger.store.delete(each.key)


def kept_results(ledger: Ledger) -> Iterator[KeptResult]:
    """All that is kept, the one whose time is over first at the front."""
    for key in ledger.store.keys("kept/"):
        if match := KEPT.fullmatch(key):
            yield KeptResult(key, match[2], int(match[1]) / 1000, int(match[3]))


def forget_kept(ledger: Ledger) -> None:
    """Delete the results whose time is over."""
    now = time.time()
    for each in kept_results(ledger):
        if each.until > now:
            return
        _forget(ledger, each)


def _forget(ledger: Ledger, kept: KeptResult) -> None:
    forget(ledger, kept.job_id)
    ledger.store.delete(kept.key)
    # Once more: a result that is being kept at this moment has looked for its key only after it has written all.
    forget(ledger, kept.job_id)


def _delete(path: Path | None) -> None:
    if path is not None:
        with contextlib.suppress(OSError):  # the store has taken it, or is gone
            path.unlink()
