"""What each model makes of a photograph and of a drawing, at 3x zoom, into docs/models.webp.

    make models-picture

The inputs are sample images at half their size (Pillow's bicubic filter), which every model enlarges by 4. The drawing
is a JPEG of quality 75. Originals and inputs are shown at the same size.
"""

from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from evaluation.enlargers import filters
from evaluation.metrics import Pixels
from evaluation.pictures import as_jpeg, read_picture, reduce
from evaluation.service import Service, running
from superscaling.settings import ROOT

TARGET = ROOT / "docs" / "models.webp"
MODELS = (
    "noise-cancel-plain",
    "noise-cancel-best",
    "realesr-animevideov3-x4",
    "realesrgan-x4plus-anime",
    "realesrgan-x4plus",
)
HALF = 2  # how much smaller the inputs are than the samples
SCALE = 4
ZOOM = 3  # width of a pixel of the result on the sheet, px
WIDTH, HEIGHT = 148, 112  # of a crop, in px of the result
GAP, CAPTION = 8, 30  # px
COLUMNS = 4
FONT = ImageFont.load_default(size=20)


class Shown(NamedTuple):
    """A sample image, the left and top edge of the crop in px of the result, and the JPEG's quality; None: clean."""

    file: str
    left: int
    top: int
    quality: int | None


SHOWN = (Shown("face.jpg", 170, 160, None), Shown("text-and-lines.png", 14, 76, 75))


def main() -> None:
    """Write the picture."""
    with running(MODELS) as service:
        crops = [list(_crops(shown, service)) for shown in SHOWN]
    across, down = WIDTH * ZOOM + GAP, HEIGHT * ZOOM + CAPTION + GAP
    rows = -(-len(crops[0]) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * across - GAP, len(crops) * rows * down - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for number, made in enumerate(crops):
        for place, (name, pixels) in enumerate(made):
            row, column = divmod(place, COLUMNS)
            left, top = column * across, (number * rows + row) * down
            draw.text((left, top + CAPTION // 2), name, fill="black", font=FONT, anchor="lm")
            zoomed = Image.fromarray(pixels).resize((WIDTH * ZOOM, HEIGHT * ZOOM), Image.Resampling.NEAREST)
            sheet.paste(zoomed, (left, top + CAPTION))
    sheet.save(TARGET, quality=90, method=6)
    print(f"{TARGET.relative_to(ROOT)}: {sheet.width} x {sheet.height} px")


def _crops(shown: Shown, service: Service) -> Iterator[tuple[str, Pixels]]:
    """The same part of the original and of each result, by caption."""
    original = read_picture(ROOT / "sample-images" / shown.file)
    low = reduce(original, HALF)
    if shown.quality is not None:
        low = as_jpeg(low, shown.quality)
    part = (slice(shown.top, shown.top + HEIGHT), slice(shown.left, shown.left + WIDTH))
    factor = SCALE // HALF
    yield "original", original.repeat(factor, axis=0).repeat(factor, axis=1)[part]
    yield "input", low.repeat(SCALE, axis=0).repeat(SCALE, axis=1)[part]
    yield "bicubic", filters(SCALE)[0].enlarge(low)[part]
    for model in service.models:
        yield model, service.enlarger(model, SCALE)(low)[part]


if __name__ == "__main__":
    main()
