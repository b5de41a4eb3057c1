"""Train a plain x2 network for photographs and their JPEGs; after the photographs are read, all happens on one device.

    python train.py --photographs FOLDER [FOLDER ...] --output OUT --layers 10 --channels 48 --minutes 60
    python train.py ... --device cuda --compile --batch 96      # a GPU: compiled, one CUDA graph per step
    python train.py ... --resume OUT/checkpoint.pt              # go on after an interruption

Each step draws a batch of crops, degrades them (reduction, noise, JPEG), and moves the network with Muon against the loss of
their PSNR. OUT/weights.npz is the moving average of the weights, which is what is shipped.
"""

import argparse
import fcntl
import io
import json
import math
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor, nn

SCALE = 2
REDUCTION_MARGIN = 5  # px of sharp picture that the widest reduction filter (Lanczos 3) needs on each side
JPEG_BLOCK = 16  # px: blocks of 4:2:0 chroma
JITTER = 22  # px by which a crop may lie anywhere in its cell
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

    Each body convolution starts as the identity plus a small random part: it learns like a residual network and is a plain
    stack at inference (DiracNets, arXiv:1706.00388). The picture is continued over its border by its outermost pixels for
    the two convolutions that see it, so that flat colours stay flat there.
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
        padded = F.pad(pixels, (2, 2, 2, 2), "replicate")
        features = F.relu(self.head(padded[..., 1:-1, 1:-1]))
        for each in self.body:
            features = F.relu(each(features))
        detail = self.tail(features)
        with torch.autocast(pixels.device.type, enabled=False):
            return F.pixel_shuffle(detail.float() + self.skip(padded.float()), SCALE)


# ------------------------------------------------------------------------------------------------------ degradation

# Annex K of the JPEG standard (ITU-T T.81), which libjpeg scales by its quality.
LUMA_TABLE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87),
    *(80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA_TABLE = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66),
    *[99] * 38,
)


@dataclass(frozen=True)
class Degradation:
    """What happens to a picture, in this order. Shares are of the batch."""

    # Reduced by one of Pillow's antialiased filters: bicubic, Lanczos, box, bilinear.
    filters: tuple[float, float, float, float] = (0.75, 0.15, 0.05, 0.05)
    clean: float = 0.3  # left as it is then
    noise: float = 0.15  # of the others: Gaussian noise of up to `noise_max` levels
    noise_max: float = 3.0
    quality: tuple[int, int, int] = (30, 80, 98)  # JPEG quality: least, most frequent, largest of a triangular distribution
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
        self.register_buffer("luma_table", torch.tensor(LUMA_TABLE).float())
        self.register_buffer("chroma_table", torch.tensor(CHROMA_TABLE).float())
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
        """Save as JPEG and read again; (n, 3, h, w), h and w multiples of 16. The first `full` have 4:4:4, the others 4:2:0."""
        factor = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None]
        luma, chroma = (((each * factor + 50) / 100).floor().clamp(1, 255) for each in (self.luma_table, self.chroma_table))
        ycc = torch.einsum("kc,nchw->nkhw", self.to_ycc, pixels)
        y = self._quantise((ycc[:, :1] - 128).round(), luma) + 128
        planes = ycc[:, 1:].round()
        whole = self._quantise(planes[:full], chroma[:full])
        halved = self._upsample(self._quantise(F.avg_pool2d(planes[full:], 2).round(), chroma[full:]).round())
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
        """(n, 3, edge, edge) to small pictures of (edge - 10) / 2 - 16 px and the sharp ones of them, both in levels."""
        n, device = len(high), high.device
        low = self.reduce(high, torch.bucketize(torch.rand(n, device=device), self.shares))
        clean = round(n * self.how.clean)
        noisy = (torch.rand(n - clean, device=device) < self.how.noise).float()
        strength = (noisy * torch.rand(n - clean, device=device) * self.how.noise_max).view(-1, 1, 1, 1)
        jpegs = (low[clean:] + torch.randn_like(low[clean:]) * strength).clamp(0, 255).round()
        jpegs = self.jpeg(jpegs, self._qualities(n - clean), round((n - clean) * self.how.full_colour))
        # The second compression has its blocks elsewhere: all are cropped, by chance, and some are compressed again.
        edge = low.shape[-1] - JPEG_BLOCK
        rows, columns = (torch.randint(JPEG_BLOCK, (1,), device=device) + torch.arange(edge, device=device) for _ in range(2))
        jpegs = jpegs[:, :, rows[:, None], columns]
        again = jpegs[:: self.how.twice_every].flip(0)  # so that 4:2:0 becomes 4:4:4 and the other way round
        again = self.jpeg(again, self._qualities(len(again)), round(len(again) * self.how.full_colour)).flip(0)
        jpegs = torch.index_copy(jpegs, 0, torch.arange(0, n - clean, self.how.twice_every, device=device), again)
        low = torch.cat([low[:clean][:, :, rows[:, None], columns], jpegs])
        fine = torch.arange(SCALE * edge, device=device)
        rows, columns = (SCALE * each[:1] + REDUCTION_MARGIN + fine for each in (rows, columns))
        return low, high[:, :, rows[:, None], columns]


# -------------------------------------------------------------------------------------------------------------- data


def cells_of(path: Path, edge: int, seed: int) -> np.ndarray:
    """Cut a photograph, in every size that is large enough, into cells; keep most of those with texture.

    Returns:
        (n, 3, edge, edge), RGB.
    """
    random = np.random.default_rng(seed)
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    kept: list[np.ndarray] = []
    for size in SIZES:
        width, height = round(image.width * size), round(image.height * size)
        if min(width, height) < edge:
            break
        pixels = np.asarray(image if size == 1 else image.resize((width, height), Image.Resampling.LANCZOS))
        top, left = random.integers(height % edge + 1), random.integers(width % edge + 1)
        cells = [
            pixels[row : row + edge, column : column + edge]
            for row in range(top, height - edge + 1, edge)
            for column in range(left, width - edge + 1, edge)
        ]
        order = np.argsort([-texture(cell) for cell in cells], kind="stable")
        textured = round(0.55 * len(cells))
        by_chance = random.choice(order[textured:], round(0.1 * len(cells)), replace=False)
        kept += [cells[index].transpose(2, 0, 1) for index in (*order[:textured], *by_chance)]
    return np.stack(kept) if kept else np.empty((0, 3, edge, edge), np.uint8)


def texture(cell: np.ndarray) -> float:
    """How much neighbouring pixels differ on average, in levels of the green channel."""
    green = cell[..., 1].astype(np.int16)
    return float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())


def load_photographs(folders: list[Path], edge: int, seed: int) -> Tensor:
    """(n, 3, edge, edge) uint8: the cells of all photographs below the folders."""
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in (".jpg", ".png", ".webp")]
    with ProcessPoolExecutor() as pool:
        parts = pool.map(cells_of, files, [edge] * len(files), range(seed, seed + len(files)))
        return torch.from_numpy(np.concatenate(list(parts)))


def load_drawings(folder: Path, edge: int) -> Tensor:
    """(n, 3, edge, edge) uint8, from pictures that hold drawings of 224 px side by side."""
    found = []
    for path in sorted(folder.glob("*.webp")):
        pixels = np.asarray(Image.open(path).convert("RGB"))
        rows, columns = pixels.shape[0] // 224, pixels.shape[1] // 224
        cells = pixels.reshape(rows, 224, columns, 224, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 3, 224, 224)
        found.append(cells[..., :edge, :edge])
    return torch.from_numpy(np.ascontiguousarray(np.concatenate(found)))


class Batches(nn.Module):
    """Random crops of photographs and drawings, degraded, in one of eight orientations."""

    def __init__(self, photographs: Tensor, drawings: Tensor | None, batch: int, patch: int, share: float) -> None:
        super().__init__()
        self.photographs, self.drawings = photographs, drawings
        self.batch, self.patch = batch, patch
        self.drawn = 0 if drawings is None else round(batch * share)
        self.edge = SCALE * (patch + 2 * JPEG_BLOCK) + 2 * REDUCTION_MARGIN
        self.degrade = Degrade(self.edge, Degradation())

    def _crops(self, source: Tensor, n: int, edge: int) -> Tensor:
        device, last = source.device, source.shape[-1] - edge
        cell = torch.randint(len(source), (n,), device=device).view(-1, 1, 1, 1)
        rows, columns = (torch.randint(last + 1, (n, 1), device=device) + torch.arange(edge, device=device) for _ in range(2))
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
        each, colours = torch.arange(n, device=device).view(-1, 1, 1, 1), torch.arange(3, device=device).view(1, 3, 1, 1)

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


class Optimizer:
    """Muon (Jordan 2024, with Keras's scale, so that Adam's learning rates fit) for the body, Adam for what sees pixels.

    `rate` and `decay` are tensors, so that a CUDA graph reads them anew in each step. It keeps the average of the weights.
    """

    def __init__(self, network: PlainNetwork, momentum: float = 0.95) -> None:
        self.network = network
        parameters = list(network.parameters())
        device = parameters[0].device
        self.rate, self.decay = (torch.zeros((), device=device) for _ in range(2))
        self.kernels = [each.weight for each in network.body]
        self.others = [each for each in parameters if not any(each is kernel for kernel in self.kernels)]
        self.momentum = momentum
        self.velocity = [torch.zeros_like(each) for each in self.kernels]
        self.mean, self.square = ([torch.zeros_like(each) for each in self.others] for _ in range(2))
        self.average = [each.detach().clone() for each in parameters]
        self.count = torch.zeros((), device=device)

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

        self.count += 1
        gradients = [each.grad for each in self.others]
        torch._foreach_lerp_(self.mean, gradients, 0.1)
        torch._foreach_lerp_(self.square, torch._foreach_mul(gradients, gradients), 0.01)
        corrected = torch._foreach_div(self.square, 1 - 0.99**self.count)
        roots = torch._foreach_add(torch._foreach_sqrt(corrected), 1e-8)
        moves = torch._foreach_div(torch._foreach_div(self.mean, 1 - 0.9**self.count), roots)
        torch._foreach_mul_(moves, -self.rate)
        torch._foreach_add_(self.others, moves)

        differences = torch._foreach_sub([each.detach() for each in self.network.parameters()], self.average)
        torch._foreach_mul_(differences, 1 - self.decay)
        torch._foreach_add_(self.average, differences)

    def state(self) -> dict[str, list[Tensor] | Tensor]:
        """All tensors that a resumed training needs; they may be written to."""
        return {
            "parameters": [each.data for each in self.network.parameters()],
            **{name: getattr(self, name) for name in ("velocity", "mean", "square", "average", "count")},
        }


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """(n, rows, columns), rows <= columns, each to its nearest orthogonal matrix: Newton-Schulz, coefficients of Jordan 2024."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x


# --------------------------------------------------------------------------------------------------------- evaluation


def evaluate(network: nn.Module, folder: Path) -> dict[str, list[float]]:
    """Mean Y-PSNR in dB of each test set: clean, JPEG 75, JPEG 30 (BT.601, borders cut by 2 px)."""
    weights = np.array((65.481, 128.553, 24.966)) / 255
    device = next(network.parameters()).device
    result = {}
    for name in ("Set5", "Set14"):
        rows = []
        for path in sorted((folder / name).glob("*_HR.png")):
            low = Image.open(str(path).replace("_HR", "_LR")).convert("RGB")
            high = np.asarray(Image.open(path).convert("RGB"))[: low.height * 2, : low.width * 2]
            row = []
            for quality in (None, 75, 30):
                given = low
                if quality:
                    low.save(file := io.BytesIO(), "JPEG", quality=quality)
                    given = Image.open(file).convert("RGB")
                pixels = torch.from_numpy(np.array(given)).permute(2, 0, 1)[None].float().to(device) / 255
                with torch.no_grad():
                    output = network(pixels)[0].float().clamp(0, 1).mul(255).round().permute(1, 2, 0).cpu().numpy()
                error = ((output.astype(np.float64) - high) @ weights)[2:-2, 2:-2]
                row.append(10 * math.log10(255**2 / float(np.mean(error**2))))
            rows.append(row)
        result[name] = [round(float(value), 3) for value in np.mean(rows, 0)]
    return result


# --------------------------------------------------------------------------------------------------------------- loop


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--photographs", type=Path, nargs="+", required=True)
    parser.add_argument("--drawings", type=Path)
    parser.add_argument("--drawn", type=float, default=0.08, help="share of drawings")
    parser.add_argument("--evaluate", type=Path, help="folder of Set5 and Set14")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--channels", type=int, default=48)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--patch", type=int, default=48, help="px of the small picture, a multiple of 16")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--minutes", type=float, help="instead of steps")
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--average", type=float, default=0.999)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="weights.npz to begin with")
    parser.add_argument("--resume", type=Path, help="checkpoint.pt to go on from")
    parser.add_argument("--warm", type=int, default=200, help="steps in which the rate rises")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--eager", action="store_true", help="no CUDA graph")
    parser.add_argument("--turn", type=Path, help="a lock file: trainings that share it take the device in turn")
    parser.add_argument("--every", type=int, default=1000)
    return parser.parse_args()


def main() -> None:
    o = arguments()
    torch.manual_seed(o.seed)
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    device = torch.device(o.device)
    o.output.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    edge = SCALE * (o.patch + 2 * JPEG_BLOCK) + 2 * REDUCTION_MARGIN
    photographs = load_photographs(o.photographs, edge + JITTER, o.seed).to(device)
    drawings = load_drawings(o.drawings, edge + JITTER).to(device) if o.drawings else None
    print(f"{len(photographs):,} cells, {0 if drawings is None else len(drawings):,} drawings of {edge + JITTER} px, {time.monotonic() - began:.0f} s", flush=True)

    network = PlainNetwork(o.layers, o.channels).to(device, memory_format=torch.channels_last)
    if o.start:
        with np.load(o.start) as arrays:
            network.load_state_dict({name: torch.from_numpy(arrays[name]) for name in arrays})
    names = [name for name, _ in network.named_parameters()]
    print(f"{o.layers} x {o.channels}: {sum(each.numel() for each in network.parameters()):,} parameters", flush=True)
    optimizer = Optimizer(network)
    batches = Batches(photographs, drawings, o.batch, o.patch, o.drawn).to(device)
    first, spent = 0, 0.0
    if o.resume:
        state = torch.load(o.resume, map_location=device, weights_only=True)
        first, spent = state["step"], state["seconds"]

    def loss_of(low: Tensor, high: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            output = network(low)
        return psnr_loss(output.float(), high)

    draw = batches.forward
    if o.compile:
        draw, loss_of = torch.compile(draw), torch.compile(loss_of)
    total = torch.zeros((), device=device)

    def step() -> None:
        low, high = draw()
        loss = loss_of(low, high)
        loss.backward()
        optimizer.step()
        total.add_(loss.detach())
        for each in network.parameters():
            each.grad = None

    if device.type == "cuda" and not o.eager:
        # Warm up on a side stream without moving anything, then record one step and replay it.
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        print(f"compiled, {time.monotonic() - began:.0f} s", flush=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        torch.cuda.synchronize()
        step = graph.replay  # type: ignore[assignment]
    for each in (*optimizer.velocity, *optimizer.mean, *optimizer.square, total, *([] if o.resume else [optimizer.count])):
        each.zero_()  # of the warming up
    if o.resume:
        for own, kept in zip(optimizer.state().values(), state["tensors"].values(), strict=True):
            for a, b in zip(own, kept, strict=True) if isinstance(own, list) else [(own, kept)]:
                a.copy_(b)

    def save(number: int) -> None:
        tensors = {name: [each.cpu() for each in value] if isinstance(value, list) else value.cpu() for name, value in optimizer.state().items()}
        torch.save({"tensors": tensors, "step": number, "seconds": seconds()}, o.output / "checkpoint.pt")
        np.savez(o.output / "weights.npz", **{name: each.cpu().numpy() for name, each in zip(names, optimizer.average, strict=True)})

    turn = o.turn.open("w") if o.turn else None
    if turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
    print(f"begins, {time.monotonic() - began:.0f} s", flush=True)
    began = time.monotonic()
    seconds = lambda: spent + time.monotonic() - began  # noqa: E731
    number, shown, saved = first, first, time.monotonic()
    shown_at = began
    while True:
        done = seconds() / 60 / o.minutes if o.minutes else number / o.steps
        if done >= 1:
            break
        optimizer.rate.fill_(o.rate * min(1, (number + 1) / o.warm) * 0.5 * (1 + math.cos(math.pi * done)))
        optimizer.decay.fill_(min(o.average, number / (number + 10)))
        step()
        number += 1
        if device.type == "cuda" and number % 20 == 0:
            torch.cuda.synchronize()  # so that the clock tells of the work, not of the queue
        if number % o.every == 0:
            levels = 255 * 10 ** (5 * float(total) / (number - shown))
            if not math.isfinite(levels):
                sys.exit("the loss is no number any more: the training diverged; try a lower --rate")
            speed = (number - shown) / (time.monotonic() - shown_at)
            print(f"{number} {100 * done:.0f}% {levels:.3f} levels {speed:.2f} steps/s {speed * o.batch:.0f} patches/s", flush=True)
            shown, shown_at = number, time.monotonic()
            total.zero_()
            if time.monotonic() - saved > 300:
                save(number)
                saved = time.monotonic()
    save(number)
    if turn:
        turn.close()
    result = {"layers": o.layers, "channels": o.channels, "steps": number, "seconds": round(seconds()), "batch": o.batch, "patch": o.patch}
    if o.evaluate:
        with torch.no_grad():
            for each, kept in zip(network.parameters(), optimizer.average, strict=True):
                each.copy_(kept)
        result |= evaluate(network, o.evaluate)
    print(json.dumps(result), flush=True)
    (o.output / "result.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
