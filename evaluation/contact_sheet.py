"""A contact sheet: crops of test images side by side, from the original, the input and each enlarger."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evaluation.errors import MeasurementError
from evaluation.metrics import Pixels, luma, luma_psnr
from evaluation.pictures import Enlarge, Pair, as_jpeg, filter_enlarger, read_pairs

PICTURES = 6
QUALITY = 50  # of the JPEG that is shown beside the clean image: blocks are clearly visible in it
WIDTH, HEIGHT = 128, 96  # of a crop, in px of the original
ZOOM = 3  # width of an original pixel on the sheet, px
GAP = 8  # px
CAPTION = 28  # px
LETTERS = 28  # a caption has room for this many characters of a name, from its end
FONT = ImageFont.load_default(size=18)

Chosen = tuple[Path, str]  # folder and name of an image
Inputs = Mapping[str, Callable[[Pair], Pixels]]  # what is enlarged, by the title of its row

CLEAN_AND_JPEG: Inputs = {"clean": lambda pair: pair.low, f"JPEG {QUALITY}": lambda pair: as_jpeg(pair.low, QUALITY)}


def choose_pictures(folders: Sequence[Path], scale: int, parts_of_names: Sequence[str]) -> list[Chosen]:
    """Choose the images whose `folder/name` contains one of `parts_of_names`.

    Without such parts, choose `PICTURES` images, evenly spread from the hardest to the easiest for bicubic.

    Raises:
        MeasurementError: no image matches one of the parts.
    """
    bicubic = filter_enlarger(scale, Image.Resampling.BICUBIC)
    ranked = sorted(
        (-_worst_part(pair, bicubic)[0], folder, pair.name) for folder in folders for pair in read_pairs(folder, scale)
    )
    chosen = [(folder, name) for _, folder, name in ranked]
    if not parts_of_names:
        return [chosen[round(place)] for place in np.linspace(0, len(chosen) - 1, min(PICTURES, len(chosen)))]
    for part in parts_of_names:
        if not any(part in f"{folder.name}/{name}" for folder, name in chosen):
            raise MeasurementError(f"there is no test image whose name contains {part}")
    return [
        (folder, name) for folder, name in chosen if any(part in f"{folder.name}/{name}" for part in parts_of_names)
    ]


def make_sheet(
    chosen: Sequence[Chosen], scale: int, enlargers: Mapping[str, Enlarge], inputs: Inputs = CLEAN_AND_JPEG
) -> Image.Image:
    """Draw a row per image and input. Captions give the Y-PSNR of the crop.

    Args:
        chosen: from `choose_pictures`.
        scale: of every enlarger.
        enlargers: by caption. Must contain "bicubic": the crop is where bicubic is worst.
    """
    columns = 2 + len(enlargers)
    sheet = Image.new("RGB", (columns * (WIDTH * ZOOM + GAP) - GAP, len(inputs) * len(chosen) * _row_height()), "white")
    for number, (folder, name) in enumerate(chosen):
        pair = next(pair for pair in read_pairs(folder, scale) if pair.name == name)
        for row, (title, make) in enumerate(inputs.items(), len(inputs) * number):
            _draw_row(sheet, row * _row_height(), f"{folder.name}/{name}, {title}", pair, make(pair), enlargers)
    return sheet


def _row_height() -> int:
    return 2 * CAPTION + HEIGHT * ZOOM + GAP


def _draw_row(
    sheet: Image.Image, top: int, title: str, pair: Pair, given: Pixels, enlargers: Mapping[str, Enlarge]
) -> None:
    scale = pair.high.shape[0] // pair.low.shape[0]
    # All rows show the crop chosen on the clean image.
    part = _worst_part(pair, enlargers["bicubic"])[1]
    original = pair.high[part]
    cells = {"original": original, "given": filter_enlarger(scale, Image.Resampling.NEAREST)(given)[part]}
    for name, enlarge in enlargers.items():
        enlarged = enlarge(given)[part]
        cells[f"{name[-LETTERS:]}  {luma_psnr(enlarged, original, 0):.1f} dB"] = enlarged
    draw = ImageDraw.Draw(sheet)
    draw.text((0, top + CAPTION // 2), title, fill="black", font=FONT, anchor="lm")
    for column, (caption, pixels) in enumerate(cells.items()):
        left = column * (WIDTH * ZOOM + GAP)
        draw.text((left, top + CAPTION * 3 // 2), caption, fill="black", font=FONT, anchor="lm")
        size = (pixels.shape[1] * ZOOM, pixels.shape[0] * ZOOM)
        sheet.paste(Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST), (left, top + 2 * CAPTION))


def _worst_part(pair: Pair, bicubic: Enlarge) -> tuple[float, tuple[slice, slice]]:
    """Find the crop with the largest mean squared error of bicubic, usually text or edges: the error and the crop."""
    error = (luma(bicubic(pair.low)) - luma(pair.high)) ** 2
    height, width = min(HEIGHT, error.shape[0]), min(WIDTH, error.shape[1])
    sums = np.pad(error.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    means = (sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]) / (
        height * width
    )
    top, left = divmod(int(means.argmax()), means.shape[1])
    return float(means.max()), (slice(top, top + height), slice(left, left + width))
