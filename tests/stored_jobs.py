"""Helpers of the tests of jobs: orders, and a store whose process is killed between two writes."""

import base64
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs.acceptance import accept, add
from jobs.directory_store import DirectoryStore
from jobs.ledger import Ledger
from jobs.records import Block, End, Job, Plan, Result, to_json
from jobs.store import Store
from message_protocol import JobState
from superscaling.errors import StoreUnavailable
from superscaling.format_name import FormatName
from superscaling.upscale_options import UpscaleOptions

HOUR = 3600.0
PLAN = Plan(time.time(), (Block(0, 4, 4), Block(4, 6, 2)), 3, 12.0)
RESULT = Result(FormatName.PNG, 20, 10, 6, "0" * 64)


def id_of(seconds: float) -> str:
    """An id that was made then."""
    data = int(seconds * 1000).to_bytes(6) + secrets.token_bytes(10)
    return base64.b32hexencode(data).decode().rstrip("=").lower()


def order(age: float = 0.0, **fields: Any) -> Job:
    """A job that was created so many seconds ago."""
    created = time.time() - age
    job = Job(id_of(created), "", created, UpscaleOptions(), "fast.fp32.0", FormatName.PNG, 1000)
    return replace(job, **fields)


def taken(ledger: Ledger, age: float = 0.0, **fields: Any) -> Job:
    """A job that was accepted."""
    job = order(age, **fields)
    add(ledger, job, b"picture")
    accept(ledger, job.id)
    return job


def half_done(ledger: Ledger, age: float = 0.0, **fields: Any) -> Job:
    """A job that is planned, with one block of two."""
    job = taken(ledger, age, **fields)
    ledger.work.begin(job.id, "plan")
    ledger.write_plan(job.id, PLAN)
    ledger.work.finish(job.id, "plan")
    ledger.work.begin(job.id, "block-0")
    ledger.work.write_block(job.id, 0, b"pixels")
    return job


def ended(ledger: Ledger, age: float, **fields: Any) -> Job:
    """A job that was done so many seconds ago."""
    job = half_done(ledger, age, **fields)
    ledger.store.put(f"jobs/{job.id}/result", b"result")
    ledger.store.create(f"jobs/{job.id}/end.json", to_json(End(JobState.DONE, time.time() - age, RESULT)))
    ledger.clear(job.id)
    return job


class Killed(BaseException):
    """The process is gone."""


class KilledStore(Store):
    """A store in front of another, that is killed instead of its next write but `writes`."""

    def __init__(self, store: Store, writes: int) -> None:
        self._store = store
        self._left = writes

    @property
    def scratch(self) -> Path:
        return self._store.scratch

    def put(self, key: str, data: bytes | Path) -> None:
        self._write()
        self._store.put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        self._write()
        return self._store.create(key, data)

    def get(self, key: str) -> bytes:
        return self._store.get(key)

    def read(self, key: str, start: int, length: int) -> bytes:
        return self._store.read(key, start, length)

    def size(self, key: str) -> int:
        return self._store.size(key)

    def fetch(self, key: str, path: Path) -> Path:
        return self._store.fetch(key, path)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        return self._store.keys(prefix, after)

    def delete(self, key: str) -> None:
        self._write()
        self._store.delete(key)

    def _write(self) -> None:
        if not self._left:
            raise Killed
        self._left -= 1


class FullStore(DirectoryStore):
    """A store that is full as long as there is a key below one of `filling`."""

    filling: tuple[str, ...] = ()

    def put(self, key: str, data: bytes | Path) -> None:
        self._check_room()
        super().put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        self._check_room()
        return super().create(key, data)

    def _check_room(self) -> None:
        if any(True for prefix in self.filling for _ in self.keys(prefix)):
            raise StoreUnavailable("it is full")


def all_keys(store: Store) -> list[str]:
    """Everything in a store."""
    tops = ("ended/", "expired/", "groups/", "jobs/", "keys/", "open/", "webhooks/")
    return [key for top in tops for key in store.keys(top)]
