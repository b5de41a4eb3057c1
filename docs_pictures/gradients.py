"""Smooth gradients in each precision of the default model, with raised contrast, to make bands visible.

make gradients
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evaluation.enlargers import of_model
from superscaling.conversion import gradients
from superscaling.settings import ROOT, Settings

TARGET = ROOT / "docs" / "gradients.png"
# Name of a gradient of the int8 acceptance test, the level shown as black, and the contrast factor.
SHOWN = (("0 to 40", 0, 6), ("120 to 128", 118, 20))
ROWS = 48  # px of each gradient
ZOOM = 2  # width of a pixel of the result on the sheet, px
CAPTION = 28  # px
FONT = ImageFont.load_default(size=18)


def main() -> None:
    """Write docs/gradients.png."""
    enlargers = of_model(Settings().model, ["openvino"])
    pictures = gradients()
    width = pictures[SHOWN[0][0]].shape[1] * enlargers[0].scale * ZOOM
    row = CAPTION + ROWS * ZOOM
    sheet = Image.new("RGB", (width, row * len(SHOWN) * len(enlargers)), "white")
    draw = ImageDraw.Draw(sheet)
    top = 0
    for name, black, contrast in SHOWN:
        for each in enlargers:
            levels = each.enlarge(pictures[name])[:ROWS].astype(int)
            pixels = np.clip((levels - black) * contrast, 0, 255).astype(np.uint8)
            caption = f"levels {name}, contrast x{contrast}: {each.name}"
            draw.text((0, top + CAPTION // 2), caption, fill="black", font=FONT, anchor="lm")
            sheet.paste(
                Image.fromarray(pixels).resize((width, ROWS * ZOOM), Image.Resampling.NEAREST), (0, top + CAPTION)
            )
            top += row
    sheet.save(TARGET, optimize=True)
    print(f"{TARGET.relative_to(ROOT)}: {sheet.width} x {sheet.height} px")


if __name__ == "__main__":
    main()
