"""Degradation for restoring: soft, noisy pictures that were resized, and compressed more than once.

The order is that of Real-ESRGAN (arXiv:2107.10833, section 3): blur, resizing, noise, compression; and that again. A
share of each batch stays as mild as in the plain training, so that clean pictures lose little. The small picture lies
exactly where a reduction by 2 puts it, whatever happened on the way: nothing teaches a network to move pictures.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.degradation import Degradation, Degrade, edge_of_original, triangular
from training.files import SCALE
from training.jpeg import JPEG_BLOCK
from training.noise import chroma_noise, sensor_noise
from training.optics import blur, blur_kernels, resampling
from training.reduction import REDUCTION_MARGIN
from training.webp import WebpLike

WEBP_STEPS = (8.0, 48.0)  # levels


@dataclass(frozen=True)
class Stage:
    """One round of blur, noise and compression. Shares are of the pictures."""

    blurred: float  # share
    blur: tuple[float, float]  # standard deviation in px of the picture that is blurred, from and to
    noisy: float  # share
    noise: float  # levels: the largest standard deviation in black
    blotched: float  # share with chroma noise
    blotches: float  # levels: its largest standard deviation
    jpeg: float  # share
    webp: float  # share
    quality: tuple[int, int, int]  # of the JPEGs: the smallest, the most frequent and the largest


@dataclass(frozen=True)
class Restoration:
    """What happens to a batch. Blur is in px of the original in the first stage, in small px in the second."""

    mild: float = 0.3  # share that is degraded as in the plain training
    chained: float = 0.6  # share of these others that is resized between the stages
    pitch: tuple[float, float] = (1.25, 3.6)  # px of the original: of a picture between the stages, from and to
    first: Stage = Stage(0.75, (0.3, 2.4), 0.5, 9.0, 0.4, 7.0, 0.7, 0.15, (30, 80, 96))
    second: Stage = Stage(0.25, (0.2, 1.0), 0.25, 4.0, 0.2, 5.0, 0.75, 0.12, (25, 75, 96))


class Worsen(nn.Module):
    """As `Degrade`, but most pictures become as bad as `how` says."""

    def __init__(self, edge: int, how: Restoration) -> None:
        super().__init__()
        self.edge, self.how = edge, how
        self.mildly = Degrade(edge, Degradation())
        self.jpeg = self.mildly.jpeg
        self.webp = WebpLike(self.jpeg.to_ycc, self.jpeg.to_rgb)
        # Pictures between the stages have as many pixels at any pitch: enough for the finest, the others see further.
        self.between = JPEG_BLOCK * math.ceil(edge_of_original(edge) / how.pitch[0] / JPEG_BLOCK)

    def forward(self, high: Tensor) -> tuple[Tensor, Tensor]:
        """As `Degrade.forward`."""
        mild = round(len(high) * self.how.mild)
        low, originals = self.mildly(high[:mild])
        small, margin = JPEG_BLOCK // 2, REDUCTION_MARGIN + SCALE * JPEG_BLOCK // 2
        worse = self.worse(high[mild:])[..., small : small + self.edge, small : small + self.edge]
        sharp = high[mild:, :, margin : margin + SCALE * self.edge, margin : margin + SCALE * self.edge]
        return torch.cat([low, worse]), torch.cat([originals, sharp])

    def worse(self, high: Tensor) -> Tensor:
        """(n, 3, h, h) to (n, 3, (h - 10) / 2, ...)."""
        n, device = len(high), high.device
        chained = torch.rand(n, device=device) < self.how.chained
        pitch = torch.where(chained, _between(self.how.pitch, n, device), SCALE)
        # Where the pixels lie, in px of the original: the small ones, and those between the stages, whose blocks begin
        # anywhere. Without a second resizing these are the small ones, some px away.
        small = REDUCTION_MARGIN + 0.5 + SCALE * torch.arange(self.edge + JPEG_BLOCK, device=device)
        middle = small[len(small) // 2]
        shift = torch.rand(2, n, device=device) * JPEG_BLOCK
        shift = torch.where(chained, shift, shift.floor())
        first = middle - (shift + (self.between - JPEG_BLOCK) // 2) * pitch
        count = torch.arange(self.between, device=device)
        places = [each[:, None] + pitch[:, None] * count for each in first]
        pixels = _resampled(self._blurred(high, self.how.first), places, pitch)
        pixels = self._stage(pixels, self.how.first)

        # Filters leave pixels as they are that lie where samples do: without a second resizing, this is a crop.
        places = [(small - each[:, None]) / pitch[:, None] for each in first]
        pixels = _resampled(pixels, places, SCALE / pitch)
        return self._stage(self._blurred(pixels, self.how.second), self.how.second)

    @staticmethod
    def _blurred(pixels: Tensor, stage: Stage) -> Tensor:
        chosen = torch.rand(len(pixels), 1, 1, 1, device=pixels.device) < stage.blurred
        return torch.where(chosen, blur(pixels, blur_kernels(len(pixels), stage.blur, pixels.device)), pixels)

    def _stage(self, pixels: Tensor, stage: Stage) -> Tensor:
        """Noise, then compression; JPEGs and WebPs are drawn by lot."""
        pixels = sensor_noise(pixels, _strengths(pixels, stage.noisy, stage.noise))
        pixels = chroma_noise(pixels, _strengths(pixels, stage.blotched, stage.blotches), self.jpeg.to_rgb)
        pixels = pixels.clamp(0, 255).round()
        n, device = len(pixels), pixels.device
        order = torch.rand(n, device=device).argsort()
        jpegs, webps, others = pixels[order].split(_shares(n, stage.jpeg, stage.webp))
        qualities = triangular(len(jpegs), stage.quality, device)
        jpegs = self.jpeg(jpegs, qualities, round(len(jpegs) * self.mildly.how.full_colour))
        webps = self.webp(webps, _between(WEBP_STEPS, len(webps), device))
        return torch.cat([jpegs, webps, others])[order.argsort()]


def _resampled(pixels: Tensor, places: list[Tensor], pitch: Tensor) -> Tensor:
    rows, columns = (resampling(each, pitch, pixels.shape[-1])[:, None] for each in places)
    return (rows @ pixels @ columns.mT).clamp(0, 255).round()


def _between(ends: tuple[float, float], n: int, device: torch.device) -> Tensor:
    """(n,) numbers, their logarithms evenly distributed."""
    least, most = (math.log(each) for each in ends)
    return (least + (most - least) * torch.rand(n, device=device)).exp()


def _strengths(pixels: Tensor, share: float, most: float) -> Tensor:
    """(n, 1, 1, 1): up to `most` for a share of the pictures, 0 for the others."""
    chance, strength = torch.rand(2, len(pixels), 1, 1, 1, device=pixels.device)
    return torch.where(chance < share, most * strength, 0)


def _shares(n: int, jpeg: float, webp: float) -> list[int]:
    jpegs, webps = round(n * jpeg), round(n * webp)
    return [jpegs, webps, n - jpegs - webps]
