"""Reading requests for jobs: what is not small goes to the disk while it arrives, piece by piece."""

import contextlib
import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flask import Request

from http_edge.reading import form_of, parse_message
from http_edge.recognition import BodyForm
from http_edge.request_body import BodyLimits, RequestBody
from message_protocol import JobInput
from superscaling.errors import StoreUnavailable

# The most bytes of a body that are kept in memory while it arrives.
IN_MEMORY = 1 << 20


@dataclass(frozen=True)
class JobRequest:
    """What a request for a job has sent.

    `path`: of the image file, if that is on the disk; `is_whole`: whether the message has all of it, and not only its
    first bytes; `sha256`: of the image file, or of its address; `form`: of the body.
    """

    message: JobInput
    path: Path | None
    is_whole: bool
    sha256: str
    form: BodyForm


@dataclass(frozen=True)
class _Received:
    """A body: `data`, or what is at `path` if that is None."""

    data: bytes | None
    path: Path
    size: int
    sha256: str

    def read(self) -> bytes:
        """All of it."""
        return self.path.read_bytes() if self.data is None else self.data


class JobReading:
    """The body of a request for a job. It is received first, and read into memory later, if it is small enough.

    Args:
        request: provides the content type and the query parameters.
        body: not read yet.
        small: of JSON messages and forms, and of image files that are decoded in memory.
        large: of image files that are sent as they are.
        scratch: a directory for files.
    """

    def __init__(
        self, request: Request, body: RequestBody, small: BodyLimits, large: BodyLimits, scratch: Path
    ) -> None:
        self._request = request
        self._body = body
        self._small = small
        self._large = large
        self._path = scratch / f"upload-{uuid.uuid4().hex}"

    @contextlib.contextmanager
    def received(self) -> Iterator[None]:
        """Receive the body. Its file is deleted at the end, if it is there yet.

        Raises:
            UnsupportedMedia, MalformedMessage, BodyTooLarge, BodyTimeout, ClientGone: as `read_message`.
            StoreUnavailable: the file can't be written.
        """
        head = self._body.head(self._large)
        self._form = form_of(self._request, head)
        limits = self._small
        if self._form is BodyForm.BYTES:
            limits = self._large
            # What is wrong with its options is told before it is received.
            self._message = parse_message(self._request, head, self._form, JobInput)
        try:
            self._received = _receive(self._body.pieces(limits), min(IN_MEMORY, self._small.size), self._path)
            yield
        finally:
            with contextlib.suppress(OSError):  # there is none, the store has taken it, or is gone
                self._path.unlink()

    def read(self) -> JobRequest:
        """Read what was received.

        Raises:
            MalformedMessage: as `read_message`.
            StoreUnavailable: the file can't be read.
        """
        received = self._received
        path = self._path if received.data is None else None
        if self._form is BodyForm.BYTES and received.size > self._small.size:
            return JobRequest(self._message, path, False, received.sha256, self._form)
        try:
            data = received.read()
        except OSError as exc:
            raise _not_kept() from exc
        if self._form is BodyForm.BYTES:
            message = self._message.model_copy(update={"image": data})
            sha256 = received.sha256 if message.image_url is None else message.sha256
            return JobRequest(message, path, True, sha256, self._form)
        message = parse_message(self._request, data, self._form, JobInput)
        return JobRequest(message, None, True, message.sha256, self._form)


def _receive(pieces: Iterable[bytes], in_memory: int, path: Path) -> _Received:
    """Keep a body: in memory, or, if it has more bytes than that, in a file, which is in no hurry to reach the disk."""
    digest = hashlib.sha256()
    size = 0
    start = list[bytes]()
    file: BinaryIO | None = None
    try:  # around the closing as well, which writes what the buffer still has
        with contextlib.ExitStack() as stack:
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                if file is not None:
                    file.write(piece)
                    continue
                start.append(piece)
                if size > in_memory:
                    file = stack.enter_context(path.open("xb"))
                    file.writelines(start)
    except OSError as exc:
        raise _not_kept() from exc
    return _Received(b"".join(start) if file is None else None, path, size, digest.hexdigest())


def _not_kept() -> StoreUnavailable:
    return StoreUnavailable("the image file can't be kept at the moment: send it again later")
