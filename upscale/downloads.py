"""The result of a job on its way into a file, whatever happens to the connection."""

import hashlib
import re
from http.client import HTTPResponse
from typing import BinaryIO

from upscale.errors import Broken, Failed

PIECE = 1 << 18  # bytes that are read at a time
OK, PARTIAL = 200, 206
SHA256_TAG = re.compile(r'"([0-9a-f]{64})"')


class Download:
    """Fills a file over as many connections as it takes.

    Args:
        file: an empty one, open for writing.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0
        self._begin(None)

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the next request: for what is missing, if the service still has the same result."""
        if self._tag is None or not self.size:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self._tag}

    def take(self, response: HTTPResponse) -> None:
        """Write what an answer has, 200 with the whole result or 206 with the rest.

        Raises:
            Broken: the connection ended before the result did; ask for the rest.
            Failed: the result is not what the service announced.
        """
        if response.status == OK:
            tag = response.headers.get("ETag")
            self._begin(None if tag is None or tag.startswith("W/") else tag)
            total = response.headers.get("Content-Length", "")
        else:
            first, total = _content_range(response)
            if first != self.size:
                raise Failed("the service sent another part of the result than it was asked for")
        while piece := response.read(PIECE):
            self._file.write(piece)
            self._digest.update(piece)
            self.size += len(piece)
        self._check(int(total) if total.isascii() and total.isdigit() else None)

    def _begin(self, tag: str | None) -> None:
        if self.size:
            self._file.seek(0)
            self._file.truncate()
        self._tag = tag
        self._digest = hashlib.sha256()
        self.size = 0

    def _check(self, total: int | None) -> None:
        if total is None:
            raise Failed("the service does not say how large the result is")
        if self.size < total:
            raise Broken("the connection broke before the result was complete")
        tag = SHA256_TAG.fullmatch(self._tag or "")
        if self.size > total or (tag and tag[1] != self._digest.hexdigest()):
            raise Failed("the result did not arrive as the service has it")


def _content_range(response: HTTPResponse) -> tuple[int | None, str]:
    """Where a part begins, and the size of the whole, of `bytes 5-9/10`."""
    match = re.fullmatch(r"bytes ([0-9]+)-[0-9]+/([0-9]+)", response.headers.get("Content-Range", ""))
    return (int(match[1]), match[2]) if match else (None, "")
