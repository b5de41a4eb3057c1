"""Average weight files of one architecture, from training runs that started from the same weights.

    python -m training.average ONE.weights.h5 OTHER.weights.h5 --output BOTH.weights.h5

Such runs end in the same basin of the loss, and their mean often has a lower loss than each of them ("model soups",
arXiv:2203.05482). Compare the result by `make quality`.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # silences TensorFlow at import

from training.errors import TrainingError
from training.network import architecture_in, build_network, load_weights, save_weights


def average(files: Sequence[Path], output: Path) -> None:
    """Write the mean of weight files.

    Args:
        files: weight files of one architecture.
        output: NAME.weights.h5.

    Raises:
        TrainingError: a file is missing, or its architecture differs from that of the first.
    """
    network = build_network(architecture_in(files[0]))
    weights = []
    for file in files:
        load_weights(network, file)
        weights.append(network.get_weights())
    network.set_weights([sum(same) / len(files) for same in zip(*weights, strict=True)])
    save_weights(network, output)


def main(arguments: Sequence[str] | None = None) -> int:
    """Average the files on the command line and return the exit status; an error prints one line."""
    parser = argparse.ArgumentParser(prog="python -m training.average", description="Average weight files.")
    parser.add_argument("files", nargs="+", type=Path, help="weight files of one architecture, weighted equally")
    parser.add_argument("--output", type=Path, required=True, help="file to write, NAME.weights.h5")
    options = parser.parse_args(arguments)
    if not options.output.name.endswith(".weights.h5"):
        parser.error("--output must end with .weights.h5: Keras chooses the format by the extension")
    try:
        average(options.files, options.output)
    except TrainingError as exc:
        print(f"average: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
