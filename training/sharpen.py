"""Sharpen a trained plain x2 network: crisper edges and textures than the mean of all that is likely.

    python -m training.sharpen --photographs FOLDER --output OUT --start training/weights/best.npz --device cuda \\
        --compile --patch 64 --batch 32 --rate 2e-4 --warm 500 --minutes 3.3 --adversarial 0.7 1.4

A small discriminator learns to tell the originals from the results, pixel by pixel, and the network learns to mislead
it (SRGAN, arXiv:1609.04802). Three other terms keep it true: the absolute error, larger where artefacts are likely; the
result, reduced again, must be the original, reduced; and local contrast must be that of the original, not more.
The network is only fine-tuned, so that weights between the old and the new ones give results in between (ESRGAN,
arXiv:1809.00219). The values of `--adversarial` get equal shares of the time, one after the other, each going on from
the weights of the one before; OUT/1, OUT/2 and so on hold the results. A sharpening can't be resumed.
"""

import argparse
import copy
import sys
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from training.crops import Batches
from training.discriminator import (
    Discriminator,
    adversarial_loss,
    discriminator_loss,
    feature_loss,
    true_terms,
)
from training.errors import TrainingError, exit_status
from training.files import SCALE, check_folder
from training.network import PlainNetwork
from training.optimiser import Adam
from training.options import check, check_positive, in_bf16, network_of, parser_of, pictures_of, prepare_device
from training.reduction import reduction_bank
from training.running import Schedule, run
from training.scores import evaluate, network_enlarger
from training.stepping import Training, checked
from training.weight_files import Network

NOISE = 2 / 255  # added to what the discriminator sees: otherwise it would judge by the originals' whole levels


class Sharpening(Training):
    """The training of network and discriminator; a step updates both.

    `weights` are those of the gradients' norms, each relative to that of the mean absolute error (as in VQGAN,
    arXiv:2012.09841, with a running mean of the norms): they mean the same however the discriminator scales its logits.
    """

    TRUE = (1.0, 0.5, 1.0, 0.5)  # weights of the `true_terms`
    FEATURES = 0.3

    def __init__(self, network: Network, batches: Batches, options: argparse.Namespace) -> None:
        super().__init__(network, [batches], options.average, options.compile, in_bf16(options))
        self._rates, self._judge_rate = (options.rate, options.judge_rate), torch.zeros((), device=self.device)
        self._judge = Discriminator().to(self.device, memory_format=torch.channels_last)
        self._adam = Adam(list(self._judge.parameters()))
        self._averaged = copy.deepcopy(network).requires_grad_(False)
        for each, kept in zip(self._averaged.parameters(), self.optimiser.average, strict=True):
            each.data = kept
        edge = SCALE * batches.patch
        self._reduction = reduction_bank(edge)[0].to(self.device)
        self._unit = (batches.batch * 3 * edge**2) ** -0.5  # norm of the gradient of a mean absolute error
        self._weights, self._norms = (torch.zeros(2, device=self.device) for _ in range(2))
        self._sums = torch.zeros(9, device=self.device)
        self._sharpened, self._follow = self.compiled(self._enlarge), self.compiled(self._enlarge)
        self._adversarial, self._features = self.compiled(adversarial_loss), self.compiled(feature_loss)
        self._true, self._judge_loss = self.compiled(true_terms), self.compiled(discriminator_loss)

    def restart(self, adversarial: float) -> None:
        """Begin a schedule anew, with another weight of the adversarial term."""
        self._weights.copy_(torch.tensor([adversarial, self.FEATURES]))
        self.steps, self.seconds = 0, 0.0

    def step(self, rate: float, phase: int = 0) -> None:
        """Make one step; the discriminator's rate rises faster than the network's, and falls with it at the end."""
        full, judge = self._rates
        self._judge_rate.fill_(judge * min(1, 3 * rate / full))
        super().step(rate, phase)

    def report(self, steps: int) -> str:
        """See `Training.report`: the terms in levels, then losses, norms and the mean advantage of the originals."""
        *true, fooled, features, judged, norm, other = (self._sums / steps).tolist()
        self._sums.zero_()
        checked(sum(true) + fooled + judged)
        levels = " ".join(f"{255 * each:.3f}" for each in true)
        return (
            f"error, artefacts, drift, contrast {levels}; adversarial {fooled:.3f}, features {features:.3f},"
            f" discriminator {judged:.3f}, norms {norm:.2f} {other:.2f}"
        )

    def _step(self, draw: Callable[[], tuple[Tensor, Tensor]]) -> None:
        low, real = draw()
        output = self._sharpened(self.network, low)
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
        self.optimiser.step()
        self._sums += torch.stack([*true, *fooling, judged, *self._norms]).detach()
        for each in (*self.network.parameters(), *self._judge.parameters()):
            each.grad = None

    def _zero_at_start(self) -> list[Tensor]:
        adam = self._adam
        return [*super()._zero_at_start(), self._sums, self._norms, *adam.mean, *adam.square, adam.count]


def sharpen(options: argparse.Namespace) -> bool:
    """Load, train with each weight, and print the scores at the start and of each result. Returns True.

    Raises:
        TrainingError: an option or a file can't be used, or the training diverged.
        OSError: a folder can't be created.
    """
    if options.start is None:
        raise TrainingError("say which network to sharpen: --start FILE")
    if not all(0 <= weight < float("inf") for weight in options.adversarial):
        raise TrainingError(f"--adversarial {' '.join(map(str, options.adversarial))}: each has to be 0 or more")
    check_positive(options, "judge_rate")
    check(options)
    prepare_device(options)
    network = network_of(options)
    if not isinstance(network, PlainNetwork):
        raise TrainingError(f"--start {options.start}: only plain networks can be sharpened")
    results = [options.output / str(number) for number in range(1, len(options.adversarial) + 1)]
    for result in results:
        result.mkdir(exist_ok=True)
        check_folder(result)
    batches = Batches(*pictures_of(options, options.patch), options.batch, options.patch, options.drawn)
    network = network.to(options.device, memory_format=torch.channels_last)
    for folder in options.evaluate:
        print(f"start {folder.name}: {evaluate(network_enlarger(network), folder)}", flush=True)
    training = Sharpening(network, batches.to(options.device), options)
    training.warm_up()
    share = 1 / len(options.adversarial)
    minutes, steps = options.minutes and options.minutes * share, options.steps and max(1, int(options.steps * share))
    for weight, result in zip(options.adversarial, results, strict=True):
        training.restart(weight)
        run(training, Schedule(minutes, steps, options.rate, options.warm), [options.batch], result)
        for folder in options.evaluate:
            scores = evaluate(network_enlarger(training.averaged()), folder)
            print(f"adversarial {weight} {folder.name}: {scores}", flush=True)
    return True


def main(arguments: Sequence[str]) -> int:
    """Read the command line, sharpen and return the exit status; an error prints one line."""
    parser = parser_of(__doc__)
    parser.add_argument("--adversarial", type=float, nargs="+", default=[0.5], help="one or more weights")
    parser.add_argument("--judge-rate", type=float, default=2e-4, help="the discriminator's (default: 2e-4)")
    options = parser.parse_args(arguments)
    return exit_status("sharpening", lambda: sharpen(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
