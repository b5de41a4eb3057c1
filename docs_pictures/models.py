"""What models make of photographs and drawings, side by side at 3x zoom, into docs/models.webp and docs/sharp.webp.

    make models-picture

The inputs are sample images at half their size (Pillow's bicubic filter), clean or as JPEGs. realesrgan-x4plus enlarges
by 4; where the others enlarge by 2, the service reduces its result.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from evaluation.enlargers import filters
from evaluation.metrics import Pixels
from evaluation.pictures import as_jpeg, read_picture, reduce
from evaluation.service import Service, running
from superscaling.settings import ROOT

HALF = 2  # how much smaller the inputs are than the samples
ZOOM = 3  # width of a pixel of the result on a sheet, px


class Shown(NamedTuple):
    """A sample image, the left and top edge of the crop in px of the result, and the JPEG's quality; None: clean."""

    file: str
    left: int
    top: int
    quality: int | None


@dataclass(frozen=True)
class Sheet:
    """A picture of crops.

    `scale`: by which models enlarge the inputs; `width`, `height`: of a crop, in px of the result; `margin`: px of the
    input around a crop that the models see, None: all; `has_input`: whether the input is shown as well, in whole
    pixels; `columns`: of crops, before the next row; `gap`, `caption`, `letters`: sizes in px; `quality`: of the file.
    """

    target: Path
    models: tuple[str, ...]
    shown: tuple[Shown, ...]
    scale: int
    width: int
    height: int
    margin: int | None
    has_input: bool
    columns: int
    gap: int
    caption: int
    letters: int
    quality: int


SHEETS = (
    Sheet(
        ROOT / "docs" / "models.webp",
        (
            "noise-cancel-plain",
            "noise-cancel-best",
            "realesr-animevideov3-x4",
            "realesrgan-x4plus-anime",
            "realesrgan-x4plus",
        ),
        (Shown("face.jpg", 170, 160, None), Shown("text-and-lines.png", 14, 76, 75)),
        scale=4,
        width=148,
        height=112,
        margin=None,
        has_input=True,
        columns=4,
        gap=8,
        caption=30,
        letters=20,
        quality=90,
    ),
    Sheet(
        ROOT / "docs" / "sharp.webp",
        ("noise-cancel-best", "noise-cancel-sharp", "realesrgan-x4plus"),
        (
            Shown("fur-texture.png", 80, 88, None),
            Shown("fur-texture.png", 80, 88, 75),
            Shown("face.jpg", 120, 80, 75),
            Shown("text-and-lines.png", 48, 32, 75),
        ),
        scale=2,
        width=112,
        height=84,
        margin=24,
        has_input=False,
        columns=5,
        gap=6,
        caption=26,
        letters=18,
        quality=82,
    ),
)


def main() -> None:
    """Write the pictures."""
    for sheet in SHEETS:
        with running(sheet.models) as service:
            crops = [list(_crops(sheet, shown, service)) for shown in sheet.shown]
        image = _drawn(sheet, crops)
        image.save(sheet.target, quality=sheet.quality, method=6)
        print(f"{sheet.target.relative_to(ROOT)}: {image.width} x {image.height} px")


def _drawn(sheet: Sheet, crops: list[list[tuple[str, Pixels]]]) -> Image.Image:
    """The crops of each shown image with their captions, from a new row on."""
    font = ImageFont.load_default(size=sheet.letters)
    size = (sheet.width * ZOOM, sheet.height * ZOOM)
    across, down = size[0] + sheet.gap, size[1] + sheet.caption + sheet.gap
    rows = -(-len(crops[0]) // sheet.columns)
    image = Image.new("RGB", (sheet.columns * across - sheet.gap, len(crops) * rows * down - sheet.gap), "white")
    draw = ImageDraw.Draw(image)
    for number, made in enumerate(crops):
        for place, (name, pixels) in enumerate(made):
            row, column = divmod(place, sheet.columns)
            left, top = column * across, (number * rows + row) * down
            draw.text((left, top + sheet.caption // 2), name, fill="black", font=font, anchor="lm")
            image.paste(Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST), (left, top + sheet.caption))
    return image


def _crops(sheet: Sheet, shown: Shown, service: Service) -> Iterator[tuple[str, Pixels]]:
    """The same part of the original and of each result, by caption."""
    scale = sheet.scale
    original = read_picture(ROOT / "sample-images" / shown.file)
    low = reduce(original, HALF)
    if shown.quality is not None:
        low = as_jpeg(low, shown.quality)
    part = (slice(shown.top, shown.top + sheet.height), slice(shown.left, shown.left + sheet.width))
    factor = scale // HALF
    yield "original", original.repeat(factor, axis=0).repeat(factor, axis=1)[part]
    if sheet.has_input:
        yield "input", low.repeat(scale, axis=0).repeat(scale, axis=1)[part]
    if sheet.margin is not None:
        around = [slice(max(0, each.start // scale - sheet.margin), each.stop // scale + sheet.margin) for each in part]
        low = low[tuple(around)]
        rows, columns = (
            slice(each.start - scale * seen.start, each.stop - scale * seen.start)
            for each, seen in zip(part, around, strict=True)
        )
        part = (rows, columns)
    kind = "clean" if shown.quality is None else f"JPEG {shown.quality}"
    yield "bicubic" if sheet.has_input else kind, filters(scale)[0].enlarge(low)[part]
    for model in service.models:
        yield model, service.enlarger(model, scale)(low)[part]


if __name__ == "__main__":
    main()
