"""Real-ESRGAN's networks in PyTorch, as its own scripts run them, with the released weights.

A child of `peer_process`, in the environment of requirements-bench.txt. Arguments: the number of threads, then the
`.param` files of the networks, as ncnn reads them.

Architectures: SRVGGNetCompact and RRDBNet (Real-ESRGAN, arXiv:2107.10833; RRDB: ESRGAN, arXiv:1809.00219), with the
dimensions of the releases realesr-animevideov3 and RealESRGAN_x4plus.
"""

import sys
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.peer import Pixels, answer_requests, noise
from superscaling.conversion import WeightFile, read_layers

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
LAYOUTS = (torch.contiguous_format, torch.channels_last)
TRIAL = (64, 96)  # height and width in px on which memory layouts are compared
COLOURS = 3


def convolution(channels_in: int, channels_out: int) -> nn.Module:
    """A 3x3 convolution with padding: the output has the size of the input."""
    return nn.Conv2d(channels_in, channels_out, 3, padding=1)


class Compact(nn.Module):
    """SRVGGNetCompact, x4, reduced to x2: convolutions and PReLUs, added to the nearest-neighbour enlargement."""

    def __init__(self, features: int = 64, inner: int = 16, scale: int = 4) -> None:
        super().__init__()
        self.scale = scale
        chain = [convolution(COLOURS, features), nn.PReLU(features)]
        for _ in range(inner):
            chain += [convolution(features, features), nn.PReLU(features)]
        self.chain = nn.Sequential(*chain, convolution(features, COLOURS * scale**2), nn.PixelShuffle(scale))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, h, w) to (n, 3, 2 h, 2 w)."""
        large = self.chain(picture) + functional.interpolate(picture, scale_factor=self.scale, mode="nearest")
        return functional.interpolate(large, scale_factor=0.5, mode="bicubic")


class DenseBlock(nn.Module):
    """Five convolutions, each reading the outputs of all before it."""

    def __init__(self, features: int, grow: int) -> None:
        super().__init__()
        self.growing = nn.ModuleList(convolution(features + grow * step, grow) for step in range(4))
        self.last = convolution(features + grow * 4, features)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """As many channels out as in."""
        known = features
        for layer in self.growing:
            known = torch.cat((known, functional.leaky_relu(layer(known), 0.2)), 1)
        return features + 0.2 * self.last(known)


class Residual(nn.Module):
    """Three dense blocks in a row with a residual connection, scaled by 0.2."""

    def __init__(self, features: int, grow: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(DenseBlock(features, grow) for _ in range(3)))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """As many channels out as in."""
        return features + 0.2 * self.blocks(features)


class Dense(nn.Module):
    """RRDBNet, x4: 23 residual blocks, two enlargements by 2."""

    def __init__(self, features: int = 64, blocks: int = 23, grow: int = 32) -> None:
        super().__init__()
        self.first = convolution(COLOURS, features)
        self.body = nn.Sequential(*(Residual(features, grow) for _ in range(blocks)), convolution(features, features))
        self.enlarging = nn.ModuleList(convolution(features, features) for _ in range(2))
        self.smoothing = convolution(features, features)
        self.last = convolution(features, COLOURS)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, h, w) to (n, 3, 4 h, 4 w)."""
        features = self.first(picture)
        features = features + self.body(features)
        for layer in self.enlarging:
            larger = functional.interpolate(features, scale_factor=2, mode="nearest")
            features = functional.leaky_relu(layer(larger), 0.2)
        return self.last(functional.leaky_relu(self.smoothing(features), 0.2))


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
