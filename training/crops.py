"""Batches of patches, cut out of pictures that lie on the device.

A patch ends where it was cut, and the network pads it as it pads a picture: each patch has four true borders, and a
network learns to answer there as well. JPEG's blocks begin anywhere, as in a picture that was cropped later.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from training.degradation import Degradation, Degrade, edge_of_original
from training.files import SCALE
from training.jpeg import JPEG_BLOCK
from training.restoration import Restoration, Worsen

JITTER = 22  # px by which a crop may lie anywhere in its cell


def crop_edge(patch: int) -> int:
    """Px of sharp picture that a patch is made of: it is cut out of what `Degrade` makes, anywhere within a block."""
    return edge_of_original(patch + JPEG_BLOCK)


def cell_edge(patch: int) -> int:
    """Px of a cell that crops for patches of `patch` px are cut out of."""
    return crop_edge(patch) + JITTER


class Batches(nn.Module):
    """Random crops of photographs and drawings, degraded, in one of eight orientations.

    Args:
        photographs: cells, (n, 3, edge, edge), uint8, RGB; edge at least `cell_edge(patch)`.
        drawings: likewise, or None.
        batch: patches in a batch.
        patch: px of the small picture, a multiple of 16.
        drawn: share of drawings in a batch.
        restoring: degrade as `training.restoration` says, not as `training.degradation`.
    """

    def __init__(
        self,
        photographs: Tensor,
        drawings: Tensor | None,
        batch: int,
        patch: int,
        drawn: float,
        restoring: bool = False,
    ) -> None:
        super().__init__()
        self.photographs, self.drawings = photographs, drawings
        self.batch, self.patch = batch, patch
        self.drawn = 0 if drawings is None else round(batch * drawn)
        edge = patch + JPEG_BLOCK
        self.degrade = Worsen(edge, Restoration()) if restoring else Degrade(edge, Degradation())

    def forward(self) -> tuple[Tensor, Tensor]:
        """Draw a batch: (n, 3, patch, patch) and (n, 3, 2 patch, 2 patch), from 0 to 1."""
        edge = crop_edge(self.patch)
        high = _crops(self.photographs, self.batch - self.drawn, edge)
        if self.drawings is not None:
            high = torch.cat([high, _crops(self.drawings, self.drawn, edge)])
            high = high[torch.rand(self.batch, device=high.device).argsort()]  # the degradation goes by the place
        low, high = self.degrade(_turned(high.float()))
        last, device = low.shape[-1] - self.patch, low.device
        top, left = (torch.randint(last + 1, (self.batch, 1), device=device) for _ in range(2))
        every = torch.arange(self.batch, device=device)
        low = _cut(low, every, top, left, self.patch) / 255
        high = _cut(high, every, SCALE * top, SCALE * left, SCALE * self.patch) / 255
        return low.contiguous(memory_format=torch.channels_last), high


def _crops(source: Tensor, n: int, edge: int) -> Tensor:
    """(n, 3, edge, edge): cut out of random pictures of `source`, anywhere."""
    device, last = source.device, source.shape[-1] - edge
    chosen = torch.randint(len(source), (n,), device=device)
    rows, columns = (torch.randint(last + 1, (n, 1), device=device) for _ in range(2))
    return _cut(source, chosen, rows, columns, edge)


def _turned(pixels: Tensor) -> Tensor:
    """Each of (n, 3, h, h) in one of the eight orientations."""
    turns: tuple[Callable[[Tensor], Tensor], ...] = (
        lambda x: x.flip(3),
        lambda x: x.flip(2),
        lambda x: x.transpose(2, 3),
    )
    for turn in turns:
        chosen = torch.rand(len(pixels), device=pixels.device).view(-1, 1, 1, 1) < 0.5
        pixels = torch.where(chosen, turn(pixels), pixels)
    return pixels


def _cut(pixels: Tensor, chosen: Tensor, top: Tensor, left: Tensor, edge: int) -> Tensor:
    """Cut squares of `edge` px out of the pictures `chosen` (n,), from `top` and `left` (n, 1) on."""
    places, colours = torch.arange(edge, device=pixels.device), torch.arange(3, device=pixels.device)
    rows, columns = (top + places)[:, None, :, None], (left + places)[:, None, None, :]
    return pixels[chosen.view(-1, 1, 1, 1), colours.view(1, 3, 1, 1), rows, columns]
