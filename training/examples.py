"""A process that makes examples, pairs of a small picture and its sharp original, and writes them to its output.

    python -m training.examples patches.npy OPTIONS

`batches` starts as many of these as there are cores to spare. A pipe is all they share: it holds back who is too fast,
and who writes to a pipe that nobody reads any more ends. OPTIONS are `ExampleOptions` as JSON.
"""

import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from training.degradation import Degradation, Pixels, degrade
from training.drawings import draw

CHECKSUM = 4  # bytes before each example
LOW_EDGE = 96  # px of a small picture: larger than the patches of training, which are cut out of it in many ways


@dataclass(frozen=True)
class ExampleOptions:
    """What the examples are like."""

    scale: int
    seed: int
    drawings: float  # share of drawings; the others are photographs
    degradation: Degradation

    def to_json(self) -> str:
        """For a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ExampleOptions":
        """The opposite of `to_json`."""
        fields = json.loads(text)
        return cls(**(fields | {"degradation": Degradation(**fields["degradation"])}))


def make_examples(patches: Pixels, options: ExampleOptions) -> Iterator[tuple[Pixels, Pixels]]:
    """Make examples without end.

    Args:
        patches: (n, LOW_EDGE * scale, LOW_EDGE * scale, 3), RGB, of photographs.
        options: what the examples are like; the same options make the same examples.

    Yields:
        The small picture, (LOW_EDGE, LOW_EDGE, 3), and the sharp one, (LOW_EDGE * scale, LOW_EDGE * scale, 3).
    """
    random = np.random.default_rng(options.seed)
    while True:
        if random.random() < options.drawings:
            high = draw(LOW_EDGE * options.scale, random)
        else:
            high = patches[random.integers(len(patches))]
        # Here and not when patches are cut out: a JPEG's blocks and colours have a direction.
        if random.random() < 0.5:
            high = high[:, ::-1]
        if random.random() < 0.5:
            high = high.transpose(1, 0, 2)
        high = np.ascontiguousarray(high)
        yield degrade(high, options.scale, options.degradation, random), high


def packed(low: Pixels, high: Pixels) -> bytes:
    """Both pictures with a checksum before them: pipes were seen to lose bytes when processes are stopped and go on."""
    data = low.tobytes() + high.tobytes()
    return zlib.crc32(data).to_bytes(CHECKSUM) + data


def unpacked(record: bytes) -> bytes | None:
    """The pictures of a record of `packed`; None where it is not whole."""
    data = record[CHECKSUM:]
    return data if zlib.crc32(data).to_bytes(CHECKSUM) == record[:CHECKSUM] else None


def main() -> None:
    """Write examples to standard output, small picture before sharp one, until nobody reads them."""
    patches_file, options = sys.argv[1:]
    patches = np.load(Path(patches_file), mmap_mode="r")  # mapped: all processes share one copy
    with suppress(BrokenPipeError):
        for low, high in make_examples(patches, ExampleOptions.from_json(options)):
            sys.stdout.buffer.write(packed(low, high))


if __name__ == "__main__":
    main()
