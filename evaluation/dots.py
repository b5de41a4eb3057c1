"""Dots: whether a network draws a pattern of single pixels, as discriminators let it where compression left no texture.

    python -m evaluation.dots before.npz after.npz --folders ../shared/eval/Set5

Prints a Markdown table: for each weight file of a plain x2 network, in fp32 and without the service, PSNR (dB) of Y and
dots, as means over the images, clean and as JPEGs; and the dots of the originals.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.errors import exit_status
from evaluation.metrics import Pixels, luma, luma_psnr
from evaluation.pictures import SCALE, as_jpeg, read_pairs
from superscaling.conversion.from_plain import read_plain
from superscaling.engines import available_cpus
from superscaling.engines.openvino import compile_network

QUALITIES = (None, 75, 50)  # of JPEG; None: clean
WINDOW = 5  # px of the input in which the pattern is averaged: texture averages out, a pattern does not


def dots(pixels: Pixels) -> float:
    """Strength of a checkerboard of single pixels that keeps its phase, in levels of Y (root mean square).

    In each square of 2x2 px: half the difference of the means of its two diagonals. It is averaged over `WINDOW`
    squares in both directions, at all places.

    Args:
        pixels: (h, w, 3), RGB, uint8, sides of at least 2 `WINDOW` px; the squares begin in the corner, as pixels of
            the input do.
    """
    plane = luma(pixels)[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]
    first, second = plane[::2, ::2] + plane[1::2, 1::2], plane[::2, 1::2] + plane[1::2, ::2]
    windows = np.lib.stride_tricks.sliding_window_view((first - second) / 4, (WINDOW, WINDOW))
    return float(np.sqrt(np.square(windows.mean(axis=(2, 3))).mean()))


def measure(files: Sequence[Path], folders: Sequence[Path]) -> None:
    """Print the table.

    Raises:
        MeasurementError, ModelUnavailable: folders or files can't be used.
    """
    networks = {path: compile_network(read_plain(path), "f32", available_cpus()) for path in files}
    inputs = ["clean" if quality is None else f"JPEG {quality}" for quality in QUALITIES]
    print("| weights |", " | ".join(f"{each}, dB | dots" for each in inputs), "|\n|" + "---|" * (2 * len(inputs) + 1))
    pairs = [pair for folder in folders for pair in read_pairs(folder, SCALE)]
    for path, request in networks.items():
        cells = []
        for quality in QUALITIES:
            figures = []
            for pair in pairs:
                low = pair.low if quality is None else as_jpeg(pair.low, quality)
                (answer,) = request.infer({0: low[np.newaxis].astype(np.float32) / np.float32(255)}).values()
                enlarged = np.rint(np.clip(answer[0] * 255, 0, 255)).astype(np.uint8)
                figures.append((luma_psnr(enlarged, pair.high, SCALE), dots(enlarged)))
            cells += [f"{each:.2f}" for each in np.mean(figures, axis=0)]
        print(f"| {path.name} |", " | ".join(cells), "|", flush=True)
    print(f"| the originals |{f' | {np.mean([dots(pair.high) for pair in pairs]):.2f} |' * len(QUALITIES)}")


def main(arguments: Sequence[str]) -> int:
    """Measure and return the exit status; an error prints one line."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.dots", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="weights of plain networks (.npz)")
    parser.add_argument("--folders", nargs="+", type=Path, required=True, help="test images")
    wanted = parser.parse_args(arguments)
    return exit_status("dots", lambda: measure(wanted.files, wanted.folders))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
