"""Degradations for restoring: soft, noisy pictures that were resized and compressed more than once.

    python -m training.restoration --photographs FOLDER [FOLDER ...] --drawings FOLDER --start plain.npz --output OUT \\
        --layers 10 --channels 48 --rate 4e-4 --minutes 60        # options as of training.plain.train

The order of Real-ESRGAN (arXiv:2107.10833, section 3): blur, resizing, noise, compression; and all that once more. A
share of each batch stays as mild as in the plain training, so that clean pictures lose little. The small picture lies
exactly where a reduction by 2 would put it, whatever happened on the way.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.plain import train
from training.plain.train import JPEG_BLOCK, REDUCTION_MARGIN, SCALE, Degradation, Degrade

KERNEL = 15  # px: edge of a blur's kernel
FINEST = 1.25  # px of the original: the smallest pitch of the picture between the two resizings


@dataclass(frozen=True)
class Stage:
    """One round of blur, noise and compression. Shares are of the pictures, sizes in px of the picture blurred."""

    blurred: float
    blur: tuple[float, float]  # standard deviation of the blur, from and to
    noisy: float
    noise: float  # the largest standard deviation of the noise of black, in levels; that of white is up to twice as large
    blotched: float
    blotches: float  # the largest standard deviation of the chroma noise, in levels
    jpeg: float  # share that becomes a JPEG
    webp: float  # share that becomes something like a WebP
    quality: tuple[int, int, int]  # of the JPEGs: the smallest, the most frequent and the largest


@dataclass(frozen=True)
class Widening:
    """What happens to a batch."""

    mild: float = 0.3  # share that is degraded as in the plain training
    chained: float = 0.6  # share of the others that is resized twice, with a stage of its own in between
    pitch: tuple[float, float] = (FINEST, 3.6)  # px of the original: of the picture between the two resizings
    first: Stage = Stage(0.75, (0.3, 2.4), 0.5, 9.0, 0.4, 7.0, 0.7, 0.15, (30, 80, 96))
    second: Stage = Stage(0.25, (0.2, 1.0), 0.25, 4.0, 0.2, 5.0, 0.75, 0.12, (25, 75, 96))


# -------------------------------------------------------------------------------------------------------------- blur


def blur_kernels(n: int, sigmas: tuple[float, float], device: torch.device) -> Tensor:
    """(n, KERNEL, KERNEL), each with the sum 1: Gaussians, every second stretched and turned; every fourth is a disc.

    A disc, as of a lens out of focus, has the radius that gives it the standard deviation of the Gaussian.
    """
    least, most = (math.log(each) for each in sigmas)
    long = (least + (most - least) * torch.rand(n, device=device)).exp()
    stretched = torch.arange(n, device=device) % 2 == 1
    short = torch.where(stretched, long * (0.3 + 0.7 * torch.rand(n, device=device)), long)
    turn = math.pi * torch.rand(n, device=device)
    place = torch.arange(KERNEL, device=device) - KERNEL // 2
    y, x = (each[None].float() for each in torch.meshgrid(place, place, indexing="ij"))
    cos, sin = (each.view(-1, 1, 1) for each in (turn.cos(), turn.sin()))
    along, across = ((cos * x + sin * y) / long.view(-1, 1, 1), (cos * y - sin * x) / short.view(-1, 1, 1))
    square = along**2 + across**2
    # The edge of a disc is one pixel wide; a disc of radius r has the standard deviation r / 2 along each axis.
    disc = ((2 - square.sqrt()) * long.view(-1, 1, 1) + 0.5).clamp(0, 1)
    flat = (torch.arange(n, device=device) % 4 == 0).view(-1, 1, 1)
    kernels = torch.where(flat, disc, (-square / 2).exp())
    return kernels / kernels.sum((1, 2), keepdim=True)


def blur(pixels: Tensor, kernels: Tensor) -> Tensor:
    """Blur each of (n, 3, h, w) by its kernel; beyond the border lie the outermost pixels."""
    n, _, height, width = pixels.shape
    margin = KERNEL // 2
    padded = functional.pad(pixels, (margin,) * 4, "replicate").reshape(1, n * 3, height + 2 * margin, width + 2 * margin)
    weights = kernels[:, None].expand(n, 3, KERNEL, KERNEL).reshape(n * 3, 1, KERNEL, KERNEL)
    return functional.conv2d(padded, weights, groups=n * 3).view(n, 3, height, width)


# ------------------------------------------------------------------------------------------------------------ resizing


def resampling(places: Tensor, pitch: Tensor, length: int) -> Tensor:
    """Matrices that sample rows of `length` px with one of four antialiased filters, by chance.

    Args:
        places: (n, m) where samples lie, in px of the row, 0 in the middle of the first; those outside repeat its end.
        pitch: (n,) distance of the samples in px, which is the width of the filter where it is larger than 1.

    Returns:
        (n, m, length); the weights of each sample have the sum 1.
    """
    n, device = len(places), places.device
    places = places.clamp(0, length - 1)
    x = (torch.arange(length, device=device) - places[..., None]).abs() / pitch.clamp(min=1).view(-1, 1, 1)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    cubic = torch.where(x < 1, near, torch.where(x < 2, far, 0))
    lanczos = torch.where(x < 3, torch.sinc(x) * torch.sinc(x / 3), 0)
    linear = (1 - x).clamp(min=0)
    box = (0.5 + 0.5 * pitch.clamp(min=1).view(-1, 1, 1) - x * pitch.clamp(min=1).view(-1, 1, 1)).clamp(0, 1)
    which = torch.randint(4, (n, 1, 1), device=device)
    weights = torch.where(which == 0, cubic, torch.where(which == 1, lanczos, torch.where(which == 2, linear, box)))
    return weights / weights.sum(2, keepdim=True)


# --------------------------------------------------------------------------------------------------------------- noise


def sensor_noise(pixels: Tensor, strength: Tensor) -> Tensor:
    """Gaussian noise whose variance grows with the light (n, 3, h, w), `strength` (n, 1, 1, 1) in levels.

    The standard deviation is `strength` in black and twice that in white; of every third picture all channels have the
    same, as a picture has that was grey or denoised in colour.
    """
    noise = torch.randn_like(pixels)
    grey = (torch.rand(len(pixels), 1, 1, 1, device=pixels.device) < 1 / 3).float()
    noise = torch.lerp(noise, noise[:, :1].expand_as(noise), grey)
    return pixels + noise * strength * (1 + 3 * pixels.clamp(0, 255) / 255).sqrt()


def chroma_noise(pixels: Tensor, strength: Tensor, to_rgb: Tensor) -> Tensor:
    """Blotches in Cb and Cr, of 4 and 8 px, with the standard deviation `strength` (n, 1, 1, 1); luma stays."""
    n, _, height, width = pixels.shape
    coarse = sum(
        functional.interpolate(
            torch.randn(n, 2, height // size + 2, width // size + 2, device=pixels.device),
            size=(height, width),
            mode="bicubic",
        )
        for size in (4, 8)
    )
    return pixels + torch.einsum("kc,nchw->nkhw", to_rgb[:, 1:], coarse * (strength / math.sqrt(2)))


# --------------------------------------------------------------------------------------------------------- compression


class WebpLike(nn.Module):
    """What lossy WebP does to a picture, roughly: 4:2:0, blocks of 4 px with coarse details, smoothed at their borders.

    libwebp predicts each block from its neighbours and codes the rest, which no tensor operation can. Here, each block
    is coded by itself, with fine means.
    """

    def __init__(self) -> None:
        super().__init__()
        dct = torch.tensor(
            [
                [math.sqrt((1 if k == 0 else 2) / 4) * math.cos((2 * x + 1) * k * math.pi / 8) for x in range(4)]
                for k in range(4)
            ]
        )
        self.register_buffer("dct", torch.kron(dct, dct))
        share = torch.ones(16)
        share[0] = 0.35  # the mean: predicted well, and quantised more finely
        self.register_buffer("share", share)

    def quantise(self, planes: Tensor, step: Tensor) -> Tensor:
        """(n, c, h, w), sides multiples of 4, by the steps (n,) of their details, in levels."""
        n, c, h, w = planes.shape
        blocks = planes.reshape(n, c, h // 4, 4, w // 4, 4).transpose(3, 4).reshape(n, c * h * w // 16, 16)
        steps = step.view(-1, 1, 1) * self.share
        values = blocks @ self.dct.T / steps
        # A dead zone, as rate-distortion optimisation has: what is below 2/3 of a step becomes 0.
        kept = values.sign() * (values.abs() + 1 / 3).floor()
        kept[..., 0] = values[..., 0].round()
        planes = ((kept * steps) @ self.dct).view(n, c, h // 4, w // 4, 4, 4).transpose(3, 4).reshape(n, c, h, w)
        for dimension in (2, 3):
            planes = self._smooth(planes, step, dimension)
        return planes

    @staticmethod
    def _smooth(planes: Tensor, step: Tensor, dimension: int) -> Tensor:
        """The loop filter: the two pixels at a border of blocks approach each other if they differ by a step at most."""
        length = planes.shape[dimension]
        left = torch.arange(3, length - 1, 4, device=planes.device)
        before, after = planes.index_select(dimension, left), planes.index_select(dimension, left + 1)
        difference = after - before
        move = 0.25 * difference * (difference.abs() < step.view(-1, 1, 1, 1))
        return planes.index_add(dimension, left, move).index_add(dimension, left + 1, -move)

    def forward(self, ycc: Tensor, step: Tensor) -> Tensor:
        """(n, 3, h, w) Y, Cb, Cr around 0, h and w multiples of 8, by steps (n,) in levels."""
        luma = self.quantise(ycc[:, :1], step)
        chroma = self.quantise(functional.avg_pool2d(ycc[:, 1:], 2).round(), step)
        return torch.cat([luma, Degrade._upsample(chroma)], 1).round()


# ----------------------------------------------------------------------------------------------------------- the whole


class Widened(nn.Module):
    """As `Degrade`, but a share of the pictures becomes as bad as `how` says."""

    def __init__(self, edge: int, how: Widening) -> None:
        super().__init__()
        self.how = how
        self.mild = Degrade(edge, Degradation())
        self.webp = WebpLike()
        self.edge = (edge - 2 * REDUCTION_MARGIN) // SCALE  # px of the small picture, before it is cropped
        # The picture in between is as large at any pitch; what it shows of the original differs.
        self.between = JPEG_BLOCK * math.ceil(edge / FINEST / JPEG_BLOCK)

    def forward(self, high: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 3, edge, edge) to small pictures of (edge - 10) / 2 - 16 px and their sharp originals, in levels."""
        mild = round(len(high) * self.how.mild)
        low, original = self.mild(high[:mild])
        worse = self.worsen(high[mild:])
        half = JPEG_BLOCK // 2
        size = self.edge - JPEG_BLOCK
        worse = worse[:, :, half : half + size, half : half + size]
        first, size = REDUCTION_MARGIN + SCALE * half, SCALE * size
        originals = high[mild:, :, first : first + size, first : first + size]
        return torch.cat([low, worse]), torch.cat([original, originals])

    def worsen(self, high: Tensor) -> Tensor:
        """(n, 3, edge, edge) to (n, 3, (edge - 10) / 2, ...), in levels."""
        n, device, length = len(high), high.device, high.shape[-1]
        ends = REDUCTION_MARGIN + 0.5 + SCALE * torch.arange(self.edge, device=device)  # where the small pixels lie
        least, most = (math.log(each) for each in self.how.pitch)
        pitch = (least + (most - least) * torch.rand(n, 1, device=device)).exp()
        chained = torch.rand(n, 1, device=device) < self.how.chained
        pitch = torch.where(chained, pitch, float(SCALE))
        # The grid of blocks begins anywhere, and where nothing is resized twice the pixels lie on the small ones.
        phase = torch.rand(2, n, 1, device=device) * JPEG_BLOCK
        phase = torch.where(chained, phase, phase.floor())
        middle = torch.arange(self.between, device=device) - (self.between - JPEG_BLOCK) // 2 - phase
        rows, columns = (ends[self.edge // 2] + pitch * each for each in middle)

        blurred = self._blurred(high, self.how.first)
        pixels = self._resampled(blurred, (rows, columns), pitch[:, 0])
        pixels = self._stage(pixels, self.how.first)
        back = [(ends - each[:, :1]) / pitch for each in (rows, columns)]
        small = self._resampled(pixels, (back[0], back[1]), SCALE / pitch[:, 0])
        taken = [each.round().long().clamp(0, self.between - 1) for each in back]  # unchained: the pixels themselves
        index = torch.arange(n, device=device).view(-1, 1, 1, 1), torch.arange(3, device=device).view(1, 3, 1, 1)
        same = pixels[*index, taken[0][:, None, :, None], taken[1][:, None, None, :]]
        small = torch.where(chained.view(-1, 1, 1, 1), small, same)
        return self._stage(self._blurred(small, self.how.second), self.how.second)

    @staticmethod
    def _resampled(pixels: Tensor, places: tuple[Tensor, Tensor], pitch: Tensor) -> Tensor:
        rows, columns = (resampling(each, pitch, pixels.shape[-1])[:, None] for each in places)
        return (rows @ pixels @ columns.mT).clamp(0, 255).round()

    @staticmethod
    def _blurred(pixels: Tensor, stage: Stage) -> Tensor:
        chosen = torch.rand(len(pixels), 1, 1, 1, device=pixels.device) < stage.blurred
        return torch.where(chosen, blur(pixels, blur_kernels(len(pixels), stage.blur, pixels.device)), pixels)

    def _stage(self, pixels: Tensor, stage: Stage) -> Tensor:
        """Noise and compression."""
        n, device = len(pixels), pixels.device

        def strengths(share: float, most: float) -> Tensor:
            chosen, strength = torch.rand(2, n, 1, 1, 1, device=device)
            return (chosen < share) * strength * most

        pixels = sensor_noise(pixels, strengths(stage.noisy, stage.noise))
        pixels = chroma_noise(pixels, strengths(stage.blotched, stage.blotches), self.mild.to_rgb)
        return self._compressed(pixels.clamp(0, 255).round(), stage)

    def _compressed(self, pixels: Tensor, stage: Stage) -> Tensor:
        """Some as JPEG, some as WebP, the others as they are; who is what goes by chance."""
        n, device = len(pixels), pixels.device
        order = torch.rand(n, device=device).argsort()
        pixels = pixels[order]
        jpegs, webps = round(n * stage.jpeg), round(n * stage.webp)
        full = round(jpegs * self.mild.how.full_colour)
        jpeg = self.mild.jpeg(pixels[:jpegs], self._qualities(jpegs, stage, device), full)
        ycc = torch.einsum("kc,nchw->nkhw", self.mild.to_ycc, pixels[jpegs : jpegs + webps])
        steps = 8 * 6 ** torch.rand(webps, device=device)  # they lose as much as libwebp's qualities 90 to 25
        webp = torch.einsum("kc,nchw->nkhw", self.mild.to_rgb, self.webp(ycc, steps)).clamp(0, 255).round()
        return torch.cat([jpeg, webp, pixels[jpegs + webps :]])[order.argsort()]

    @staticmethod
    def _qualities(n: int, stage: Stage, device: torch.device) -> Tensor:
        """As `Degrade` chooses them, in the range of this stage."""
        least, usual, most = stage.quality
        chance = torch.rand(n, device=device)
        rising = least + (chance * ((most - least) * (usual - least))).sqrt()
        falling = most - ((1 - chance) * ((most - least) * (most - usual))).sqrt()
        return torch.where(chance < (usual - least) / (most - least), rising, falling).round()


def main() -> None:
    """Train as training.plain.train does, with these degradations."""
    parser = train.parser_of(__doc__)
    parser.add_argument("--resume", type=train.Path, help="checkpoint.pt to go on from")
    chosen = train.read_options(parser)
    network, batches = train.prepare(chosen)
    batches.degrade = Widened(batches.edge, Widening()).to(chosen.device)
    training = train.Training(network, batches, chosen.average, chosen.compile)
    minutes = train.begin(training, chosen)
    if chosen.resume:
        training.load(chosen.resume)
        torch.manual_seed(chosen.seed + training.steps)
    train.train(
        training, train.Schedule(chosen.steps, minutes, chosen.rate, chosen.warm), chosen.output, chosen.every
    )
    train.finish(training, chosen)


if __name__ == "__main__":
    main()
