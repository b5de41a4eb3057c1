"""An upscale request as a form (`multipart/form-data`): a part `image`, and the options as further parts."""

import io

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from message_protocol import MAX_ECHOED
from superscaling.errors import MalformedMessage

FORM = "multipart/form-data"
PART = "image"
# A form has three parts. More is refused before it costs anything.
MAX_PARTS = 10
# Of a part that is no file. (Not less than werkzeug's buffer of 64 KiB, for which it stands as well.)
MAX_OPTION_BYTES = 500_000


def read_form(body: bytes, boundary: str | None) -> tuple[bytes, list[tuple[str, str]]]:
    """Take a form apart.

    Args:
        body: all of it.
        boundary: from the content type.

    Returns:
        The image file, and the other parts as names and values, but for empty ones: that is how a browser sends what a
        user has left open.

    Raises:
        MalformedMessage: it is no form, or has not exactly one part `image`, a file.
    """
    if not boundary:
        raise MalformedMessage(f"{FORM} without a boundary in Content-Type")
    # In memory, as the body is already: no temporary files.
    parser = FormDataParser(
        stream_factory=lambda *_, **__: io.BytesIO(),
        max_form_memory_size=MAX_OPTION_BYTES,
        max_form_parts=MAX_PARTS,
        silent=False,
    )
    try:
        _, options, files = parser.parse(io.BytesIO(body), FORM, len(body), {"boundary": boundary})
    except RequestEntityTooLarge as exc:
        raise MalformedMessage(
            f"the form has more than {MAX_PARTS} parts, or one that is no file and has over {MAX_OPTION_BYTES} bytes"
        ) from exc
    except ValueError as exc:
        raise MalformedMessage(f"the body is no {FORM}: {exc}") from exc
    if PART in options:
        raise MalformedMessage(f"part {PART!r} is no file: it has no filename")
    images = files.poplist(PART)
    if files:
        raise MalformedMessage(f"file {next(iter(files))[:MAX_ECHOED]!r} is unknown; the image is the part {PART!r}")
    if len(images) != 1:
        raise MalformedMessage(f"the form has {len(images)} parts {PART!r}; it must have one")
    image = images[0].read()
    if not image:
        raise MalformedMessage(f"part {PART!r} is empty")
    return image, [(name, value) for name, values in options.lists() for value in values if value]
