"""Bytes of an image file to a `Picture`."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

from superscaling.format_name import FormatName
from superscaling.pictures.containers.animation import Animation, Rgba, show
from superscaling.pictures.containers.apng import has_default_image, read_apng
from superscaling.pictures.containers.chunks import is_lossless_webp, png_colours
from superscaling.pictures.containers.gif_reading import read_gif
from superscaling.pictures.formats import FORMATS
from superscaling.pictures.guards.structure import check_structure
from superscaling.pictures.inspection import known_format, measure_pages
from superscaling.pictures.limits import Limits
from superscaling.pictures.metadata import drop_odd_blocks, read_exif, read_metadata
from superscaling.pictures.opening import (
    WIDE,
    check_mode,
    decoder_errors,
    frame_count,
    has_channels_left_out,
    is_reduced_to_8_bits,
    load_frame,
    open_image,
    raw_mode,
    rgba_of,
    split_alpha,
    tiff_tags,
)
from superscaling.pictures.picture import Frame, Metadata, Picture

Turn = tuple[bool, bool, bool]
# EXIF's orientation -> whether rows and columns change places, whether the result's rows, and its columns, are turned
# round. (Exif 2.3, tag 0x0112)
UPRIGHT = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
SIDEWAYS = [orientation for orientation, (is_on_its_side, _, _) in UPRIGHT.items() if is_on_its_side]
# Equal neighbours become one frame as long as every format can hold its time.
MAX_MERGED_MILLISECONDS = FORMATS[FormatName.GIF].max_milliseconds
# Where a PNG's header says that it is interlaced. (PNG specification, 11.2.1)
PNG_INTERLACE = 28
READ_AS_8_BITS = "16 bits were read as 8"


def decode(data: bytes, limits: Limits) -> Picture:
    """Decode an image file; the EXIF orientation is applied, and an animation's partial frames are put together.

    Args:
        data: the file.
        limits: checked on the headers, before anything is decoded.

    Raises:
        UnsupportedImage: it is no image of a supported format.
        ImageTooLarge, TooManyFrames: see `Limits`.
        ImageTooComplex: it is built to cost a decoder hours.
        UnsupportedMode: it is of a mode that is not read.
        ImageCorrupt: it is truncated or damaged.
    """
    name = known_format(data)
    check_structure(data, name, limits)
    with decoder_errors():
        return _decoded(data, name, limits)


def _decoded(data: bytes, name: FormatName, limits: Limits) -> Picture:
    if name is FormatName.GIF:
        return _gif(data, limits)
    image = open_image(data, name, limits)
    if name is FormatName.PNG:
        # Finds wrong checksums that decoding does not look at; spoils the image. (Other formats have none.)
        open_image(data, name, limits).verify()
        animation = read_apng(data, limits)
        picture = _apng(data, image, animation, limits) if animation else _single(data, name, image)
        return _with_png_colours(picture, png_colours(data))
    if name is FormatName.WEBP and frame_count(image) > 1:
        return _animated_webp(data, image, limits)
    if name is FormatName.TIFF:
        return _pages(image, limits)
    return _single(data, name, image)


def _single(data: bytes, name: FormatName, image: ImageFile.ImageFile) -> Picture:
    notes = _reading_notes(image)
    if isinstance(image.info.get("interlace"), str):  # a text of that name has taken the header's place
        image.info["interlace"] = data[PNG_INTERLACE]
    if name is FormatName.JPEG and (pictures := frame_count(image)) > 1:  # previews, or the other eye's view
        notes += (f"only the first of {pictures} pictures in the file was read",)
    is_lossless = name is FormatName.WEBP and is_lossless_webp(data)
    return Picture((_loaded(image),), name, is_lossless=is_lossless, notes=notes)


def _gif(data: bytes, limits: Limits) -> Picture:
    animation = read_gif(data, limits)
    shown = list(_shown(animation, FormatName.GIF, limits))
    # A GIF does not say what it is made of: its pixels do.
    has_alpha = any((pixels[:, :, 3] < 255).any() for pixels, _ in shown)
    is_grey = all((pixels[:, :, :1] == pixels[:, :, 1:3]).all() for pixels, _ in shown)
    return Picture(_frames(shown, is_grey, has_alpha, Metadata(), UPRIGHT[1]), FormatName.GIF, animation.plays)


def _apng(data: bytes, image: ImageFile.ImageFile, animation: Animation, limits: Limits) -> Picture:
    check_mode(image)
    drop_odd_blocks(image)
    notes: tuple[str, ...] = (READ_AS_8_BITS,) if WIDE.search(raw_mode(image)) else ()
    if has_default_image(data):
        notes += ("the picture for viewers that show no animations was left out",)
    is_grey = image.mode in ("1", "L", "LA", "I;16") or raw_mode(image).startswith("LA")
    has_alpha = image.has_transparency_data
    turn, metadata = _turn_and_metadata(image)
    shown = list(_shown(animation, FormatName.PNG, limits))
    has_alpha = has_alpha or any((pixels[:, :, 3] < 255).any() for pixels, _ in shown)
    return Picture(_frames(shown, is_grey, has_alpha, metadata, turn), FormatName.PNG, animation.plays, notes=notes)


def _animated_webp(data: bytes, image: ImageFile.ImageFile, limits: Limits) -> Picture:
    count = frame_count(image)
    limits.check_frames(count)
    limits.check_pixels(image.width, image.height, count)
    turn, metadata = _turn_and_metadata(image)

    def shown() -> Iterator[tuple[Rgba, float]]:
        for index in range(count):
            image.seek(index)
            image.load()
            yield np.asarray(image.convert("RGBA")), image.info["duration"]

    frames = _frames(shown(), is_grey=False, has_alpha=image.mode == "RGBA", metadata=metadata, turn=turn)
    return Picture(frames, FormatName.WEBP, image.info["loop"], is_lossless_webp(data))


def _pages(image: ImageFile.ImageFile, limits: Limits) -> Picture:
    """Pages may be of different sizes and modes."""
    pages = measure_pages(image, limits)
    notes: tuple[str, ...] = ()
    if left_out := frame_count(image) - len(pages):
        notes += (f"{left_out} previews or masks were left out",)
    frames = list[Frame]()
    for index, _ in pages:
        image.seek(index)
        notes += tuple(note for note in _reading_notes(image) if note not in notes)
        frames.append(_loaded(image))
    return Picture(tuple(frames), FormatName.TIFF, notes=notes)


def _reading_notes(image: ImageFile.ImageFile) -> tuple[str, ...]:
    notes = [READ_AS_8_BITS] if is_reduced_to_8_bits(image) else []
    if has_channels_left_out(image):
        notes.append("a channel that is neither colour nor alpha was left out")
    return tuple(notes)


def _loaded(image: ImageFile.ImageFile) -> Frame:
    """The picture that `image` stands at, upright, with its metadata."""
    # A TIFF is turned when it is loaded, and says no longer that it was.
    stored = tiff_tags(image).get(ExifTags.Base.Orientation)
    frame = load_frame(image)
    turn, metadata = _turn_and_metadata(image, stored)
    return dataclasses.replace(_upright(frame, turn), metadata=metadata)


def _turn_and_metadata(image: Image.Image, tiff_orientation: object = None) -> tuple[Turn, Metadata]:
    exif = read_exif(image)
    turn = UPRIGHT.get(exif.get(ExifTags.Base.Orientation, 1), UPRIGHT[1])
    is_on_its_side = turn[0] or tiff_orientation in SIDEWAYS
    return turn, read_metadata(image, exif, is_on_its_side)  # resets the orientation


def _with_png_colours(picture: Picture, colours: tuple[tuple[bytes, bytes], ...]) -> Picture:
    frames = (
        dataclasses.replace(frame, metadata=dataclasses.replace(frame.metadata, png_colours=colours))
        for frame in picture.frames
    )
    return dataclasses.replace(picture, frames=tuple(frames))


def _upright(frame: Frame, turn: Turn) -> Frame:
    is_on_its_side, turns_rows, turns_columns = turn

    def turned(pixels: NDArray[Any]) -> NDArray[Any]:
        pixels = pixels.swapaxes(0, 1) if is_on_its_side else pixels
        return np.ascontiguousarray(pixels[:: -1 if turns_rows else 1, :: -1 if turns_columns else 1])

    alpha = None if frame.alpha is None else turned(frame.alpha)
    return dataclasses.replace(frame, colour=turned(frame.colour), alpha=alpha)


def _shown(animation: Animation, name: FormatName, limits: Limits) -> Iterator[tuple[Rgba, float]]:
    return show(animation, lambda file: rgba_of(file, name, limits))


def _frames(
    shown: Iterable[tuple[Rgba, float]], is_grey: bool, has_alpha: bool, metadata: Metadata, turn: Turn
) -> tuple[Frame, ...]:
    """Frames of what is shown, upright; equal neighbours become one."""
    channels = ([0] if is_grey else [0, 1, 2]) + ([3] if has_alpha else [])
    frames, last = list[Frame](), None
    for pixels, milliseconds in shown:
        if (
            last is not None
            and (pixels == last).all()
            and frames[-1].milliseconds + milliseconds <= MAX_MERGED_MILLISECONDS
        ):
            frames[-1] = dataclasses.replace(frames[-1], milliseconds=frames[-1].milliseconds + milliseconds)
            continue
        last = pixels
        kept = pixels[:, :, channels]
        frame = _upright(split_alpha(kept) if has_alpha else Frame(kept), turn)
        frames.append(dataclasses.replace(frame, milliseconds=milliseconds, metadata=metadata))
    return tuple(frames)
