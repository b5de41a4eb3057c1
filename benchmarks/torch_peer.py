"""Real-ESRGAN's networks in PyTorch, as its own scripts run them, with the released weights.

A child of `peer_process`, in the environment of requirements-bench.txt. Arguments: the number of threads, then the
`.param` files of the networks, as ncnn reads them.
"""

import sys
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.peer import Pixels, answer_requests, noise
from benchmarks.torch_networks import Compact, Dense
from superscaling.conversion import WeightFile, read_layers

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
LAYOUTS = (torch.contiguous_format, torch.channels_last)
TRIAL = (64, 96)  # height and width in px on which memory layouts are compared
ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {"realesr-animevideov3-x2": Compact, "realesrgan-x4plus": Dense}


def load(param: Path) -> nn.Module:
    """Build the network of this file name, with the weights beside the file: both list them in the same order.

    Raises:
        RuntimeError: their number is not that of the network.
    """
    network = ARCHITECTURES[param.stem]().eval()
    file, values = WeightFile(param.with_suffix(".bin")), []
    for layer in read_layers(param):
        if layer.kind == "Convolution":
            values.append(file.tagged(layer.whole(6, 0)))
        if layer.kind in ("Convolution", "PReLU"):  # biases, slopes
            values.append(file.raw(layer.whole(0, 0)))
    file.check_end()
    flat = torch.from_numpy(np.concatenate(values))
    if (expected := sum(each.numel() for each in network.parameters())) != len(flat):
        raise RuntimeError(f"{param.stem} has {len(flat)} weights in its file, and {expected} in the network here")
    nn.utils.vector_to_parameters(flat, network.parameters())
    return network


class Peer:
    """A network in one precision, in the memory layout that is faster on this machine."""

    def __init__(self, param: Path, precision: str) -> None:
        self._type = PRECISIONS[precision]
        self._network = load(param).to(self._type)
        self._layout = min(LAYOUTS, key=self._seconds_in)
        self._network.to(memory_format=self._layout)

    def _seconds_in(self, layout: torch.memory_format) -> float:
        self._layout = layout
        self._network.to(memory_format=layout)
        self.enlarge(noise(*TRIAL))
        return timeit.timeit(partial(self.enlarge, noise(*TRIAL)), number=2)

    def enlarge(self, pixels: Pixels) -> Pixels:
        """Enlarge a picture."""
        batch = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(self._type).div(255)
        enlarged = self._network(batch.contiguous(memory_format=self._layout))
        levels = enlarged[0].float().mul(255).round().clamp(0, 255)
        return np.asarray(levels.to(torch.uint8).permute(1, 2, 0).numpy(), np.uint8)


def main(threads: str, *params: str) -> None:
    """Answer requests until the input ends."""
    torch.set_num_threads(int(threads))
    with torch.inference_mode():
        answer_requests(
            {
                (Path(param).stem, f"PyTorch {precision}"): Peer(Path(param), precision).enlarge
                for param in params
                for precision in PRECISIONS
            }
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
