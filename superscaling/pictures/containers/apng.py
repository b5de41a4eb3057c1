"""An animated PNG to its parts. (PNG specification, third edition, with APNG's acTL, fcTL and fdAT chunks.)

Pillow reads them too, but blends half-transparent parts by the wrong formula where nothing is below them.
"""

import struct
import zlib
from dataclasses import dataclass, field

from superscaling.errors import ImageCorrupt
from superscaling.pictures.containers.animation import Animation, Disposal, Part
from superscaling.pictures.containers.chunks import PNG_SIGNATURE, png_chunks
from superscaling.pictures.limits import Limits

# What a part needs of the file's head to be decoded -> the most bytes that it can have.
SHARED = {b"PLTE": 3 * 256, b"tRNS": 256}
DISPOSALS = (Disposal.KEEP, Disposal.CLEAR, Disposal.RESTORE)


@dataclass
class _Frame:
    """`control`: its fcTL; `data`: its pixels, compressed."""

    control: bytes
    data: list[bytes] = field(default_factory=list)


def read_apng(data: bytes, limits: Limits) -> Animation | None:
    """Take an animated PNG apart; None where it is not animated.

    Raises:
        ImageCorrupt: it is truncated, or its frames make no sense.
        ImageTooLarge, TooManyFrames: see `Limits`.
    """
    header, animation, frames = b"", b"", list[_Frame]()
    shared = dict[bytes, bytes]()
    for chunk in png_chunks(data):
        if chunk.name == b"IDAT" and not animation:
            return None
        name, content = chunk.name, data[chunk.start : chunk.end]
        if name == b"IHDR":
            header = content
        elif name == b"acTL":
            animation = content
        elif name in SHARED:
            if len(content) > SHARED[name]:
                raise ImageCorrupt(f"the image is truncated or corrupt: a {name.decode()} chunk is too long")
            shared[name] = _chunk(name, content)
        elif name == b"fcTL":
            frames.append(_Frame(content))
            limits.check_frames(len(frames))
        elif name == b"IDAT" and frames:  # else the picture for those who know no animations, which is no frame
            frames[0].data.append(content)
        elif name == b"fdAT" and frames:
            frames[-1].data.append(content[4:])
    if not animation or not frames:
        return None
    try:
        promised, plays = struct.unpack(">II", animation)
        width, height = struct.unpack_from(">II", header)
        parts = tuple(_part(frame, header, b"".join(shared.values()), width, height) for frame in frames)
    except struct.error as exc:
        raise ImageCorrupt("the image is truncated or corrupt: a chunk of the animation is too short") from exc
    if len(frames) < promised:
        raise ImageCorrupt(f"the image is truncated or corrupt: {len(frames)} of {promised} frames are there")
    limits.check_pixels(width, height, len(frames))
    return Animation(width, height, plays, parts)


def has_default_image(data: bytes) -> bool:
    """Whether an animated PNG holds a further picture, for those who know no animations."""
    names = (chunk.name for chunk in png_chunks(data))
    return next(name for name in names if name in (b"fcTL", b"IDAT")) == b"IDAT"


def _part(frame: _Frame, header: bytes, shared: bytes, canvas_width: int, canvas_height: int) -> Part:
    """The frame, as a PNG of its own."""
    _, width, height, left, top, delay, unit, disposal, blend = struct.unpack(">IIIIIHHBB", frame.control)
    if (
        not (width and height and frame.data)
        or left + width > canvas_width
        or top + height > canvas_height
        or disposal >= len(DISPOSALS)
    ):
        raise ImageCorrupt("the image is truncated or corrupt: a frame of the animation makes no sense")
    own_header = struct.pack(">II", width, height) + header[8:]
    file = PNG_SIGNATURE + _chunk(b"IHDR", own_header) + shared + _chunk(b"IDAT", b"".join(frame.data))
    return Part(
        file + _chunk(b"IEND", b""),
        left,
        top,
        width,
        height,
        milliseconds=1000 * delay / (unit or 100),
        disposal=DISPOSALS[disposal],
        is_blended=bool(blend),
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
