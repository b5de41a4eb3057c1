"""Real-ESRGAN's architectures in PyTorch.

SRVGGNetCompact and RRDBNet (Real-ESRGAN, arXiv:2107.10833; RRDB: ESRGAN, arXiv:1809.00219), with the dimensions of the
releases realesr-animevideov3 and RealESRGAN_x4plus.
"""

import torch
from torch import nn
from torch.nn import functional

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
