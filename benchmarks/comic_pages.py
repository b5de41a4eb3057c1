"""Pages of a comic, drawn by number: panels with line art, screentone, hatching, and balloons with lettering."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evaluation.metrics import Pixels

HEIGHT, WIDTH = 1200, 800  # px, as scans of comics are often published
OVERSAMPLING = 2  # drawn so many times as large, for smooth lines
BLACK, WHITE = 0, 255
MARGIN, GUTTER = 40, 14  # px
ROWS, LARGEST_ROW = (2, 3, 4), 3  # of panels on a page; panels in a row
WORDS = ("AND", "THEN", "THE", "LAST", "TRAIN", "LEFT", "WITHOUT", "US", "BUT", "WHO", "TOLD", "HIM", "ANYWAY")

Area = tuple[int, int, int, int]  # left, top, right, bottom in px


def draw_page(number: int) -> Pixels:
    """Return a page, (HEIGHT, WIDTH, 3), uint8. The same number is always the same page."""
    random = np.random.default_rng(number)
    page = Image.new("L", (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING), WHITE)
    for area in _panels(random):
        left, top, right, bottom = (edge * OVERSAMPLING for edge in area)
        page.paste(_panel(right - left, bottom - top, random), (left, top))
        ImageDraw.Draw(page).rectangle((left, top, right, bottom), outline=BLACK, width=3 * OVERSAMPLING)
    return np.asarray(page.reduce(OVERSAMPLING).convert("RGB"))


def _panels(random: np.random.Generator) -> list[Area]:
    found = []
    for top, bottom in _strips(HEIGHT, int(random.choice(ROWS)), random):
        columns = _strips(WIDTH, int(random.integers(1, LARGEST_ROW + 1)), random)
        found += [(left, top, right, bottom) for left, right in columns]
    return found


def _strips(length: int, count: int, random: np.random.Generator) -> list[tuple[int, int]]:
    """Begins and ends of panels along a side of the page."""
    shares = random.uniform(1, 2, count)
    ends = MARGIN + np.cumsum(shares) / shares.sum() * (length - 2 * MARGIN + GUTTER)
    starts = [MARGIN, *ends[:-1]]
    return [(round(start), round(end) - GUTTER) for start, end in zip(starts, ends, strict=True)]


def _panel(width: int, height: int, random: np.random.Generator) -> Image.Image:
    panel = Image.fromarray(_background(width, height, random))
    pen = ImageDraw.Draw(panel)
    for _ in range(6):
        _draw_shape(pen, width, height, random)
    _draw_balloon(pen, width, height, random)
    return panel


def _background(
    width: int, height: int, random: np.random.Generator
) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Paper, ink, or screentone: dots on a slanted grid, which grow from top to bottom."""
    kind = random.random()
    if kind < 0.4:
        return np.full((height, width), WHITE, np.uint8)
    if kind < 0.5:
        return np.full((height, width), BLACK, np.uint8)
    pitch, least, most = random.uniform(7, 14), *np.sort(random.uniform(0.1, 0.6, 2))
    rows, columns = np.mgrid[:height, :width] * (2 * math.pi / pitch * math.sqrt(0.5))
    wave = (np.cos(rows + columns) + np.cos(rows - columns)) / 4 + 0.5
    share = np.linspace(least, most, height)[:, np.newaxis]
    return np.where(wave > 1 - share, BLACK, WHITE).astype(np.uint8)


def _draw_shape(pen: ImageDraw.ImageDraw, width: int, height: int, random: np.random.Generator) -> None:
    """A closed outline, as of a face or a cloud, with hatching beside it."""
    angles = np.linspace(0, 2 * math.pi, 60)
    radius = min(width, height) * random.uniform(0.1, 0.35)
    waves = sum(random.uniform(0, 0.15) * np.cos(n * angles + random.uniform(0, 6)) for n in range(1, 6))
    x, y = random.uniform(0, width), random.uniform(0, height)
    outline = np.stack((x + radius * (1 + waves) * np.cos(angles), y + radius * (1 + waves) * np.sin(angles)), axis=1)
    pen.polygon([*map(tuple, outline)], fill=WHITE)
    pen.line([*map(tuple, outline)], fill=BLACK, width=int(random.integers(2, 9)), joint="curve")
    for step in range(int(random.integers(0, 25))):
        start = x - radius + 8 * step, y + radius * random.uniform(0.2, 0.4)
        pen.line((*start, start[0] + radius / 3, start[1] + radius / 2), fill=BLACK, width=2)


def _draw_balloon(pen: ImageDraw.ImageDraw, width: int, height: int, random: np.random.Generator) -> None:
    font = ImageFont.load_default(size=random.uniform(26, 40))
    lines = [" ".join(random.choice(WORDS, 2)) for _ in range(int(random.integers(1, 4)))]
    text = "\n".join(lines)
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    across, down = (right - left) * 0.75 + 15, (bottom - top) * 0.75 + 15
    x, y = width * random.uniform(0.3, 0.7), down + height * random.uniform(0.02, 0.3)
    pen.ellipse((x - across, y - down, x + across, y + down), fill=WHITE, outline=BLACK, width=5)
    pen.text((x, y), text, BLACK, font, anchor="mm", align="center")
