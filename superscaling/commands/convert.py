"""Convert a model's weights into the files that the service loads.

    python -m superscaling.commands.convert NAME
    python -m superscaling.commands.convert --row JSON WEIGHTS TARGET

The first form converts one of the project's own models in its directory below models/. The second converts the weight
file of a row of the model table, given as JSON, into a directory; `prepare` runs it. Keras' files need TensorFlow, ISR
and NNCF; PyTorch's the packages of requirements-import.txt; the others only what serves. A file that can't be converted
prints one line; the exit status is 1.
"""

import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from superscaling.commands.conversion_process import unfinished_directory
from superscaling.errors import StartError
from superscaling.models import TABLE, FileFormat, Weights, verify
from superscaling.pictures import Limits, Samples, decode
from superscaling.settings import shipped

# The halo is measured on the photographs; int8 is calibrated on both.
PHOTOGRAPHS = ("coffee-artefacts.jpg", "face.jpg", "fur-texture.png", "rocket.webp")
DRAWINGS = ("text-and-lines.png",)


def convert_into(weights: Weights, weight_file: Path, target: Path, *, overwrite: bool) -> None:
    """Convert `weight_file` into the directory `target`, which appears or changes only once all is done.

    Raises:
        WeightsRefused: the file has another hash.
        ModelUnavailable: it can't be converted.
    """
    for file, sha256 in weights.hashes.items():
        verify(weight_file.parent / file, sha256)
    with unfinished_directory(target) as unfinished:
        _convert(weights, weight_file, unfinished, *samples())
        if overwrite:
            shutil.copytree(unfinished, target, dirs_exist_ok=True)
        elif not target.exists():  # else another process was faster, with an equal result
            unfinished.rename(target)


def samples() -> tuple[list[Samples], list[Samples]]:
    """Photographs and drawings that networks are measured and calibrated on: (h, w, 3) uint8."""
    photographs, drawings = ([_sample(file) for file in files] for files in (PHOTOGRAPHS, DRAWINGS))
    return photographs, drawings


def _convert(
    weights: Weights, weight_file: Path, target: Path, photographs: Sequence[Samples], drawings: Sequence[Samples]
) -> None:
    # Imported late: each loads a framework.
    if weights.file_format is FileFormat.KERAS:
        from superscaling.conversion.from_keras import convert

        convert(weights, weight_file, target, photographs, drawings)
    else:
        from superscaling.conversion.from_network import About, write_model

        about = About(weights.name, weights.kind, weights.licence, weights.sha256, weights.milder)
        network, ends = _read(weights.file_format, weight_file)
        write_model(network, about, target, photographs, drawings, ends)


def _read(file_format: FileFormat, weight_file: Path) -> tuple[Any, Any]:
    """Read a network from a file; returns an `openvino.Model`, and its ends if the format tells them."""
    match file_format:
        case FileFormat.PLAIN:
            from superscaling.conversion.from_plain import PLAIN_ENDS, read_plain

            return read_plain(weight_file), PLAIN_ENDS
        case FileFormat.NCNN:
            from superscaling.conversion.from_ncnn import read_ncnn

            return read_ncnn(weight_file.with_suffix(".param")), None
        case FileFormat.ONNX:
            from superscaling.conversion.from_onnx import read_onnx

            return read_onnx(weight_file), None
        case _:
            from superscaling.conversion.from_torch import read_torch

            return read_torch(weight_file), None


def _sample(file: str) -> Samples:
    data = (shipped("sample-images") / file).read_bytes()
    return decode(data, Limits(pixels=1_000_000, frames=1)).frames[0].colour


def main(arguments: list[str]) -> None:
    """Run the command line."""
    # An exception, so that what is half done is removed.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        match arguments:
            case [name] if name in TABLE and TABLE[name].is_own:
                directory = shipped("models") / name
                convert_into(TABLE[name], directory / TABLE[name].file, directory, overwrite=True)
            case ["--row", row, weight_file, target]:
                convert_into(Weights.from_json(row), Path(weight_file), Path(target), overwrite=False)
            case _:
                own = ", ".join(weights.name for weights in TABLE.values() if weights.is_own)
                sys.exit(f"usage: python -m superscaling.commands.convert NAME, one of {own}")
    except StartError as exc:
        sys.exit(str(exc))


if __name__ == "__main__":
    main(sys.argv[1:])
