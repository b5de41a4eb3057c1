"""A process that makes training examples, pairs of a degraded image and its original, and writes them to stdout.

    python -m training.examples patches.npy OPTIONS

OPTIONS are `ExampleOptions` in JSON. `training.batches` starts several of these processes and reads their pipes. The
pipes give backpressure, and a process ends when its pipe is closed.
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
LOW_EDGE = 96  # edge of an example's low-resolution image in px; patches are cut out of it


@dataclass(frozen=True)
class ExampleOptions:
    """How examples are made."""

    scale: int
    seed: int
    drawings: float  # share of drawings; the rest are photographs
    degradation: Degradation

    def to_json(self) -> str:
        """Serialise for the command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ExampleOptions":
        """Parse what `to_json` wrote."""
        fields = json.loads(text)
        return cls(**(fields | {"degradation": Degradation(**fields["degradation"])}))


def make_examples(patches: Pixels, options: ExampleOptions) -> Iterator[tuple[Pixels, Pixels]]:
    """Make an endless sequence of examples.

    Args:
        patches: photograph patches (n, LOW_EDGE * scale, LOW_EDGE * scale, 3), RGB, uint8.
        options: the same options make the same sequence.

    Yields:
        The degraded image (LOW_EDGE, LOW_EDGE, 3) and the original (LOW_EDGE * scale, LOW_EDGE * scale, 3).
    """
    random = np.random.default_rng(options.seed)
    while True:
        if random.random() < options.drawings:
            high = draw(LOW_EDGE * options.scale, random)
        else:
            high = patches[random.integers(len(patches))]
        # Before the degradation: JPEG artefacts and chroma subsampling have an orientation.
        if random.random() < 0.5:
            high = high[:, ::-1]
        if random.random() < 0.5:
            high = high.transpose(1, 0, 2)
        high = np.ascontiguousarray(high)
        yield degrade(high, options.scale, options.degradation, random), high


def packed(low: Pixels, high: Pixels) -> bytes:
    """Serialise an example after a checksum: pipes were seen to lose bytes when processes are suspended and resumed."""
    data = low.tobytes() + high.tobytes()
    return zlib.crc32(data).to_bytes(CHECKSUM) + data


def unpacked(record: bytes) -> bytes | None:
    """Return the payload of a record made by `packed`; None if its checksum is wrong."""
    data = record[CHECKSUM:]
    return data if zlib.crc32(data).to_bytes(CHECKSUM) == record[:CHECKSUM] else None


def main() -> None:
    """Write examples to standard output until the pipe is closed."""
    patches_file, options = sys.argv[1:]
    patches = np.load(Path(patches_file), mmap_mode="r")  # all processes share one copy in memory
    with suppress(BrokenPipeError):
        for low, high in make_examples(patches, ExampleOptions.from_json(options)):
            sys.stdout.buffer.write(packed(low, high))


if __name__ == "__main__":
    main()
