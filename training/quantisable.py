"""Prepare the weights of a plain network for int8, so that int8 loses less. Takes minutes.

    python -m training.quantisable training/weights/best.npz OUT.npz --photographs FOLDER [FOLDER ...]

Two steps. Cross-layer equalisation (arXiv:1906.04721): channels are scaled so that all of a layer have the same largest
activation, because in int8 they share one range. In fp32 that changes nothing. Then the weights are rounded to the
steps that int8 will have, layer by layer, as GPTQ does it (arXiv:2210.17323): each weight makes up for what the
rounding of those before it changed, on pictures, in a network that is quantised up to there. So fp32 and int8 have the
same weights, and int8 rounds activations only.
"""

import argparse
import copy
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import Conv2d, functional

from evaluation.metrics import Pixels
from evaluation.pictures import as_jpeg
from superscaling.commands.convert import samples
from superscaling.conversion import CALIBRATION_COLOURS, calibration_squares
from superscaling.engines import Pixels as Levels
from training.drawings import FONTS, draw
from training.errors import TrainingError, exit_status
from training.files import check_output
from training.network import PlainNetwork
from training.photographs import files_below, none_usable, read_photograph, say_skipped
from training.weight_files import load_plain, save_weights

# Of int8: on each side of zero; above zero. The largest weight of a channel determines the step, as in NNCF.
WEIGHT_STEPS, ACTIVATION_STEPS = 127, 255
# The pictures on which layers are compared, of photographs at most so many; and the pixels of each that are.
PHOTOGRAPHS, DRAWINGS, GRADIENTS = 240, 30, 60
PATCH, PLACES = 48, 400
# Of the inputs' mean square, added to each: what the pictures don't determine shall not become large.
DAMPING = 1e-3


def equalise(network: PlainNetwork, pictures: Tensor) -> None:
    """Scale channels, which ReLU allows, so that the largest activation of each is 1 on the pictures (n, 3, h, w)."""
    rows = (network.head, *network.body, network.tail)
    largest: list[Tensor] = []
    hooks = [
        each.register_forward_pre_hook(lambda _, inputs: largest.append(inputs[0].amax((0, 2, 3)))) for each in rows[1:]
    ]
    network(pictures)
    for hook in hooks:
        hook.remove()
    for before, after, most in zip(rows[:-1], rows[1:], largest, strict=True):
        scale = most.clamp_min(float(most.amax()) / 100).view(-1, 1, 1, 1)  # some channels are never active
        before.weight.div_(scale)
        before.bias.div_(scale.flatten())
        after.weight.mul_(scale.transpose(0, 1))


def round_weights(network: PlainNetwork, pictures: Tensor) -> None:
    """Round the weights of an equalised network in place; compared on pictures (n, 3, PATCH, PATCH)."""
    chance = torch.Generator().manual_seed(0)
    places = [torch.randperm(PATCH**2, generator=chance)[:PLACES] for _ in pictures]
    around = functional.pad(pictures, (1, 1, 1, 1), "replicate")
    exact = rough = functional.relu(network.head(around))
    for layer in (*network.body, network.tail):
        rough = (rough.clamp_max(1) * ACTIVATION_STEPS).round() / ACTIVATION_STEPS
        exact = layer(exact)
        inputs = torch.cat([_taps(layer, each, chosen) for each, chosen in zip(rough, places, strict=True)])
        wanted = torch.cat([each.flatten(1)[:, chosen].T for each, chosen in zip(exact, places, strict=True)])
        kernel = rounded_kernel(layer.weight.flatten(1), inputs)
        layer.bias.copy_((wanted - inputs @ kernel.T).mean(0))
        layer.weight.copy_(kernel.view_as(layer.weight))
        exact, rough = functional.relu(exact), functional.relu(layer(rough))


def rounded_kernel(kernel: Tensor, inputs: Tensor) -> Tensor:
    """Round a kernel (out, taps) to the steps of each output, so that it does nearly the same to inputs (n, taps)."""
    products = inputs.double().T @ inputs.double()
    products += DAMPING * products.diagonal().mean() * torch.eye(len(products), dtype=torch.double)
    upper = torch.linalg.cholesky(torch.linalg.inv(products)).T
    weights = kernel.double().clone()
    step = weights.abs().amax(1).clamp_min(1e-12) / WEIGHT_STEPS  # an output may have no inputs
    keeps = weights.abs() == weights.abs().amax(1, keepdim=True)  # the largest, which determines the step
    original = weights.clone()
    for tap in range(weights.shape[1]):
        steps = (weights[:, tap] / step).round().clamp(-WEIGHT_STEPS, WEIGHT_STEPS)
        result = torch.where(keeps[:, tap], original[:, tap], steps * step)
        error = (weights[:, tap] - result) / upper[tap, tap]
        weights[:, tap:] -= error[:, None] * upper[tap, tap:]
        weights[:, tap] = result
    return weights.float()


def _taps(layer: Conv2d, planes: Tensor, places: Tensor) -> Tensor:
    """(places, in * 9): what a convolution of the body multiplies by its kernel at some places of (in, h, w)."""
    return functional.unfold(planes[None], layer.kernel_size, padding=layer.padding)[0][:, places].T


def pictures_of(folders: Sequence[Path], random: np.random.Generator, fonts: Path = FONTS) -> list[Pixels]:
    """Pictures (PATCH, PATCH, 3), as the service gets them: of photographs, drawings with these fonts, and gradients.

    Files that are not pictures, or too small, are named on stderr and skipped.

    Raises:
        TrainingError: a folder is missing, or there is no readable picture that is large enough.
    """
    files, reasons = files_below(folders), list[str]()
    pictures: list[Pixels] = []
    for number in random.permutation(len(files)):
        if len(pictures) == PHOTOGRAPHS:
            break
        try:
            pixels = np.asarray(read_photograph(files[number], 2 * PATCH).reduce(2))
        except TrainingError as exc:
            reasons.append(str(exc))
            say_skipped(files[number], str(exc))
            continue
        top, left = (random.integers(side - PATCH + 1) for side in pixels.shape[:2])
        pictures.append(degraded(pixels[top : top + PATCH, left : left + PATCH], random))
    if not pictures:
        raise none_usable(folders, reasons)
    for _ in range(DRAWINGS):
        pictures.append(degraded(np.asarray(Image.fromarray(draw(2 * PATCH, random, fonts)).reduce(2)), random))
    return pictures + [degraded(gradient(random), random) for _ in range(GRADIENTS)]


def gradient(random: np.random.Generator) -> Pixels:
    """(PATCH, PATCH, 3): each channel changes by up to 3 levels per px, all in one direction or each in its own."""
    angle = random.uniform(0, 2 * math.pi, size=3 if random.random() < 0.5 else 1)
    slope = np.exp(random.uniform(math.log(0.02), math.log(3), size=3)) * random.integers(-1, 2, size=3)
    rows, columns = (plane[..., np.newaxis] - PATCH / 2 for plane in np.indices((PATCH, PATCH)))
    middle = random.uniform(0, 255, size=3) if random.random() < 0.7 else 255 * random.integers(2, size=3)
    levels = middle + slope * (rows * np.sin(angle) + columns * np.cos(angle))
    pixels: Pixels = np.rint(levels.clip(0, 255)).astype(np.uint8)
    return pixels


def degraded(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """As it is, with noise of up to 4 levels, as a JPEG of quality 30 to 95, or both."""
    if random.random() < 0.5:
        noise = random.normal(0, random.uniform(0.3, 4), size=pixels.shape)
        pixels = (pixels + noise).clip(0, 255).round().astype(np.uint8)
    return as_jpeg(pixels, int(random.integers(30, 96))) if random.random() < 0.5 else pixels


def to_tensor(pictures: Sequence[Levels]) -> Tensor:
    """(n, 3, h, w), from 0 to 1."""
    return torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).copy()).float() / 255


def prepare(network: PlainNetwork, pictures: Sequence[Pixels]) -> PlainNetwork:
    """A copy of the network that does nearly the same to the pictures (PATCH, PATCH, 3), and is ready for int8."""
    network = copy.deepcopy(network)
    photographs, drawings = samples()
    squares = calibration_squares([*photographs, *drawings])
    colours = [square[:PATCH, :PATCH] for square in squares[-CALIBRATION_COLOURS:]]
    with torch.no_grad():
        equalise(network, to_tensor(squares))
        round_weights(network, to_tensor([*pictures, *colours]))
    return network


def write_prepared(weights: Path, output: Path, photographs: Sequence[Path], fonts: Path) -> bool:
    """Read weights, prepare them on pictures made of the photographs, and write them. Returns True.

    Raises:
        TrainingError: a file can't be read or written.
    """
    check_output(output)
    network = load_plain(weights)
    ready = prepare(network, pictures_of(photographs, np.random.default_rng(0), fonts))
    save_weights(ready, list(ready.parameters()), output)
    return True


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit status; an error prints one line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.quantisable", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    parser.add_argument("weights", type=Path, help="of a plain network (.npz)")
    parser.add_argument("output", type=Path, help="the file to write (.npz)")
    parser.add_argument(
        "--photographs", type=Path, nargs="+", required=True, metavar="FOLDER", help="searched recursively"
    )
    parser.add_argument(
        "--fonts", type=Path, default=FONTS, metavar="FOLDER", help=f"for the drawings (default: {FONTS})"
    )
    given = parser.parse_args(arguments)
    return exit_status(
        "quantisable", lambda: write_prepared(given.weights, given.output, given.photographs, given.fonts)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
