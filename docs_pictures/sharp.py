"""What noise-cancel-sharp makes of fur, of a face and of small print, beside others, at 3x zoom, into docs/sharp.webp.

    make models-picture

The inputs are sample images at half their size (Pillow's bicubic filter), which every model enlarges by 2 again,
without what lies far from the crop. realesrgan-x4plus enlarges by 4, and the service reduces its result.
"""

from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from evaluation.enlargers import filters
from evaluation.metrics import Pixels
from evaluation.pictures import as_jpeg, read_picture, reduce
from evaluation.service import Service, running
from superscaling.settings import ROOT

TARGET = ROOT / "docs" / "sharp.webp"
MODELS = ("noise-cancel-best", "noise-cancel-sharp", "realesrgan-x4plus")
SCALE = 2
ZOOM = 3  # width of a pixel of the result on the sheet, px
WIDTH, HEIGHT = 112, 84  # of a crop, in px of the input's double size
MARGIN = 24  # px of the input around a crop that the models see
GAP, CAPTION = 6, 26  # px
FONT = ImageFont.load_default(size=18)


class Shown(NamedTuple):
    """A sample image, the left and top edge of the crop in px of the input, and the JPEG's quality; None: clean."""

    file: str
    left: int
    top: int
    quality: int | None


SHOWN = (
    Shown("fur-texture.png", 40, 44, None),
    Shown("fur-texture.png", 40, 44, 75),
    Shown("face.jpg", 60, 40, 75),
    Shown("text-and-lines.png", 24, 16, 75),
)


def main() -> None:
    """Write the picture."""
    with running(MODELS) as service:
        rows = [list(_crops(shown, service)) for shown in SHOWN]
    across, down = WIDTH * ZOOM + GAP, HEIGHT * ZOOM + CAPTION + GAP
    sheet = Image.new("RGB", (len(rows[0]) * across - GAP, len(rows) * down - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for row, crops in enumerate(rows):
        for column, (name, pixels) in enumerate(crops):
            left, top = column * across, row * down
            draw.text((left, top + CAPTION // 2), name, fill="black", font=FONT, anchor="lm")
            zoomed = Image.fromarray(pixels).resize((WIDTH * ZOOM, HEIGHT * ZOOM), Image.Resampling.NEAREST)
            sheet.paste(zoomed, (left, top + CAPTION))
    sheet.save(TARGET, quality=82, method=6)
    print(f"{TARGET.relative_to(ROOT)}: {sheet.width} x {sheet.height} px, {TARGET.stat().st_size} bytes")


def _crops(shown: Shown, service: Service) -> Iterator[tuple[str, Pixels]]:
    """The same part of the original and of each result, by caption."""
    original = read_picture(ROOT / "sample-images" / shown.file)
    low = reduce(original, SCALE)
    if shown.quality is not None:
        low = as_jpeg(low, shown.quality)
    top, left = max(0, shown.top - MARGIN), max(0, shown.left - MARGIN)
    low = low[top : shown.top + HEIGHT // SCALE + MARGIN, left : shown.left + WIDTH // SCALE + MARGIN]
    rows, columns = (
        slice(SCALE * start, SCALE * start + length)
        for start, length in ((shown.top - top, HEIGHT), (shown.left - left, WIDTH))
    )
    above, beside = SCALE * shown.top, SCALE * shown.left
    yield "original", original[above : above + HEIGHT, beside : beside + WIDTH]
    yield "clean" if shown.quality is None else f"JPEG {shown.quality}", filters(SCALE)[0].enlarge(low)[rows, columns]
    for model in service.models:
        yield model, service.enlarger(model, SCALE)(low)[rows, columns]


if __name__ == "__main__":
    main()
