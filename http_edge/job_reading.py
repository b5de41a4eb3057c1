"""Reading requests for jobs: an image file that is sent as it is goes to the disk, piece by piece."""

import contextlib
import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Request

from http_edge.reading import form_of, parse_message
from http_edge.recognition import BodyForm
from http_edge.request_body import BodyLimits, RequestBody
from message_protocol import JobInput
from superscaling.errors import StoreUnavailable


@dataclass(frozen=True)
class JobRequest:
    """What a request for a job has sent.

    `message`: with the image file, or only its first bytes if the file is at `path`; `sha256`: of the image file;
    `form`: of the body.
    """

    message: JobInput
    path: Path | None
    sha256: str
    form: BodyForm


@contextlib.contextmanager
def job_request(
    request: Request, body: RequestBody, small: BodyLimits, large: BodyLimits, scratch: Path
) -> Iterator[JobRequest]:
    """Read the body of a request for a job. What lies in `scratch` is deleted at the end, if it is there yet.

    Args:
        request: provides the content type and the query parameters.
        body: not read yet.
        small: of JSON messages and forms, and of image files that are kept in memory.
        large: of image files that are sent as they are.
        scratch: a directory for the file.

    Raises:
        UnsupportedMedia, MalformedMessage, BodyTooLarge, BodyTimeout, ClientGone: as `read_message`.
        StoreUnavailable: the file can't be written.
    """
    head = body.head(large)
    form = form_of(request.mimetype, head)
    if form is not BodyForm.BYTES:
        message = parse_message(request, body.read(), form, JobInput)
        yield JobRequest(message, None, hashlib.sha256(message.image).hexdigest(), form)
        return
    message = parse_message(request, head, form, JobInput)  # what is wrong with its options is told before it is read
    path = scratch / f"upload-{uuid.uuid4().hex}"
    try:
        sha256, size = _write(path, body.pieces(large))
        if size > small.size:
            yield JobRequest(message, path, sha256, form)
        else:
            yield JobRequest(message.model_copy(update={"image": path.read_bytes()}), None, sha256, form)
    finally:
        with contextlib.suppress(OSError):  # the store has taken it, or is gone
            path.unlink()


def _write(path: Path, pieces: Iterable[bytes]) -> tuple[str, int]:
    """Write a file, which is in no hurry to reach the disk. Returns its SHA-256 and its size."""
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("xb") as file:
            for piece in pieces:
                digest.update(piece)
                size += file.write(piece)
    except OSError as exc:
        raise StoreUnavailable("the image file can't be kept at the moment: send it again later") from exc
    return digest.hexdigest(), size
