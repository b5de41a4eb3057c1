"""Networks that take long: their work is counted, their turns are bounded, their halo is no wider than needed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest
from conftest import FIXTURES, photograph
from fakes import RepeatingEngine
from ncnn_files import Planes, tagged, write_ncnn
from numpy.typing import NDArray
from openvino import opset13 as op

from superscaling.assembly import build_upscaler
from superscaling.conversion import parameters
from superscaling.conversion.from_ncnn import read_ncnn
from superscaling.conversion.from_onnx import read_onnx
from superscaling.conversion.halo import measure_halo
from superscaling.conversion.network_size import work_per_pixel
from superscaling.engines import EngineFacts, Pixels
from superscaling.geometry import Box
from superscaling.models import MODELS, Kind, read_model_files, shipped_models
from superscaling.scheduling import FairLock
from superscaling.settings import Settings

# Real-ESRGAN x4plus: multiplications per px, halo.
X4PLUS = (17_900_000, 80)


def zeros(*shape: int) -> Planes:
    return np.zeros(shape, np.float32)


# Work


@pytest.mark.parametrize(
    ("layers", "weights", "expected"),
    [
        ("Convolution c 1 1 in out 0=3 1=3 4=1 6=81", tagged(zeros(81)), 81),
        (
            "Convolution c 1 1 in a 0=12 1=3 4=1 6=324\nPixelShuffle p 1 1 a b 0=2\n"
            "Convolution d 1 1 b out 0=3 1=3 4=1 6=81",
            tagged(zeros(324)) + tagged(zeros(81)),
            324 + 4 * 81,
        ),
        (
            "Convolution c 1 1 in a 0=8 1=1 6=24\nConvolutionDepthWise d 1 1 a b 0=8 1=3 4=1 6=72 7=8\n"
            "Convolution e 1 1 b out 0=3 1=1 6=24",
            tagged(zeros(24)) + tagged(zeros(72)) + tagged(zeros(24)),
            24 + 72 + 24,
        ),
        ("Deconvolution d 1 1 in out 0=3 1=4 3=2 4=1 6=144", tagged(zeros(144)), 144),
        ("Interp i 1 1 in out 0=1 1=2.0 2=2.0", b"", 0),
    ],
    ids=["a convolution", "at two sizes", "depthwise", "transposed", "none"],
)
def test_work(layers: str, weights: bytes, expected: int, tmp_path: Path) -> None:
    assert work_per_pixel(read_ncnn(write_ncnn(tmp_path, layers, weights))) == expected


def test_work_of_a_transformer() -> None:
    """Its products count, and it is counted at a size that it takes: here its windows are 8 px."""
    network = read_onnx(FIXTURES / "networks" / "swin-x3.onnx")
    channels, hidden, window = 16, 32, 64  # the last in px
    layer = 4 * channels**2 + 2 * window * channels + 2 * channels * hidden
    convolutions = 9 * (3 * channels + 2 * channels**2 + channels * 3 * 3**2)
    assert work_per_pixel(network, 8) == 2 * layer + convolutions


def test_work_of_shapes_that_only_the_values_tell() -> None:
    """Then a multiplication for each parameter."""
    picture = op.parameter([1, -1, -1, 3], np.float32, name="picture")
    length = op.convert(op.reduce_max(picture, np.array([0, 1, 2, 3]), keep_dims=False), "i64")
    repeated = op.tile(picture, op.concat([op.unsqueeze(length, 0), np.array([1, 1, 1])], 0))
    product = op.matmul(repeated, np.ones((3, 5), np.float32), False, False)
    network = openvino.Model([product], [picture], "tells nothing")
    assert work_per_pixel(network) == parameters(network) >= 15


@pytest.mark.parametrize("name", shipped_models())
def test_the_work_of_own_models_is_stated(name: str) -> None:
    model = read_model_files(MODELS / name)
    assert model.work == work_per_pixel(openvino.Core().read_model(model.ir("fp32")))


# Turns


@pytest.mark.parametrize(
    ("work", "halo", "multiple", "wanted", "expected"),
    [
        (0, 16, 1, 256, 256),  # not known
        (455_204, 16, 1, 256, 256),  # noise-cancel-lite
        (455_204, 16, 1, 2048, 1450),  # what nobody should wait for, although it was set
        (5_706_432, 64, 1, 256, 256),  # realesrgan-x4plus-anime
        (*X4PLUS, 1, 256, 160),  # twice its halo, in spite of its work
        (*X4PLUS, 1, 64, 64),  # what was set is never exceeded
        (17_900_000, 16, 1, 256, 204),
        (17_900_000, 16, 8, 256, 190),
        (10**13, 8, 1, 256, 16),
    ],
)
def test_tiles_of_heavy_networks_are_smaller(work: int, halo: int, multiple: int, wanted: int, expected: int) -> None:
    facts = EngineFacts("a", "b", "fp32", threads=1, scale=4, halo=halo, multiple=multiple, work=work)
    assert facts.tile_edge(wanted) == expected


@pytest.mark.parametrize(("work", "longest"), [(X4PLUS[0], 320), (455_204, 416)])
def test_turns_of_a_heavy_network_are_bounded(work: int, longest: int) -> None:
    """From the file of the model to the tiles of a picture, in every pass."""
    model = replace(read_model_files(MODELS / "noise-cancel-lite"), halo=X4PLUS[1], scale=4, work=work)
    engine = RepeatingEngine(lambda _: None)
    engine.facts = EngineFacts.of(model, "fake", "fp32", 1)
    upscaler = build_upscaler(engine, model, Settings(), FairLock())
    passes = upscaler.passes((2000, 3000), (10_000, 15_000))
    part = next(passes.parts(Box(0, 0, 2000, 3000)))
    sides = [side for step in passes.steps(part) for tile in passes.tiles(step) for side in tile.window.size]
    assert longest / 2 < max(sides) <= longest
    cost = upscaler.cost_of(2000, 3000)
    assert cost.area <= cost.tiles * longest**2
    assert cost.area < 4.1 * 2000 * 3000


# Halos


def looking_far(pixels: Pixels) -> NDArray[np.float32]:
    """Each px is itself, 5 levels of what lies 10 px away, and 0.2 of what lies 40 px away, for white."""
    levels = pixels.astype(np.float32)
    result = levels.copy()
    for distance, share in ((10, 5 / 255), (40, 0.2 / 255)):
        height, width, _ = levels.shape
        padded = np.pad(levels, ((distance, distance), (distance, distance), (0, 0)))
        for top, left in ((0, 1), (2, 1), (1, 0), (1, 2)):
            result += share * padded[top * distance :, left * distance :][:height, :width]
    return result


@pytest.mark.parametrize(
    ("kind", "halo"), [(Kind.FAITHFUL, 40), (Kind.PERCEPTUAL, 12), (Kind.LINE_ART, 12)], ids=lambda value: str(value)
)
def test_a_halo_is_as_wide_as_the_kind_needs(kind: Kind, halo: int) -> None:
    """What invents details may differ by what rounding hides."""
    found = measure_halo(looking_far, 1, [photograph(200, 300), photograph(300, 200, seed=1)], kind)
    assert found.px == halo
    assert found.seam < (0.01 if kind is Kind.FAITHFUL else 0.5)
