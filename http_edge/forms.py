"""Forms (`multipart/form-data`, RFC 7578), as browsers, libraries and people with a keyboard send them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from werkzeug.http import parse_options_header

from http_edge.recognition import encoded_image
from message_protocol import FORM, IMAGE_FIELD, MAX_ECHOED, URL_FIELD, UpscaleInput
from superscaling.errors import MalformedMessage

# The part of a form that has the image file; the second name is accepted, too.
PART, OTHER_PART = "image", "file"
# A form has one part for each field of the message. More parts than this are rejected.
MAX_PARTS = 20
# Of each part that is not the image, and of the head of each part.
MAX_OPTION_BYTES = 500_000
MAX_HEAD_BYTES = 16_384
# Lines of an image that look like the boundary, but are not. By chance there is none.
MAX_FALSE_BOUNDARIES = 1000

NOT_VALID = f"the body is not valid {FORM}: its parts must have a head, and the last one must end with the boundary"
LINE_END = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
BLANK_LINE = re.compile(rb"(?:\r?\n|\A)\r?\n")


@dataclass(frozen=True)
class Part:
    """A part of a form: `name` from its head, whether it `is_file`, which has a file name, and its `content`."""

    name: str
    is_file: bool
    content: bytes


def read_form(body: bytes, boundary: bytes, needs_image: bool = True) -> tuple[bytes, list[tuple[str, str]]]:
    """Parse a form.

    Args:
        body: the whole body.
        boundary: from the content type, or from the body itself.
        needs_image: whether there must be an image file, unless a part says where it is.

    Returns:
        The image file, empty if there is none, and the names and values of the other parts. Empty parts are left out: a
        browser sends them for the fields that a user has not filled in.

    Raises:
        MalformedMessage: the body is no form, or has several images, or none, in the parts `image` and `file`.
    """
    images: list[Part] = []
    options: list[tuple[str, str]] = []
    for part in _parts(body, boundary):
        if part.name in (PART, OTHER_PART):
            images.append(part)
        elif part.name == IMAGE_FIELD:
            raise MalformedMessage(f"the part {IMAGE_FIELD!r} is for JSON: send the image file itself as {PART!r}")
        elif part.is_file and part.name not in UpscaleInput.model_fields:
            raise MalformedMessage(
                f"file {part.name[:MAX_ECHOED]!r} is unknown; the image is the part {PART!r} or {OTHER_PART!r}"
            )
        elif len(part.content) > MAX_OPTION_BYTES:
            raise MalformedMessage(f"the part {part.name[:MAX_ECHOED]!r} has over {MAX_OPTION_BYTES} bytes")
        elif value := part.content.decode(errors="replace").strip():
            options.append((part.name, value))
    if not any(each.content for each in images) and (not needs_image or URL_FIELD in dict(options)):
        return b"", options
    return _only_image(images), options


def _only_image(parts: list[Part]) -> bytes:
    """The content of the image's part. An empty one beside it, such as a file input left open, does not count."""
    given = [each for each in parts if each.content]
    if parts and not given:
        raise MalformedMessage(f"part {parts[0].name!r} is empty")
    if len(given) > 1:
        names = " and ".join(sorted({repr(each.name) for each in given}))
        raise MalformedMessage(f"the form has {len(given)} images, in {names}; it must have one")
    if not given:
        raise MalformedMessage(f"the form has no part {PART!r} or {OTHER_PART!r}, which is the image file")
    (part,) = given
    if text := encoded_image(part.content):
        raise MalformedMessage(f"part {part.name!r} is {text}: send the file itself, or JSON with {IMAGE_FIELD!r}")
    return part.content


def _parts(body: bytes, boundary: bytes) -> Iterator[Part]:
    """The parts of a form, with line breaks of CRLF or LF."""
    for count, (start, end) in enumerate(_sections(body, boundary), 1):
        if count > MAX_PARTS:
            raise MalformedMessage(f"the form has more than {MAX_PARTS} parts")
        # The two bytes before the boundary are the blank line of a part without content, if a client saves a line.
        blank = BLANK_LINE.search(body[start : min(end + 2, start + MAX_HEAD_BYTES)])
        if not blank:
            raise MalformedMessage(NOT_VALID)
        name, is_file = _disposition(body[start : start + blank.start()])
        yield Part(name, is_file, body[start + blank.end() : end])


def _sections(body: bytes, boundary: bytes) -> Iterator[tuple[int, int]]:
    """Where each part begins and ends (RFC 2046, 5.1.1). What is before the first and after the last is ignored.

    Raises:
        MalformedMessage: the last part does not end with a boundary.
    """
    delimiter = b"--" + boundary
    place = 0 if body.startswith(delimiter) else _next_line(body, delimiter, 0)
    start, wrong = None, 0
    while place >= 0:
        line = LINE_END.match(body, place + len(delimiter))
        if line is None:
            wrong += 1
            if wrong > MAX_FALSE_BOUNDARIES:
                break
        else:
            if start is not None:
                end = place - (2 if body[place - 2 : place] == b"\r\n" else 1)
                yield start, max(start, end)
            if line[1]:
                return
            start = line.end()
        place = _next_line(body, delimiter, place + len(delimiter))
    raise MalformedMessage(NOT_VALID)


def _next_line(body: bytes, delimiter: bytes, start: int) -> int:
    """Where the next line that begins with `delimiter` begins; -1: nowhere."""
    place = body.find(b"\n" + delimiter, start)
    return place if place < 0 else place + 1


def _disposition(head: bytes) -> tuple[str, bool]:
    """The name of a part, and whether it has a file name, by its head in UTF-8 or Latin-1.

    Raises:
        MalformedMessage: it has no name.
    """
    try:
        text = head.decode()
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    for line in re.sub(r"\r?\n[ \t]+", " ", text).splitlines():
        field, _, value = line.partition(":")
        if field.strip().lower() == "content-disposition":
            parameters = parse_options_header(value)[1]
            if name := parameters.get("name"):
                return name, "filename" in parameters
    raise MalformedMessage("a part of the form has no name")
