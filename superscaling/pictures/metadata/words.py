"""What notes call what a result lacks: short, and of printable ASCII, as notes travel in a header."""

import re
from collections.abc import Iterable

MAX_NAME = 40  # characters
MAX_NAMES = 6
# Parts that some files have beside their picture.
GAIN_MAP, VIDEO, DEPTH, PICTURES = "the gain map", "the motion photo's video", "the depth map", "further pictures"
SUBJECT, REGIONS, PANORAMA = "the subject's place", "XMP regions", "XMP of a panorama"
EARLIER_CROP = "XMP of an earlier crop"
CREDENTIALS = "Content Credentials"
MAX_PADDING = 64  # bytes behind a picture that nobody misses


def named(kind: str, names: Iterable[bytes]) -> str:
    """A kind with the names of its members from the file, as in `texts (prompt, workflow)`."""
    shown = list(dict.fromkeys(re.sub(r"[^ -:<-~]", "?", each[:MAX_NAME].decode("latin-1")) for each in names))
    more = [f"{len(shown) - MAX_NAMES} more"] if len(shown) > MAX_NAMES else []
    return f"{kind} ({', '.join([*shown[:MAX_NAMES], *more])})"


def behind(rest: bytes) -> list[str]:
    """What lies behind a picture in its file; nothing if it is padding."""
    return [f"{len(rest)} bytes behind the picture"] if len(rest.strip(b"\0\xff \r\n")) > MAX_PADDING else []
