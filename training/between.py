"""Write weights between those of a plain network and those that were fine-tuned from them.

    python -m training.between best.npz sharp.npz --share 0.65 --output OUT.npz

Along such a line results change steadily (ESRGAN, arXiv:1809.00219), so that a fine-tuning which goes too far need
not be repeated.
"""

import argparse
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError

Weights = dict[str, NDArray[np.float32]]


def between(before: Path, after: Path, share: float, output: Path) -> None:
    """Write `before` + `share` * (`after` - `before`), all `.npz`; `share` is from 0 to 1.

    Raises:
        TrainingError: a file can't be read, or they hold different networks.
    """
    one, other = _read(before), _read(after)
    if {name: each.shape for name, each in one.items()} != {name: each.shape for name, each in other.items()}:
        raise TrainingError(f"{before} and {after} are weights of different networks")
    mixed = {name: ((1 - share) * one[name] + share * other[name]).astype(np.float32) for name in one}
    np.savez(output, allow_pickle=False, **mixed)


def _read(path: Path) -> Weights:
    try:
        # NumPy leaves a file open that is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as exc:
        raise TrainingError(f"{path} holds no weights of a plain network: {exc}") from exc


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status; an error prints one line."""
    parser = argparse.ArgumentParser(prog="python -m training.between", description="Mix weights of one network.")
    parser.add_argument("before", type=Path, help="the weights that were fine-tuned (.npz)")
    parser.add_argument("after", type=Path, help="what they became (.npz)")
    parser.add_argument("--share", type=float, required=True, help="of the latter, from 0 to 1")
    parser.add_argument("--output", type=Path, required=True, help="the file to write (.npz)")
    options = parser.parse_args(arguments)
    if not 0 <= options.share <= 1:
        parser.error("--share must lie between 0 and 1")
    try:
        between(options.before, options.after, options.share, options.output)
    except TrainingError as exc:
        print(f"between: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
