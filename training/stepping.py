"""Steps of a training and their loss, on its device; on CUDA each is the replay of one recorded graph."""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from training.crops import Batches
from training.errors import TrainingError
from training.optimiser import Optimiser
from training.weight_files import Network

ENOUGH = 50  # dB: beyond this PSNR, improving a patch hardly lowers the loss
CLOSE_AT_FIRST = 10  # steps: of the first ones, the average is about the mean of all


class Training:
    """A network, its batches and its optimiser.

    Args:
        network: on its device.
        batches: for each phase of the training; the first is where it begins.
        average: decay of the averaged weights.
        compiled: by `torch.compile`.
        bf16: arithmetic in bfloat16, but for the layers that the network keeps in float32.
        teacher: a network that is trained already, on the same device; None without one.
        taught: share of the loss that is the distance from the teacher's output, in place of the original.
    """

    def __init__(
        self,
        network: Network,
        batches: Sequence[Batches],
        average: float,
        compiled: bool,
        bf16: bool,
        teacher: Network | None = None,
        taught: float = 0.0,
    ) -> None:
        self.network = network
        self.optimiser = Optimiser(network)
        self.steps, self.seconds = 0, 0.0
        self.device = self.optimiser.rate.device
        self._compiled, self._bf16, self._average = compiled, bf16, average
        self._teacher, self._taught = teacher, taught
        self._loss_sum = torch.zeros((), device=self.device)
        self._draws = [self.compiled(each.forward) for each in batches]
        self._loss = self.compiled(self._loss_of)
        self._runs: list[Callable[[], None]] = [partial(self._step, draw) for draw in self._draws]

    def compiled(self, function: Any) -> Any:
        """Compile a function for each shape of its tensors, if this training is compiled."""
        return torch.compile(function, dynamic=False) if self._compiled else function

    def step(self, rate: float, phase: int = 0) -> None:
        """Make one step with this learning rate."""
        self.optimiser.rate.fill_(rate)
        self.optimiser.decay.fill_(min(self._average, self.steps / (self.steps + CLOSE_AT_FIRST)))
        self._runs[phase]()
        self.steps += 1

    def wait(self) -> None:
        """Wait until the device has made all steps."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def report(self, steps: int) -> str:
        """The loss of the `steps` since the last call, in words; waits for the device.

        Raises:
            TrainingError: the loss is not a number any more.
        """
        levels = levels_of(float(self._loss_sum) / steps)
        self._loss_sum.zero_()
        return f"{checked(levels):.3f} levels"

    def averaged(self) -> Network:
        """A copy of the network, with the averaged weights."""
        network = copy.deepcopy(self.network)
        for each, kept in zip(network.parameters(), self.optimiser.average, strict=True):
            each.data.copy_(kept)
        return network

    def warm_up(self) -> None:
        """Compile, on CUDA record a graph of each phase, and forget the steps that this took; their rate is 0."""
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True
            self._runs = [self._recorded(draw) for draw in self._draws]
            torch.backends.cudnn.benchmark = False  # scores are of pictures of many sizes, once each
            self.wait()
        elif self._compiled:
            for run in self._runs:
                run()
        for each in self._zero_at_start():
            each.zero_()

    def _recorded(self, draw: Callable[[], tuple[Tensor, Tensor]]) -> Callable[[], None]:
        """Record a graph of a step. It has to be made some times before, on another stream."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._step(draw)
        torch.cuda.current_stream().wait_stream(side)
        recorded = torch.cuda.CUDAGraph()
        with torch.cuda.graph(recorded):
            self._step(draw)
        replay: Callable[[], None] = recorded.replay
        return replay

    def _step(self, draw: Callable[[], tuple[Tensor, Tensor]]) -> None:
        loss = self._loss(*draw())
        loss.backward()
        self.optimiser.step()
        self._loss_sum.add_(loss.detach())
        for each in self.network.parameters():
            each.grad = None

    def _loss_of(self, low: Tensor, high: Tensor) -> Tensor:
        output = self._enlarge(self.network, low)
        loss = psnr_loss(output, high)
        if self._teacher is None:
            return loss
        with torch.no_grad():
            lesson = self._enlarge(self._teacher, low)
        return (1 - self._taught) * loss + self._taught * psnr_loss(output, lesson)

    def _enlarge(self, network: Network, low: Tensor) -> Tensor:
        with torch.autocast(low.device.type, torch.bfloat16, enabled=self._bf16):
            return network(low).float()

    def _zero_at_start(self) -> list[Tensor]:
        return [self._loss_sum, *(tensor for kept in self.optimiser.moments().values() for tensor in kept)]


def checked(loss: float) -> float:
    """Return a loss.

    Raises:
        TrainingError: it is not a number.
    """
    if not 0 <= abs(loss) < float("inf"):
        raise TrainingError("the loss is not a number any more: the training has diverged; try a lower --rate")
    return loss


def psnr_loss(output: Tensor, target: Tensor) -> Tensor:
    """The negative PSNR of each patch in units of 100 dB (NAFNet, arXiv:2204.04676), half of it that of the luma; mean.

    Relative errors count: 1 % more error costs the same on a smooth patch as on a texture. With L1, textures, which
    can't be restored well anyway, would dominate. models/noise-cancel-lite/card.md compares losses.

    Args:
        output: (n, 3, h, w), nominally in [0, 1].
        target: likewise.
    """
    error = output - target
    luma = error[:, 0] * 0.299 + error[:, 1] * 0.587 + error[:, 2] * 0.114
    mean_square = 0.5 * error.square().mean((1, 2, 3)) + 0.5 * luma.square().mean((1, 2))
    return (torch.log10(mean_square + 10 ** (-ENOUGH / 10)) / 10).mean()


def levels_of(loss: float) -> float:
    """Convert a mean loss to a root mean square error in levels (of 255)."""
    return float(255 * 10 ** (5 * loss))
