"""Real-ESRGAN's networks in PyTorch with random weights, for `make bench` to compare speeds.

Runs in its own environment (requirements-bench.txt) as a child of `peer_process`. Its first output line is the JSON
list of [network, way] pairs that it runs. Then it answers each input line `{"network": …, "way": …, "height": …,
"width": …}` with `{"seconds": …}`, the time for one image, uint8 in and out.

Architectures: SRVGGNetCompact and RRDBNet (Real-ESRGAN, arXiv:2107.10833; RRDB: ESRGAN, arXiv:1809.00219), with the
dimensions of the releases realesr-general-x4v3 and RealESRGAN_x2plus.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

# Parameters of the released weights: a different number here means that the network is built wrongly.
PARAMETERS = {"realesr-general-x4v3": 1_213_296, "Real-ESRGAN x2plus": 16_703_171}
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
LAYOUTS = (torch.contiguous_format, torch.channels_last)
TRIAL = (96, 160)  # height and width in px on which memory layouts are compared
COLOURS = 3


def convolution(channels_in: int, channels_out: int) -> nn.Module:
    """A 3x3 convolution with padding: the output has the size of the input."""
    return nn.Conv2d(channels_in, channels_out, 3, padding=1)


class Compact(nn.Module):
    """SRVGGNetCompact, x4: convolutions and PReLUs, added to the nearest-neighbour enlargement."""

    def __init__(self, features: int = 64, inner: int = 32, scale: int = 4) -> None:
        super().__init__()
        self.scale = scale
        chain = [convolution(COLOURS, features), nn.PReLU(features)]
        for _ in range(inner):
            chain += [convolution(features, features), nn.PReLU(features)]
        self.chain = nn.Sequential(*chain, convolution(features, COLOURS * scale**2), nn.PixelShuffle(scale))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, h, w) to (n, 3, 4 h, 4 w)."""
        return self.chain(picture) + functional.interpolate(picture, scale_factor=self.scale, mode="nearest")


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
    """RRDBNet, x2: pixel unshuffle to half the size, 23 residual blocks, two enlargements by 2."""

    def __init__(self, features: int = 64, blocks: int = 23, grow: int = 32) -> None:
        super().__init__()
        self.first = convolution(COLOURS * 4, features)
        self.body = nn.Sequential(*(Residual(features, grow) for _ in range(blocks)), convolution(features, features))
        self.enlarging = nn.ModuleList(convolution(features, features) for _ in range(2))
        self.smoothing = convolution(features, features)
        self.last = convolution(features, COLOURS)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, h, w) to (n, 3, 2 h, 2 w); h and w must be even."""
        features = self.first(functional.pixel_unshuffle(picture, 2))
        features = features + self.body(features)
        for layer in self.enlarging:
            larger = functional.interpolate(features, scale_factor=2, mode="nearest")
            features = functional.leaky_relu(layer(larger), 0.2)
        return self.last(functional.leaky_relu(self.smoothing(features), 0.2))


class Peer:
    """A network in one precision, in the memory layout that is faster on this machine."""

    def __init__(self, name: str, precision: str) -> None:
        self._type = PRECISIONS[precision]
        self._network = (Compact() if name == "realesr-general-x4v3" else Dense()).eval().to(self._type)
        count = sum(each.numel() for each in self._network.parameters())
        if count != PARAMETERS[name]:
            raise RuntimeError(f"{name} has {count} parameters here; the released one has {PARAMETERS[name]}")
        trials = []
        for layout in LAYOUTS:
            self._set_layout(layout)
            self.seconds(*TRIAL)
            trials.append(min(self.seconds(*TRIAL) for _ in range(2)))
        self._set_layout(LAYOUTS[int(np.argmin(trials))])

    def _set_layout(self, layout: torch.memory_format) -> None:
        self._layout = layout
        self._network.to(memory_format=layout)

    def seconds(self, height: int, width: int) -> float:
        """Enlarge one image of this size (px); returns the time in s."""
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, COLOURS), np.uint8)
        start = time.perf_counter()
        batch = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(self._type).div(255)
        enlarged = self._network(batch.contiguous(memory_format=self._layout))
        enlarged[0].float().mul(255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
        return time.perf_counter() - start


def main() -> None:
    """Answer requests until the input ends. The only argument is the number of threads."""
    torch.set_num_threads(int(sys.argv[1]))
    with torch.inference_mode():
        peers = {
            (name, f"PyTorch {precision}"): Peer(name, precision) for name in PARAMETERS for precision in PRECISIONS
        }
        print(json.dumps([*peers]), flush=True)
        for line in sys.stdin:
            wanted = json.loads(line)
            seconds = peers[wanted["network"], wanted["way"]].seconds(wanted["height"], wanted["width"])
            print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
