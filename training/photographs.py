"""Training patches from folders of photographs."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from training.degradation import Pixels
from training.errors import TrainingError

# Photographs are also used in reduced sizes: those are sharper and have other textures.
SIZES = (1.0, 0.7, 0.5)
KEPT = 0.6  # share of all patches that is kept
BY_TEXTURE = 0.85  # share of the kept ones with the most texture; the rest is random, to keep some smooth areas


def load_patches(folders: Sequence[Path], edge: int, seed: int) -> Pixels:
    """Cut all photographs below `folders` into patches and choose among them by texture.

    Args:
        folders: searched recursively.
        edge: edge of a patch in px.
        seed: for the offsets of the cuts and the choice of smooth patches.

    Returns:
        (n, edge, edge, 3), RGB, uint8.

    Raises:
        TrainingError: a folder is missing, or there is no readable image that is large enough.
    """
    files = files_below(folders)
    random = np.random.default_rng(seed)
    patches: list[Pixels] = []
    unreadable = small = 0
    for path in files:
        try:
            image = read_photograph(path)
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
            print(f"skipped, not readable as a picture: {path} ({type(exc).__name__})", file=sys.stderr)
            unreadable += 1
            continue
        if min(image.size) < edge:
            print(f"skipped, smaller than {edge} x {edge} px: {path}", file=sys.stderr)
            small += 1
            continue
        patches.extend(cut(image, edge, random))
    if not patches:
        raise TrainingError(
            f"none of the {len(files)} files in {', '.join(map(str, folders))} can be used:"
            f" {unreadable} are not readable as pictures, {small} are smaller than {edge} x {edge} px"
        )
    return _choose(patches, random)


def files_below(folders: Sequence[Path]) -> list[Path]:
    """All files below the folders, in a reproducible order."""
    for folder in folders:
        if not folder.is_dir():
            raise TrainingError(f"there is no folder {folder}")
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    if not files:
        raise TrainingError(f"there is no file in {', '.join(map(str, folders))}")
    return files


def read_photograph(path: Path) -> Image.Image:
    """Read an image as RGB, with its EXIF orientation applied."""
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def cut(image: Image.Image, edge: int, random: np.random.Generator, sizes: Sequence[float] = SIZES) -> Iterator[Pixels]:
    """Cut an image, in all `sizes` that are large enough, into adjacent patches from a random offset."""
    for size in sizes:
        width, height = round(image.width * size), round(image.height * size)
        if min(width, height) < edge:
            return
        pixels = np.asarray(image if size == 1 else image.resize((width, height), Image.Resampling.LANCZOS))
        first_row, first_column = int(random.integers(height % edge + 1)), int(random.integers(width % edge + 1))
        for top in range(first_row, height - edge + 1, edge):
            for left in range(first_column, width - edge + 1, edge):
                yield pixels[top : top + edge, left : left + edge]


def _choose(patches: list[Pixels], random: np.random.Generator) -> Pixels:
    """Keep the share `KEPT` of the patches, most by texture and the rest at random."""
    order = np.argsort([-texture(patch) for patch in patches], kind="stable")
    kept = max(1, round(KEPT * len(patches)))
    textured = max(1, round(BY_TEXTURE * kept))
    by_chance: NDArray[np.int64] = random.choice(order[textured:], kept - textured, replace=False)
    return np.stack([patches[index] for index in (*order[:textured], *by_chance)])


def texture(patch: Pixels) -> float:
    """Mean absolute difference of neighbouring pixels in the green channel, in levels."""
    green = patch[..., 1].astype(np.int16)
    return float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())
