"""What a service answers: the events of a result, or why there is none."""

import binascii
import email.utils
import time
from collections.abc import Iterable
from http.client import HTTPResponse
from typing import Any

from message_protocol import Accepted, Notes, Problem, Progress, UpscaleOutput
from superscaling.format_name import FormatName
from superscaling.pictures import sniff
from upscale import console
from upscale.errors import Busy, Failed, FatalError

MAX_PROBLEM = 1 << 20  # bytes of a problem document that are read
# What says that the address is wrong, or closed to us, for every picture alike.
WRONG_ADDRESS = (301, 302, 303, 307, 308, 401, 403, 404, 405, 406)
BUSY = (429, 503)


def follow(events: Iterable[tuple[str, dict[str, Any]]], progress: console.Progress) -> UpscaleOutput:
    """Follow the events of a picture's work to its result.

    Raises:
        Failed: there is none.
        Busy: the engine failed or the service stops. Both pass: the same request may succeed a moment later.
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
        raise Failed(f"the service sent an event that makes no sense: {' '.join(str(exc).split())}") from exc
    raise Failed("the connection ended before the result came")


def refusal(response: HTTPResponse) -> Exception:
    """Why an answer is no stream of events, to be raised: `Failed`, `Busy` or `FatalError`."""
    status, body = response.status, response.read(MAX_PROBLEM)
    media_type = response.headers.get_content_type()
    if status == 200:
        return FatalError(
            f"the answer is {media_type} and no stream of events: is that an image super-scaling service?"
        )
    try:
        problem = Problem.model_validate_json(body)
    except ValueError:  # pydantic's
        problem = Problem(type="", title="", status=status, detail=f"the answer is {status} {response.reason}", code="")
    if status in WRONG_ADDRESS:
        place = response.headers.get("Location")
        return FatalError(problem.detail + (f", to {place}" if place else ""))
    return refused(problem, _seconds(response.headers.get("Retry-After", "")))


def refused(problem: Problem, seconds: float | None) -> Exception:
    """Why a picture was refused, to be raised; `seconds`: when to come back, where the service says so."""
    if problem.status in BUSY:
        return Busy(problem.detail, seconds)
    hint = f" ({problem.hint})" if problem.hint else ""
    in_its_log = f" ({problem.request_id})" if problem.status >= 500 and problem.request_id else ""
    return Failed(problem.detail + hint + in_its_log)


def _seconds(retry_after: str) -> float | None:
    """From now: the header has seconds, or a date."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None


def _output(accepted: Accepted, image: bytes, notes: tuple[str, ...]) -> UpscaleOutput:
    name = FormatName(accepted.format)
    if sniff(image) is not name:
        raise Failed(f"the service sent a result that is no {name}")
    return UpscaleOutput(image=image, format=name, width=accepted.width, height=accepted.height, notes=notes)
