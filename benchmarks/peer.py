"""The child's side of `peer_process`: runs networks on request. Works without the product's packages, but NumPy."""

import json
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def noise(height: int, width: int) -> Pixels:
    """(height, width, 3), random, always the same: times don't depend on the content, and nothing in it is flat."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def answer_requests(ways: Mapping[tuple[str, str], Callable[[Pixels], Pixels]]) -> None:
    """Answer until the input ends.

    The first line of the output is the JSON list of [network, way] pairs. Each input line `{"network": …, "way": …,
    "height": …, "width": …}` is answered by `{"seconds": …}`, the time for `noise` of this size, pixels in and out.
    With `"save": FILE`, the result is kept in this file (.npy).
    """
    print(json.dumps([*ways]), flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        pixels = noise(wanted["height"], wanted["width"])
        start = time.perf_counter()
        result = ways[wanted["network"], wanted["way"]](pixels)
        seconds = time.perf_counter() - start
        if "save" in wanted:
            np.save(wanted["save"], result)
        print(json.dumps({"seconds": seconds}), flush=True)
