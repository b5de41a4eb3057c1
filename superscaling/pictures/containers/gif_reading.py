"""Splits a GIF into its parts. (GIF89a specification; what it leaves open as in browsers.)

Pillow reads GIFs, too, but fills uncovered and cleared areas with a colour of the palette.
"""

import re
import struct

from superscaling.errors import ImageCorrupt
from superscaling.pictures.containers.animation import Animation, Disposal, Part
from superscaling.recognition.limits import Limits, check_parts

# Blocks have up to 255 bytes: a file of 64 MiB has 260,000.
MAX_BLOCKS = 500_000

EXTENSION, IMAGE, END = b"!", b",", b";"
CONTROL, APPLICATION, COMMENT = 0xF9, 0xFF, 0xFE
DESCRIBING = (APPLICATION, COMMENT)
# Of all kinds, the empty ones as well: an animation has one or two for each frame.
MAX_EXTENSIONS = 20_000
# Of those that describe a picture; the bytes are of each. More are passed over.
MAX_DESCRIPTIONS, MAX_DESCRIPTION = 100, 1 << 22
HAS_TABLE = 0x80
HAS_TRANSPARENCY = 1
INTERLACED = 0x40
NO_CONTROL = bytes(4)
# Number of repeats, 0 for ever: Netscape's extension.
REPEATS = re.compile(rb"\x0b(?:NETSCAPE2\.0|ANIMEXTS1\.0)\x03\x01(..)", re.DOTALL)
# Three bits of the control extension; 0 (unspecified) and reserved values mean KEEP.
DISPOSALS = {2: Disposal.CLEAR, 3: Disposal.RESTORE}


class _Bytes:
    """The file, read from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0
        self._blocks = 0

    @property
    def place(self) -> int:
        """How many bytes were taken."""
        return self._place

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        taken = self._data[self._place : self._place + count]
        if len(taken) < count:
            raise ImageCorrupt("the GIF ends within a frame")
        self._place += count
        return taken

    def take_kind(self) -> bytes:
        """The byte that says what follows; END at the end of the file, as some writers omit it."""
        return self.take(1) if self._place < len(self._data) else END

    def take_blocks(self) -> bytes:
        """The next data blocks with their lengths, including the empty one at the end."""
        start = self._place
        while length := self.take(1)[0]:
            self._place += length
            self._blocks += 1
            check_parts("data blocks", self._blocks, MAX_BLOCKS)
        return self._data[start : self._place]

    def take_table(self, flags: int) -> bytes:
        """The colour table that `flags` announce; empty if there is none."""
        return self.take(3 << (flags & 7) + 1) if flags & HAS_TABLE else b""


def read_gif(data: bytes, limits: Limits) -> Animation:
    """Split a GIF into its parts; a single picture is an animation of one part.

    Raises:
        ImageCorrupt: it is truncated, or has no picture.
        ImageTooComplex: it has so many blocks or extensions that decoding could take hours.
        ImageTooLarge, TooManyFrames: it is beyond `limits`.
    """
    rest = _Bytes(data)
    rest.take(len(b"GIF89a"))
    width, height, flags, _, aspect = struct.unpack("<HHBBB", rest.take(7))
    table = rest.take_table(flags)
    plays, control, parts, descriptions = 1, NO_CONTROL, list[Part](), list[tuple[int, bytes]]()
    extensions = 0
    while (kind := rest.take_kind()) in (EXTENSION, IMAGE):
        if kind == IMAGE:
            parts.append(_part(rest, table, flags, control))
            control = NO_CONTROL
            limits.check_frames(len(parts))
            continue
        check_parts("extensions", extensions := extensions + 1, MAX_EXTENSIONS)
        label, blocks = rest.take(1)[0], rest.take_blocks()
        if label == CONTROL and len(blocks) > len(NO_CONTROL):
            control = blocks[1 : 1 + len(NO_CONTROL)]
        elif label == APPLICATION and (repeats := REPEATS.match(blocks)):
            # Browsers show it once more than it repeats.
            times = int.from_bytes(repeats[1], "little")
            plays = times + 1 if times else 0
        elif label in DESCRIBING and len(blocks) <= MAX_DESCRIPTION and len(descriptions) < MAX_DESCRIPTIONS:
            descriptions.append((label, blocks))
    if not parts:
        raise ImageCorrupt("the GIF has no frame")
    # If the first picture is larger than the screen in the header, it defines the screen.
    width, height = max(width, parts[0].left + parts[0].width), max(height, parts[0].top + parts[0].height)
    limits.check_pixels(width, height, len(parts))
    # Parts may be larger than the canvas, and are decoded as a whole.
    if (pixels := sum(part.width * part.height for part in parts)) > limits.pixels:
        raise limits.too_large(f"partial frames of {pixels} px together", pixels)
    return Animation(width, height, plays, tuple(parts), tuple(descriptions), aspect, rest.place)


def _part(rest: _Bytes, table: bytes, table_flags: int, control: bytes) -> Part:
    """The next picture as a separate GIF."""
    left, top, width, height, flags = struct.unpack("<HHHHB", rest.take(9))
    if not width or not height:
        raise ImageCorrupt("a frame has no pixels")
    if own_table := rest.take_table(flags):
        table, table_flags = own_table, flags
    code_size, blocks = rest.take(1), rest.take_blocks()
    control_flags, hundredths, transparent = struct.unpack("<BHB", control)
    file = struct.pack("<6sHHBBB", b"GIF89a", width, height, table_flags & (HAS_TABLE | 7), 0, 0) + table
    if control_flags & HAS_TRANSPARENCY:
        file += b"!\xf9\4" + bytes([HAS_TRANSPARENCY, 0, 0, transparent, 0])
    file += struct.pack("<sHHHHB", IMAGE, 0, 0, width, height, flags & INTERLACED) + code_size + blocks + END
    return Part(
        file,
        left,
        top,
        width,
        height,
        milliseconds=hundredths * 10,
        disposal=DISPOSALS.get(control_flags >> 2 & 7, Disposal.KEEP),
        is_blended=True,
    )
