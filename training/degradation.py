"""Degradation: from an original to the small, compressed picture that a user has, on the device."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.files import SCALE
from training.jpeg import JPEG_BLOCK, Jpeg
from training.reduction import REDUCTION_MARGIN, reduction_bank


@dataclass(frozen=True)
class Degradation:
    """What happens to a picture, in this order. Shares are of the batch."""

    # Reduced by one of Pillow's antialiased filters: bicubic, Lanczos, box, bilinear.
    filters: tuple[float, float, float, float] = (0.75, 0.15, 0.05, 0.05)
    clean: float = 0.3  # left as it is then: the network must not change clean pictures
    noise: float = 0.15  # of the others: Gaussian noise of up to `noise_max` levels
    noise_max: float = 3.0
    # JPEG quality: the smallest, the most frequent and the largest value of a triangular distribution.
    quality: tuple[int, int, int] = (30, 80, 98)
    full_colour: float = 1 / 3  # of the JPEGs: 4:4:4, the others 4:2:0
    twice_every: int = 7  # every 7th JPEG was a JPEG before, with its blocks elsewhere


def edge_of_original(edge: int) -> int:
    """Px of sharp picture for a small one of `edge` px: JPEG's blocks shift, and filters need a margin."""
    return SCALE * (edge + JPEG_BLOCK) + 2 * REDUCTION_MARGIN


def whole_levels(levels: Tensor) -> Tensor:
    """Round, halves up, and clip."""
    return (levels + 0.5).floor().clamp(0, 255)


class Degrade(nn.Module):
    """From sharp crops of `edge_of_original(edge)` px to small ones. Levels from 0 to 255, whole numbers, as float32.

    Args:
        edge: px of the small pictures, a multiple of 16.
        how: parameters.
    """

    def __init__(self, edge: int, how: Degradation) -> None:
        super().__init__()
        self.edge, self.how = edge, how
        self.jpeg = Jpeg()
        self.register_buffer("bank", reduction_bank(edge_of_original(edge)))
        self.register_buffer("shares", torch.tensor(how.filters).cumsum(0)[:-1])

    def reduce(self, high: Tensor, which: Tensor) -> Tensor:
        """Reduce (n, 3, h, h) to (n, 3, (h - 10) / 2, ...), each by the filter `which` (n,).

        As Pillow does, first across, then down, to whole levels each time.
        """
        matrix = self.bank[which][:, None]
        across = whole_levels(high @ matrix.mT)
        return whole_levels(matrix @ across)

    def compress(self, pixels: Tensor) -> Tensor:
        """JPEGs (n, 3, h, w) of random qualities, h and w multiples of 16."""
        qualities = triangular(len(pixels), self.how.quality, pixels.device)
        return self.jpeg(pixels, qualities, round(len(pixels) * self.how.full_colour))

    def forward(self, high: Tensor) -> tuple[Tensor, Tensor]:
        """Degrade a batch; what happens to a crop depends on its place in it.

        Returns:
            Small pictures (n, 3, edge, edge) and their originals (n, 3, 2 edge, 2 edge).
        """
        n, device = len(high), high.device
        low = self.reduce(high, torch.bucketize(torch.rand(n, device=device), self.shares))
        clean = round(n * self.how.clean)
        noisy = (torch.rand(n - clean, device=device) < self.how.noise).float()
        strength = (noisy * torch.rand(n - clean, device=device) * self.how.noise_max).view(-1, 1, 1, 1)
        jpegs = (low[clean:] + torch.randn_like(low[clean:]) * strength).clamp(0, 255).round()
        jpegs = self.compress(jpegs)
        # The second compression has its blocks elsewhere: all are cropped, by chance, and some are compressed again.
        rows, columns = (
            torch.randint(JPEG_BLOCK, (1,), device=device) + torch.arange(self.edge, device=device) for _ in range(2)
        )
        jpegs = jpegs[:, :, rows[:, None], columns]
        again = jpegs[:: self.how.twice_every].flip(0)  # so that 4:2:0 becomes 4:4:4 and the other way round
        again = self.compress(again).flip(0)
        jpegs = torch.index_copy(jpegs, 0, torch.arange(0, n - clean, self.how.twice_every, device=device), again)
        low = torch.cat([low[:clean][:, :, rows[:, None], columns], jpegs])
        fine = torch.arange(SCALE * self.edge, device=device)
        rows, columns = (SCALE * each[:1] + REDUCTION_MARGIN + fine for each in (rows, columns))
        return low, high[:, :, rows[:, None], columns]


def triangular(n: int, ends: tuple[float, float, float], device: torch.device) -> Tensor:
    """(n,) whole numbers of a triangular distribution: its smallest, its most frequent and its largest value."""
    least, usual, most = ends
    chance = torch.rand(n, device=device)
    rising = least + (chance * ((most - least) * (usual - least))).sqrt()
    falling = most - ((1 - chance) * ((most - least) * (most - usual))).sqrt()
    return torch.where(chance < (usual - least) / (most - least), rising, falling).round()
