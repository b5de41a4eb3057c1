"""Train a plain x2 network for photographs and their JPEGs. Once the photographs are read, one device does everything.

    python -m training.plain.train --photographs FOLDER [FOLDER ...] --output OUT --layers 10 --channels 48 --minutes 60
    python -m training.plain.train ... --device cuda --compile --batch 96    # a GPU: compiled, one CUDA graph per step
    python -m training.plain.train ... --resume OUT/checkpoint.pt              # go on after an interruption

Each step draws a batch of crops, degrades them (reduction, noise, JPEG) and updates the network with Muon. The loss is
minus the PSNR. OUT/weights.npz holds the moving average of the weights, which is what is shipped.
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from evaluation.metrics import luma_psnr
from evaluation.pictures import as_jpeg, read_pairs
from training.photographs import cut, files_below, read_photograph, texture

SCALE = 2
REDUCTION_MARGIN = 5  # px of sharp picture that the widest reduction filter (Lanczos 3) needs on each side
JPEG_BLOCK = 16  # px: blocks of 4:2:0 chroma
DRAWING_EDGE = 224  # px
JITTER = 22  # px by which a crop may lie anywhere in its cell
SYNCHRONISED = 20  # steps after which the clock waits for the device: otherwise it would time the queue, not the work
SECONDS_BETWEEN_CHECKPOINTS = 30
SIZES = (1.0, 0.75, 0.55)  # photographs are used reduced too: those are sharper and have other textures


# ---------------------------------------------------------------------------------------------------------- network


def bicubic(distance: float) -> float:
    """The bicubic kernel with a = -0.5 (Keys 1981), as Pillow has it."""
    x = abs(distance)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def bicubic_skip() -> Tensor:
    """(12, 3, 5, 5): the kernel that, before a pixel shuffle, is a bicubic enlargement x2."""
    kernel = torch.zeros(3 * SCALE**2, 3, 5, 5)
    taps = [torch.tensor([bicubic(tap - (-0.25, 0.25)[part]) for tap in range(-2, 3)]) for part in range(SCALE)]
    for colour in range(3):
        for row in range(SCALE):
            for column in range(SCALE):
                patch = torch.outer(taps[row], taps[column])
                kernel[colour * SCALE**2 + row * SCALE + column, colour] = patch / patch.sum()
    return kernel


class PlainNetwork(nn.Module):
    """3x3 convolutions with ReLU, beside a 5x5 linear skip that starts as bicubic; one pixel shuffle ends both.

    Each body convolution starts as the identity plus a small random part: it learns like a residual network and is a
    plain stack at inference (DiracNets, arXiv:1706.00388). The two convolutions that see the picture pad it with its
    outermost pixels, not with zeros, so that flat colours stay flat at the border.
    """

    def __init__(self, layers: int, channels: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3)
        self.body = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(layers))
        self.tail = nn.Conv2d(channels, 3 * SCALE**2, 3, padding=1)
        self.skip = nn.Conv2d(3, 3 * SCALE**2, 5)
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="relu")
        diagonal = range(channels)
        for each in self.body:
            nn.init.kaiming_normal_(each.weight, nonlinearity="relu")
            each.weight.data.mul_(0.3)
            each.weight.data[diagonal, diagonal, 1, 1] += 1
        for each in (self.head, *self.body, self.tail, self.skip):
            nn.init.zeros_(each.bias)
        nn.init.zeros_(self.tail.weight)
        self.skip.weight.data.copy_(bicubic_skip())

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) to (n, 3, 2h, 2w), RGB from 0 to 1; the output may lie a little outside."""
        padded = functional.pad(pixels, (2, 2, 2, 2), "replicate")
        features = functional.relu(self.head(padded[..., 1:-1, 1:-1]))
        for each in self.body:
            features = functional.relu(each(features))
        detail = self.tail(features)
        with torch.autocast(pixels.device.type, enabled=False):
            return functional.pixel_shuffle(detail.float() + self.skip(padded.float()), SCALE)


# ------------------------------------------------------------------------------------------------------ degradation

# Annex K of the JPEG standard (ITU-T T.81), which libjpeg scales by its quality.
LUMA_TABLE = np.fromstring(
    """
    16 11 10 16  24  40  51  61
    12 12 14 19  26  58  60  55
    14 13 16 24  40  57  69  56
    14 17 22 29  51  87  80  62
    18 22 37 56  68 109 103  77
    24 35 55 64  81 104 113  92
    49 64 78 87 103 121 120 101
    72 92 95 98 112 100 103  99
    """,
    np.float32,
    sep=" ",
)
CHROMA_TABLE = np.full((8, 8), 99, np.float32)
CHROMA_TABLE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]


@dataclass(frozen=True)
class Degradation:
    """What happens to a picture, in this order. Shares are of the batch."""

    # Reduced by one of Pillow's antialiased filters: bicubic, Lanczos, box, bilinear.
    filters: tuple[float, float, float, float] = (0.75, 0.15, 0.05, 0.05)
    clean: float = 0.3  # left as it is then
    noise: float = 0.15  # of the others: Gaussian noise of up to `noise_max` levels
    noise_max: float = 3.0
    # JPEG quality: the smallest, the most frequent and the largest value of a triangular distribution.
    quality: tuple[int, int, int] = (30, 80, 98)
    full_colour: float = 1 / 3  # of the JPEGs: 4:4:4, the others 4:2:0
    twice_every: int = 7  # every 7th JPEG was a JPEG before, with its blocks elsewhere


def reduction_bank(edge: int) -> Tensor:
    """(4, (edge - 2 * REDUCTION_MARGIN) / 2, edge): the four filters as matrices."""

    def sinc(x: float) -> float:
        return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)

    kernels = (
        bicubic,
        lambda x: sinc(x) * sinc(x / 3) if abs(x) < 3 else 0.0,
        lambda x: 1.0 if abs(x) <= 0.5 else 0.0,
        lambda x: max(0.0, 1 - abs(x)),
    )
    count = (edge - 2 * REDUCTION_MARGIN) // SCALE
    bank = torch.zeros(len(kernels), count, edge)
    for number, kernel in enumerate(kernels):
        taps = torch.tensor([kernel((tap - 5.5) / SCALE) for tap in range(12)])
        for row in range(count):
            bank[number, row, SCALE * row : SCALE * row + 12] = taps / taps.sum()
    return bank


class Degrade(nn.Module):
    """From sharp crops to small, compressed ones, on the device. Levels from 0 to 255, whole numbers, as float32."""

    def __init__(self, edge: int, how: Degradation) -> None:
        super().__init__()
        self.how = how
        self.register_buffer("bank", reduction_bank(edge))
        self.register_buffer("shares", torch.tensor(how.filters).cumsum(0)[:-1])
        dct = torch.tensor(
            [
                [math.sqrt((1 if k == 0 else 2) / 8) * math.cos((2 * x + 1) * k * math.pi / 16) for x in range(8)]
                for k in range(8)
            ]
        )
        # The transform of a block of 64 values as one matrix, so that all blocks are one product.
        self.register_buffer("dct", torch.kron(dct, dct))
        self.register_buffer("luma_table", torch.from_numpy(LUMA_TABLE))
        self.register_buffer("chroma_table", torch.from_numpy(CHROMA_TABLE.ravel()))
        self.register_buffer(
            "to_ycc", torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
        )
        self.register_buffer("to_rgb", torch.tensor([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]]))

    def reduce(self, high: Tensor, which: Tensor) -> Tensor:
        """(n, 3, edge, edge) to (n, 3, (edge - 10) / 2, ...), by the filter `which` (n,) of each."""
        matrix = self.bank[which][:, None]
        return (matrix @ high @ matrix.mT).clamp(0, 255).round()

    def _quantise(self, planes: Tensor, table: Tensor) -> Tensor:
        """(n, c, h, w), 0 in the middle, through DCT, quantisation by `table` (n, 64) and back."""
        n, c, h, w = planes.shape
        blocks = planes.view(n, c, h // 8, 8, w // 8, 8).transpose(3, 4).reshape(n, h * w // 64 * c, 64)
        steps = table[:, None]
        blocks = (torch.round(blocks @ self.dct.T / steps) * steps) @ self.dct
        return blocks.view(n, c, h // 8, w // 8, 8, 8).transpose(3, 4).reshape(n, c, h, w)

    @staticmethod
    def _upsample(planes: Tensor) -> Tensor:
        """libjpeg's "fancy" chroma upsampling x2: 3/4 of the nearer, 1/4 of the farther sample."""
        for dimension in (2, 3):
            last = planes.shape[dimension] - 1
            before = torch.cat([planes.narrow(dimension, 0, 1), planes.narrow(dimension, 0, last)], dimension)
            after = torch.cat([planes.narrow(dimension, 1, last), planes.narrow(dimension, last, 1)], dimension)
            pairs = torch.stack([0.75 * planes + 0.25 * before, 0.75 * planes + 0.25 * after], dimension + 1)
            planes = pairs.flatten(dimension, dimension + 1)
        return planes

    def jpeg(self, pixels: Tensor, quality: Tensor, full: int) -> Tensor:
        """Compress and decompress (n, 3, h, w), h and w multiples of 16; the first `full` as 4:4:4, others as 4:2:0."""
        factor = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None]
        tables = (self.luma_table, self.chroma_table)
        luma, chroma = (((table * factor + 50) / 100).floor().clamp(1, 255) for table in tables)
        ycc = torch.einsum("kc,nchw->nkhw", self.to_ycc, pixels)
        y = self._quantise((ycc[:, :1] - 128).round(), luma) + 128
        planes = ycc[:, 1:].round()
        whole = self._quantise(planes[:full], chroma[:full])
        halved = self._upsample(self._quantise(functional.avg_pool2d(planes[full:], 2).round(), chroma[full:]).round())
        planes = torch.cat([whole, halved]).clamp(-128, 127).round()
        ycc = torch.cat([y.clamp(0, 255).round(), planes], 1)
        return torch.einsum("kc,nchw->nkhw", self.to_rgb, ycc).clamp(0, 255).round()

    def _qualities(self, n: int) -> Tensor:
        least, usual, most = self.how.quality
        chance = torch.rand(n, device=self.dct.device)
        rising = least + (chance * ((most - least) * (usual - least))).sqrt()
        falling = most - ((1 - chance) * ((most - least) * (most - usual))).sqrt()
        return torch.where(chance < (usual - least) / (most - least), rising, falling).round()

    def forward(self, high: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 3, edge, edge) to small pictures of (edge - 10) / 2 - 16 px and their sharp originals, in levels."""
        n, device = len(high), high.device
        low = self.reduce(high, torch.bucketize(torch.rand(n, device=device), self.shares))
        clean = round(n * self.how.clean)
        noisy = (torch.rand(n - clean, device=device) < self.how.noise).float()
        strength = (noisy * torch.rand(n - clean, device=device) * self.how.noise_max).view(-1, 1, 1, 1)
        jpegs = (low[clean:] + torch.randn_like(low[clean:]) * strength).clamp(0, 255).round()
        jpegs = self.jpeg(jpegs, self._qualities(n - clean), round((n - clean) * self.how.full_colour))
        # The second compression has its blocks elsewhere: all are cropped, by chance, and some are compressed again.
        edge = low.shape[-1] - JPEG_BLOCK
        rows, columns = (
            torch.randint(JPEG_BLOCK, (1,), device=device) + torch.arange(edge, device=device) for _ in range(2)
        )
        jpegs = jpegs[:, :, rows[:, None], columns]
        again = jpegs[:: self.how.twice_every].flip(0)  # so that 4:2:0 becomes 4:4:4 and the other way round
        again = self.jpeg(again, self._qualities(len(again)), round(len(again) * self.how.full_colour)).flip(0)
        jpegs = torch.index_copy(jpegs, 0, torch.arange(0, n - clean, self.how.twice_every, device=device), again)
        low = torch.cat([low[:clean][:, :, rows[:, None], columns], jpegs])
        fine = torch.arange(SCALE * edge, device=device)
        rows, columns = (SCALE * each[:1] + REDUCTION_MARGIN + fine for each in (rows, columns))
        return low, high[:, :, rows[:, None], columns]


# -------------------------------------------------------------------------------------------------------------- data


def cells_of(path: Path, edge: int, seed: int) -> NDArray[np.uint8]:
    """Cut a photograph, in every size that is large enough, into cells; keep most of those with texture.

    Returns:
        (n, 3, edge, edge), RGB.
    """
    random = np.random.default_rng(seed)
    photograph = read_photograph(path)
    kept: list[NDArray[np.uint8]] = []
    for size in SIZES:
        cells = list(cut(photograph, edge, random, (size,)))
        order = np.argsort([-texture(cell) for cell in cells], kind="stable")
        textured = round(0.55 * len(cells))
        by_chance = random.choice(order[textured:], round(0.1 * len(cells)), replace=False)
        kept += [cells[index].transpose(2, 0, 1) for index in (*order[:textured], *by_chance)]
    return np.stack(kept) if kept else np.empty((0, 3, edge, edge), np.uint8)


def load_photographs(folders: list[Path], edge: int, seed: int) -> Tensor:
    """(n, 3, edge, edge) uint8: the cells of all photographs below the folders."""
    files = files_below(folders)
    with ProcessPoolExecutor() as pool:
        parts = pool.map(cells_of, files, [edge] * len(files), range(seed, seed + len(files)))
        return torch.from_numpy(np.concatenate(list(parts)))


def load_drawings(folder: Path, edge: int) -> Tensor:
    """(n, 3, edge, edge) uint8, from pictures that hold drawings of `DRAWING_EDGE` px side by side."""
    found = []
    for path in sorted(folder.glob("*.webp")):
        pixels = np.asarray(Image.open(path).convert("RGB"))
        rows, columns = (side // DRAWING_EDGE for side in pixels.shape[:2])
        cells = pixels.reshape(rows, DRAWING_EDGE, columns, DRAWING_EDGE, 3).transpose(0, 2, 4, 1, 3)
        found.append(cells.reshape(-1, 3, DRAWING_EDGE, DRAWING_EDGE)[..., :edge, :edge])
    return torch.from_numpy(np.ascontiguousarray(np.concatenate(found)))


def crop_edge(patch: int) -> int:
    """Px of sharp picture that a patch is made of: two crops that shift JPEG's blocks, and the reduction's margin."""
    return SCALE * (patch + 2 * JPEG_BLOCK) + 2 * REDUCTION_MARGIN


class Batches(nn.Module):
    """Random crops of photographs and drawings, degraded, in one of eight orientations."""

    def __init__(self, photographs: Tensor, drawings: Tensor | None, batch: int, patch: int, share: float) -> None:
        super().__init__()
        self.photographs, self.drawings = photographs, drawings
        self.batch, self.patch = batch, patch
        self.drawn = 0 if drawings is None else round(batch * share)
        self.edge = crop_edge(patch)
        self.degrade = Degrade(self.edge, Degradation())

    def _crops(self, source: Tensor, n: int, edge: int) -> Tensor:
        device, last = source.device, source.shape[-1] - edge
        cell = torch.randint(len(source), (n,), device=device).view(-1, 1, 1, 1)
        rows, columns = (
            torch.randint(last + 1, (n, 1), device=device) + torch.arange(edge, device=device) for _ in range(2)
        )
        colours = torch.arange(3, device=device).view(1, 3, 1, 1)
        return source[cell, colours, rows[:, None, :, None], columns[:, None, None, :]]

    def forward(self) -> tuple[Tensor, Tensor]:
        """Returns (n, 3, patch, patch) and (n, 3, 2 patch, 2 patch), from 0 to 1."""
        high = self._crops(self.photographs, self.batch - self.drawn, self.edge)
        if self.drawings is not None:
            high = torch.cat([high, self._crops(self.drawings, self.drawn, self.edge)])
            high = high[torch.rand(self.batch, device=high.device).argsort()]  # the degradation goes by the place
        high = high.float()
        for turn in (lambda x: x.flip(3), lambda x: x.flip(2), lambda x: x.transpose(2, 3)):
            chosen = torch.rand(self.batch, device=high.device).view(-1, 1, 1, 1) < 0.5
            high = torch.where(chosen, turn(high), high)
        low, high = self.degrade(high)
        # The crop again, so that the grid of JPEG's blocks begins anywhere.
        device, n = low.device, self.batch
        last = low.shape[-1] - self.patch
        first = [torch.randint(last + 1, (n, 1), device=device) for _ in range(2)]
        each, colours = (
            torch.arange(n, device=device).view(-1, 1, 1, 1),
            torch.arange(3, device=device).view(1, 3, 1, 1),
        )

        def cut(pixels: Tensor, scale: int) -> Tensor:
            rows, columns = (scale * start + torch.arange(scale * self.patch, device=device) for start in first)
            return pixels[each, colours, rows[:, None, :, None], columns[:, None, None, :]]

        return (cut(low, 1) / 255).contiguous(memory_format=torch.channels_last), cut(high, SCALE) / 255


# -------------------------------------------------------------------------------------------------------------- loss


def psnr_loss(output: Tensor, target: Tensor) -> Tensor:
    """Minus the PSNR of each patch in units of 100 dB (NAFNet, arXiv:2204.04676), half of it that of the luma.

    An error of 1 % more costs the same on a face as on leaves. Beyond 50 dB it no longer pays.
    """
    error = output - target
    luma = error[:, 0] * 0.299 + error[:, 1] * 0.587 + error[:, 2] * 0.114
    mean_square = 0.5 * error.square().mean((1, 2, 3)) + 0.5 * luma.square().mean((1, 2))
    return (torch.log10(mean_square + 1e-5) / 10).mean()


# --------------------------------------------------------------------------------------------------------- optimiser


class Adam:
    """Adam (arXiv:1412.6980) whose state and rate are tensors on the device, as a CUDA graph demands."""

    def __init__(self, parameters: list[Tensor]) -> None:
        self.parameters = parameters
        self.mean, self.square = ([torch.zeros_like(each) for each in parameters] for _ in range(2))
        self.count = torch.zeros((), device=parameters[0].device)

    @torch.no_grad()
    def step(self, rate: Tensor) -> None:
        """Move the parameters by their gradients."""
        self.count += 1
        gradients = [each.grad for each in self.parameters]
        torch._foreach_lerp_(self.mean, gradients, 0.1)
        torch._foreach_lerp_(self.square, torch._foreach_mul(gradients, gradients), 0.01)
        corrected = torch._foreach_div(self.square, 1 - 0.99**self.count)
        roots = torch._foreach_add(torch._foreach_sqrt(corrected), 1e-8)
        moves = torch._foreach_div(torch._foreach_div(self.mean, 1 - 0.9**self.count), roots)
        torch._foreach_mul_(moves, -rate)
        torch._foreach_add_(self.parameters, moves)


class Optimizer:
    """Muon for the body, Adam for the rest; Muon's scale is Keras's, so that both take the same learning rate.

    `rate` and `decay` (of the averaged weights) are tensors, so that a CUDA graph reads them anew in each step.
    """

    def __init__(self, network: PlainNetwork, momentum: float = 0.95) -> None:
        self.network = network
        parameters = list(network.parameters())
        device = parameters[0].device
        self.rate, self.decay = (torch.zeros((), device=device) for _ in range(2))
        self.kernels = [each.weight for each in network.body]
        self.adam = Adam([each for each in parameters if not any(each is kernel for kernel in self.kernels)])
        self.momentum = momentum
        self.velocity = [torch.zeros_like(each) for each in self.kernels]
        self.average = [each.detach().clone() for each in parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Move all parameters by their gradients, and the average after them."""
        gradients = [each.grad for each in self.kernels]
        torch._foreach_mul_(self.velocity, self.momentum)
        torch._foreach_add_(self.velocity, gradients)
        ahead = torch.stack(torch._foreach_add(gradients, self.velocity, alpha=self.momentum))
        rows, length = ahead.shape[1], ahead[0, 0].numel()
        moves = orthogonal(ahead.flatten(2)) * (-0.2 * math.sqrt(max(rows, length)) * self.rate)
        torch._foreach_add_(self.kernels, list(moves.view_as(ahead)))
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
        return {"velocity": self.velocity, "mean": adam.mean, "square": adam.square, "count": [adam.count]}


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """Each of (n, rows, columns), rows <= columns, to its nearest orthogonal matrix.

    Newton-Schulz iterations with the coefficients of Muon (Jordan et al. 2024).
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x


# --------------------------------------------------------------------------------------------------------- evaluation


def evaluate(network: nn.Module, folder: Path) -> dict[str, list[float]]:
    """Mean Y-PSNR in dB of each test set: clean, JPEG 75, JPEG 30 (BT.601, without a border of 2 px)."""
    device = next(network.parameters()).device

    def enlarge(low: NDArray[np.uint8]) -> NDArray[np.uint8]:
        pixels = torch.from_numpy(low.copy()).permute(2, 0, 1)[None].float().to(device) / 255
        with torch.no_grad():
            output = network(pixels)[0].clamp(0, 1).mul(255).round().permute(1, 2, 0)
        return np.asarray(output.to("cpu", torch.uint8))

    result = {}
    for name in ("Set5", "Set14"):
        rows = []
        for pair in read_pairs(folder / name, SCALE):
            inputs = (pair.low, as_jpeg(pair.low, 75), as_jpeg(pair.low, 30))
            rows.append([luma_psnr(enlarge(low), pair.high, SCALE) for low in inputs])
        result[name] = [round(float(value), 3) for value in np.mean(rows, 0)]
    return result


# ---------------------------------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class Schedule:
    """How long to train, and the learning rate over that time.

    `minutes` of training, without loading and compilation, or else `steps`; `warm`: steps in which the rate rises.
    """

    steps: int
    minutes: float | None
    rate: float
    warm: int

    def done(self, steps: int, seconds: float) -> float:
        """The share of the training that is done; 1 or more at its end."""
        return seconds / 60 / self.minutes if self.minutes else steps / self.steps

    def rate_at(self, steps: int, done: float) -> float:
        """Linear warm-up, then a cosine to 0."""
        return self.rate * min(1, (steps + 1) / self.warm) * 0.5 * (1 + math.cos(math.pi * done))


class Diverged(Exception):
    """The loss is not a number any more."""


class Training:
    """A network, its batches and its optimiser; on CUDA each step can be the replay of one recorded graph."""

    def __init__(self, network: PlainNetwork, batches: Batches, average: float, compiled: bool) -> None:
        self.network = network
        self.optimizer = Optimizer(network)
        self.steps, self.seconds = 0, 0.0
        self._average = average
        self._device = self.optimizer.rate.device
        self._loss_sum = torch.zeros((), device=self._device)
        self._draw = torch.compile(batches.forward) if compiled else batches.forward
        self._loss = torch.compile(self._loss_of) if compiled else self._loss_of
        self._run: Callable[[], None] = self._step

    def step(self, rate: float) -> None:
        """Make one step."""
        self.optimizer.rate.fill_(rate)
        self.optimizer.decay.fill_(min(self._average, self.steps / (self.steps + 10)))  # follow closely at first
        self._run()
        self.steps += 1

    def report(self, steps: int) -> str:
        """What a line says of the `steps` since the last call; waits for the device.

        Raises:
            Diverged: the loss is not a number any more.
        """
        levels = 255 * 10 ** (5 * float(self._loss_sum) / steps)
        self._loss_sum.zero_()
        if not math.isfinite(levels):
            raise Diverged
        return f"{levels:.3f} levels"

    def save(self, folder: Path) -> None:
        """Write `weights.npz` (the averaged weights) and `checkpoint.pt` (what `load` needs)."""
        tensors = {name: [each.cpu() for each in kept] for name, kept in self.optimizer.state().items()}
        torch.save({"tensors": tensors, "steps": self.steps, "seconds": self.seconds}, folder / "checkpoint.pt")
        names = [name for name, _ in self.network.named_parameters()]
        weights = zip(names, self.optimizer.average, strict=True)
        np.savez(folder / "part.npz", **{name: each.cpu().numpy() for name, each in weights})
        os.replace(folder / "part.npz", folder / "weights.npz")  # so that a reader finds a whole file

    def start(self, weights: Path) -> None:
        """Begin with these weights, in place: a recorded graph keeps its tensors."""
        with np.load(weights) as arrays, torch.no_grad():
            names = [name for name, _ in self.network.named_parameters()]
            for name, own, average in zip(names, self.network.parameters(), self.optimizer.average, strict=True):
                own.copy_(torch.from_numpy(arrays[name]))
                average.copy_(own)

    def load(self, checkpoint: Path) -> None:
        """Go on from where `save` was called."""
        state = torch.load(checkpoint, map_location=self._device, weights_only=True)
        for name, own in self.optimizer.state().items():
            for each, kept in zip(own, state["tensors"][name], strict=True):
                each.copy_(kept)
        self.steps, self.seconds = state["steps"], state["seconds"]

    def _step(self) -> None:
        low, high = self._draw()
        loss = self._loss(low, high)
        loss.backward()
        self.optimizer.step()
        self._loss_sum.add_(loss.detach())
        for each in self.network.parameters():
            each.grad = None

    def _loss_of(self, low: Tensor, high: Tensor) -> Tensor:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            output = self.network(low)
        return psnr_loss(output.float(), high)

    def warm_up(self, graph: bool) -> None:
        """Compile, on CUDA: make steps with a rate of 0 on a side stream, as graphs demand; record one to replay."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._step()
        torch.cuda.current_stream().wait_stream(side)
        if graph:
            recorded = torch.cuda.CUDAGraph()
            with torch.cuda.graph(recorded):
                self._step()
            self._run = recorded.replay
        torch.cuda.synchronize()
        for each in self._zero_at_start():
            each.zero_()

    def _zero_at_start(self) -> list[Tensor]:
        return [self._loss_sum, *(tensor for kept in self.optimizer.moments().values() for tensor in kept)]


def train(training: Training, schedule: Schedule, folder: Path, every: int) -> None:
    """Train to the end of the schedule; every `every` steps print a line, every 30 seconds write a checkpoint."""
    before, began = training.seconds, time.monotonic()
    shown, shown_at, saved_at = training.steps, began, began
    while (done := schedule.done(training.steps, training.seconds)) < 1:
        training.step(schedule.rate_at(training.steps, done))
        if training.steps % SYNCHRONISED == 0 and torch.cuda.is_available():
            torch.cuda.synchronize()
        now = time.monotonic()
        training.seconds = before + now - began
        if training.steps % every:
            continue
        try:
            said = training.report(training.steps - shown)
        except Diverged:
            sys.exit("the loss is not a number any more: the training has diverged; try a lower --rate")
        speed = (training.steps - shown) / (now - shown_at)
        print(f"{training.steps} steps, {done:.0%}: {said}, {speed:.2f} steps/s", flush=True)
        shown, shown_at = training.steps, now
        if now - saved_at > SECONDS_BETWEEN_CHECKPOINTS:
            training.save(folder)
            saved_at = now
    training.save(folder)


def parser_of(text: str | None) -> argparse.ArgumentParser:
    """The options that all trainings of plain networks have."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, nargs="+", required=True)
    parser.add_argument("--drawings", type=Path, help="folder of WebP files with drawings, see load_drawings")
    parser.add_argument("--drawn", type=float, default=0.08, help="share of drawings in a batch (default: 0.08)")
    parser.add_argument("--evaluate", type=Path, help="folder that holds Set5 and Set14")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--channels", type=int, default=48)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--patch", type=int, default=48, help="px of the small picture, a multiple of 16 (default: 48)")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--minutes", type=float, help="instead of --steps")
    parser.add_argument("--until", type=float, help="end at this Unix time, instead of --steps")
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--warm", type=int, default=200, help="steps of warm-up (default: 200)")
    parser.add_argument("--average", type=float, default=0.999, help="decay of the averaged weights (default: 0.999)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, nargs="+", help="weights.npz to begin with: the first file that exists")
    parser.add_argument("--compile", action="store_true", help="with torch.compile: for a GPU")
    parser.add_argument("--no-graph", action="store_true", help="don't record a CUDA graph")
    parser.add_argument("--after", type=Path, help="load and compile, then wait for this file: another training's end")
    parser.add_argument("--every", type=int, default=1000, help="steps between two lines (default: 1000)")
    return parser


def read_options(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line."""
    chosen = parser.parse_args()
    if chosen.drawings and crop_edge(chosen.patch) > DRAWING_EDGE:
        parser.error(f"--patch {chosen.patch}: drawings of {DRAWING_EDGE} px are too small for it")
    return chosen


def prepare(chosen: argparse.Namespace) -> tuple[PlainNetwork, Batches]:
    """Load the pictures and make the network, on the device."""
    torch.manual_seed(chosen.seed)
    torch.backends.cudnn.allow_tf32 = False  # the skip and the reductions would lose a tenth of a level
    torch.backends.cudnn.benchmark = True
    device = torch.device(chosen.device)
    chosen.output.mkdir(parents=True, exist_ok=True)
    (chosen.output / "trained").unlink(missing_ok=True)

    edge = crop_edge(chosen.patch) + JITTER
    photographs = load_photographs(chosen.photographs, edge, chosen.seed).to(device)
    drawings = load_drawings(chosen.drawings, edge).to(device) if chosen.drawings else None
    print(f"{len(photographs):,} cells of {edge} px", flush=True)

    network = PlainNetwork(chosen.layers, chosen.channels).to(device, memory_format=torch.channels_last)
    parameters = sum(each.numel() for each in network.parameters())
    print(f"{chosen.layers} layers of {chosen.channels} channels: {parameters:,} parameters", flush=True)
    return network, Batches(photographs, drawings, chosen.batch, chosen.patch, chosen.drawn).to(device)


def begin(training: Training, chosen: argparse.Namespace) -> float | None:
    """Compile the step, wait for `--after`, and only then read the first weights: they may be those of that training.

    Returns:
        The minutes to train, or None to go by steps.
    """
    if training.network.skip.weight.is_cuda:
        training.warm_up(graph=not chosen.no_graph)
    print("ready", flush=True)
    while chosen.after and not chosen.after.exists():
        time.sleep(0.1)
    if chosen.start:
        weights = next(path for path in chosen.start if path.exists())
        training.start(weights)
        print(f"begins with {weights}", flush=True)
    minutes: float | None = chosen.minutes
    return max(0.01, (chosen.until - time.time()) / 60) if chosen.until else minutes


def finish(training: Training, chosen: argparse.Namespace) -> None:
    """Say that the training has ended, for `--after` of another; measure."""
    (chosen.output / "trained").touch()
    result: dict[str, object] = {"steps": training.steps, "seconds": round(training.seconds), "batch": chosen.batch}
    if chosen.evaluate:
        for each, kept in zip(training.network.parameters(), training.optimizer.average, strict=True):
            each.data.copy_(kept)
        result |= evaluate(training.network, chosen.evaluate)
    print(json.dumps(result), flush=True)


def main() -> None:
    """Load, train, measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--resume", type=Path, help="checkpoint.pt to go on from")
    chosen = read_options(parser)
    training = Training(*prepare(chosen), chosen.average, chosen.compile)
    minutes = begin(training, chosen)
    if chosen.resume:
        training.load(chosen.resume)
        torch.manual_seed(chosen.seed + training.steps)  # otherwise the first batches would come again
    train(training, Schedule(chosen.steps, minutes, chosen.rate, chosen.warm), chosen.output, chosen.every)
    finish(training, chosen)


if __name__ == "__main__":
    main()
