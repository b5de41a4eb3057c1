"""The result of a job on its way into a file, whatever happens to the connection."""

import hashlib
import re
from collections.abc import AsyncIterator
from typing import BinaryIO

import httpx

from image_super_scaling.errors import Broken, Malformed

OK, PARTIAL = 200, 206
SHA256_TAG = re.compile(r'"([0-9a-f]{64})"')


class Download:
    """Fills a file over as many connections as it takes. `size`: bytes that are there.

    Args:
        file: an empty one, open for writing.
        max_bytes: the most that it may get; None: whatever comes.
    """

    def __init__(self, file: BinaryIO, max_bytes: int | None = None) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self.size = 0
        self._begin(None)

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the next request: for what is missing, if the service still has the same result."""
        if self._tag is None or not self.size:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self._tag}

    async def take(self, response: httpx.Response, pieces: AsyncIterator[bytes]) -> None:
        """Write what an answer has, 200 with the whole result or 206 with the rest.

        Raises:
            Broken: the connection ended before the result did; ask for the rest.
            Malformed: the result is not what the service announced.
            OSError: the file can't be written.
        """
        if response.status_code == OK:
            tag = response.headers.get("ETag")
            self._begin(None if tag is None or tag.startswith("W/") else tag)
            total = response.headers.get("Content-Length", "")
        else:
            first, total = _content_range(response)
            if first != self.size:
                raise _malformed("the service sent another part of the result than it was asked for")
        if not re.fullmatch("[0-9]{1,18}", total):
            raise _malformed("the service does not say how large the result is")
        if self._max_bytes is not None and int(total) > self._max_bytes:
            raise _malformed(f"the result has {total} bytes, more than the {self._max_bytes} that are taken")
        async for piece in pieces:
            self._file.write(piece)
            self._digest.update(piece)
            self.size += len(piece)
        self._check(int(total))

    def _begin(self, tag: str | None) -> None:
        if self.size:
            self._file.seek(0)
            self._file.truncate()
        self._tag = tag
        self._digest = hashlib.sha256()
        self.size = 0

    def _check(self, total: int) -> None:
        if self.size < total:
            raise Broken("the connection broke before the result was complete")
        tag = SHA256_TAG.fullmatch(self._tag or "")
        if self.size > total or (tag and tag[1] != self._digest.hexdigest()):
            raise _malformed("the result did not arrive as the service has it")


def _malformed(detail: str) -> Malformed:
    return Malformed(detail, status=OK)


def _content_range(response: httpx.Response) -> tuple[int | None, str]:
    """Where a part begins, and the size of the whole, of `bytes 5-9/10`."""
    match = re.fullmatch(r"bytes ([0-9]{1,18})-[0-9]+/([0-9]+)", response.headers.get("Content-Range", ""))
    return (int(match[1]), match[2]) if match else (None, "")
