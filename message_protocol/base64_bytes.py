"""Image files as base64 in JSON."""

import binascii
import re
from typing import Any

from pydantic import PlainSerializer

# The name of an image file in every message that has one.
IMAGE_FIELD = "imageBase64"
# The name of its address, which may be sent instead.
URL_FIELD = "imageUrl"


def as_text(data: bytes) -> str:
    """Bytes as base64: standard alphabet, padded, no line breaks."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


# Serialises bytes in JSON so.
as_base64 = PlainSerializer(as_text, when_used="json")

WHITESPACE = b" \t\r\n\f\v"
ALPHABET = re.compile(rb"[A-Za-z0-9+/=]*+")
# Characters of a data URL before its comma: a media type and its parameters.
MAX_DATA_URL_HEAD = 1000
# The characters that a base64 payload may have percent-encoded in a URL. (Each replacement is one fast pass, whatever
# the payload is; a general decoder takes seconds for millions of percent signs.)
PERCENT_ENCODED = {b"%2B": b"+", b"%2F": b"/", b"%3D": b"=", b"%0D": b"", b"%0A": b"", b"%20": b""}


def decode_base64(text: Any) -> Any:
    """Decode strict, padded base64 (RFC 4648, section 4), which may have ASCII whitespace or be a data URL.

    Args:
        text: anything but a string is returned unchanged.

    Raises:
        ValueError: it is something else; the message says what, as a continuation of the field's name.
    """
    if not isinstance(text, str):
        return text
    start = text[:MAX_DATA_URL_HEAD].lstrip()
    data = _payload(text, start) if start[:5].lower() == "data:" else _ascii(text)
    data = data.translate(None, WHITESPACE)
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except binascii.Error as exc:
        raise ValueError(_reason(data, str(exc))) from exc


def _payload(text: str, start: str) -> bytes:
    """The base64 of a data URL (RFC 2397) of any media type, or none, with any parameters."""
    head, comma, _ = start.partition(",")
    if not comma:
        raise ValueError(f"is a data URL without a comma in its first {MAX_DATA_URL_HEAD} characters")
    if "base64" not in (each.strip().lower() for each in head[5:].split(";")[1:]):
        raise ValueError("is a data URL that isn't base64: send it as data:image/png;base64,…")
    data = _ascii(text[text.index(",") + 1 :])
    if b"%" in data:
        for escape, character in PERCENT_ENCODED.items():
            data = data.replace(escape, character).replace(escape.lower(), character)
    return data


def _ascii(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError as exc:
        raise ValueError("is not base64: it has a character outside ASCII") from exc


def _reason(data: bytes, reason: str) -> str:
    """What is wrong with `data`, which has no whitespace; `reason` is the decoder's."""
    valid = ALPHABET.match(data)
    end = valid.end() if valid else 0
    match data[end : end + 1]:
        case b"":
            pass
        case b"-" | b"_":
            return "is URL-safe base64, with '-' and '_': send standard base64, with '+' and '/'"
        case b":" if data[end : end + 3] == b"://":
            return f"is not base64 but a URL: send it as {URL_FIELD}, or the image file itself in base64"
        case b"'" | b'"' if data[:end] in (b"", b"b"):
            return f"is not base64: it has quotes in it ({data[: end + 1].decode()}…)"
        case other:
            return f"is not base64: it has the character {other.decode()!a}"
    if b"=" in data.rstrip(b"="):
        return "is not base64: it goes on after the padding ('=') that ends it"
    characters = len(data.rstrip(b"="))
    missing = -characters % 4 - (len(data) - characters)
    if characters % 4 == 1:
        return f"is not base64: it is cut off, as {characters} characters are no whole number of bytes"
    if missing > 0:
        return f"is base64 without its padding: end it with {'=' * (-characters % 4)!r}"
    if missing < 0:
        return f"is not base64: it has {-missing} '=' too many"
    return f"is not base64: {reason[0].lower()}{reason[1:]}"
