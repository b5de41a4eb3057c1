"""How long windows of other shapes take an engine, compared with square ones: `python -m benchmarks.shapes MODEL int8`.

The figures behind `ROW_COST` and the long tiles of thin pictures (docs/decisions/0050-costs-by-tile.md).
"""

import argparse
import statistics
import time

import numpy as np

from superscaling.engines import Engine, available_cpus, infer_levels
from superscaling.engines.openvino import EngineOpenVino
from superscaling.geometry import Cost
from superscaling.models import MODELS, read_model_files

SQUARE = (280, 280)
SHAPES = [(26_321, 1), (1, 26_321), (19_700, 2), (2, 19_700), (7_800, 8), (8, 7_800), (2_300, 32), (32, 2_300)]
ROUNDS = 5


def seconds_of(engine: Engine, shape: tuple[int, int]) -> tuple[float, float]:
    """Seconds of the first and of the second call with windows of a shape."""
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        infer_levels(engine, pixels)
        times.append(time.perf_counter() - start)
    return times[0], times[1]


def main() -> None:
    """Print the seconds of each shape, as multiples of those of a square with as much work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("precision")
    arguments = parser.parse_args()
    engine = EngineOpenVino(read_model_files(MODELS / arguments.model), arguments.precision, available_cpus())
    square_work = Cost.of_window(*SQUARE).work
    for shape in SHAPES:
        work, ratios = Cost.of_window(*shape).work, []
        for _ in range(ROUNDS):  # in turn, as the machine may be busy with something else for a while
            (_, square), (_, other) = seconds_of(engine, SQUARE), seconds_of(engine, shape)
            ratios.append(other / work / (square / square_work))
        print(f"{shape[1]} x {shape[0]} px: {statistics.median(ratios):.2f} of a square with as much work")
    first, again = zip(*(seconds_of(engine, (16, 16 + number)) for number in range(ROUNDS)), strict=True)
    print(f"a call with a new shape: {statistics.median(first) * 1000:.1f} ms, again: {min(again) * 1000:.1f} ms")


if __name__ == "__main__":
    main()
