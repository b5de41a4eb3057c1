"""Measure quality: every model in every engine and precision, against Pillow's filters.

    make quality
    python -m evaluation.quality FOLDER... --models noise-cancel-plain --weights OUT/weights.npz --sheet sheet.png
    UPSCALER_SELF_ENSEMBLE=2 make quality

FOLDER holds test images or folders of them: pairs named `*_LR.png` and `*_HR.png`, or any images, which are then
reduced with Pillow's bicubic filter. The inputs are the small images, clean and as JPEGs (Pillow's defaults). Figures
are means over the images: PSNR (dB) and SSIM of Y (ITU-R BT.601), without a border of `scale` px. "consistency" is the
PSNR over RGB between the clean input and the result, reduced again with Pillow's bicubic filter.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from evaluation.contact_sheet import choose_pictures, make_sheet
from evaluation.enlargers import ENGINES, Enlarger, filters, of_model, of_weight_file, shipped_models
from evaluation.errors import MeasurementError, exit_status
from evaluation.metrics import Pixels, luma, ssim
from evaluation.pictures import as_jpeg, consistency, picture_files, read_pairs
from superscaling.conversion import psnr
from superscaling.settings import ROOT

FOLDER = ROOT.parent / "shared" / "eval"
QUALITIES = (90, 75, 50, 30)


def measure(arguments: argparse.Namespace) -> None:
    """Print a Markdown table for each set, and save the contact sheet.

    Raises:
        MeasurementError, StartError: the arguments, files or settings can't be used.
        EngineFailed: an engine does not reproduce its known answer.
    """
    folders = [each for folder in arguments.folders or [FOLDER] for each in find_sets(folder)]
    if arguments.sheet and not arguments.sheet.parent.is_dir():
        raise MeasurementError(f"there is no folder {arguments.sheet.parent} for the contact sheet")
    models = shipped_models() if arguments.models is None else arguments.models
    enlargers = [way for name in models for way in of_model(name, arguments.engines)]
    for path in arguments.weights:
        with tempfile.TemporaryDirectory() as scratch:
            enlargers += of_weight_file(path, Path(scratch), arguments.engines)
    scale, *others = {each.scale for each in enlargers} or {2}
    if others:
        raise MeasurementError("models of different scales can't share a table: measure them separately")
    enlargers = filters(scale) + enlargers
    # Read every image once before measuring, so that an unreadable one is found at once and not after an hour.
    counts = {folder: sum(1 for _ in read_pairs(folder, scale)) for folder in folders}
    chosen = choose_pictures(folders, scale, arguments.show) if arguments.sheet else []
    for folder, count in counts.items():
        print(f"{folder.name} ({count} pictures), x{scale}: PSNR in dB / SSIM\n")
        print("| enlarged by | clean |", *(f"JPEG {quality} |" for quality in QUALITIES), "consistency |")
        print("|---|---|" + "---|" * len(QUALITIES) + "---|", flush=True)
        for enlarger in enlargers:
            print(f"| {enlarger.name} |", " | ".join(row(enlarger, folder)), "|", flush=True)
        print()
    if arguments.sheet:
        shown = {each.group: each.enlarge for each in enlargers if each.name != "Lanczos"}
        save_sheet(arguments.sheet, make_sheet(chosen, scale, shown))


def row(enlarger: Enlarger, folder: Path) -> list[str]:
    """The cells of one row: means over the images of the folder."""
    scores = []  # (pictures, inputs, 2): PSNR and SSIM
    drifts = []
    for pair in read_pairs(folder, enlarger.scale):
        original = luma(pair.high, enlarger.scale)
        enlarged = enlarger.enlarge(pair.low)
        answers: list[Pixels] = [enlarged]
        answers += [enlarger.enlarge(as_jpeg(pair.low, quality)) for quality in QUALITIES]
        planes = [luma(answer, enlarger.scale) for answer in answers]
        scores.append([(psnr(plane, original), ssim(plane, original)) for plane in planes])
        drifts.append(consistency(enlarged, pair.low, enlarger.scale))
    means = np.mean(scores, axis=0)
    return [*(f"{decibels:.2f} / {similarity:.4f}" for decibels, similarity in means), f"{np.mean(drifts):.2f}"]


def find_sets(folder: Path) -> list[Path]:
    """Return the folder itself if it contains images, otherwise those of its subfolders that do.

    Raises:
        MeasurementError: there are none.
    """
    if not folder.is_dir():
        raise MeasurementError(f"there is no folder {folder}: name one with test pictures, or with folders of these")
    if picture_files(folder):
        return [folder]
    sets = [each for each in sorted(folder.iterdir()) if each.is_dir() and picture_files(each)]
    if not sets:
        raise MeasurementError(f"there is no picture in {folder}, nor in a folder in it")
    return sets


def save_sheet(path: Path, sheet: Image.Image) -> None:
    """Save the contact sheet and print its path and size.

    Raises:
        MeasurementError: it can't be written.
    """
    try:
        sheet.save(path, "PNG", optimize=True)
    except OSError as exc:
        raise MeasurementError(f"can't write {path}: {exc.strerror}") from exc
    print(f"{path}: {sheet.width} x {sheet.height} px")


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("folders", nargs="*", type=Path, metavar="FOLDER", help="test images (default: ../shared/eval)")
    add("--models", nargs="*", metavar="NAME", help="models by name (default: those in models/)")
    add(
        "--weights",
        nargs="*",
        default=[],
        type=Path,
        metavar="FILE",
        help="further weight files: .npz of plain networks, or ISR's",
    )
    add("--engines", nargs="+", default=ENGINES, choices=ENGINES, help="engines to run the models (default: all)")
    add("--sheet", type=Path, metavar="FILE", help="save a PNG with crops of some images side by side")
    add("--show", nargs="+", default=[], metavar="TEXT", help="show images with this in their names (default: six)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Measure and return the exit status; an error prints one line."""
    return exit_status("quality", lambda: measure(read_arguments(arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
