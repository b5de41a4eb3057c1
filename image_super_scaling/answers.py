"""Turn answers that are no success into errors."""

import email.utils
import re
import time

import httpx

from image_super_scaling.errors import UpscaleError, kind_of
from image_super_scaling.json_objects import Object, parse

# Bytes of an error answer that are read; characters of it that are quoted, if it is not a problem document.
MAX_ERROR = 1 << 16
MAX_QUOTE = 200


def refused(response: httpx.Response, body: bytes) -> UpscaleError:
    """The error that an answer says: its problem document (RFC 9457), otherwise a quote from it."""
    problem = _document(body)
    status, code = response.status_code, _text(problem, "code")
    detail = _text(problem, "detail") or f"the answer is {status} {response.reason_phrase}{_quote(body)}"
    place = response.headers.get("Location") if response.has_redirect_location else None
    return kind_of(status, code)(
        detail + (f", to {place}" if place else ""),
        status=status,
        code=code,
        request_id=_text(problem, "requestId") or response.headers.get("X-Request-ID"),
        retry_after=retry_after(response),
        hint=_text(problem, "hint"),
    )


def failure_of(problem: Object) -> UpscaleError:
    """The error that a problem document says which came as part of a success: of a job, or at the end of a stream."""
    status = problem.get("status")
    status = status if type(status) is int else 500
    code = _text(problem, "code")
    return kind_of(status, code)(
        _text(problem, "detail") or "the service does not say why it failed",
        status=status,
        code=code,
        request_id=_text(problem, "requestId"),
        hint=_text(problem, "hint"),
    )


def retry_after(response: httpx.Response) -> float | None:
    """The seconds from now that Retry-After says, as seconds or as a date (RFC 9110); None: nothing that is valid."""
    text = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,10}", text):
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _document(body: bytes) -> Object:
    """A problem document; empty if it is something else, such as a proxy's page."""
    try:
        parsed = parse(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _text(problem: Object, name: str) -> str | None:
    value = problem.get(name)
    return value if isinstance(value, str) else None


def _quote(body: bytes) -> str:
    """The beginning of a page without its tags, in one line."""
    text = re.sub(r"<[^>]*>", " ", body[: 20 * MAX_QUOTE].decode(errors="replace"))
    words = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return f": {words[:MAX_QUOTE]}" if words else ""
