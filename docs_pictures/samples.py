"""Time and quality on the sample images.

    make samples

The time is that of a request with the sample. For the quality, a copy of half the size is enlarged by the service and
by bicubic, and both are compared with the sample: Y-PSNR (ITU-R BT.601) without a border of 2 px, transparent images on
white.
"""

import io
import statistics

import httpx
from PIL import Image

from benchmarks.service import running_service, upscale
from evaluation.metrics import luma_psnr
from evaluation.pictures import on_white
from superscaling.settings import ROOT

SAMPLES = ROOT / "sample-images"
RUNS = 5
BORDER = 2  # px


def main() -> None:
    """Print a Markdown table."""
    print("| picture | size | ms through HTTP | bicubic, dB | ours, dB |\n|---|---|---|---|---|")
    with running_service() as service:
        for path in sorted(each for each in SAMPLES.iterdir() if each.suffix != ".md"):
            data = path.read_bytes()
            image: Image.Image = Image.open(io.BytesIO(data))
            if image.mode == "P":  # an animation: the quality is that of its first frame
                image = image.convert("RGBA")
            milliseconds = statistics.median(upscale(service.client, data)[1] for _ in range(RUNS))
            bicubic, ours = quality(service.client, image)
            print(f"| {path.name} | {image.width} x {image.height} | {milliseconds:.0f} | {bicubic:.2f} | {ours:.2f} |")


def quality(client: httpx.Client, image: Image.Image) -> tuple[float, float]:
    """PSNR in dB of bicubic and of the service, from a half-size copy of `image` (cropped to even sides)."""
    image = image.crop((0, 0, image.width // 2 * 2, image.height // 2 * 2))
    # Resize with premultiplied alpha, so that the colours of transparent pixels do not bleed.
    premultiplied = "RGBa" if image.mode == "RGBA" else image.mode
    half = image.convert(premultiplied).resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)
    bicubic = half.resize(image.size, Image.Resampling.BICUBIC).convert(image.mode)
    file = io.BytesIO()
    half.convert(image.mode).save(file, "PNG")
    ours = Image.open(io.BytesIO(upscale(client, file.getvalue())[0]))
    original = on_white(image)
    return luma_psnr(on_white(bicubic), original, BORDER), luma_psnr(on_white(ours), original, BORDER)


if __name__ == "__main__":
    main()
