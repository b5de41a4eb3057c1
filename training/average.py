"""Average weight files of one network: what several trainings that began from the same weights have in common.

    python -m training.average ONE.weights.h5 OTHER.weights.h5 --output BOTH.weights.h5

Trainings that go on from one network end beside each other in the same valley of the loss, and their mean lies deeper
in it than either ("model soups", arXiv:2203.05482). What it is worth is for `make quality` to say.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start is wordy

from training.errors import TrainingError
from training.network import architecture_in, build_network, load_weights, save_weights


def average(files: Sequence[Path], output: Path) -> None:
    """Write the mean of weight files.

    Args:
        files: of networks of one architecture.
        output: NAME.weights.h5.

    Raises:
        TrainingError: one is missing, or of another architecture than the first.
    """
    network = build_network(architecture_in(files[0]))
    weights = []
    for file in files:
        load_weights(network, file)
        weights.append(network.get_weights())
    network.set_weights([sum(same) / len(files) for same in zip(*weights, strict=True)])
    save_weights(network, output)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and average; one line says why it can't."""
    parser = argparse.ArgumentParser(prog="python -m training.average", description="Average weight files.")
    parser.add_argument("files", nargs="+", type=Path, help="weight files of one network, which count alike")
    parser.add_argument("--output", type=Path, required=True, help="where to write: NAME.weights.h5")
    options = parser.parse_args(arguments)
    if not options.output.name.endswith(".weights.h5"):
        parser.error("--output has to end with .weights.h5, by which Keras knows what to write")
    try:
        average(options.files, options.output)
    except TrainingError as exc:
        print(f"average: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
