"""Encodes pictures as image files."""

import contextlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from superscaling.errors import FormatCannotHold
from superscaling.format_name import FormatName
from superscaling.metadata_choice import MetadataChoice
from superscaling.pictures.containers.gif_writing import write_gif
from superscaling.pictures.containers.png_writing import write_png_16
from superscaling.pictures.containers.tiff_writing import Page, write_tiff
from superscaling.pictures.guards.cmyk_profile import only_table
from superscaling.pictures.metadata.fitting import fitting, left_out, wanted
from superscaling.pictures.metadata.writing import file_for, pillow_options, set_header_density
from superscaling.pictures.picture import Frame, Metadata, Picture, Samples, Size, in_8_bits
from superscaling.pictures.png_compression import png_compression
from superscaling.recognition.formats import FORMATS, Format, Series, is_16_bit

# Least quality of JPEGs with full chroma (4:4:4); below, it is subsampled (4:2:0).
FULL_CHROMA_QUALITY = 90
REDUCED_TO_8_BITS = "16 bits were reduced to 8"
# AVIF's full chroma (4:4:4) costs a tenth more bytes and gains 3 to 8 dB. Speed 9 is four times as fast as 8 for a
# twentieth more bytes, about as fast as WebP; it is the effort of one thread, as other pictures are waiting, too.
# Alpha is lossless, as in WebP.
AVIF_OPTIONS = {"speed": 9, "max_threads": 1, "advanced": {"a:cq-level": "0"}}
# Writers of animations add up milliseconds in 31 bits.
MAX_TOTAL_MILLISECONDS = 2**31 - 1


@dataclass(frozen=True)
class Encoded:
    """`data`: the file; `notes`: what it lacks of the picture, for people."""

    data: bytes
    notes: tuple[str, ...]


def check_can_hold(picture: Picture, sizes: Iterable[Size], name: FormatName) -> None:
    """Make sure, before inference, that the format `name` can store `picture` once its frames have these sizes.

    Raises:
        FormatCannotHold: it would lose transparency, depth or frames, or is too large or too long.
    """
    target = FORMATS[name]
    series = FORMATS[picture.format].series
    if len(picture.frames) > 1 and target.series is not series:
        kind = "pages" if series is Series.PAGES else "frames"
        able = _names(each for each in FORMATS.values() if each.series is series)
        raise FormatCannotHold(
            f"the image has {len(picture.frames)} {kind}, which {name} can't hold: ask for {able}",
            actual=len(picture.frames),
        )
    if len(picture.frames) > 1 and target.series is Series.ANIMATION:
        _check_times(picture, target)
    for frame, (height, width) in zip(picture.frames, sizes, strict=True):
        _stored_mode(frame, target)
        check_size(height, width, name)


def check_size(height: int, width: int, name: FormatName) -> None:
    """Make sure that the format `name` can store a picture of this size in px.

    Raises:
        FormatCannotHold: it can't.
    """
    target = FORMATS[name]
    if height * width > target.max_pixels:
        raise FormatCannotHold(
            f"the result has {height * width} px; {name} holds at most {target.max_pixels} px: ask for another format",
            limit=target.max_pixels,
            actual=height * width,
        )
    side, most = max(height, width), target.max_side
    if side > most:
        raise FormatCannotHold(
            f"the result's longer side is {side} px; {name} holds at most {most} px: ask for another format",
            limit=most,
            actual=side,
        )


def check_count(count: int, name: FormatName) -> None:
    """Make sure that the format `name` can store `count` pictures, whether they are frames or pages.

    Raises:
        FormatCannotHold: it can't.
    """
    if count > 1 and FORMATS[name].series is None:
        able = _names(each for each in FORMATS.values() if each.series)
        raise FormatCannotHold(
            f"the image has {count} frames or pages, which {name} can't hold: ask for {able}", actual=count
        )


def encode(
    picture: Picture,
    name: FormatName,
    quality: int | None,
    default_quality: int,
    choice: MetadataChoice = MetadataChoice.KEEP,
) -> Encoded:
    """Write an image file, with the picture's metadata.

    Args:
        picture: has passed `check_can_hold`.
        name: the format.
        quality: 1 to 100, for formats with lossy compression; None: lossless if the picture was and the format can
            be, otherwise `default_quality`.
        default_quality: 1 to 100.
        choice: which metadata it keeps.

    Raises:
        FormatCannotHold: the file would be too large.
    """
    target = FORMATS[name]
    modes = [_stored_mode(frame, target) for frame in picture.frames]
    carried, missing = _carried(picture, modes, target, choice)
    notes = _notes(picture, missing, carried, target)
    if any(frame.is_16_bit and not is_16_bit(mode) for frame, mode in zip(picture.frames, modes, strict=True)):
        picture = replace(picture, frames=tuple(map(in_8_bits, picture.frames)))
        notes += (REDUCED_TO_8_BITS,)
    plays = min(picture.plays, target.max_plays)
    if name is FormatName.TIFF:
        stored = zip(picture.frames, modes, carried, strict=True)
        pages = [Page(_colour(frame, mode), _alpha(frame, mode), mode, metadata) for frame, mode, metadata in stored]
        return Encoded(write_tiff(pages), notes)
    if name is FormatName.PNG and is_16_bit(modes[0]):
        (frame,) = picture.frames
        file = file_for(carried[0], name)
        write_png_16(file, _colour(frame, modes[0]), _alpha(frame, modes[0]))
        return Encoded(file.getvalue(), notes)
    pixels = [_pixels(*each) for each in zip(picture.frames, modes, strict=True)]
    if name is FormatName.GIF:
        return Encoded(write_gif(picture.frames, pixels, plays), notes)
    images = [_image(*each) for each in zip(pixels, modes, strict=True)]
    options = pillow_options(carried[0], name) | _quality_options(picture, name, modes[0], quality, default_quality)
    if name is FormatName.PNG and len(images) == 1:  # one frame tells nothing of the others
        options |= png_compression(pixels[0])
    if len(images) > 1:
        times = [_as_fraction(frame.milliseconds) for frame in picture.frames]
        options |= {"save_all": True, "append_images": images[1:], "duration": times, "loop": plays}
    try:
        return Encoded(_saved(images[0], target, options, carried[0]), notes)
    except (OSError, RuntimeError):
        if name is not FormatName.WEBP:
            raise
    # The header of a large, detailed picture may be too long at high quality. Lossless WebP has no such limit.
    notes += ("written without loss, as WebP's encoder can't write it at this quality",)
    return Encoded(_saved(images[0], target, options | {"lossless": True}, carried[0]), notes)


def _quality_options(
    picture: Picture, name: FormatName, mode: str, quality: int | None, default_quality: int
) -> dict[str, Any]:
    if name is FormatName.WEBP and quality is None and picture.is_lossless:
        return {"lossless": True}
    quality = quality or default_quality
    if name is FormatName.JPEG:
        return {"quality": quality, "subsampling": 0 if quality >= FULL_CHROMA_QUALITY else 2}
    if name is FormatName.AVIF:
        return AVIF_OPTIONS | {"quality": quality, "subsampling": "4:0:0" if mode == "L" else "4:4:4"}
    return {"quality": quality} if name is FormatName.WEBP else {}


def _saved(image: Image.Image, target: Format, options: dict[str, Any], metadata: Metadata) -> bytes:
    file = file_for(metadata, target.name)
    image.save(file, target.pillow, **options)
    set_header_density(file, metadata, target.name)
    return file.getvalue()


def _check_times(picture: Picture, target: Format) -> None:
    longest, total = (of(frame.milliseconds for frame in picture.frames) for of in (max, sum))
    for what, milliseconds, most in (
        ("a frame is", longest, target.max_milliseconds),
        ("all frames are", total, MAX_TOTAL_MILLISECONDS),
    ):
        if milliseconds > most:
            raise FormatCannotHold(
                f"{what} shown for {milliseconds / 1000:g} s; {target.name} holds at most {most / 1000:g} s",
                limit=most / 1000,
                actual=milliseconds / 1000,
            )


def _as_fraction(milliseconds: float) -> float:
    """Rounded to a fraction of seconds that PNG can store: two numbers below 65,536."""
    if milliseconds <= 1000:
        return milliseconds
    unit = next(unit for unit in (1, 10, 100, 1000) if milliseconds < 65_535.5 * unit)
    return round(milliseconds / unit) * unit


def _stored_mode(frame: Frame, target: Format) -> str:
    if mode := target.stored_mode(frame.mode):
        return mode
    able = _names(each for each in FORMATS.values() if each.stored_mode(frame.mode))
    if frame.alpha is None:
        raise FormatCannotHold(f"the image is of mode {frame.mode}, which {target.name} can't hold: ask for {able}")
    if not frame.is_opaque:
        raise FormatCannotHold(f"the image has transparent parts, which {target.name} can't hold: ask for {able}")
    return _stored_mode(replace(frame, alpha=None), target)


def _names(formats: Iterable[Format]) -> str:
    *others, last = (each.name for each in formats)
    return f"{', '.join(others)} or {last}" if others else last


def _pixels(frame: Frame, mode: str) -> Samples:
    """The frame as stored in `mode`, (h, w) or (h, w, c); for a palette as RGB, without alpha."""
    colour, alpha = _colour(frame, mode), _alpha(frame, mode)
    pixels = colour if alpha is None else np.dstack((colour, alpha))
    return np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _colour(frame: Frame, mode: str) -> Samples:
    """The frame's colour as stored in `mode`, (h, w, c)."""
    if frame.mode == "CMYK" != mode:
        return np.asarray(_as_rgb(_image(frame.colour, "CMYK"), frame.metadata.icc))
    is_grey = frame.colour.shape[2] == 1
    return frame.colour.repeat(3, axis=2) if is_grey and mode.startswith(("RGB", "P")) else frame.colour


def _alpha(frame: Frame, mode: str) -> Samples | None:
    """The frame's alpha, if it is stored in `mode`."""
    return frame.alpha if "A" in mode else None


def _image(pixels: Samples, mode: str) -> Image.Image:
    return Image.fromarray(pixels, "CMYK" if mode == "CMYK" else None)  # by default four channels are RGBA


def _as_rgb(cmyk: Image.Image, icc: bytes | None) -> Image.Image:
    """CMYK to RGB by the ICC profile, or by Pillow's simple formula if there is none."""
    if icc and (table := only_table(icc)):
        with contextlib.suppress(ImageCms.PyCMSError, OSError):  # metadata never fails a picture
            profile = ImageCms.ImageCmsProfile(io.BytesIO(table))
            rgb = ImageCms.profileToProfile(cmyk, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if rgb is not None:
                return rgb
    return cmyk.convert("RGB")


def _carried(
    picture: Picture, modes: Sequence[str], target: Format, choice: MetadataChoice
) -> tuple[list[Metadata], list[str]]:
    """What each frame keeps of its metadata, and names of what the format can't hold.

    The frames of an animation share one object, which may be large: it is fitted once.
    """
    carried, missing, fitted = list[Metadata](), dict[str, None](), dict[tuple[int, str, Size], Metadata]()
    for frame, mode in zip(picture.frames, modes, strict=True):
        size = frame.height, frame.width
        key = id(frame.metadata), mode, size
        if key not in fitted:
            asked = wanted(frame.metadata, choice)
            fitted[key] = fitting(asked, target, mode, size, is_alone=len(picture.frames) == 1)
            missing |= dict.fromkeys(left_out(asked, fitted[key]))
        carried.append(fitted[key])
    return carried, list(missing)


def notes_on_metadata(missing: Sequence[str], carried: Iterable[Metadata], target: Format) -> list[str]:
    """What a file of the format `target` lacks of metadata, for people.

    Args:
        missing: from `left_out`.
        carried: from `fitting`.
        target: the format.
    """
    notes = [f"left out, as this {target.name} can't hold it: {', '.join(missing)}"] if missing else []
    if lost := dict.fromkeys(words for kept in carried for words in kept.lost):
        notes.append(f"left out: {', '.join(lost)}")
    return notes


def _notes(picture: Picture, missing: Sequence[str], carried: Sequence[Metadata], target: Format) -> tuple[str, ...]:
    notes = notes_on_metadata(missing, carried, target)
    if any(frame.mode == "CMYK" and target.modes["CMYK"] != "CMYK" for frame in picture.frames):
        notes.append("CMYK was converted to RGB")
    if len(picture.frames) > 1 and target.series is Series.ANIMATION and picture.plays > target.max_plays:
        notes.append(f"the animation runs {target.max_plays} times instead of {picture.plays}")
    return tuple(notes)
