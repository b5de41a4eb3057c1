"""Real-ESRGAN's networks in ncnn on the CPU, with ncnn's own choice of options.

A child of `peer_process`. Arguments: the number of threads, then the `.param` files of the networks.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import ncnn
import numpy as np

from benchmarks.peer import Pixels, answer_requests


def load(param: str, threads: int) -> Any:
    """A network that ncnn has loaded.

    Raises:
        RuntimeError: ncnn can't read it.
    """
    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    network.opt.num_threads = threads
    if network.load_param(param) or network.load_model(str(Path(param).with_suffix(".bin"))):
        raise RuntimeError(f"ncnn can't read {param}")
    return network


def enlarge(network: Any, pixels: Pixels) -> Pixels:
    """Enlarge a picture."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / np.float32(255)
    run = network.create_extractor()
    run.input(network.input_names()[0], ncnn.Mat(planes).clone())
    status, result = run.extract(network.output_names()[0])
    if status:
        raise RuntimeError(f"ncnn failed with status {status}")
    levels = np.clip(np.rint(np.array(result) * 255), 0, 255)
    return np.ascontiguousarray(levels.transpose(1, 2, 0), np.uint8)


def main(threads: str, *params: str) -> None:
    """Answer requests until the input ends."""
    answer_requests({(Path(param).stem, "ncnn"): partial(enlarge, load(param, int(threads))) for param in params})


if __name__ == "__main__":
    main(*sys.argv[1:])
