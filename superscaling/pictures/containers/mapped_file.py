"""A file on the disk that is read like bytes, without a copy in memory."""

import mmap
from pathlib import Path
from typing import cast


class _Mapped(mmap.mmap):
    """What the readers of headers need of bytes: indices, slices, `len`, `find`, regular expressions, and this."""

    def startswith(self, prefix: bytes, start: int = 0) -> bool:
        """As of bytes."""
        return self[start : start + len(prefix)] == prefix


def map_file(path: Path) -> bytes:
    """Map a file to memory. Slices are bytes, and copies.

    Args:
        path: of a file that is not empty, and that nobody changes meanwhile.
    """
    with path.open("rb") as file:
        return cast(bytes, _Mapped(file.fileno(), 0, access=mmap.ACCESS_READ))
