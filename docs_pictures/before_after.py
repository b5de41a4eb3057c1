"""The comparison in README.md: bicubic on the left, this service on the right.

make picture
"""

import io

from PIL import Image, ImageDraw, ImageFont

from benchmarks.service import running_service, upscale
from superscaling.settings import ROOT

TARGET = ROOT / "docs" / "before-after.png"
# Sample image, and the left and top edge of the crop in its enlarged copy, in px.
PARTS = (("coffee-artefacts.jpg", 440, 330), ("fur-texture.png", 20, 60), ("text-and-lines.png", 10, 60))
WIDTH, HEIGHT = 240, 150  # of a crop, in px
ZOOM = 2  # width of an enlarged pixel on the sheet, px
GAP = 8  # px
CAPTION = 40  # px


def main() -> None:
    """Write docs/before-after.png."""
    width, height = WIDTH * ZOOM, HEIGHT * ZOOM
    sheet = Image.new("RGB", (2 * width + GAP, CAPTION + len(PARTS) * (height + GAP) - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for column, text in enumerate(("bicubic x2", "image super-scaling x2")):
        place = (column * (width + GAP) + width // 2, CAPTION // 2)
        draw.text(place, text, fill="black", font=ImageFont.load_default(size=22), anchor="mm")
    with running_service() as service:
        for row, (name, left, top) in enumerate(PARTS):
            data = (ROOT / "sample-images" / name).read_bytes()
            ours = Image.open(io.BytesIO(upscale(service.client, data)[0])).convert("RGB")
            given = Image.open(io.BytesIO(data)).convert("RGB")
            bicubic = given.resize(ours.size, Image.Resampling.BICUBIC)
            for column, image in enumerate((bicubic, ours)):
                part = image.crop((left, top, left + WIDTH, top + HEIGHT))
                zoomed = part.resize((width, height), Image.Resampling.NEAREST)
                sheet.paste(zoomed, (column * (width + GAP), CAPTION + row * (height + GAP)))
    TARGET.parent.mkdir(exist_ok=True)
    sheet.save(TARGET, optimize=True)
    print(f"{TARGET.relative_to(ROOT)}: {sheet.width} x {sheet.height} px")


if __name__ == "__main__":
    main()
