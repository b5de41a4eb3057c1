"""Photographs as cells: squares out of which the training cuts its crops."""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from evaluation.metrics import Pixels
from training.errors import TrainingError

SIZES = (1.0, 0.75, 0.55)  # photographs are used reduced too: those are sharper and have other textures
# Shares of a photograph's cells that are kept: those with the most texture, and of the others, by chance, so that some
# smooth areas remain.
TEXTURED, BY_CHANCE = 0.55, 0.1
SMALLER = "smaller than"  # begins the reason of a picture that is too small


def load_photographs(folders: Sequence[Path], edge: int, seed: int) -> Pixels:
    """Cut all photographs below `folders` into cells, on all cores.

    Args:
        folders: searched recursively. Files that are not pictures, or too small, are named on stderr and skipped.
        edge: of a cell in px.
        seed: for the offsets of the cuts and the choice of smooth cells.

    Returns:
        (n, 3, edge, edge), RGB, uint8.

    Raises:
        TrainingError: a folder is missing, or there is no readable picture that is large enough.
    """
    files = files_below(folders)
    with ProcessPoolExecutor() as pool:
        parts = list(pool.map(_cells_or_reason, files, [edge] * len(files), range(seed, seed + len(files))))
    for path, part in zip(files, parts, strict=True):
        if isinstance(part, str):
            say_skipped(path, part)
    cells = [part for part in parts if not isinstance(part, str)]
    if not cells:
        raise none_usable(folders, [part for part in parts if isinstance(part, str)])
    return np.concatenate(cells)


def files_below(folders: Sequence[Path]) -> list[Path]:
    """All files below the folders, in a reproducible order.

    Raises:
        TrainingError: a folder is missing, or there is no file.
    """
    for folder in folders:
        if not folder.is_dir():
            raise TrainingError(f"there is no folder {folder}")
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    if not files:
        raise TrainingError(f"there is no file in {', '.join(map(str, folders))}")
    return files


def read_photograph(path: Path, edge: int) -> Image.Image:
    """Read a picture as RGB, with its EXIF orientation applied.

    Raises:
        TrainingError: it can't be read, or has a side of less than `edge` px. The message doesn't name the file.
    """
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise TrainingError(f"not readable as a picture ({type(exc).__name__})") from exc
    if min(image.size) < edge:
        raise TrainingError(f"{SMALLER} {edge} x {edge} px")
    return image


def say_skipped(path: Path, reason: str) -> None:
    """Name a file that can't be used on stderr."""
    print(f"skipped, {reason}: {path}", file=sys.stderr)


def none_usable(folders: Sequence[Path], reasons: Sequence[str]) -> TrainingError:
    """The error that no file can be used, each for one of the reasons."""
    small = [reason for reason in reasons if reason.startswith(SMALLER)]
    which = f", {len(small)} are {small[0]}" if small else ""
    return TrainingError(
        f"none of the {len(reasons)} files in {', '.join(map(str, folders))} can be used:"
        f" {len(reasons) - len(small)} are not readable as pictures{which}"
    )


def cut(image: Image.Image, edge: int, random: np.random.Generator, size: float) -> Iterator[Pixels]:
    """Cut an image, reduced to `size` of its sides, into adjacent cells from a random offset on."""
    width, height = round(image.width * size), round(image.height * size)
    if min(width, height) < edge:
        return
    pixels = np.asarray(image if size == 1 else image.resize((width, height), Image.Resampling.LANCZOS))
    first_row, first_column = int(random.integers(height % edge + 1)), int(random.integers(width % edge + 1))
    for top in range(first_row, height - edge + 1, edge):
        for left in range(first_column, width - edge + 1, edge):
            yield pixels[top : top + edge, left : left + edge]


def cells_of(image: Image.Image, edge: int, random: np.random.Generator) -> Pixels:
    """Cut a photograph, in every one of `SIZES` that is large enough, into cells, and choose among them by texture.

    Returns:
        (n, 3, edge, edge), RGB, uint8; n is 0 if the photograph is smaller than a cell.
    """
    kept: list[Pixels] = []
    for size in SIZES:
        cells = list(cut(image, edge, random, size))
        order = np.argsort([-texture(cell) for cell in cells], kind="stable")
        textured = max(min(1, len(cells)), round(TEXTURED * len(cells)))
        others = order[textured:]
        by_chance = random.choice(others, min(round(BY_CHANCE * len(cells)), len(others)), replace=False)
        kept += [cells[index].transpose(2, 0, 1) for index in (*order[:textured], *by_chance)]
    return np.stack(kept) if kept else np.empty((0, 3, edge, edge), np.uint8)


def texture(cell: Pixels) -> float:
    """Mean absolute difference of neighbouring pixels in the green channel, in levels."""
    green = cell[..., 1].astype(np.int16)
    return float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())


def _cells_or_reason(path: Path, edge: int, seed: int) -> Pixels | str:
    """The cells of a file, or why it has none."""
    try:
        return cells_of(read_photograph(path, edge), edge, np.random.default_rng(seed))
    except TrainingError as exc:
        return str(exc)
