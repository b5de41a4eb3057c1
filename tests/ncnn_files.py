"""Small ncnn models for tests, and the `ncnn` package that runs them."""

from pathlib import Path
from typing import Any

import ncnn
import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]


def write_ncnn(directory: Path, layers: str, weights: bytes = b"", name: str = "model") -> Path:
    """Write a model of these lines after its `Input`, whose blob is `in`; returns its `.param`."""
    lines = ["Input picture 0 1 in", *filter(None, map(str.strip, layers.splitlines()))]
    param = directory / f"{name}.param"
    blobs = sum(int(line.split()[3]) for line in lines)  # ncnn crashes if there are more
    param.write_text("\n".join(["7767517", f"{len(lines)} {blobs}", *lines]) + "\n")
    param.with_suffix(".bin").write_bytes(weights)
    return param


def tagged(values: Planes) -> bytes:
    """Weights in fp32, as a convolution has them."""
    return bytes(4) + values.tobytes()


def raw(values: Planes) -> bytes:
    """Weights in fp32, as biases and slopes are."""
    return values.tobytes()


def run_ncnn(param: Path, planes: Planes) -> Planes:
    """What ncnn makes of (3, h, w) float32, on the CPU in fp32: (3, scale h, scale w)."""
    network: Any = ncnn.Net()
    network.opt.use_vulkan_compute = False
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
        setattr(network.opt, f"use_{option}", False)
    network.opt.num_threads = 1
    assert network.load_param(str(param)) == 0
    assert network.load_model(str(param.with_suffix(".bin"))) == 0
    run = network.create_extractor()
    planes = np.ascontiguousarray(planes)  # the first Mat shares its memory, and must not outlive it
    run.input(network.input_names()[0], ncnn.Mat(planes).clone())
    status, result = run.extract(network.output_names()[0])
    assert status == 0
    return np.array(result)
