"""Headers that say how a request wants to be treated: `Prefer` (RFC 7240) and `Idempotency-Key`."""

import re

from werkzeug.http import parse_list_header

from message_protocol import MAX_ECHOED
from superscaling.errors import MalformedMessage

RESPOND_ASYNC = "respond-async"
# The result shall be kept for a short time. (Not registered; RFC 7240, 2, lets services have their own.)
KEEP = "keep"
IDEMPOTENCY_KEY = "Idempotency-Key"
# draft-ietf-httpapi-idempotency-key-header leaves the form of keys to the service.
MAX_KEY = 200
KEY = re.compile(rf"[!-~]{{1,{MAX_KEY}}}")


def prefers(wanted: str, prefer: str) -> bool:
    """Whether a `Prefer` header has a preference without a value, such as `respond-async` (RFC 7240, 4.1).

    What is not understood of it is ignored, as the RFC wants.
    """
    for preference in parse_list_header(prefer):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == wanted and not value.strip(' "'):
            return True
    return False


def idempotency_key(header: str | None) -> str | None:
    """The key of a request; None: it has none.

    Raises:
        MalformedMessage: it is empty, too long, or has other characters than visible ones of ASCII.
    """
    if header is None or KEY.fullmatch(header):
        return header
    raise MalformedMessage(
        f"{IDEMPOTENCY_KEY} must be 1 to {MAX_KEY} visible ASCII characters, not {header[:MAX_ECHOED]!a}"
    )
