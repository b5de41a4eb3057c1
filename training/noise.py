"""Noise of cameras, on the device: that of the sensor, and the blotches of colour that are left of it."""

import math

import torch
from torch import Tensor
from torch.nn import functional

BLOTCHES = (4, 8)  # px: how coarse chroma noise is
# Standard deviation of normal noise, once it is enlarged with PyTorch's bicubic filter.
ENLARGED = 0.86


def sensor_noise(pixels: Tensor, strength: Tensor) -> Tensor:
    """Add Gaussian noise whose variance grows with the light, as that of photons does.

    The standard deviation is `strength` in black and twice that in white. In every third picture, by chance, all
    colours have the same noise, as after a conversion to grey.

    Args:
        pixels: (n, 3, h, w), levels.
        strength: (n, 1, 1, 1), levels.
    """
    noise = torch.randn_like(pixels)
    grey = torch.rand(len(pixels), 1, 1, 1, device=pixels.device) < 1 / 3
    noise = torch.where(grey, noise[:, :1], noise)
    return pixels + noise * strength * (1 + 3 * pixels.clamp(0, 255) / 255).sqrt()


def chroma_noise(pixels: Tensor, strength: Tensor, to_rgb: Tensor) -> Tensor:
    """Add blotches to Cb and Cr; Y stays as it is.

    Args:
        pixels: (n, 3, h, w), levels.
        strength: (n, 1, 1, 1), standard deviation of Cb and Cr in levels.
        to_rgb: (3, 3), from Y, Cb, Cr.
    """
    n, _, height, width = pixels.shape
    noise = sum(
        functional.interpolate(
            torch.randn(n, 2, math.ceil(height / edge), math.ceil(width / edge), device=pixels.device),
            size=(height, width),
            mode="bicubic",
        )
        for edge in BLOTCHES
    )
    noise = noise * strength / (ENLARGED * math.sqrt(len(BLOTCHES)))
    return pixels + torch.einsum("kc,nchw->nkhw", to_rgb[:, 1:], noise)
