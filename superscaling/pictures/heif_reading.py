"""The readers of the HEIF family: AVIF by Pillow, HEIC by pi-heif."""

import dataclasses
import io

import numpy as np
import pi_heif

from superscaling.errors import ImageCorrupt, UnsupportedImage, UnsupportedMode
from superscaling.format_name import FormatName
from superscaling.pictures.frames import upright_frame
from superscaling.pictures.guards.heif import check_heif
from superscaling.pictures.loading import read_as_8_bits, split_alpha
from superscaling.pictures.metadata.from_info import read_info, rest_of_heif
from superscaling.pictures.metadata.upright import upright
from superscaling.pictures.metadata.words import DEPTH, GAIN_MAP
from superscaling.pictures.opening import frame_count, open_image
from superscaling.pictures.picture import Frame, Picture
from superscaling.recognition.bmff import PICTURES, HeifFile, Item, read_heif
from superscaling.recognition.formats import READ_MODES
from superscaling.recognition.kinds import answer_to_heic
from superscaling.recognition.limits import Limits

# pi-heif would start several threads for each picture, and list pictures that are not read.
pi_heif.options.DECODE_THREADS = 1
pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False

# Words in the URNs of auxiliary pictures, and in types of items, -> what they are, for people.
PURPOSES = {"gainmap": GAIN_MAP, "depth": DEPTH, "auxid:2": DEPTH, "matte": "a matte"}
# Colour primaries and transfer functions that are shown like sRGB. (ITU-T H.273: BT.709, unspecified, BT.601, sRGB)
LIKE_SRGB = (1, 2), (1, 2, 6, 13)


class AvifReader:
    """AVIF with one picture."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data, self._file = data, _checked(data, limits, FormatName.AVIF)
        self._image = open_image(data, FormatName.AVIF, limits)
        if frame_count(self._image) > 1:
            raise _no_animation("AVIF")
        self.sizes = ((self._image.height, self._image.width),)

    def decode(self) -> Picture:
        """Decode the picture."""
        notes = _notes(self._file)
        # The decoder turns nothing, Pillow hands the file's turn on as orientation, and nobody cuts.
        if self._file.items[self._file.primary].described(b"clap"):
            notes += ("the file asks to cut the picture's edges; they were kept",)
        stored = read_info(self._image, rest_of_heif(self._data, self._file.boxes))
        frame = _described(upright_frame(self._image, stored), self._file)
        return Picture((frame,), FormatName.AVIF, notes=notes)


class HeicReader:
    """HEIC: its primary picture. `format`: what it is answered as, JPEG or, with transparency, PNG."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._file = _checked(data, limits, "HEIC")
        self.format = answer_to_heic(self._file)
        self._data, self._limits = _with_plain_names(data, self._file), limits
        self.sizes = (self._file.size,)
        height, width = self._file.size
        limits.check_pixels(width, height)

    def decode(self) -> Picture:
        """Decode the primary picture. The decoder has turned it, and resets its orientation."""
        opened = pi_heif.HeifFile(io.BytesIO(self._data))
        picture = opened[opened.primary_index]
        self._limits.check_pixels(*picture.size)
        image = picture.to_pillow()
        image.format = "HEIF"
        if image.mode not in READ_MODES:
            raise UnsupportedMode(f"mode {image.mode} of HEIC is not supported")
        mode = READ_MODES[image.mode][image.has_transparency_data]
        channels = np.asarray(image.convert(mode))
        channels = channels[:, :, np.newaxis] if channels.ndim == 2 else channels
        frame = split_alpha(channels) if mode.endswith("A") else Frame(channels)
        stored = read_info(image, rest_of_heif(self._data, self._file.boxes))
        _, metadata = upright(stored, (frame.height, frame.width))
        frame = _described(dataclasses.replace(frame, metadata=metadata), self._file)
        return Picture((frame,), self.format, notes=_notes(self._file))


def _with_plain_names(data: bytes, file: HeifFile) -> bytes:
    """The file with question marks instead of letters beyond ASCII in names of items, which crash pi-heif."""
    if all(data[start:end].isascii() for start, end in file.texts):
        return data
    plain = bytearray(data)
    for start, end in file.texts:
        plain[start:end] = bytes(byte if byte < 128 else ord("?") for byte in data[start:end])
    return bytes(plain)


def _checked(data: bytes, limits: Limits, name: str) -> HeifFile:
    file = read_heif(data)
    if not file.items:
        raise _no_animation(name.upper()) if file.has_sequence else ImageCorrupt("it has no picture")
    primary = file.items[file.primary]
    codes = {part.kind for part in file.coded(primary)}
    if b"av01" in codes and name != FormatName.AVIF:
        raise UnsupportedImage("the file is AVIF, but does not say so at its beginning: save it again as AVIF")
    check_heif(data, file, limits)
    return file


def _no_animation(name: str) -> UnsupportedMode:
    return UnsupportedMode(
        f"the file is an animated {name}, which is not supported: send a single picture, or the animation as WebP"
    )


def _notes(file: HeifFile) -> tuple[str, ...]:
    """What of the file is not read, for people."""
    primary = file.items[file.primary]
    notes = [read_as_8_bits(bits)] if (bits := _bits(file, primary)) > 8 else []
    left_out = {_purpose(item) for item in file.auxiliaries() if item is not file.alpha}
    # A picture with a map of brightness is made of the primary one and the map.
    left_out |= {GAIN_MAP for item in file.items.values() if item.kind == b"tmap"}
    if left_out:
        notes.append(f"left out: {', '.join(sorted(left_out))}")
    if file.has_sequence:
        notes.append("only the still picture in the file was read, not its frames")
    if (count := _pictures(file)) > 1:
        notes.append(f"only the primary one of {count} pictures in the file was read")
    return tuple(notes)


def _purpose(item: Item) -> str:
    return next((words for part, words in PURPOSES.items() if part in item.purpose), "an auxiliary picture")


def _pictures(file: HeifFile) -> int:
    """The number of pictures that stand for themselves."""
    parts = {part for item in file.items.values() for part in item.references.get(b"dimg", ())} - {file.primary}
    return sum(
        item.kind in PICTURES
        and not item.is_hidden
        and item.kind != b"tmap"
        and number not in parts
        and not {b"auxl", b"thmb"} & set(item.references)
        for number, item in file.items.items()
    )


def _bits(file: HeifFile, item: Item) -> int:
    """Bits of each sample, by the configuration of its code. (AV1 in ISOBMFF, 2.3.3; ISO/IEC 14496-15, 8.3.3.1)"""
    part = next(file.coded(item))
    if av1 := part.described(b"av1C"):
        return 12 if av1[2] & 32 and av1[2] & 64 else 10 if av1[2] & 64 else 8
    if hevc := part.described(b"hvcC"):
        return (hevc[17] & 7) + 8
    return 8


def _described(frame: Frame, file: HeifFile) -> Frame:
    """The frame with the file's description of its colours by numbers, if they differ from sRGB's.

    It is kept as PNG's chunk of the same numbers, cICP: without a matrix, full range.
    """
    colours = next(
        (content for kind, content in file.items[file.primary].properties if content.startswith(b"nclx")), None
    )
    if colours is None or frame.metadata.icc:
        return frame
    primaries, transfer = int.from_bytes(colours[4:6]), int.from_bytes(colours[6:8])
    if (primaries in LIKE_SRGB[0] and transfer in LIKE_SRGB[1]) or max(primaries, transfer) > 255:
        return frame
    chunk = (b"cICP", bytes((primaries, transfer, 0, 1)))
    return dataclasses.replace(frame, metadata=dataclasses.replace(frame.metadata, png_colours=(chunk,)))
