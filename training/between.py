"""Write weights between those of a plain network and those that were fine-tuned from them.

    python -m training.between training/weights/best.npz training/weights/sharp.npz --share 0.65 --output OUT.npz

Along such a line results change steadily (ESRGAN, arXiv:1809.00219), so that a fine-tuning which goes too far need
not be repeated.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.errors import TrainingError, exit_status
from training.files import check_output, read_arrays, write_arrays


def between(before: Path, after: Path, share: float, output: Path) -> bool:
    """Write `before` + `share` * (`after` - `before`), all `.npz`; `share` is from 0 to 1. Returns True.

    Raises:
        TrainingError: a file can't be read or written, or they hold different networks.
    """
    if not 0 <= share <= 1:
        raise TrainingError(f"--share {share}: it has to lie between 0 and 1")
    check_output(output)
    one, other = read_arrays(before), read_arrays(after)
    if {name: each.shape for name, each in one.items()} != {name: each.shape for name, each in other.items()}:
        raise TrainingError(f"{before} and {after} are weights of different networks")
    write_arrays(output, {name: ((1 - share) * one[name] + share * other[name]).astype(np.float32) for name in one})
    return True


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit status; an error prints one line."""
    parser = argparse.ArgumentParser(prog="python -m training.between", description="Mix weights of one network.")
    parser.add_argument("before", type=Path, help="the weights that were fine-tuned (.npz)")
    parser.add_argument("after", type=Path, help="what they became (.npz)")
    parser.add_argument("--share", type=float, required=True, help="of the latter, from 0 to 1")
    parser.add_argument("--output", type=Path, required=True, help="the file to write (.npz)")
    options = parser.parse_args(arguments)
    return exit_status("between", lambda: between(options.before, options.after, options.share, options.output))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
