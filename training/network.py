"""The plain network. `superscaling/conversion/from_plain.py` has the same for OpenVINO."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.files import COLOURS, SCALE
from training.reduction import bicubic

RANDOM_SHARE = 0.3  # of the usual size (He et al.): what a convolution of the body has beside the identity


class PlainNetwork(nn.Module):
    """3x3 convolutions with ReLU, beside a 5x5 linear skip that starts as bicubic; one pixel shuffle ends both.

    Each body convolution starts as the identity plus a small random part: it learns like a residual network and is a
    plain stack at inference (DiracNets, arXiv:1706.00388). The two convolutions that see the picture pad it with its
    outermost pixels, not with zeros, so that flat colours stay flat at the border.
    """

    def __init__(self, layers: int = 10, channels: int = 48) -> None:
        super().__init__()
        self.dimensions = {"layers": layers, "channels": channels}
        results = COLOURS * SCALE**2
        self.head = nn.Conv2d(COLOURS, channels, 3)
        self.body = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(layers))
        self.tail = nn.Conv2d(channels, results, 3, padding=1)
        self.skip = nn.Conv2d(COLOURS, results, 5)
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="relu")
        diagonal = range(channels)
        for each in self.body:
            nn.init.kaiming_normal_(each.weight, nonlinearity="relu")
            each.weight.data.mul_(RANDOM_SHARE)
            each.weight.data[diagonal, diagonal, 1, 1] += 1
        for each in (self.head, *self.body, self.tail, self.skip):
            nn.init.zeros_(each.bias)
        nn.init.zeros_(self.tail.weight)
        self.skip.weight.data.copy_(bicubic_skip())

    def hidden_kernels(self) -> list[nn.Parameter]:
        """The kernels that see no pixels, and whose results are none."""
        return [each.weight for each in self.body]

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) to (n, 3, 2h, 2w), RGB from 0 to 1; the output may lie a little outside.

        The skip is computed in float32, also under autocast: the picture itself passes through it.
        """
        padded = functional.pad(pixels, (2, 2, 2, 2), "replicate")
        features = functional.relu(self.head(padded[..., 1:-1, 1:-1]))
        for each in self.body:
            features = functional.relu(each(features))
        detail = self.tail(features)
        with torch.autocast(pixels.device.type, enabled=False):
            return functional.pixel_shuffle(detail.float() + self.skip(padded.float()), SCALE)


def bicubic_skip() -> Tensor:
    """(12, 3, 5, 5): the kernel that, before a pixel shuffle, is a bicubic enlargement x2."""
    kernel = torch.zeros(COLOURS * SCALE**2, COLOURS, 5, 5)
    taps = [bicubic(torch.arange(-2, 3) - (-0.25, 0.25)[part]) for part in range(SCALE)]
    for colour in range(COLOURS):
        for row in range(SCALE):
            for column in range(SCALE):
                patch = torch.outer(taps[row], taps[column])
                kernel[colour * SCALE**2 + row * SCALE + column, colour] = patch / patch.sum()
    return kernel
