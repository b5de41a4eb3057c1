"""Measure what a quality costs: size and loss of enlarged photographs, written as JPEG and WebP.

    python -m evaluation.answer_size FOLDER... --first 12

The inputs are the images of each folder, reduced with Pillow's bicubic filter and written as JPEG of quality 90, as
cameras do. They are enlarged by the default model in the service's precision, and written in each quality by the
service's own writer. Figures are means over the images: the size in bytes per input byte, and PSNR over RGB in dB,
against the enlarged pixels before they were written ("loss") and against the original photograph.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from evaluation.enlargers import Enlarger, of_model
from evaluation.errors import exit_status
from evaluation.metrics import Pixels
from evaluation.pictures import as_jpeg, jpeg_file, read_pairs
from superscaling.conversion import psnr
from superscaling.format_name import FormatName
from superscaling.pictures import Frame, Limits, Picture, decode, encode
from superscaling.settings import Settings

INPUT_QUALITY = 90
QUALITIES = (100, 97, 95, 92, 90, 85, 75)
TARGETS = (FormatName.JPEG, FormatName.WEBP)
LIMITS = Limits(10**9, 1)


def measure(folders: Sequence[Path], first: int, qualities: Sequence[int]) -> None:
    """Print a Markdown table.

    Args:
        folders: of images.
        first: how many images of each folder are measured.
        qualities: 1 to 100.

    Raises:
        MeasurementError, StartError: a folder, an image or the model can't be used.
        EngineFailed: the engine does not reproduce its known answer.
    """
    *_, enlarger = of_model(Settings().model, ("openvino",))
    figures = np.array([_figures(*each, qualities) for each in _enlarged(enlarger, folders, first)])
    print(f"{len(figures)} photographs, {enlarger.name}; each cell: size / loss, dB / against the original, dB\n")
    print("| quality |", " | ".join(TARGETS), "|")
    print("|---|" + "---|" * len(TARGETS))
    for quality, row in zip(qualities, figures.mean(axis=0), strict=True):
        print(f"| {quality} |", " | ".join(f"{size:.1f} x / {loss:.1f} / {psnr:.2f}" for size, loss, psnr in row), "|")


def _enlarged(enlarger: Enlarger, folders: Sequence[Path], first: int) -> Iterator[tuple[int, Pixels, Pixels]]:
    """The size of each input in bytes, its enlarged pixels, and the original."""
    for folder in folders:
        for pair in itertools.islice(read_pairs(folder, enlarger.scale), first):
            size = len(jpeg_file(pair.low, INPUT_QUALITY))
            yield size, enlarger.enlarge(as_jpeg(pair.low, INPUT_QUALITY)), pair.high


def _figures(size: int, enlarged: Pixels, original: Pixels, qualities: Sequence[int]) -> list[list[list[float]]]:
    """For each quality and target format: size relative to the input's, loss, PSNR against the original."""
    picture = Picture((Frame(enlarged),), FormatName.JPEG)
    rows = []
    for quality in qualities:
        row = []
        for name in TARGETS:
            data = encode(picture, name, quality, quality).data
            seen = np.asarray(decode(data, LIMITS).frames[0].colour, np.uint8)
            row.append([len(data) / size, psnr(seen, enlarged), psnr(seen, original)])
        rows.append(row)
    return rows


def main(arguments: Sequence[str]) -> int:
    """Measure and return the exit status; an error prints one line."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.answer_size",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="photographs")
    parser.add_argument("--first", type=int, default=12, metavar="N", help="images of each folder (default: 12)")
    parser.add_argument("--qualities", nargs="+", type=int, default=QUALITIES, metavar="N", help="1 to 100")
    wanted = parser.parse_args(arguments)
    return exit_status("answer_size", lambda: measure(wanted.folders, wanted.first, wanted.qualities))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
