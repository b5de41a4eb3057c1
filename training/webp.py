"""Something like lossy WebP, as operations on tensors.

libwebp predicts each block of 4 px from its neighbours, one after the other, and codes what is left. No tensor
operation does that, so here each block is coded by itself, with a fine mean. What both have in common is what a viewer
sees: halved chroma, small blocks that have lost their weak details, and smoothed borders. A test compares the losses.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.jpeg import upsample_chroma

WEBP_BLOCK = 8  # px: two blocks of halved chroma
EDGE = 4  # px of a block
MEAN = 0.35  # step of a block's mean, relative to that of its details
DEAD = 2 / 3  # details below this share of a step become 0, as libwebp's rate-distortion optimisation has it


class WebpLike(nn.Module):
    """Compresses and decompresses. Levels from 0 to 255, whole numbers, as float32.

    Args:
        to_ycc, to_rgb: matrices from RGB to Y, Cb, Cr, and back.
    """

    def __init__(self, to_ycc: Tensor, to_rgb: Tensor) -> None:
        super().__init__()
        k, x = torch.arange(EDGE)[:, None], torch.arange(EDGE)[None]
        dct = torch.cos((2 * x + 1) * k * math.pi / (2 * EDGE)) * math.sqrt(2 / EDGE)
        dct[0] /= math.sqrt(2)
        self.register_buffer("dct", torch.kron(dct, dct))
        self.register_buffer("to_ycc", to_ycc)
        self.register_buffer("to_rgb", to_rgb)

    def forward(self, pixels: Tensor, step: Tensor) -> Tensor:
        """Compress and decompress.

        Args:
            pixels: (n, 3, h, w), RGB, h and w multiples of `WEBP_BLOCK`.
            step: (n,), of the quantisation, in levels. 8 to 48 lose as much as libwebp's qualities 90 to 25.
        """
        ycc = torch.einsum("kc,nchw->nkhw", self.to_ycc, pixels)
        luma = self._coded(ycc[:, :1], step)
        chroma = upsample_chroma(self._coded(functional.avg_pool2d(ycc[:, 1:], 2), step))
        return torch.einsum("kc,nchw->nkhw", self.to_rgb, torch.cat([luma, chroma], 1).round()).clamp(0, 255).round()

    def _coded(self, planes: Tensor, step: Tensor) -> Tensor:
        """(n, c, h, w) through DCT, quantisation and back, with the borders of blocks smoothed."""
        n, c, h, w = planes.shape
        blocks = (
            planes.reshape(n, c, h // EDGE, EDGE, w // EDGE, EDGE)
            .transpose(3, 4)
            .reshape(n, h * w // EDGE**2 * c, EDGE**2)
        )
        values = blocks @ self.dct.T / step.view(-1, 1, 1)
        details = values.sign() * (values.abs() + 1 - DEAD).floor()
        means = (values[..., :1] / MEAN).round() * MEAN
        blocks = torch.cat([means, details[..., 1:]], -1) * step.view(-1, 1, 1) @ self.dct
        planes = blocks.view(n, c, h // EDGE, w // EDGE, EDGE, EDGE).transpose(3, 4).reshape(n, c, h, w)
        return _smoothed(_smoothed(planes, step, 2), step, 3)


def _smoothed(planes: Tensor, step: Tensor, dimension: int) -> Tensor:
    """As loop filters do: the two pixels at a border approach each other, if they differ by less than a step."""
    before = torch.arange(EDGE - 1, planes.shape[dimension] - 1, EDGE, device=planes.device)
    difference = planes.index_select(dimension, before + 1) - planes.index_select(dimension, before)
    move = torch.where(difference.abs() < step.view(-1, 1, 1, 1), difference / 4, 0)
    return planes.index_add(dimension, before, move).index_add(dimension, before + 1, -move)
