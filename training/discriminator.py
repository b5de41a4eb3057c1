"""The losses of a sharpening: by a discriminator, and those that keep the result true to the original."""

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.2  # of the leaky ReLU
WINDOW = 7  # px in which LDL measures the variance of errors
CONTRAST_WINDOW, CONTRAST_STRIDE = 8, 4  # px in which the variance of gradients is compared


class Discriminator(nn.Module):
    """A U-Net that says of each pixel how real it looks (arXiv:1907.02544), with spectral norm (arXiv:1802.05957).

    As in Real-ESRGAN (arXiv:2107.10833), but narrower. The kernels are divided by their norms in `kernels`, once per
    step, and handed to `features` and `forward`: detached ones cost no gradients.
    """

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        c = channels
        # Input channels, output channels, edge of the kernel; those of 4 px halve the picture.
        shapes = [(3, c, 3), (c, 2 * c, 4), (2 * c, 4 * c, 4), (4 * c, 8 * c, 4)]
        shapes += [(8 * c, 4 * c, 3), (4 * c, 2 * c, 3), (2 * c, c, 3), (c, c, 3), (c, 1, 3)]
        self.weights = nn.ParameterList(torch.empty(out, into, edge, edge) for into, out, edge in shapes)
        self.biases = nn.ParameterList(torch.zeros(out) for _, out, _ in shapes)
        for number, each in enumerate(self.weights):
            nn.init.kaiming_normal_(each, SLOPE)
            self.register_buffer(f"left{number}", functional.normalize(torch.randn(len(each)), dim=0))

    def kernels(self) -> list[Tensor]:
        """The weights, those between the first and the last divided by their largest singular value, and the biases."""
        weights = list(self.weights)
        for number in range(1, len(weights) - 1):
            matrix, left = weights[number].flatten(1), self.get_buffer(f"left{number}")
            with torch.no_grad():  # one step of the power iteration
                right = functional.normalize(left @ matrix, dim=0)
                left.copy_(functional.normalize(matrix @ right, dim=0))
            weights[number] = weights[number] / (left.clone() @ matrix @ right)
        return [*weights, *self.biases]

    @staticmethod
    def features(pixels: Tensor, kernels: list[Tensor]) -> list[Tensor]:
        """(n, 3, h, w), h and w multiples of 8, to features of whole, half, quarter and eighth size."""
        found, biases = [pixels * 2 - 1], kernels[len(kernels) // 2 :]
        for number in range(4):
            step = 1 if number == 0 else 2
            convolved = functional.conv2d(found[-1], kernels[number], biases[number], step, 1)
            found.append(functional.leaky_relu(convolved, SLOPE))
        return found[1:]

    @classmethod
    def judge(cls, pixels: Tensor, kernels: list[Tensor]) -> Tensor:
        """(n, 3, h, w) to logits (n, 1, h, w): high where the picture looks real."""
        *skips, x = cls.features(pixels, kernels)
        biases = kernels[len(kernels) // 2 :]
        for number, skip in enumerate(reversed(skips), start=4):
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = functional.leaky_relu(functional.conv2d(x, kernels[number], biases[number], 1, 1), SLOPE) + skip
        x = functional.leaky_relu(functional.conv2d(x, kernels[7], biases[7], 1, 1), SLOPE)
        return functional.conv2d(x, kernels[8], biases[8], 1, 1)


def discriminator_loss(fake: Tensor, real: Tensor, kernels: list[Tensor]) -> Tensor:
    """Relativistic, in pairs (arXiv:1807.00734): the original has to look more real than the result, at each pixel."""
    with torch.autocast(fake.device.type, torch.bfloat16, enabled=fake.is_cuda):
        fake_logits, real_logits = Discriminator.judge(fake, kernels), Discriminator.judge(real, kernels)
    return functional.softplus(fake_logits.float() - real_logits.float()).mean()


def adversarial_loss(fake: Tensor, real: Tensor, kernels: list[Tensor]) -> Tensor:
    """The opposite: the result has to look more real than the original."""
    return discriminator_loss(real, fake, kernels)


def feature_loss(fake: Tensor, real: Tensor, kernels: list[Tensor]) -> Tensor:
    """Mean difference of the discriminator's features (arXiv:1711.11585), each level relative to its mean size."""
    with torch.autocast(fake.device.type, torch.bfloat16, enabled=fake.is_cuda):
        of_fake, of_real = Discriminator.features(fake, kernels), Discriminator.features(real, kernels)
    levels = zip(of_fake, of_real, strict=True)
    return sum((a.float() - b.float()).abs().mean() / b.float().abs().mean() for a, b in levels) / len(of_real)


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
