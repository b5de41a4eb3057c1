"""JPEG as operations on tensors: what libjpeg makes of pictures, on any device. A test compares it with Pillow's."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

JPEG_BLOCK = 16  # px: blocks of 4:2:0 chroma
# Annex K of the JPEG standard (ITU-T T.81), which libjpeg scales by its quality.
LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8 for _ in range(4)),
)


class Jpeg(nn.Module):
    """Compresses and decompresses. Levels from 0 to 255, whole numbers, as float32."""

    def __init__(self) -> None:
        super().__init__()
        dct = torch.tensor(
            [
                [math.sqrt((1 if k == 0 else 2) / 8) * math.cos((2 * x + 1) * k * math.pi / 16) for x in range(8)]
                for k in range(8)
            ]
        )
        # The transform of a block of 64 values as one matrix, so that all blocks are one product.
        self.register_buffer("dct", torch.kron(dct, dct))
        self.register_buffer("luma_table", torch.tensor(LUMA_TABLE, dtype=torch.float32).flatten())
        self.register_buffer("chroma_table", torch.tensor(CHROMA_TABLE, dtype=torch.float32).flatten())
        self.register_buffer(
            "to_ycc", torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
        )
        self.register_buffer("to_rgb", torch.tensor([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]]))

    def forward(self, pixels: Tensor, quality: Tensor, full: int) -> Tensor:
        """Compress and decompress.

        Args:
            pixels: (n, 3, h, w), RGB, h and w multiples of 16.
            quality: (n,), from 1 to 100, as libjpeg counts it.
            full: the first `full` pictures have 4:4:4 chroma, the others 4:2:0.
        """
        factor = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality).floor()[:, None]
        tables = (self.luma_table, self.chroma_table)
        luma, chroma = (((table * factor + 50) / 100).floor().clamp(1, 255) for table in tables)
        ycc = torch.einsum("kc,nchw->nkhw", self.to_ycc, pixels)
        y = self._quantise((ycc[:, :1] - 128).round(), luma) + 128
        planes = ycc[:, 1:].round()
        whole = self._quantise(planes[:full], chroma[:full])
        halved = self._quantise(functional.avg_pool2d(planes[full:], 2).round(), chroma[full:]).round()
        planes = torch.cat([whole, upsample_chroma(halved)]).clamp(-128, 127).round()
        ycc = torch.cat([y.clamp(0, 255).round(), planes], 1)
        return torch.einsum("kc,nchw->nkhw", self.to_rgb, ycc).clamp(0, 255).round()

    def _quantise(self, planes: Tensor, table: Tensor) -> Tensor:
        """(n, c, h, w), 0 in the middle, through DCT, quantisation by `table` (n, 64) and back."""
        n, c, h, w = planes.shape
        blocks = planes.view(n, c, h // 8, 8, w // 8, 8).transpose(3, 4).reshape(n, h * w // 64 * c, 64)
        steps = table[:, None]
        blocks = (torch.round(blocks @ self.dct.T / steps) * steps) @ self.dct
        return blocks.view(n, c, h // 8, w // 8, 8, 8).transpose(3, 4).reshape(n, c, h, w)


def upsample_chroma(planes: Tensor) -> Tensor:
    """libjpeg's "fancy" upsampling x2 of (n, c, h, w): 3/4 of the nearer, 1/4 of the farther sample."""
    for dimension in (2, 3):
        last = planes.shape[dimension] - 1
        before = torch.cat([planes.narrow(dimension, 0, 1), planes.narrow(dimension, 0, last)], dimension)
        after = torch.cat([planes.narrow(dimension, 1, last), planes.narrow(dimension, last, 1)], dimension)
        pairs = torch.stack([0.75 * planes + 0.25 * before, 0.75 * planes + 0.25 * after], dimension + 1)
        planes = pairs.flatten(dimension, dimension + 1)
    return planes
