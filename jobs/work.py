"""What is kept of a job until its end: its image, the tries of its steps, bands, blocks, and notes of messages."""

import time
from collections.abc import Iterator
from pathlib import Path

from jobs.records import Plan
from jobs.store import Store

# All of it. Of a gigantic picture it is much.
WORKING_PARTS = ("in/", "out/", "tries/", "published/", "source")


class JobWork:
    """Reads and writes it. Thread-safe. All methods raise `StoreUnavailable`.

    Args:
        store: where that is.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    # Steps and messages

    def begin(self, job_id: str, step: str) -> int:
        """Begin a step. Returns how often it was begun and not finished, this time included."""
        tries = 1
        while not self._store.create(f"jobs/{job_id}/tries/{step}.{tries}", b""):
            tries += 1
        return tries

    def finish(self, job_id: str, step: str, tries: int = 1) -> None:
        """A step is finished, or was given up in good order: it, and so many tries in all, no longer count."""
        for number in range(tries, 0, -1):
            self._store.delete(f"jobs/{job_id}/tries/{step}.{number}")

    def note_failure(self, job_id: str, step: str) -> tuple[int, float]:
        """A step failed for a reason outside the picture. Returns how often it has, and for how many seconds."""
        folder, now = f"jobs/{job_id}/tries/{step}.failed/", round(time.time() * 1000)
        self._store.put(f"{folder}{now:013}", b"")
        times = [int(key.removeprefix(folder)) for key in self._store.keys(folder)]
        return len(times), (now - min(times)) / 1000

    def is_published(self, job_id: str, name: str) -> bool:
        """Whether a message of this name was noted."""
        return self._store.has(f"jobs/{job_id}/published/{name}")

    def note_published(self, job_id: str, name: str) -> None:
        """The broker has a message."""
        self._store.put(f"jobs/{job_id}/published/{name}", b"")

    # The image

    def source(self, job_id: str) -> bytes:
        """The image file.

        Raises:
            NotStored: the job has ended.
        """
        return self._store.get(f"jobs/{job_id}/source")

    def fetch_source(self, job_id: str, path: Path) -> Path:
        """The image file as a file of this machine: at `path`, or elsewhere. Not to be changed.

        Raises:
            NotStored: the job has ended.
        """
        return self._store.fetch(f"jobs/{job_id}/source", path)

    # Blocks

    def has_block(self, job_id: str, number: int) -> bool:
        """Whether a block is finished."""
        return self._store.has(f"jobs/{job_id}/out/{number}")

    def write_block(self, job_id: str, number: int, data: bytes) -> bool:
        """A block is finished. Returns whether it is kept: it is deleted at once if the job has ended."""
        return self._put_part(job_id, f"out/{number}", data)

    def finished(self, job_id: str) -> frozenset[int]:
        """The numbers of the finished blocks."""
        prefix = f"jobs/{job_id}/out/"
        names = (key.removeprefix(prefix) for key in self._store.keys(prefix))
        return frozenset(int(name) for name in names if name.isdecimal())

    def missing(self, job_id: str, plan: Plan) -> list[int]:
        """The numbers of the blocks that are not finished."""
        finished = self.finished(job_id)
        return [number for number in range(len(plan.blocks)) if number not in finished]

    def blocks(self, job_id: str, plan: Plan) -> Iterator[bytes]:
        """All blocks, in order.

        Raises:
            NotStored: one is missing: the job has ended.
        """
        for number in range(len(plan.blocks)):
            yield self._store.get(f"jobs/{job_id}/out/{number}")

    def fetch_block(self, job_id: str, number: int, path: Path) -> Path:
        """A finished block as a file, like `fetch_source`."""
        return self._store.fetch(f"jobs/{job_id}/out/{number}", path)

    # Bands of gigantic pictures

    def write_band(self, job_id: str, name: str, band: Path) -> None:
        """Keep a band of a gigantic picture, whose name says which rows it has. The file lies in the scratch.

        It is deleted at once if the job has ended.
        """
        self._put_part(job_id, f"in/{name}", band)

    def band(self, job_id: str, name: str) -> bytes:
        """The samples of a band.

        Raises:
            NotStored: the job has ended.
        """
        return self._store.get(f"jobs/{job_id}/in/{name}")

    def _put_part(self, job_id: str, name: str, data: bytes | Path) -> bool:
        """Keep what is needed until a job's end, unless that has come meanwhile. Returns whether it is kept."""
        key = f"jobs/{job_id}/{name}"
        self._store.put(key, data)
        if self._store.has(f"jobs/{job_id}/end.json") or not self._store.has(f"jobs/{job_id}/job.json"):
            self._store.delete(key)
            return False
        return True
