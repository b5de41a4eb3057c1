"""Muon for the kernels inside a network, Adam for the rest, and the moving average of all weights.

All state, the learning rate included, lies in tensors on the device, as a CUDA graph demands.
"""

import math
from collections import defaultdict

import torch
from torch import Tensor

from training.weight_files import Network

MOMENTUM = 0.95
# Muon's steps have this root mean square for each element (Moonlight, arXiv:2502.16982), about that of Adam's steps: so
# that both take the same learning rate.
STEP_SIZE = 0.2
BETA_1, BETA_2 = 0.9, 0.99  # of Adam; the usual 0.999 averages over too many small, noisy batches


class Adam:
    """Adam (arXiv:1412.6980)."""

    def __init__(self, parameters: list[Tensor]) -> None:
        self.parameters = parameters
        self.mean, self.square = ([torch.zeros_like(each) for each in parameters] for _ in range(2))
        self.count = torch.zeros((), device=parameters[0].device)

    @torch.no_grad()
    def step(self, rate: Tensor) -> None:
        """Move the parameters by their gradients."""
        self.count += 1
        gradients = [each.grad for each in self.parameters]
        torch._foreach_lerp_(self.mean, gradients, 1 - BETA_1)
        torch._foreach_lerp_(self.square, torch._foreach_mul(gradients, gradients), 1 - BETA_2)
        corrected = torch._foreach_div(self.square, 1 - BETA_2**self.count)
        roots = torch._foreach_add(torch._foreach_sqrt(corrected), 1e-8)
        moves = torch._foreach_div(torch._foreach_div(self.mean, 1 - BETA_1**self.count), roots)
        torch._foreach_mul_(moves, -rate)
        torch._foreach_add_(self.parameters, moves)


class Muon:
    """Muon (Jordan et al. 2024): a kernel (out, in, h, w) counts as a matrix (out, in * h * w)."""

    def __init__(self, kernels: list[Tensor]) -> None:
        self.kernels = kernels
        self.velocity = [torch.zeros_like(each) for each in kernels]
        self._alike = defaultdict[torch.Size, list[int]](list)  # places of kernels of one shape, which move together
        for place, each in enumerate(kernels):
            self._alike[each.shape].append(place)

    @torch.no_grad()
    def step(self, rate: Tensor) -> None:
        """Move the kernels by their gradients."""
        gradients = [each.grad for each in self.kernels]
        torch._foreach_mul_(self.velocity, MOMENTUM)
        torch._foreach_add_(self.velocity, gradients)
        ahead = torch._foreach_add(gradients, self.velocity, alpha=MOMENTUM)  # Nesterov's momentum
        for places in self._alike.values():
            together = torch.stack([ahead[place] for place in places])
            matrices = together.flatten(2)
            size = STEP_SIZE * math.sqrt(max(matrices.shape[1:]))
            moves = (orthogonal(matrices) * (-size * rate)).reshape(together.shape)
            torch._foreach_add_([self.kernels[place] for place in places], list(moves))


class Optimiser:
    """Moves a network's parameters, and their moving average after them.

    `rate` and `decay` (of the average) are tensors, so that a CUDA graph reads them anew in each step.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        parameters = list(network.parameters())
        device = parameters[0].device
        self.rate, self.decay = (torch.zeros((), device=device) for _ in range(2))
        kernels = network.hidden_kernels()
        self.muon = Muon(kernels)
        self.adam = Adam([each for each in parameters if not any(each is kernel for kernel in kernels)])
        self.average = [each.detach().clone() for each in parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Move all parameters by their gradients, and the average after them."""
        self.muon.step(self.rate)
        self.adam.step(self.rate)
        differences = torch._foreach_sub([each.detach() for each in self.network.parameters()], self.average)
        torch._foreach_mul_(differences, 1 - self.decay)
        torch._foreach_add_(self.average, differences)

    def state(self) -> dict[str, list[Tensor]]:
        """The tensors a resumed training needs: views that may be written to, the parameters among them."""
        return {
            "parameters": [each.data for each in self.network.parameters()],
            "average": self.average,
            **self.moments(),
        }

    def moments(self) -> dict[str, list[Tensor]]:
        """What the optimiser remembers of earlier gradients; all zero at the start."""
        adam = self.adam
        return {"velocity": self.muon.velocity, "mean": adam.mean, "square": adam.square, "count": [adam.count]}


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """Each of (n, rows, columns) to about its nearest orthogonal matrix.

    Newton-Schulz iterations with the coefficients of Muon: singular values end near 1, not at 1.
    """
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonal(matrices.mT, steps).mT
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x
