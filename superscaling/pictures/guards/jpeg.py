"""Whether a JPEG can have a picture as large as its header says. (ITU-T T.81, F.1.2 and G.1.2)

Decoders go on when its codes end, and repeat the last colour: some bytes would be worked on as millions of pixels.
"""

from collections.abc import Iterator

from superscaling.errors import ImageCorrupt
from superscaling.pictures.containers.jpeg_outline import JpegOutline

# Headers of pictures in Huffman codes, of which each takes a bit at least. Of arithmetic ones thousands fit into a bit.
HUFFMAN = (0xC0, 0xC1, 0xC2)
BLOCK = 8  # px


def check_coded_rows(outline: JpegOutline, most_missing: float) -> None:
    """Make sure that the codes of a JPEG suffice for its rows, if each takes as few bits as is possible.

    Args:
        outline: of the file.
        most_missing: rows that may be missing.

    Raises:
        ImageCorrupt: more are.
    """
    height = outline.size[0]
    if outline.frame_marker not in HUFFMAN or not height:
        return
    rows = min((height * min(1.0, 8 * coded / bits) for bits, coded in _scans(outline)), default=height)
    if height - rows > most_missing:
        raise ImageCorrupt(f"it ends early: its data suffice for {int(rows)} of its {height} rows at most")


def _scans(outline: JpegOutline) -> Iterator[tuple[int, int]]:
    """Least bits and actual bytes of the scans that begin a component.

    A block takes a code for its mean and, unless its details come in other scans, one for their end. Details of a
    progressive picture are not counted: a code of theirs may end thousands of blocks.
    """
    blocks = _blocks(outline)
    for scan, coded in zip(outline.scans, outline.coded, strict=True):
        count = scan[0] if scan else 0
        first, _, bits = scan[1 + 2 * count : 4 + 2 * count] or (0, 0, 0)
        if outline.is_progressive and (first or bits >> 4):
            continue
        least = sum(blocks.get(number, 0) for number in scan[1 : 1 + 2 * count : 2])
        if least:
            yield least * (1 if outline.is_progressive else 2), coded


def _blocks(outline: JpegOutline) -> dict[int, int]:
    """Components -> their blocks."""
    height, width = outline.size
    factors = {number: (max(1, each >> 4), max(1, each & 15)) for number, each in outline.components}
    across, down = (max((each[axis] for each in factors.values()), default=1) for axis in (0, 1))
    return {
        number: -(-width * x // (across * BLOCK)) * -(-height * y // (down * BLOCK))
        for number, (x, y) in factors.items()
    }
