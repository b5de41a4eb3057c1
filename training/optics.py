"""Blur and resizing of whole batches, each picture by a filter of its own, on the device."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from training.reduction import bicubic, bilinear, lanczos

KERNEL = 15  # px: edge of a blur's kernel


def blur_kernels(n: int, sigmas: tuple[float, float], device: torch.device) -> Tensor:
    """Random kernels: Gaussians; every second is stretched and turned; every fourth is a disc, as of a lens.

    Args:
        n: how many.
        sigmas: standard deviation in px, from and to. A disc has the radius that gives it this deviation.
        device: to make them on.

    Returns:
        (n, KERNEL, KERNEL), each with the sum 1.
    """
    least, most = (math.log(each) for each in sigmas)
    number = torch.arange(n, device=device).view(-1, 1, 1)
    long = (least + (most - least) * torch.rand(n, 1, 1, device=device)).exp()
    short = torch.where(number % 2 == 1, long * (0.3 + 0.7 * torch.rand(n, 1, 1, device=device)), long)
    turn = math.pi * torch.rand(n, 1, 1, device=device)
    place = torch.arange(KERNEL, device=device) - KERNEL // 2
    y, x = place[:, None], place[None]
    along, across = (turn.cos() * x + turn.sin() * y) / long, (turn.cos() * y - turn.sin() * x) / short
    # A disc of radius r has the standard deviation r / 2 along each axis; its edge is one pixel wide.
    disc = ((2 - (along**2 + across**2).sqrt()) * long + 0.5).clamp(0, 1)
    kernels = torch.where(number % 4 == 0, disc, (-(along**2 + across**2) / 2).exp())
    return kernels / kernels.sum((1, 2), keepdim=True)


def blur(pixels: Tensor, kernels: Tensor) -> Tensor:
    """Blur each of (n, 3, h, w) by its kernel of (n, KERNEL, KERNEL); beyond the border lie the outermost pixels."""
    n, colours, height, width = pixels.shape
    margin = KERNEL // 2
    padded = functional.pad(pixels, (margin,) * 4, "replicate")
    padded = padded.reshape(1, n * colours, height + 2 * margin, width + 2 * margin)
    weights = kernels.repeat_interleave(colours, 0)[:, None]
    return functional.conv2d(padded, weights, groups=n * colours).view(pixels.shape)


def resampling(places: Tensor, pitch: Tensor, length: int) -> Tensor:
    """Matrices that sample rows of pixels; each with one of Pillow's antialiased filters, by chance.

    Args:
        places: (n, m) where samples lie, in px of the row, 0 in the middle of the first; those outside repeat its end.
        pitch: (n,) distance of the samples in px: filters are as wide as that, and at least one px.
        length: px of a row.

    Returns:
        (n, m, length); the weights of each sample have the sum 1.
    """
    wide = pitch.clamp(min=1).view(-1, 1, 1)
    distance = (torch.arange(length, device=places.device) - places.clamp(0, length - 1)[..., None]).abs()
    x = distance / wide
    # The edge of a box is one pixel wide, so that a small one is linear: the nearest pixel would move the picture.
    box = (0.5 * (wide + 1) - distance).clamp(0, 1)
    filters = (bicubic(x), lanczos(x), box, bilinear(x))
    which = torch.randint(len(filters), (len(places), 1, 1), device=places.device)
    weights = sum(torch.where(which == number, each, 0) for number, each in enumerate(filters))
    return weights / weights.sum(2, keepdim=True)
