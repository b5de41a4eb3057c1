"""The readers, one per format: each reads the header of a file, and later decodes it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from PIL import ImageFile

from superscaling.errors import ImageCorrupt, UnsupportedMode
from superscaling.format_name import FormatName, ReadOnlyName
from superscaling.pictures.containers.animation import Animation, Rgba, show
from superscaling.pictures.containers.apng import has_default_image, read_apng
from superscaling.pictures.containers.chunks import (
    check_pixel_checksums,
    is_lossless_webp,
    listed,
    png_chunks,
    split_png,
    webp_chunks,
)
from superscaling.pictures.containers.gif_reading import read_gif
from superscaling.pictures.frames import animation_frames, upright_frame
from superscaling.pictures.guards.bmp import without_surplus_runs
from superscaling.pictures.guards.tiff import NO_PAGE, PAGE_KIND, check_tiff
from superscaling.pictures.heif_reading import AvifReader, HeicReader
from superscaling.pictures.jpeg_reading import JpegReader
from superscaling.pictures.loading import LACKS_END_MARK, WIDE, check_mode, read_as_8_bits, reading_notes, rgba_of
from superscaling.pictures.metadata.from_gif import read_gif_metadata
from superscaling.pictures.metadata.from_info import read_info, rest_of_bmp, rest_of_webp
from superscaling.pictures.metadata.from_png import read_png
from superscaling.pictures.metadata.from_tiff import page_places, read_tiff
from superscaling.pictures.metadata.upright import upright
from superscaling.pictures.opening import frame_count, open_image, raw_mode, tiff_tags
from superscaling.pictures.picture import Metadata, Picture, Size
from superscaling.recognition.limits import Limits


class Reader(Protocol):
    """An image file whose header was read and checked against the limits.

    Readers may raise whatever a decoder raises; callers translate that with `decoder_errors`.
    """

    @property
    def sizes(self) -> Sequence[Size]:
        """Height and width in px of each frame or page, as stored."""

    def decode(self) -> Picture:
        """Decode the file. To be called once."""


class PngReader:
    """PNG and animated PNG."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data, self._limits = data, limits
        self._chunks = listed(png_chunks(data))
        self._parts = split_png(data, self._chunks)
        self._image = open_image(self._parts.pixels, FormatName.PNG, limits)
        self._animation = read_apng(data, self._chunks, limits)
        self.sizes = (_size(self._image),) * (len(self._animation.parts) if self._animation else 1)

    def decode(self) -> Picture:
        """Check the checksums, then decode the picture or the animation."""
        has_end = check_pixel_checksums(self._data, self._chunks)
        stored = read_png(self._data, self._parts)
        if self._animation:
            if not has_end:
                raise ImageCorrupt("the end of the animation is missing")
            return self._animated(self._animation, stored)
        notes = reading_notes(self._image)
        if not has_end:
            notes += (LACKS_END_MARK,)
        return Picture((upright_frame(self._image, stored),), FormatName.PNG, notes=notes)

    def _animated(self, animation: Animation, stored: Metadata) -> Picture:
        image = self._image
        check_mode(image)
        notes: tuple[str, ...] = (read_as_8_bits(16),) if WIDE.search(raw_mode(image)) else ()
        if has_default_image(self._chunks):
            notes += ("the default image for viewers without animation was left out",)
        is_grey = image.mode in ("1", "L", "LA", "I;16") or raw_mode(image).startswith("LA")
        has_alpha = image.has_transparency_data
        turn, metadata = upright(stored, _size(image))
        shown = list(show(animation, lambda file: rgba_of(file, FormatName.PNG, self._limits)))
        has_alpha = has_alpha or any((pixels[:, :, 3] < 255).any() for pixels, _ in shown)
        frames = animation_frames(shown, is_grey, has_alpha, metadata, turn)
        return Picture(frames, FormatName.PNG, animation.plays, notes=notes)


class WebpReader:
    """WebP, still or animated."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data = data
        self._chunks = listed(webp_chunks(data))
        self._image = open_image(data, FormatName.WEBP, limits)
        count = frame_count(self._image)
        limits.check_frames(count)
        limits.check_pixels(self._image.width, self._image.height, count)
        self.sizes = (_size(self._image),) * count

    def decode(self) -> Picture:
        """Decode the picture or the animation."""
        image, is_lossless = self._image, is_lossless_webp(self._data, self._chunks)
        stored = read_info(image, rest_of_webp(self._data, self._chunks))
        if len(self.sizes) == 1:
            notes = reading_notes(image)
            frame = upright_frame(image, stored)
            return Picture((frame,), FormatName.WEBP, is_lossless=is_lossless, notes=notes)
        turn, metadata = upright(stored, _size(image))
        has_alpha = image.mode == "RGBA"
        frames = animation_frames(self._shown(), is_grey=False, has_alpha=has_alpha, metadata=metadata, turn=turn)
        return Picture(frames, FormatName.WEBP, image.info["loop"], is_lossless)

    def _shown(self) -> Iterator[tuple[Rgba, float]]:
        for index in range(len(self.sizes)):
            self._image.seek(index)
            self._image.load()
            yield np.asarray(self._image.convert("RGBA")), self._image.info["duration"]


class TiffReader:
    """TIFF, whose pages may differ in size and mode. Previews and masks are not read."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        check_tiff(data, limits)
        self._data = data
        self._image = open_image(data, FormatName.TIFF, limits)
        pages, pixels = dict[int, Size](), 0
        for index in range(frame_count(self._image)):
            self._image.seek(index)
            kind = tiff_tags(self._image).get(PAGE_KIND, 0)
            if not (isinstance(kind, int) and kind & NO_PAGE):
                pages[index] = _size(self._image)
                limits.check_frames(len(pages))
                pixels += self._image.width * self._image.height
                if pixels > limits.pixels:
                    raise limits.too_large(f"{pixels} px on {len(pages)} pages", pixels)
        if not pages:
            raise UnsupportedMode("the TIFF has previews only")
        self._indices = tuple(pages)
        self.sizes = tuple(pages.values())

    def decode(self) -> Picture:
        """Decode all pages."""
        notes: tuple[str, ...] = ()
        if left_out := frame_count(self._image) - len(self._indices):
            notes += (f"{left_out} previews or masks were left out",)
        frames = []
        places = page_places(self._data, frame_count(self._image))
        for index in self._indices:
            self._image.seek(index)
            notes += tuple(note for note in reading_notes(self._image) if note not in notes)
            stored = read_tiff(self._data, places[index]) if index < len(places) else Metadata()
            frames.append(upright_frame(self._image, stored))
        return Picture(tuple(frames), FormatName.TIFF, notes=notes)


class BmpReader:
    """BMP."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data = data
        self._image = open_image(without_surplus_runs(data), FormatName.BMP, limits)
        self.sizes = (_size(self._image),)

    def decode(self) -> Picture:
        """Decode the picture."""
        notes = reading_notes(self._image)
        stored = read_info(self._image, rest_of_bmp(self._data, self._image))
        return Picture((upright_frame(self._image, stored),), FormatName.BMP, notes=notes)


class GifReader:
    """GIF, still or animated."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data, self._limits = data, limits
        self._animation = read_gif(data, limits)
        self.sizes = ((self._animation.height, self._animation.width),) * len(self._animation.parts)

    def decode(self) -> Picture:
        """Decode all frames."""
        shown = list(show(self._animation, lambda file: rgba_of(file, FormatName.GIF, self._limits)))
        # A GIF does not say whether it is grey or transparent: its pixels do.
        has_alpha = any((pixels[:, :, 3] < 255).any() for pixels, _ in shown)
        is_grey = all((pixels[:, :, :1] == pixels[:, :, 1:3]).all() for pixels, _ in shown)
        stored = read_gif_metadata(self._data, self._animation)
        _, metadata = upright(stored, self.sizes[0])
        frames = animation_frames(shown, is_grey, has_alpha, metadata)
        return Picture(frames, FormatName.GIF, self._animation.plays)


READERS: Mapping[FormatName | ReadOnlyName, Callable[[bytes, Limits], Reader]] = {
    FormatName.JPEG: JpegReader,
    FormatName.PNG: PngReader,
    FormatName.WEBP: WebpReader,
    FormatName.TIFF: TiffReader,
    FormatName.BMP: BmpReader,
    FormatName.GIF: GifReader,
    FormatName.AVIF: AvifReader,
    ReadOnlyName.HEIC: HeicReader,
}


def _size(image: ImageFile.ImageFile) -> Size:
    return image.height, image.width
