"""Image files to pictures: inspect the header first, decode later."""

from superscaling.errors import ServiceError, UnsupportedImage
from superscaling.format_name import FormatName, ReadOnlyName
from superscaling.pictures.containers.bmff import read_heif
from superscaling.pictures.decoding import READERS, Reader
from superscaling.pictures.foreign import RAW, RAW_ADVICE, name_foreign
from superscaling.pictures.formats import READABLE, sniff
from superscaling.pictures.guards.raw import name_raw
from superscaling.pictures.heif_reading import HeicReader, answer_to_heic
from superscaling.pictures.limits import Limits
from superscaling.pictures.opening import decoder_errors
from superscaling.pictures.picture import Picture, Size

# Bytes: no image is smaller.
SMALLEST = 14


class InspectedImage:
    """An image file that is within the limits and not decoded yet.

    `format`: of the answer unless another is asked for: the file's if it can be written; `notes`: why it is not the
    file's, for people; `sizes`: height and width of each frame or page in px, as stored.
    """

    def __init__(self, name: FormatName | ReadOnlyName, reader: Reader) -> None:
        self.format = reader.format if isinstance(reader, HeicReader) else FormatName(name)
        self.notes: tuple[str, ...] = ()
        if name is not self.format:
            self.notes = (f"{name.upper()} can't be written; answered as {self.format.upper()}",)
        self.sizes: tuple[Size, ...] = tuple(reader.sizes)
        self._reader: Reader | None = reader

    def decode(self) -> Picture:
        """Decode the file, once; it is let go of then.

        EXIF orientation is applied, and the partial frames of an animation are composed.

        Raises:
            UnsupportedMode: its mode is not supported.
            ImageCorrupt: it is truncated or damaged.
        """
        if self._reader is None:
            raise RuntimeError("the image was decoded before")
        reader, self._reader = self._reader, None
        with decoder_errors():
            return reader.decode()


def inspect(data: bytes, limits: Limits) -> InspectedImage:
    """Read the header of an image file and check it against `limits`. Nothing is decoded.

    Raises:
        UnsupportedImage: it is not an image in a supported format.
        ImageTooLarge, TooManyFrames: it is beyond `limits`.
        ImageTooComplex: it has so many parts that decoding could take hours.
        UnsupportedMode: it has no picture that is read.
        ImageCorrupt: it is truncated or damaged.
    """
    name = sniff(data)
    raw = name_raw(data) if name is FormatName.TIFF else None
    if name is None or raw:
        raise UnsupportedImage(_description(data, raw))
    with decoder_errors():
        return InspectedImage(name, READERS[name](data, limits))


def answer_format(data: bytes) -> FormatName | None:
    """The format of the answer to an image file unless another is asked for; None: the file is not supported.

    Args:
        data: the beginning of the file, or all. (`inspect` knows it for a whole file.)
    """
    name = sniff(data)
    if not isinstance(name, ReadOnlyName):
        return name
    try:
        with decoder_errors():
            return answer_to_heic(read_heif(data))
    except ServiceError:  # whoever decodes it says what is wrong
        return FormatName.JPEG


def describe_unsupported(data: bytes) -> str:
    """What a file that is not supported is, and what to send instead, in one sentence.

    Args:
        data: the file, or its beginning.
    """
    return _description(data, name_raw(data) if sniff(data) is FormatName.TIFF else None)


def _description(data: bytes, raw: str | None) -> str:
    """The same; `raw`: the kind of raw file that a TIFF is."""
    supported = f"{', '.join(READABLE[:-1])} or {READABLE[-1]}"
    if len(data) < SMALLEST:
        size = f"has only {len(data)} {'byte' if len(data) == 1 else 'bytes'}" if data else "is empty"
        return f"the file {size}: send {supported}"
    named = (f"{RAW} ({raw})", RAW_ADVICE) if raw else name_foreign(data)
    if named is None:
        return f"the file is not an image in a supported format ({', '.join(READABLE)})"
    name, advice = named
    return f"the file is {name}, which is not supported: send {supported}{f' ({advice})' if advice else ''}"


def decode(data: bytes, limits: Limits) -> Picture:
    """Inspect and decode an image file.

    Raises:
        ServiceError: whatever `inspect` and `InspectedImage.decode` raise.
    """
    return inspect(data, limits).decode()
