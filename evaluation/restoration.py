"""Measure what models make of hard inputs: soft, noisy, resized and compressed more than once.

    make restoration
    python -m evaluation.restoration FOLDER... --models noise-cancel-plain weights.npz --inputs noisy --sheet sheet.png

FOLDER holds test images, as for `evaluation.quality` (default: ../shared/eval). Their originals become the inputs, as
`evaluation.hard_inputs` says; "clean" is only reduced. Every picture goes through a request with `scale=2` and `model`,
so models of other factors are reduced as the service reduces them. Figures are means over the images, without a border
of 2 px: PSNR (dB) of Y (ITU-R BT.601), SSIM of Y, and the root mean square error of Cb and Cr in levels (grey pictures
have none, so their PSNR would be infinite).
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from evaluation.contact_sheet import choose_pictures, make_sheet
from evaluation.errors import MeasurementError, exit_status
from evaluation.hard_inputs import HARD
from evaluation.metrics import Pixels, chroma, luma, ssim
from evaluation.pictures import SCALE, Enlarge, filter_enlarger, read_pairs, reduce
from evaluation.quality import FOLDER, find_sets, save_sheet
from evaluation.service import running
from superscaling.conversion import psnr
from superscaling.settings import read_settings

INPUTS: dict[str, Callable[[Pixels], Pixels]] = {"clean": lambda original: reduce(original, SCALE), **HARD}


def measure(arguments: argparse.Namespace) -> None:
    """Print a Markdown table for each set, and save the contact sheet.

    Raises:
        MeasurementError, StartError: the folders, kinds of input or models can't be used.
        EngineFailed: an engine does not reproduce its known answer.
    """
    sets = [each for folder in arguments.folders or [FOLDER] for each in find_sets(folder)]
    if arguments.sheet and not arguments.sheet.parent.is_dir():
        raise MeasurementError(f"there is no folder {arguments.sheet.parent} for the contact sheet")
    inputs = {name: INPUTS[name] for name in arguments.inputs or INPUTS}
    chosen = choose_pictures(sets, SCALE, arguments.show) if arguments.sheet else []
    with running(arguments.models or [read_settings().model]) as service:
        enlargers = {"bicubic": filter_enlarger(SCALE, Image.Resampling.BICUBIC)}
        enlargers |= {model: service.enlarger(model, SCALE) for model in service.models}
        for folder in sets:
            print(f"{folder.name}, x{SCALE}: PSNR in dB / SSIM / error of the colours in levels\n")
            print("| enlarged by |", *(f"{name} |" for name in inputs))
            print("|---|" + "---|" * len(inputs), flush=True)
            for name, enlarge in enlargers.items():
                print(f"| {name} |", *(f"{_cell(folder, make, enlarge)} |" for make in inputs.values()), flush=True)
            print()
        if arguments.sheet:
            rows = {name: lambda pair, make=make: make(pair.high) for name, make in inputs.items()}
            save_sheet(arguments.sheet, make_sheet(chosen, SCALE, enlargers, rows))


def _cell(folder: Path, make: Callable[[Pixels], Pixels], enlarge: Enlarge) -> str:
    """The figures of one enlarger on one kind of input."""
    scores = [score(enlarge(make(pair.high)), pair.high) for pair in read_pairs(folder, SCALE)]
    decibels, similarity, colours = np.mean(scores, axis=0)
    return f"{decibels:.2f} / {similarity:.4f} / {colours:.2f}"


def score(enlarged: Pixels, original: Pixels) -> tuple[float, float, float]:
    """PSNR of Y in dB, SSIM of Y, and the root mean square error of Cb and Cr in levels."""
    one, other = luma(enlarged, SCALE), luma(original, SCALE)
    errors = chroma(enlarged, SCALE) - chroma(original, SCALE)
    return psnr(one, other), ssim(one, other), float(np.sqrt(np.mean(errors**2)))


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.restoration",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("folders", nargs="*", type=Path, metavar="FOLDER", help="test images (default: ../shared/eval)")
    add("--models", nargs="+", metavar="NAME", help="models by name, or files (default: the settings')")
    add("--inputs", nargs="+", choices=INPUTS, help="kinds of input (default: all)")
    add("--sheet", type=Path, metavar="FILE", help="save a PNG with crops of some images side by side")
    add("--show", nargs="+", default=[], metavar="TEXT", help="show images with this in their names (default: six)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Measure and return the exit status; an error prints one line."""
    return exit_status("restoration", lambda: measure(read_arguments(arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
