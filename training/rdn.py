"""The residual dense network (RDN, arXiv:1802.08797) as ISR builds it."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from superscaling.models import Architecture
from training.files import COLOURS

UPN1_CHANNELS = 64  # ISR's choice
UPN2_CHANNELS = 32  # ISR's choice
# The first and last convolutions, which read or write pixels.
FIRST_AND_LAST = ("F_m1", "UPN3", "SR")


class ResidualDenseNetwork(nn.Module):
    """Layers, their names and their order are those of `ISR.models.RDN` (ISR 2.2.0, Apache-2.0, ISR/models/rdn.py).

    It starts as bilinear interpolation; the blocks, whose weights are random, add nothing yet.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.dimensions = {name: getattr(architecture, name) for name in ("c", "d", "g", "g0")}
        self.layers = nn.ModuleDict(
            {name: nn.Conv2d(into, out, edge, padding="same") for name, into, out, edge in _shapes(architecture)}
        )
        for each in self.layers.values():
            nn.init.xavier_uniform_(each.weight)
            nn.init.zeros_(each.bias)
        self._start_as_bilinear()

    def hidden_kernels(self) -> list[nn.Parameter]:
        """The kernels that see no pixels, and whose results are none."""
        return [each.weight for name, each in self.layers.items() if name not in FIRST_AND_LAST]

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) to (n, 3, scale h, scale w), RGB from 0 to 1; the output may lie a little outside.

        Under autocast, the layers outside the blocks, except GFF_1, stay in float32: the picture itself passes through
        them.
        """
        layers, scale = self.layers, self.architecture.scale
        with torch.autocast(pixels.device.type, enabled=False):
            shallow = layers["F_m1"](pixels.float())
            block = layers["F_0"](shallow)
        blocks = []
        for d in range(1, self.architecture.d + 1):
            features = block
            for c in range(1, self.architecture.c + 1):
                features = torch.cat([features, functional.relu(layers[f"F_{d}_{c}"](features)).to(features.dtype)], 1)
            block = block + layers[f"LFF_{d}"](features)
            blocks.append(block)
        deep = layers["GFF_1"](torch.cat(blocks, 1))
        with torch.autocast(pixels.device.type, enabled=False):
            features = layers["GFF_2"](deep.float()) + shallow
            features = functional.relu(layers["UPN1"](features))
            features = functional.relu(layers["UPN2"](features))
            features = layers["UPN3"](features)
            if self.architecture.upscaling == "shuffle":
                enlarged = depth_to_space(features, scale)
            else:
                enlarged = functional.interpolate(features, scale_factor=scale, mode="nearest")
            return layers["SR"](enlarged)

    @torch.no_grad()
    def _start_as_bilinear(self) -> None:
        """Pass the picture through three channels of F_m1, UPN1 and UPN2, where ReLU keeps it as it is; enlarge it.

        With pixel shuffle, UPN3 computes the bilinear weights of a pixel and its neighbours. With `ups`, SR smooths the
        repeated pixels, which is bilinear for x2.
        """
        kernels = {name: each.weight for name, each in self.layers.items()}
        colours, scale = range(COLOURS), self.architecture.scale
        for name in ("F_m1", "UPN1", "UPN2"):
            kernels[name][colours] = 0
            middle = kernels[name].shape[-1] // 2
            kernels[name][colours, colours, middle, middle] = 1
        for name in ("GFF_2", "UPN3", "SR"):
            kernels[name].zero_()
        if self.architecture.upscaling == "shuffle":
            for row in range(scale):
                for column in range(scale):
                    for colour in colours:
                        channel = (row * scale + column) * COLOURS + colour
                        kernels["UPN3"][channel, colour] = torch.outer(_bilinear(row, scale), _bilinear(column, scale))
            kernels["SR"][colours, colours, 1, 1] = 1
        else:
            kernels["UPN3"][colours, colours, 1, 1] = 1
            triangle = torch.tensor([1.0, 2.0, 1.0]) / 4
            kernels["SR"][colours, colours] = torch.outer(triangle, triangle)


def depth_to_space(features: Tensor, scale: int) -> Tensor:
    """TensorFlow's pixel shuffle: channel (y * scale + x) * c + i goes to channel i of the subpixel (y, x)."""
    n, channels, height, width = features.shape
    parts = features.view(n, scale, scale, channels // scale**2, height, width)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(n, -1, height * scale, width * scale)


def _bilinear(part: int, scale: int) -> Tensor:
    """Bilinear weights of the previous, the same and the next pixel for subpixel `part` (0 to scale - 1)."""
    offset = (part + 0.5) / scale - 0.5  # from the centre of the pixel, in px of the small picture
    return torch.tensor([max(-offset, 0), 1 - abs(offset), max(offset, 0)])


def _shapes(architecture: Architecture) -> Iterator[tuple[str, int, int, int]]:
    """Name, input channels, output channels and edge of the kernel of all convolutions, in ISR's order."""
    c, d, g, g0 = architecture.c, architecture.d, architecture.g, architecture.g0
    yield "F_m1", COLOURS, g0, 3
    yield "F_0", g0, g0, 3
    for block in range(1, d + 1):
        yield from ((f"F_{block}_{number + 1}", g0 + number * g, g, 3) for number in range(c))
        yield f"LFF_{block}", g0 + c * g, g0, 1
    yield "GFF_1", d * g0, g0, 1
    yield "GFF_2", g0, g0, 3
    yield "UPN1", g0, UPN1_CHANNELS, 5
    yield "UPN2", UPN1_CHANNELS, UPN2_CHANNELS, 3
    results = COLOURS * architecture.scale**2
    yield "UPN3", UPN2_CHANNELS, results, 3
    yield "SR", COLOURS if architecture.upscaling == "shuffle" else results, COLOURS, 3
