"""Image files to pictures: inspect the header first, decode later."""

from superscaling.errors import UnsupportedImage
from superscaling.format_name import FormatName, ReadOnlyName
from superscaling.pictures.decoding import READERS, Reader
from superscaling.pictures.heif_reading import HeicReader
from superscaling.pictures.opening import decoder_errors
from superscaling.pictures.picture import Picture, Size
from superscaling.recognition.formats import sniff
from superscaling.recognition.kinds import describe
from superscaling.recognition.limits import Limits
from superscaling.recognition.raw import name_raw


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
        raise UnsupportedImage(describe(data, raw))
    with decoder_errors():
        return InspectedImage(name, READERS[name](data, limits))


def decode(data: bytes, limits: Limits) -> Picture:
    """Inspect and decode an image file.

    Raises:
        ServiceError: whatever `inspect` and `InspectedImage.decode` raise.
    """
    return inspect(data, limits).decode()
