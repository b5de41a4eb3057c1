"""How a picture is cut into blocks."""

from collections.abc import Iterator, Sequence

from jobs.records import Block
from superscaling.enlarging import PartSize

# The most bytes of pixels in a block, which are in memory at once.
MAX_BLOCK_BYTES = 1 << 27


def cut_into_blocks(sizes: Sequence[PartSize], seconds: Sequence[float], most_seconds: float) -> Iterator[Block]:
    """Cut parts, or rows of parts, into blocks, each as long as possible.

    A block takes no longer than `most_seconds` and no more than `MAX_BLOCK_BYTES`, or is of one part. There is always a
    block. That of a picture without parts is empty.

    Args:
        sizes: of the parts.
        seconds: that each takes.
        most_seconds: that a block shall take.
    """
    first, time_taken, taken, tiles = 0, 0.0, 0, 0
    for number, (size, duration) in enumerate(zip(sizes, seconds, strict=True)):
        if number > first and (time_taken + duration > most_seconds or taken + size.bytes > MAX_BLOCK_BYTES):
            yield Block(first, number, tiles)
            first, time_taken, taken, tiles = number, 0.0, 0, 0
        time_taken, taken, tiles = time_taken + duration, taken + size.bytes, tiles + size.cost.tiles
    yield Block(first, len(sizes), tiles)
