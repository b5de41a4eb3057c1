"""Results of jobs as one ZIP file, made while it is sent: no part of it is in memory twice, or on a disk."""

import json
import time
import zipfile
from collections.abc import Iterator

from http_edge.answers import PART_BYTES
from resource_job_results import Archive

# What the archive says of all jobs, the failed ones too.
JOBS_FILE = "jobs.json"


class Zip:
    """A ZIP of results under their names, stored as they are: image files don't get smaller.

    Args:
        archive: the results.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def __iter__(self) -> Iterator[bytes]:
        written = _Written()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED, allowZip64=True) as file:
            states = [json.loads(job.to_json()) for job in self._archive.jobs]
            file.writestr(_entry(JOBS_FILE, time.time()), json.dumps({"jobs": states}, indent=1))
            yield written.take()
            for stored in self._archive.results:
                entry = _entry(stored.name, stored.ended)
                entry.file_size = stored.result.size
                with file.open(entry, "w", force_zip64=stored.result.size >= zipfile.ZIP64_LIMIT) as target:
                    for start in range(0, stored.result.size, PART_BYTES):
                        target.write(stored.read(start, min(PART_BYTES, stored.result.size - start)))
                        yield written.take()
        yield written.take()


def _entry(name: str, seconds: float) -> zipfile.ZipInfo:
    """The head of a file in the archive, with its time in UTC, and readable by all who unpack it."""
    entry = zipfile.ZipInfo(name, time.gmtime(max(seconds, 315_532_800))[:6])  # the format begins with 1980
    entry.external_attr = 0o644 << 16
    return entry


class _Written:
    """A stream that can't seek, and gives away what is written to it."""

    def __init__(self) -> None:
        self._parts = list[bytes]()

    def write(self, data: bytes) -> int:
        """Keep a part, until it is taken."""
        self._parts.append(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """What was written can still be taken."""

    def take(self) -> bytes:
        """What was written since the last call."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data
