"""Memory and time of results larger than the network's own: x4 by two passes, and a factor just above two.

Each request has a service of its own, whose peak counts. What is beyond the pixels of the picture and of the result
(3 bytes each) should hardly grow with the picture: passes work part by part.
"""

from collections.abc import Iterator

from benchmarks.inputs import as_file, photograph
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.service import MEGABYTE, running_service, upscale

SIZES = ((1000, 1000), (2000, 2000), (3000, 4000))  # height and width in px: 1, 4 and 12 megapixels
SCALES = ("4", "2.1")
MAX_GROWTH = 300.0  # MB beyond the pixels, from the smallest picture to the largest


def measure() -> str:
    """The section in Markdown."""
    beyond: dict[str, list[float]] = {scale: [] for scale in SCALES}
    head = ("megapixels", "scale", "pixels in and out, MB", "peak above the start, MB", "beyond the pixels, MB", "s")
    rows = table(head, _rows(beyond))
    targets = (
        Target(f"growth beyond the pixels, x{scale}", figures[-1] - figures[0], MAX_GROWTH, "MB")
        for scale, figures in beyond.items()
    )
    return f"JPEG in, JPEG out.\n\n{rows}\n{target_list(targets)}"


def _rows(beyond: dict[str, list[float]]) -> Iterator[list[str]]:
    for scale in SCALES:
        for height, width in SIZES:
            area = height * width
            say(f"{area / 1e6:.0f} megapixels by {scale}")
            pixels = 3 * area * (1 + float(scale) ** 2) / MEGABYTE
            with running_service(UPSCALER_TIMEOUT="3600") as service:
                started = service.resident
                _, milliseconds = upscale(service.client, as_file(photograph(height, width)), scale=scale)
                above = service.peak_resident - started
            beyond[scale].append(above - pixels)
            figures = (pixels, above, beyond[scale][-1], milliseconds / 1000)
            yield [f"{area / 1e6:.0f}", scale, *(f"{figure:.0f}" for figure in figures)]
