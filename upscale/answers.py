"""Read a service's answers: the events of a stream, or a problem document."""

import binascii
import email.utils
import json
import time
from collections.abc import Iterable, Iterator
from http.client import HTTPResponse
from typing import Any

from message_protocol import Accepted, Notes, Problem, Progress, UpscaleOutput
from superscaling.errors import StrengthNotOffered, UnknownModel
from superscaling.format_name import FormatName
from superscaling.pictures import sniff
from superscaling.settings import CLIENT_KEY
from upscale import console
from upscale.errors import Busy, Failed, FatalError, Full

MAX_DOCUMENT = 1 << 20  # bytes of a JSON document that are read
# The address is wrong, access is denied, or an option is unknown, for every image alike.
WRONG_FOR_ALL = (301, 302, 303, 307, 308, 400, 403, 404, 405, 406)
NOT_WITH_THESE_MODELS = (UnknownModel.code, StrengthNotOffered.code)
NO_KEY = 401
FULL = 429
BUSY = (FULL, 503)


def read_events(lines: Iterable[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Parse server-sent events (WHATWG HTML, 9.2) into names and data, without comments and incomplete events.

    Raises:
        Failed: the data of an event is not a JSON object.
    """
    name, data = "", list[bytes]()
    for line in lines:
        field, _, value = line.rstrip(b"\r\n").partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode(errors="replace")
        elif field == b"data":
            data.append(value)
        elif not line.strip() and data:
            yield name, _parsed(b"\n".join(data))
            name, data = "", []


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise Failed(f"the service sent an event that is not JSON: {exc}") from exc
    if not isinstance(parsed, dict):
        raise Failed("the service sent an event that is not a JSON object")
    return parsed


def follow(events: Iterable[tuple[str, dict[str, Any]]], progress: console.Progress) -> UpscaleOutput:
    """Follow the events of one image to its result.

    Raises:
        Failed: there is no result.
        Busy: the engine failed or the service is stopping; the same request may succeed a moment later.
    """
    accepted: Accepted | None = None
    notes: tuple[str, ...] = ()
    try:
        for name, data in events:
            match name:
                case Accepted.event:
                    accepted = Accepted.model_validate(data)
                    progress.expect(accepted.tiles)
                case Progress.event:
                    now = Progress.model_validate(data)
                    progress.expect(now.total)
                    progress.reach(now.done)
                case Notes.event:
                    notes = Notes.model_validate(data).notes
                case "problem":
                    raise refused(Problem.model_validate(data), None)
                case "result" if accepted:
                    return _output(accepted, binascii.a2b_base64(data["imageBase64"]), notes)
    except (KeyError, TypeError, ValueError) as exc:  # pydantic's and binascii's errors are ValueErrors
        raise Failed(f"the service sent an invalid event: {' '.join(str(exc).split())}") from exc
    raise Failed("the connection ended before the result came")


def refusal(response: HTTPResponse) -> Exception:
    """Turn an answer that is not a stream of events into an exception: `Failed`, `Busy` or `FatalError`."""
    if response.status == 200:
        media_type = response.headers.get_content_type()
        return FatalError(
            f"the answer is {media_type}, not a stream of events: is this an image super-scaling service?"
        )
    problem = read_problem(response)
    if response.status == NO_KEY:
        return FatalError(f"{problem.detail} (here: with --key-file, or in the environment as {CLIENT_KEY})")
    if response.status in WRONG_FOR_ALL or problem.code in NOT_WITH_THESE_MODELS:
        place = response.headers.get("Location")
        return FatalError(problem.detail + (f", to {place}" if place else ""))
    return refused(problem, retry_after(response))


def read_problem(response: HTTPResponse) -> Problem:
    """Read a problem document; of another body, only the status counts."""
    try:
        return Problem.model_validate_json(response.read(MAX_DOCUMENT))
    except ValueError:  # pydantic's
        status = response.status
        return Problem(type="", title="", status=status, detail=f"the answer is {status} {response.reason}", code="")


def refused(problem: Problem, seconds: float | None) -> Exception:
    """Turn a problem into an exception; `seconds` is the value of Retry-After, if there is one."""
    text = problem.detail + (f" ({problem.hint})" if problem.hint else "")
    if problem.status in BUSY:
        return Full(text, seconds) if problem.status == FULL else Busy(text, seconds)
    in_its_log = f" ({problem.request_id})" if problem.status >= 500 and problem.request_id else ""
    return Failed(text + in_its_log)


def retry_after(response: HTTPResponse) -> float | None:
    """Return the seconds from now that Retry-After says, as seconds or as a date; None: it says nothing."""
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _output(accepted: Accepted, image: bytes, notes: tuple[str, ...]) -> UpscaleOutput:
    name = FormatName(accepted.format)
    if sniff(image) is not name:
        raise Failed(f"the service sent a result that is not a {name}")
    return UpscaleOutput(image=image, format=name, width=accepted.width, height=accepted.height, notes=notes)
