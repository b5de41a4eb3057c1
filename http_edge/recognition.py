"""What a request body is, by its first bytes: clients often don't say, or say something else."""

import binascii
import re
from enum import Enum

from http_edge.request_body import HEAD_BYTES
from message_protocol import FORM, JSON, starts_like_json
from superscaling.pictures import sniff


class BodyForm(Enum):
    """The form of a request body. The values are media types; `BYTES` is an image file of whatever type."""

    JSON = JSON
    FORM = FORM
    BYTES = "image/*"


# The first line of a form, and the beginning of a header. A boundary has at most 70 characters (RFC 2046, 5.1.1).
FIRST_PART = re.compile(rb"(?:\r?\n)*--([!-~ ]{0,69}[!-~])[ \t]*\r?\n(?i:content-)")
BASE64_START = re.compile(rb"\s*([A-Za-z0-9+/_-]{24})")


def recognise(body: bytes) -> BodyForm | None:
    """The form of a body; None: it is neither an image of a supported format, nor JSON, nor a form."""
    if sniff(body[:HEAD_BYTES]):
        return BodyForm.BYTES
    if starts_like_json(body):
        return BodyForm.JSON
    return BodyForm.FORM if boundary_in(body) else None


def boundary_in(body: bytes) -> bytes | None:
    """The boundary of a form, by its first line; None if the body is no form."""
    match = FIRST_PART.match(body[:HEAD_BYTES])
    return match[1] if match else None


def encoded_image(data: bytes) -> str | None:
    """What `data` is, in words, if it is an image as text instead of an image file."""
    head = data[:HEAD_BYTES].lstrip()
    if head[:5].lower() == b"data:":
        return "a data URL"
    match = BASE64_START.match(head)
    if match and not sniff(data[:HEAD_BYTES]) and sniff(binascii.a2b_base64(match[1].translate(URL_SAFE))):
        return "an image in base64"
    return None


URL_SAFE = bytes.maketrans(b"-_", b"+/")


def is_text(body: bytes) -> bool:
    """Whether a body looks like text: its first bytes have no control characters but white space."""
    return not re.search(rb"[\0-\x08\x0e-\x1f\x7f]", body[:HEAD_BYTES])


def found(body: bytes) -> str:
    """What a body is, in words, for error messages."""
    match recognise(body):
        case BodyForm.JSON:
            return "JSON"
        case BodyForm.FORM:
            return "a form"
        case BodyForm.BYTES:
            return f"a {sniff(body[:HEAD_BYTES])} file"
    return encoded_image(body) or ("text" if is_text(body) else "something else")
