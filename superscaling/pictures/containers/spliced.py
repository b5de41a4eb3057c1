"""A file for libvips, put together from parts of one on the disk, and of bytes in between. No part is copied.

So that its decoders see what says how the pixels are coded, and nothing else that might stop them.
"""

import bisect
import io
import itertools
import os
import weakref
from collections.abc import Sequence
from pathlib import Path

import pyvips

# Bytes, or the place of some in the file.
Part = bytes | range


def spliced(path: Path, parts: Sequence[Part]) -> pyvips.SourceCustom:
    """Make a source of these parts, one after the other. It has to be kept as long as images that read from it.

    Args:
        path: of the file that ranges are places in; nobody changes it meanwhile.
        parts: none is empty.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    starts = list(itertools.accumulate(map(len, parts), initial=0))
    place = 0

    def read(size: int) -> bytes:
        nonlocal place
        if place >= starts[-1]:
            return b""
        number = bisect.bisect(starts, place) - 1
        part, skipped = parts[number], place - starts[number]
        length = min(size, len(part) - skipped)
        if isinstance(part, range):
            data = os.pread(file, length, part.start + skipped)
        else:
            data = part[skipped : skipped + length]
        place += len(data)
        return data

    def seek(offset: int, whence: int) -> int:
        nonlocal place
        place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: place, io.SEEK_END: starts[-1]}[whence]
        return place

    weakref.finalize(read, os.close, file)
    source = pyvips.SourceCustom()
    source.on_read(read)
    source.on_seek(seek)
    return source
