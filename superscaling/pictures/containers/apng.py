"""Splits an animated PNG into its parts. (PNG specification, third edition: acTL, fcTL and fdAT chunks.)

Pillow reads animated PNGs, too, but blends half-transparent parts over an empty canvas by a wrong formula.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from superscaling.errors import ImageCorrupt
from superscaling.pictures.containers.animation import Animation, Disposal, Part
from superscaling.pictures.containers.chunks import Chunk, png_chunk
from superscaling.recognition.formats import PNG_SIGNATURE
from superscaling.recognition.limits import Limits

# Chunks of the file's head that each part needs to be decoded -> their largest length in bytes.
SHARED = {b"PLTE": 3 * 256, b"tRNS": 256}
DISPOSALS = (Disposal.KEEP, Disposal.CLEAR, Disposal.RESTORE)


@dataclass
class _Frame:
    """`control`: its fcTL; `data`: its pixels, compressed."""

    control: bytes
    data: list[bytes] = field(default_factory=list)


def read_apng(data: bytes, chunks: Sequence[Chunk], limits: Limits) -> Animation | None:
    """Split an animated PNG into its parts; None if it is not animated.

    Raises:
        ImageCorrupt: it is truncated, or its frames make no sense.
        ImageTooLarge, TooManyFrames: it is beyond `limits`.
    """
    header, animation, frames = b"", b"", list[_Frame]()
    shared = dict[bytes, bytes]()
    for chunk in chunks:
        if chunk.name == b"IDAT" and not animation:
            return None
        name, content = chunk.name, data[chunk.start : chunk.end]
        if name == b"IHDR":
            header = content
        elif name == b"acTL":
            animation = content
        elif name in SHARED:
            if len(content) > SHARED[name]:
                raise ImageCorrupt(f"a {name.decode()} chunk is too long")
            shared[name] = png_chunk(name, content)
        elif name == b"fcTL":
            frames.append(_Frame(content))
            limits.check_frames(len(frames))
        elif name == b"IDAT" and frames:  # otherwise the default image, which is no frame
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
        raise ImageCorrupt("a chunk of the animation is too short") from exc
    if len(frames) < promised:
        raise ImageCorrupt(f"{len(frames)} of {promised} frames are there")
    limits.check_pixels(width, height, len(frames))
    return Animation(width, height, plays, parts)


def has_default_image(chunks: Sequence[Chunk]) -> bool:
    """Whether an animated PNG has another picture for viewers that can't show animations."""
    names = (chunk.name for chunk in chunks)
    return next(name for name in names if name in (b"fcTL", b"IDAT")) == b"IDAT"


def _part(frame: _Frame, header: bytes, shared: bytes, canvas_width: int, canvas_height: int) -> Part:
    """The frame as a separate PNG."""
    _, width, height, left, top, delay, unit, disposal, blend = struct.unpack(">IIIIIHHBB", frame.control)
    if (
        not (width and height and frame.data)
        or left + width > canvas_width
        or top + height > canvas_height
        or disposal >= len(DISPOSALS)
    ):
        raise ImageCorrupt("an animation frame is invalid")
    own_header = struct.pack(">II", width, height) + header[8:]
    file = PNG_SIGNATURE + png_chunk(b"IHDR", own_header) + shared + png_chunk(b"IDAT", b"".join(frame.data))
    return Part(
        file + png_chunk(b"IEND", b""),
        left,
        top,
        width,
        height,
        milliseconds=1000 * delay / (unit or 100),
        disposal=DISPOSALS[disposal],
        is_blended=bool(blend),
    )
