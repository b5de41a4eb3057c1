"""Convert a model's weights into the files that the service loads. Needs TensorFlow, ISR and NNCF.

    python -m superscaling.commands.convert NAME
    python -m superscaling.commands.convert --row JSON WEIGHTS TARGET

The first form converts one of the project's own models in its directory below models/. The second converts the weight
file of a row of the model table, given as JSON, into a directory; `prepare` runs it.
"""

import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from superscaling.models import TABLE, Architecture, Weights, verify
from superscaling.pictures import Limits, Samples, decode
from superscaling.settings import shipped

# The halo is measured on the photographs; int8 is calibrated on both.
PHOTOGRAPHS = ("coffee-artefacts.jpg", "face.jpg", "fur-texture.png", "rocket.webp")
DRAWINGS = ("text-and-lines.png",)


def convert_into(weights: Weights, weight_file: Path, target: Path, *, overwrite: bool) -> None:
    """Convert `weight_file` into the directory `target`, which appears or changes only once all is done."""
    from superscaling.conversion.from_keras import convert  # late: it loads TensorFlow

    verify(weight_file, weights.sha256)
    photographs, drawings = ([_sample(file) for file in files] for files in (PHOTOGRAPHS, DRAWINGS))
    # A unique name: other processes may fill the same cache at the same time.
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=f"{target.name}.", suffix=".part"))
    try:
        unfinished.chmod(0o755)
        convert(weights, weight_file, unfinished, photographs, drawings)
        if overwrite:
            shutil.copytree(unfinished, target, dirs_exist_ok=True)
        elif not target.exists():  # else another process was faster, with an equal result
            unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _sample(file: str) -> Samples:
    data = (shipped("sample-images") / file).read_bytes()
    return decode(data, Limits(pixels=1_000_000, frames=1)).frames[0].colour


def main(arguments: list[str]) -> None:
    """Run the command line."""
    # An exception, so that what is half done is removed.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    match arguments:
        case [name] if name in TABLE:
            directory = shipped("models") / name
            convert_into(TABLE[name], directory / TABLE[name].file, directory, overwrite=True)
        case ["--row", row, weight_file, target]:
            values = json.loads(row)
            weights = Weights(**values | {"architecture": Architecture(**values["architecture"])})
            convert_into(weights, Path(weight_file), Path(target), overwrite=False)
        case _:
            sys.exit(f"usage: python -m superscaling.commands.convert NAME, one of {', '.join(TABLE)}")


if __name__ == "__main__":
    main(sys.argv[1:])
