"""Answers about jobs: where they are, and their results."""

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator

from flask import Response, request

from http_edge.answers import (
    PART_BYTES,
    PREFERENCE_APPLIED,
    X_RESULT_HEIGHT,
    X_RESULT_WIDTH,
    X_UPSCALER_MODEL,
    X_UPSCALER_NOTES,
    Parts,
    image_answer,
    json_answer,
)
from http_edge.job_archive import Zip
from http_edge.places import MAX_DOWNLOADS, places_to_send
from http_edge.preferences import RESPOND_ASYNC
from http_edge.problems import RETRY_AFTER
from message_protocol import JobOutput, JobsOutput, UpscaleOutput
from resource_job_results import Archive, StoredResult, file_name
from resource_jobs import poll_seconds
from superscaling.errors import http_error
from superscaling.pictures import FORMATS
from superscaling.scheduling import Timings

downloads = places_to_send(MAX_DOWNLOADS, "results of jobs", "try again later")

# One range of bytes (RFC 9110, 14.1.2).
RANGE = re.compile(r"bytes[ \t]*=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


def job_answer(output: JobOutput, status: int = 200) -> Response:
    """Answer where a job is, and when to ask again."""
    response = json_answer(output.to_json())
    response.status_code = status
    if status == 202:
        response.headers["Location"] = f"/jobs/{output.id}"
    if (seconds := poll_seconds(output)) is not None:
        response.headers[RETRY_AFTER] = str(seconds)
    return response


def promised_answer(output: JobOutput) -> Response:
    """The same for a request that preferred it (RFC 7240)."""
    response = job_answer(output, 202)
    response.headers[PREFERENCE_APPLIED] = RESPOND_ASYNC
    return response


def jobs_answer(output: JobsOutput) -> Response:
    """Answer with the jobs of a group."""
    return json_answer(output.to_json())


def result_answer(stored: StoredResult) -> Response:
    """Answer with a result, or a part of it (RFC 9110, 13 and 14), which is read from the store while it is sent.

    Raises:
        ServiceError: 412, the result is not the one that the client wants (If-Match); or it can't be read any more.
        RequestedRangeNotSatisfiable: the part lies behind the end.
        TooManyRequests: too many results are being sent.
    """
    result = stored.result
    if request.if_match and not request.if_match.contains(result.sha256):
        raise http_error(412, "the result is not the one that If-Match names: ask without it, or for another job")
    response = Response(StoredBytes(stored), mimetype=FORMATS[result.format].media_type)
    response.content_length = result.size
    response.headers["ETag"] = etag = f'"{result.sha256}"'
    response.headers["Content-Disposition"] = f'inline; filename="{stored.name}"'
    response.headers["Cache-Control"] = "private"
    response.headers[X_RESULT_WIDTH] = str(result.width)
    response.headers[X_RESULT_HEIGHT] = str(result.height)
    if stored.model:
        response.headers[X_UPSCALER_MODEL] = stored.model
    if result.notes:
        response.headers[X_UPSCALER_NOTES] = "; ".join(result.notes)
    if request.if_none_match.contains_weak(result.sha256):
        response.status_code = 304
    else:
        environ = {"REQUEST_METHOD": request.method}
        asked = one_range(request.headers.get("Range", ""), result.size)
        # A weak tag is not enough to continue a file.
        is_same = request.headers.get("If-Range", etag) == etag
        if asked is not None and is_same and request.method == "GET":
            environ |= {"HTTP_RANGE": asked}
        response.make_conditional(environ, accept_ranges=True, complete_length=result.size)
    if request.method == "HEAD" or response.status_code == 304:
        response.response = []
        return response
    with _place():
        return _sent(response)


def converted_answer(output: UpscaleOutput, job_id: str, model: str, timings: Timings) -> Response:
    """Answer with a result that was converted for this request; HEAD, with how large it is."""
    response = image_answer(output, timings)
    response.headers["Content-Disposition"] = f'inline; filename="{file_name(job_id, output.format)}"'
    response.headers["Cache-Control"] = "private"
    if model:
        response.headers[X_UPSCALER_MODEL] = model
    if request.method == "HEAD":
        response.response = []
    return response


def archive_answer(find: Callable[[], Archive], group: str) -> Response:
    """Answer with a ZIP of results, which is made while it is sent.

    Args:
        find: finds them, which may take long.
        group: names the file.

    Raises:
        TooManyRequests: too many results are being sent.
        ServiceError: as `find`.
    """
    with _place():
        parts = iter(Zip(find()))
        response = Response([] if request.method == "HEAD" else parts, mimetype="application/zip")
        response.headers["Content-Disposition"] = f'attachment; filename="{group}.zip"'
        return _sent(response)


@contextlib.contextmanager
def _place() -> Iterator[None]:
    """A place among the downloads, which is given back here only if the answer fails."""
    downloads.take()
    try:
        yield
    except BaseException:
        downloads.give_back()
        raise


def _sent(response: Response) -> Response:
    """The response, which has a place among the downloads until it is sent.

    Its first part is read at once: what was deleted meanwhile has a status of its own, as long as none is sent.
    """
    parts = response.iter_encoded()
    response.response = Parts(itertools.chain([*itertools.islice(parts, 1)], parts))
    response.call_on_close(downloads.give_back)
    return response


def one_range(header: str, size: int) -> str | None:
    """A `Range` header in the form `bytes=first-last`; None: what is not valid, or several ranges, is not honoured.

    Werkzeug finds a suffix that is longer than the file unsatisfiable, and an empty one satisfiable.

    Args:
        header: of the request.
        size: of the file, in bytes.
    """
    match = RANGE.fullmatch(header)
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        return f"bytes={max(0, size - int(last))}-"
    return None if last and int(last) < int(first) else f"bytes={first}-{last}"


class StoredBytes:
    """A result as a seekable iterator of parts of at most `PART_BYTES`."""

    def __init__(self, stored: StoredResult) -> None:
        self._stored = stored
        self._place = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        part = self._stored.read(self._place, min(PART_BYTES, self._stored.result.size - self._place))
        if not part:
            raise StopIteration
        self._place += len(part)
        return part

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, place: int) -> None:
        """Go on at a place, in bytes from the beginning."""
        self._place = place

    def tell(self) -> int:
        """The place of the next part."""
        return self._place
