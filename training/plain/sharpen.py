"""Sharpen a trained plain x2 network: crisper edges and textures than the mean of all that is likely.

    python -m training.plain.sharpen --start best.npz --layers 16 --channels 64 --photographs FOLDER --output OUT \\
        --patch 64 --batch 32 --rate 2e-4 --minutes 3.3 --adversarial 0.7 1.4 --device cuda --compile

A small discriminator learns to tell the originals from the results, pixel by pixel, and the network learns to mislead
it (SRGAN, arXiv:1609.04802). Three other terms keep it true: the absolute error, larger where artefacts are likely; the
result, reduced again, must be the original, reduced; and local contrast must be that of the original, not more.
The network is only fine-tuned, so that weights between the old and the new ones give results in between (ESRGAN,
arXiv:1809.00219). Each value of `--adversarial` gets its share of the time, one after the other; OUT/1, OUT/2 and so on
hold the results.
"""

import argparse
import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.plain.train import (
    SCALE,
    Adam,
    Batches,
    Diverged,
    PlainNetwork,
    Schedule,
    Training,
    begin,
    finish,
    parser_of,
    prepare,
    read_options,
    reduction_bank,
    train,
)

WINDOW = 7  # px in which LDL measures the variance of errors
CONTRAST_WINDOW, CONTRAST_STRIDE = 8, 4  # px in which the variance of gradients is compared
SLOPE = 0.2  # of the discriminator's leaky ReLU
NOISE = 2 / 255  # added to what the discriminator sees: otherwise it would judge by the originals' whole levels


# ---------------------------------------------------------------------------------------------------- discriminator


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


# ------------------------------------------------------------------------------------------------------ true to life


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


# ---------------------------------------------------------------------------------------------------------- training


class Sharpening(Training):
    """The training of network and discriminator; a step updates both.

    `weights` are those of the gradients' norms, each relative to that of the mean absolute error (as in VQGAN,
    arXiv:2012.09841, with a running mean of the norms): they mean the same however the discriminator scales its logits.
    """

    TRUE = (1.0, 0.5, 1.0, 0.5)  # weights of the `true_terms`
    FEATURES = 0.3

    def __init__(self, network: PlainNetwork, batches: Batches, chosen: argparse.Namespace) -> None:
        super().__init__(network, batches, chosen.average, chosen.compile)
        self._rates, self._judge_rate = (chosen.rate, chosen.judge_rate), torch.zeros((), device=self._device)
        self._judge = Discriminator().to(self._device, memory_format=torch.channels_last)
        self._adam = Adam(list(self._judge.parameters()))
        self._averaged = copy.deepcopy(network).requires_grad_(False)
        for each, kept in zip(self._averaged.parameters(), self.optimizer.average, strict=True):
            each.data = kept
        edge = SCALE * batches.patch
        self._reduction = reduction_bank(edge)[0].to(self._device)
        self._unit = (batches.batch * 3 * edge**2) ** -0.5  # norm of the gradient of a mean absolute error
        self._weights, self._norms = (torch.zeros(2, device=self._device) for _ in range(2))
        self._sums = torch.zeros(9, device=self._device)
        compiled = torch.compile if chosen.compile else lambda function: function
        self._enlarge, self._follow = compiled(self._enlarge_with), compiled(self._enlarge_with)
        self._adversarial, self._features = compiled(adversarial_loss), compiled(feature_loss)
        self._true, self._judge_loss = compiled(true_terms), compiled(discriminator_loss)

    def restart(self, adversarial: float) -> None:
        """Begin a schedule anew, with another weight of the adversarial term."""
        self._weights.copy_(torch.tensor([adversarial, self.FEATURES]))
        self.steps, self.seconds = 0, 0.0

    def step(self, rate: float) -> None:
        """Make one step; the discriminator's rate rises faster than the network's, and falls with it at the end."""
        full, judge = self._rates
        self._judge_rate.fill_(judge * min(1, 3 * rate / full))
        super().step(rate)

    def report(self, steps: int) -> str:
        """See `Training.report`: the terms in levels, then losses, norms and the mean advantage of the originals."""
        *true, fooled, features, judged, norm, other = (self._sums / steps).tolist()
        self._sums.zero_()
        if not math.isfinite(sum(true) + fooled + judged):
            raise Diverged
        levels = " ".join(f"{255 * each:.3f}" for each in true)
        return (
            f"error, artefacts, drift, contrast {levels}; adversarial {fooled:.3f}, features {features:.3f},"
            f" discriminator {judged:.3f}, norms {norm:.2f} {other:.2f}"
        )

    def _enlarge_with(self, network: nn.Module, low: Tensor) -> Tensor:
        with torch.autocast(low.device.type, torch.bfloat16, enabled=low.is_cuda):
            return network(low).float()

    def _step(self) -> None:
        low, real = self._draw()
        output = self._enlarge(self.network, low)
        fake = output.detach().clone().requires_grad_()
        with torch.no_grad():
            average = self._follow(self._averaged, low)
        kernels = self._judge.kernels()
        seen, original = (each.detach() + NOISE * torch.randn_like(each) for each in (fake, real))
        judged = self._judge_loss(seen, original, kernels)
        judged.backward()
        frozen = [each.detach() for each in kernels]

        true = self._true(fake, real, average, self._reduction)
        weighted = sum(weight * term for weight, term in zip(self.TRUE, true, strict=True))
        (direction,) = torch.autograd.grad(weighted, fake)
        seen.requires_grad_()
        fooling = [self._adversarial(seen, original, frozen), self._features(fake, real, frozen)]
        for number, (loss, pixels) in enumerate(zip(fooling, (seen, fake), strict=True)):
            (gradient,) = torch.autograd.grad(loss, pixels)
            norm = gradient.norm() / self._unit
            self._norms[number].lerp_(norm, 1 / (self._adam.count + 1).clamp(max=100))
            direction = direction + gradient * (self._weights[number] / (self._norms[number] + 1e-6))
        output.backward(direction)

        self._adam.step(self._judge_rate)
        self.optimizer.step()
        self._sums += torch.stack([*true, *fooling, judged, *self._norms]).detach()
        for each in (*self.network.parameters(), *self._judge.parameters()):
            each.grad = None

    def _zero_at_start(self) -> list[Tensor]:
        adam = self._adam
        return [*super()._zero_at_start(), self._sums, self._norms, *adam.mean, *adam.square, adam.count]


def main() -> None:
    """Load, train with each weight, measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--adversarial", type=float, nargs="+", default=[0.5], help="one or more weights")
    parser.add_argument("--judge-rate", type=float, default=2e-4, help="the discriminator's (default: 2e-4)")
    chosen = read_options(parser)
    training = Sharpening(*prepare(chosen), chosen)
    minutes = begin(training, chosen)
    weights: Sequence[float] = chosen.adversarial
    for number, weight in enumerate(weights, start=1):
        training.restart(weight)
        schedule = Schedule(chosen.steps // len(weights), minutes and minutes / len(weights), chosen.rate, chosen.warm)
        folder = chosen.output / str(number)
        folder.mkdir(exist_ok=True)
        train(training, schedule, folder, chosen.every)
    finish(training, chosen)


if __name__ == "__main__":
    main()
