"""Which gigantic pictures are done, and how large their results become: those that are not decoded in memory."""

import functools
from dataclasses import dataclass
from pathlib import Path

from jobs.step_time import most_pixels_cut, most_pixels_joined
from superscaling.enlarging import (
    BandUpscaler,
    LoadedModels,
    PictureUpscaler,
    check_results,
    choose_sizes,
    notes_on_options,
)
from superscaling.errors import (
    FormatCannotHold,
    ImageTooLarge,
    ResultTooLarge,
    ResultTooSmall,
    UnsupportedImage,
    UnsupportedMode,
)
from superscaling.format_name import FormatName
from superscaling.isolation import run_isolated
from superscaling.pictures import GiganticHeader, Limits, check_size, inspect_gigantic
from superscaling.scheduling import Deadline, Timings
from superscaling.size_choice import ResultSize
from superscaling.upscale_options import UpscaleOptions

# What results are written as: what libvips writes row by row.
RESULT_FORMATS = (FormatName.JPEG, FormatName.PNG, FormatName.TIFF)
# Seconds that a process may take to read a header.
SECONDS = 120.0
# The longest side of a picture in px: each 256 px of it are a part or more, however narrow it is.
MAX_SIDE = 1_000_000
# The most bytes of the pixels that one row of parts makes, in RGB of 16 bits: they are in memory several times.
MAX_ROW_BYTES = 1 << 30


@dataclass(frozen=True)
class GiganticLimits:
    """In px: of a picture (`UPSCALER_JOBS_MAX_PIXELS`), of its result, and of what is done in memory."""

    pixels: int
    result_pixels: int
    ordinary_pixels: int


@dataclass(frozen=True)
class InspectedGigantic:
    """A gigantic picture that is within the limits, not decoded yet.

    `result`: the part of the upright picture that is used, and the size of the result; `format`: of the result;
    `notes`: for people.
    """

    header: GiganticHeader
    model: PictureUpscaler
    result: ResultSize
    format: FormatName
    notes: tuple[str, ...]

    @property
    def pixels(self) -> int:
        """Of the picture."""
        height, width = self.header.size
        return height * width

    @property
    def is_16_bit(self) -> bool:
        """Whether the result has 16 bits."""
        return self.header.is_16_bit and self.format is not FormatName.JPEG

    @property
    def row_bytes(self) -> int:
        """Of the pixels of a row of the result."""
        return self.result.width * self.header.channels * (2 if self.is_16_bit else 1)

    @functools.cached_property
    def bands(self) -> BandUpscaler:
        """What enlarges it."""
        return BandUpscaler(self.model.upscaler, self.result.crop.size, (self.result.height, self.result.width))


class GiganticFiles:
    """Inspects gigantic pictures, when their jobs are taken and in every step. Thread-safe.

    Args:
        models: that can be asked for.
        limits: of pictures and results.
    """

    def __init__(self, models: LoadedModels, limits: GiganticLimits) -> None:
        self._models = models
        self.limits = limits

    def inspect(self, path: Path, options: UpscaleOptions, deadline: Deadline, timings: Timings) -> InspectedGigantic:
        """Read the header of an image file on the disk, and check all that it tells. Nothing is decoded.

        Raises:
            UnsupportedImage, UnsupportedMode: it can't be done row by row; the error names the way out, and the
                operator's.
            ImageCorrupt, ImageTooComplex, ImageTooLarge, ImageUndecodable: as `FileUpscaler.inspect`.
            DecoderUnavailable, ClientGone, DeadlinePassed, ServiceStopping: as `FileUpscaler.inspect`.
            ServiceError: as `chosen`.
        """
        self._models.chosen(options.model, options.strength)  # it costs nothing to refuse that first
        task = functools.partial(inspect_gigantic, path.absolute(), self.limits.pixels)
        try:
            header = run_isolated(task, SECONDS, functools.partial(deadline.check, timings))
        except (UnsupportedImage, UnsupportedMode) as exc:
            exc.limit, exc.setting = self.limits.ordinary_pixels, "max_pixels"
            raise
        return self.chosen(header, options)

    def chosen(self, header: GiganticHeader, options: UpscaleOptions) -> InspectedGigantic:
        """What becomes of a picture whose header is known.

        Raises:
            UnknownModel, StrengthNotOffered: as `FileUpscaler.inspect`.
            ImageTooLarge: it is too long, or could not be cut in time.
            FormatCannotHold: the result's format can't be written row by row, or can't hold the result.
            SizeOutOfRange: a side would be too many times as long.
            ResultTooSmall: the result would be smaller than the picture.
            ResultTooLarge: it would have more px than is allowed or than can be joined in time, or be too wide.
        """
        model = self._models.chosen(options.model, options.strength)
        _check_header(header)
        name = options.format or header.format
        if name not in RESULT_FORMATS:
            raise FormatCannotHold(
                f"images of more than {self.limits.ordinary_pixels} px are written as {', '.join(RESULT_FORMATS[:-1])}"
                f" or {RESULT_FORMATS[-1]} only, not as {name}: ask for one of these",
                limit=self.limits.ordinary_pixels,
                setting="max_pixels",
            )
        (result,) = choose_sizes([header.size], options.size, model.facts)
        self._check_result(result)
        _check_time(result, name, header.is_16_bit and name is not FormatName.JPEG)
        check_size(result.height, result.width, name)
        notes = header.notes + notes_on_options(options, name)
        inspected = InspectedGigantic(header, model, result, name, notes)
        rows = max(row.place[1] - row.place[0] for row in inspected.bands.rows)
        if (taken := rows * result.width * 6) > MAX_ROW_BYTES:
            most = MAX_ROW_BYTES // 6 // rows
            raise ResultTooLarge(
                f"the result would be {result.width} px wide; of an image as large as this, at most {most} px are made:"
                " turn it on its side, or ask for a smaller scale or width",
                limit=MAX_ROW_BYTES,
                actual=taken,
            )
        return inspected

    def _check_result(self, result: ResultSize) -> None:
        height, width = result.crop.size
        if result.height < height or result.width < width:
            raise ResultTooSmall(
                f"the result would be smaller than the image's {width} x {height} px, which is not done with images of"
                f" more than {self.limits.ordinary_pixels} px: ask for scale=1, or for a larger size",
                limit=self.limits.ordinary_pixels,
                actual=height * width,
                setting="max_pixels",
            )
        try:
            check_results([result], Limits(self.limits.pixels, 1, result_pixels=self.limits.result_pixels))
        except ResultTooLarge as exc:
            exc.setting = "jobs_max_result_pixels"
            raise


def _check_header(header: GiganticHeader) -> None:
    if (side := max(header.size)) > MAX_SIDE:
        raise ImageTooLarge(
            f"the image's longer side is {side} px; at most {MAX_SIDE} px are accepted: cut it into pieces",
            limit=MAX_SIDE,
            actual=side,
        )
    height, width = header.size
    if (pixels := height * width) > (most := most_pixels_cut()):
        raise ImageTooLarge(
            f"the image has {pixels} px; at most {most} px can be decoded in the time that a step may take: cut it into"
            " pieces",
            limit=most,
            actual=pixels,
        )


def _check_time(result: ResultSize, name: FormatName, is_16_bit: bool) -> None:
    if (pixels := result.height * result.width) > (most := most_pixels_joined(name, is_16_bit)):
        kind = f"{name} of {16 if is_16_bit else 8} bits"
        another = "" if name is FormatName.JPEG else ", or for format=jpeg"
        raise ResultTooLarge(
            f"the result would have {result.width} x {result.height} px = {pixels} px; at most {most} px can be written"
            f" as {kind} in the time that a step may take: ask for a smaller scale, width or height{another}",
            limit=most,
            actual=pixels,
        )
