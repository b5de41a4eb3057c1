"""The bytes of a JSON message: their encoding, and members that are given twice."""

import json
import re
from collections.abc import Iterable

from superscaling.errors import MalformedMessage

UTF_8 = ("utf-8", "utf-8-sig")
ESCAPED_CHARACTER = len(r"\u0041")
# Each escape takes the parser as long as many plain characters, and no other thread runs meanwhile. Base64 needs none,
# but some writers escape its slashes, a 64th of it, or break its lines. Those of four digits are for names.
FREE_ESCAPES, MAX_ESCAPED_SHARE = 100_000, 0.05
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def as_utf_8(body: bytes) -> bytes:
    """Bytes of JSON in UTF-8 without byte order mark, which PowerShell and .NET write before it.

    UTF-16 and UTF-32, with or without mark, are converted.

    Raises:
        MalformedMessage: it is in none of these encodings; they are told by the first bytes.
    """
    encoding = json.detect_encoding(body[:4])
    if encoding in UTF_8:
        return body.removeprefix(BYTE_ORDER_MARK)
    try:
        return body.decode(encoding).encode()
    except UnicodeError as exc:
        raise MalformedMessage(f"the body is not JSON: it starts like {encoding.upper()}, but is not") from exc


def starts_like_json(body: bytes) -> bool:
    """Whether the first character of `body`, after a byte order mark and white space, begins a JSON object."""
    head = body[:1024]
    text = head.decode(json.detect_encoding(head[:4]), errors="ignore")
    return text.lstrip("\ufeff \t\r\n").startswith("{")


def check_escapes(body: bytes) -> None:
    """Make sure that a message has no more escapes than real ones have.

    Args:
        body: JSON in UTF-8.

    Raises:
        MalformedMessage: it has.
    """
    if body.count(rb"\u") > FREE_ESCAPES or body.count(b"\\") > FREE_ESCAPES + MAX_ESCAPED_SHARE * len(body):
        raise MalformedMessage("the message has too many escapes such as \\u0041: base64 needs none")


def check_unique(body: bytes, names: Iterable[str]) -> None:
    """Make sure that no member of the message is given twice: JSON libraries disagree on which of them holds.

    Only a name that is long enough to be one of `names` is looked at, so the search of a large message costs little.

    Args:
        body: valid JSON in UTF-8.
        names: of the members.

    Raises:
        MalformedMessage: one is. (Or it is the name of a member inside another one, where none may be.)
    """
    known = {name.encode() for name in names}
    longest = ESCAPED_CHARACTER * max(map(len, known))
    seen = set[bytes]()
    for match in re.finditer(rb'"((?:[^"\\]|\\.){1,%d}+)"[ \t\r\n]*+:' % longest, body):
        name = json.loads(match[0][:-1]).encode(errors="replace") if b"\\" in match[1] else match[1]
        if name in known and name in seen:
            raise MalformedMessage(f"{name.decode()} is given twice")
        seen.add(name)
