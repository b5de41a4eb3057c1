"""What keeps a sharpening true: differences from the original, where artefacts are likely, reduced, and in contrast."""

import torch
from torch import Tensor
from torch.nn import functional

WINDOW = 7  # px in which LDL measures the variance of errors
CONTRAST_WINDOW, CONTRAST_STRIDE = 8, 4  # px in which the variance of gradients is compared


def artefacts(fake: Tensor, real: Tensor, average: Tensor) -> Tensor:
    """(n, 1, h, w): where errors look like artefacts, by LDL (arXiv:2203.09195); its mean is about 1 or less.

    That is where they vary within a few pixels, in patches with large errors, unless the averaged network errs more.
    """
    error = (fake - real).abs().sum(1, keepdim=True)
    mean, square = (
        functional.avg_pool2d(each, WINDOW, 1, WINDOW // 2, count_include_pad=False) for each in (error, error.square())
    )
    mask = (square - mean.square()).clamp(min=0) * error.var((1, 2, 3), keepdim=True) ** 0.2
    mask = (mask / (mask.mean() + 1e-8)).clamp(max=8)
    return torch.where(error < (average - real).abs().sum(1, keepdim=True), 0, mask)


def contrast(pixels: Tensor) -> Tensor:
    """(n, 3, h, w) to (n, 2, ...): the standard deviation of the luma's gradients in windows (arXiv:2202.00997)."""
    luma = pixels[:, 0] * 0.299 + pixels[:, 1] * 0.587 + pixels[:, 2] * 0.114
    across, down = luma[:, 1:, 1:] - luma[:, 1:, :-1], luma[:, 1:, 1:] - luma[:, :-1, 1:]
    gradients = torch.stack([across, down], 1)
    mean, square = (
        functional.avg_pool2d(each, CONTRAST_WINDOW, CONTRAST_STRIDE) for each in (gradients, gradients.square())
    )
    return ((square - mean.square()).clamp(min=0) + 1e-5).sqrt()


def true_terms(fake: Tensor, real: Tensor, average: Tensor, reduction: Tensor) -> list[Tensor]:
    """Four mean absolute differences: of pixels, of likely artefacts, of reduced pictures, of local contrast."""
    error = (fake - real).abs()
    mask = artefacts(fake.detach(), real, average)
    drift = (reduction @ (fake - real) @ reduction.mT).abs()
    return [error.mean(), (mask * error).mean(), drift.mean(), (contrast(fake) - contrast(real)).abs().mean()]
