"""The events of a stream (server-sent events, WHATWG HTML, 9.2)."""

from base64 import b64decode
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Self

from image_super_scaling.errors import Malformed
from image_super_scaling.json_objects import Object, as_object, number, parse, text, texts, whole

# Bytes of an event beside the image in it.
MAX_EVENT = 1 << 20


@dataclass(frozen=True)
class Accepted:
    """The image was admitted and decoded. `width`, `height`: of the result in px; `seconds`: estimated until it."""

    request_id: str
    format: str
    media_type: str
    width: int
    height: int
    frames: int
    tiles: int
    seconds: float
    ahead: int

    @classmethod
    def read(cls, data: Object) -> Self:
        """Read its data. ValueError: they are malformed."""
        return cls(
            request_id=text(data, "requestId"),
            format=text(data, "format"),
            media_type=text(data, "mediaType"),
            width=whole(data, "width"),
            height=whole(data, "height"),
            frames=whole(data, "frames"),
            tiles=whole(data, "tiles"),
            seconds=number(data, "seconds"),
            ahead=whole(data, "ahead"),
        )


@dataclass(frozen=True)
class Preview:
    """What the result shows of the first frame, resized bicubically: an image file, and its size in px."""

    image: bytes
    media_type: str
    width: int
    height: int

    @classmethod
    def read(cls, data: Object) -> Self:
        """Read its data. ValueError: they are malformed."""
        return cls(image_in(data), text(data, "mediaType"), whole(data, "width"), whole(data, "height"))


@dataclass(frozen=True)
class Tile:
    """A finished part of the result: an image file, its frame, and its place there in px."""

    image: bytes
    media_type: str
    frame: int
    left: int
    top: int
    width: int
    height: int

    @classmethod
    def read(cls, data: Object) -> Self:
        """Read its data. ValueError: they are malformed."""
        places = (whole(data, name) for name in ("frame", "left", "top", "width", "height"))
        return cls(image_in(data), text(data, "mediaType"), *places)


@dataclass(frozen=True)
class Progress:
    """`done` of `total` tiles are finished; `seconds_left` is estimated."""

    done: int
    total: int
    seconds_left: float

    @classmethod
    def read(cls, data: Object) -> Self:
        """Read its data. ValueError: they are malformed."""
        return cls(whole(data, "done"), whole(data, "total"), number(data, "secondsLeft"))


@dataclass(frozen=True)
class Notes:
    """What could not be kept of the input."""

    notes: tuple[str, ...]

    @classmethod
    def read(cls, data: Object) -> Self:
        """Read its data. ValueError: they are malformed."""
        return cls(texts(data, "notes"))


Event = Accepted | Preview | Tile | Progress | Notes
READERS: dict[str, Callable[[Object], Event]] = {
    "accepted": Accepted.read,
    "preview": Preview.read,
    "tile": Tile.read,
    "progress": Progress.read,
    "notes": Notes.read,
}


def image_in(data: Object) -> bytes:
    """The image file of an event. ValueError: there is none."""
    return b64decode(text(data, "imageBase64"), validate=True)


async def read_events(pieces: AsyncIterator[bytes], max_bytes: int) -> AsyncGenerator[tuple[str, Object], None]:
    """Parse events into names and data, without comments and incomplete events.

    Args:
        pieces: of the body.
        max_bytes: of a file in an event.

    Raises:
        Malformed: the data of an event is not a JSON object, or it is too large.
    """
    name, lines = "", list[bytes]()
    async for line in _lines(pieces, MAX_EVENT + max_bytes * 4 // 3):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode(errors="replace")
        elif field == b"data":
            lines.append(value)
        elif not line and lines:
            try:
                yield name, as_object(parse(b"\n".join(lines)))
            except ValueError as exc:
                raise Malformed(f"the service sent an event that is not a JSON object: {exc}", status=200) from exc
            name, lines = "", []


async def _lines(pieces: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """Whole lines, without their ends. A file is one line, which comes in many pieces: they are joined once."""
    begun, size = list[bytes](), 0
    async for piece in pieces:
        *whole_lines, rest = piece.split(b"\n")
        for line in whole_lines:
            yield b"".join([*begun, line]).removesuffix(b"\r")
            begun, size = [], 0
        begun.append(rest)
        size += len(rest)
        if size > most:
            raise Malformed("the service sent an event that is larger than results may be", status=200)
