"""Random drawings: text, lines, and flat areas in saturated colours with sharp edges.

Photographs have too few of these. Flat areas that touch the border of a patch teach the network to deal with its
padding.
"""

import functools
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evaluation.metrics import Pixels

FONTS = Path("/usr/share/fonts")  # of Linux; may be missing
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?()+-=/%&äöüéèñçß"
FONT_SIZES = (13, 18, 26, 40)  # px in the original; smaller letters are illegible after the reduction
SUPERSAMPLING = 3  # antialiased drawings are made this much larger, then reduced

Colour = tuple[int, int, int]


def load_drawings(count: int, edge: int, seed: int, fonts: Path = FONTS) -> Pixels:
    """Make random drawings, on all cores: (count, 3, edge, edge), RGB, uint8.

    Args:
        count: how many.
        edge: in px.
        seed: the same seed makes the same drawings of the same fonts.
        fonts: folder of TrueType fonts, searched recursively; Pillow's own font is used beside them.
    """
    with ProcessPoolExecutor() as pool:
        drawings = pool.map(_drawing, [edge] * count, range(seed, seed + count), [fonts] * count, chunksize=16)
        return np.stack(list(drawings)).transpose(0, 3, 1, 2).copy()


def _drawing(edge: int, seed: int, fonts: Path) -> Pixels:
    return draw(edge, np.random.default_rng(seed), fonts)


def draw(edge: int, random: np.random.Generator, fonts: Path = FONTS) -> Pixels:
    """Make a random drawing: (edge, edge, 3), RGB, uint8."""
    # Half are antialiased.
    enlarged = SUPERSAMPLING if random.random() < 0.5 else 1
    image = Image.new("RGB", (edge * enlarged, edge * enlarged), _colour(random))
    pen = ImageDraw.Draw(image)
    match random.choice(["areas", "text", "lines", "all"], p=[0.5, 0.25, 0.15, 0.1]):
        case "areas":
            _areas(pen, image.width, random)
        case "text":
            _text(pen, image.width, enlarged, random, fonts)
        case "lines":
            _lines(pen, image.width, enlarged, random)
        case _:
            _areas(pen, image.width, random)
            _lines(pen, image.width, enlarged, random)
            _text(pen, image.width, enlarged, random, fonts)
    if enlarged > 1:
        image = image.resize((edge, edge), Image.Resampling.BOX)
    return np.asarray(image)


def _colour(random: np.random.Generator) -> Colour:
    """Black, white or one of the six saturated colours, pure or mixed with a grey; or any colour."""
    corner = 255 * random.integers(0, 2, size=3)
    match random.integers(3):
        case 0:
            chosen = corner
        case 1:
            chosen = corner + (random.integers(0, 256) - corner) * random.uniform(0, 0.6)
        case _:
            chosen = random.integers(0, 256, size=3)
    red, green, blue = np.asarray(chosen).astype(int).tolist()
    return red, green, blue


def _areas(pen: ImageDraw.ImageDraw, edge: int, random: np.random.Generator) -> None:
    """Draw zero to ten flat shapes; most extend beyond the border."""
    for _ in range(random.integers(0, 11)):
        fill = _colour(random)
        x, y = random.integers(-edge // 4, edge, size=2).tolist()
        width, height = random.integers(edge // 16, edge, size=2).tolist()
        match random.integers(3):
            case 0:
                pen.rectangle((x, y, x + width, y + height), fill=fill)
            case 1:
                pen.ellipse((x, y, x + width, y + height), fill=fill)
            case _:
                corners = random.integers(-edge // 8, edge + edge // 8, size=(3, 2))
                pen.polygon([(x, y) for x, y in corners.tolist()], fill=fill)


def _text(pen: ImageDraw.ImageDraw, edge: int, enlarged: int, random: np.random.Generator, fonts: Path) -> None:
    """Fill the drawing with lines of random text in one font."""
    size = int(random.choice(FONT_SIZES)) * enlarged
    font, fill = _font(fonts, int(random.integers(1 << 30)), size), _colour(random)
    x, y = random.integers(-size, size, size=2).tolist()
    while y < edge:
        words = ("".join(random.choice(list(LETTERS), size=random.integers(1, 10))) for _ in range(12))
        pen.text((x, y), " ".join(words)[: 3 * edge // size], fill=fill, font=font)
        y += round(size * 1.25)


def _lines(pen: ImageDraw.ImageDraw, edge: int, enlarged: int, random: np.random.Generator) -> None:
    """Draw parallel lines or a grid of them, or random lines and arcs."""
    fill, width = _colour(random), int(random.integers(1, 5)) * enlarged
    if random.random() < 0.4:
        step, lean = int(random.integers(4, 20)) * enlarged + width, int(random.integers(-edge, edge))
        crossed = random.random() < 0.5
        for place in range(-edge, 2 * edge, step):
            pen.line((place, 0, place + lean, edge), fill=fill, width=width)
            if crossed:
                pen.line((0, place, edge, place + lean), fill=fill, width=width)
        return
    for _ in range(random.integers(3, 30)):
        x, y, other_x, other_y = random.integers(0, edge, size=4).tolist()
        if random.random() < 0.5:
            pen.line((x, y, other_x, other_y), fill=fill, width=width)
        else:
            box = (min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y))
            first, last = random.integers(0, 360, size=2).tolist()
            pen.arc(box, first, last, fill=fill, width=width)


@functools.cache
def _font_files(folder: Path) -> tuple[Path, ...]:
    """TrueType fonts of a folder."""
    return tuple(sorted(folder.rglob("*.ttf")))


@functools.lru_cache(maxsize=256)
def _font_of(path: Path | None, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Load a font file; None: Pillow's default font."""
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)


def _font(folder: Path, number: int, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Choose a font of a folder or Pillow's default font, `size` px high, by a random number."""
    files = (None, *_font_files(folder))
    return _font_of(files[number % len(files)], size)
