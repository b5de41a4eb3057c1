"""The networks in PyTorch: equal to what is served, and to ISR's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import pytest
import torch
from conftest import FIXTURES, ROOT, photograph
from numpy.typing import NDArray
from PIL import Image

from evaluation.isr_weights import read_isr
from superscaling.conversion.from_plain import read_plain
from superscaling.models import Architecture, read_model_files
from training.errors import TrainingError
from training.network import PlainNetwork
from training.rdn import ResidualDenseNetwork
from training.weight_files import Network, file_name, load_network, save_weights

MODELS = ROOT / "models"
LITE = MODELS / "noise-cancel-lite" / "noise-cancel-lite.weights.h5"
ELEVEN_BLOCKS = Architecture(c=2, d=11, g=8, g0=12, scale=2, upscaling="shuffle")


def enlarged(network: Network, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w, 3) to (2 h, 2 w, 3), in levels, neither clamped nor rounded."""
    with torch.no_grad():
        output = network(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255)
    return np.asarray(output[0].permute(1, 2, 0).numpy() * 255, np.float32)


def random_plain() -> PlainNetwork:
    torch.manual_seed(0)
    network = PlainNetwork(3, 8)
    for each in network.parameters():
        torch.nn.init.normal_(each, std=0.1)
    return network


@pytest.mark.parametrize(
    "name", ["noise-cancel-lite.weights.h5", "noise-cancel-small.weights.h5", "noise-cancel-plain.npz"]
)
def test_known_answers(name: str) -> None:
    """For networks of ISR they were recorded by ISR itself, on TensorFlow."""
    directory = MODELS / name.removesuffix(".weights.h5").removesuffix(".npz")
    answer = read_model_files(directory).known_answer("fp32")
    np.testing.assert_allclose(enlarged(load_network(directory / name), answer.pixels), answer.expected, atol=0.01)


def test_openvino_makes_the_same_of_a_plain_network(tmp_path: Path) -> None:
    network = random_plain()
    save_weights(network, list(network.parameters()), tmp_path / "random.npz")
    core = openvino.Core()
    served = core.compile_model(read_plain(tmp_path / "random.npz"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    pixels = photograph(33, 47)
    result = served(pixels[np.newaxis] / np.float32(255))[0][0] * 255
    np.testing.assert_allclose(result, enlarged(network, pixels), atol=1e-3)


@pytest.mark.parametrize(
    "make", [random_plain, lambda: ResidualDenseNetwork(ELEVEN_BLOCKS)], ids=["plain", "residual dense"]
)
def test_weights_come_back(make: Callable[[], Network], tmp_path: Path) -> None:
    network = make()
    path = tmp_path / file_name(network)
    save_weights(network, list(network.parameters()), path)
    again = load_network(path)
    assert again.dimensions == network.dimensions
    for name, each in network.state_dict().items():
        assert torch.equal(each, again.state_dict()[name]), name
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_residual_dense_network_is_written_as_it_was_read(tmp_path: Path) -> None:
    network = load_network(LITE)
    save_weights(network, list(network.parameters()), tmp_path / "same.weights.h5")
    for (kernel, bias), (same, also) in zip(read_isr(LITE)[1], read_isr(tmp_path / "same.weights.h5")[1], strict=True):
        np.testing.assert_array_equal(kernel, same)
        np.testing.assert_array_equal(bias, also)


def test_idealo_s_layout_and_enlargement() -> None:
    network = load_network(FIXTURES / "legacy-C2-D2-G16-G016-x2.hdf5")
    with np.load(FIXTURES / "legacy_io.npz") as recorded:
        np.testing.assert_allclose(enlarged(network, recorded["x"]), 255 * recorded["f"].reshape(74, 106, 3), atol=0.01)


@pytest.mark.parametrize("upscaling", ["shuffle", "ups"])
def test_a_new_residual_dense_network_is_bilinear(upscaling: str) -> None:
    pixels = photograph(20, 26)
    result = enlarged(ResidualDenseNetwork(Architecture(2, 2, 8, 8, 2, upscaling)), pixels)
    bilinear = np.asarray(Image.fromarray(pixels).resize((52, 40), Image.Resampling.BILINEAR))
    inside = slice(4, -4)  # it pads with zeros
    np.testing.assert_allclose(result[inside, inside], bilinear[inside, inside], atol=1)


def test_a_new_plain_network_is_bicubic_and_keeps_flat_colours() -> None:
    pixels = photograph(20, 26)
    result = np.clip(enlarged(PlainNetwork(2, 8), pixels), 0, 255)
    bicubic = np.asarray(Image.fromarray(pixels).resize((52, 40), Image.Resampling.BICUBIC))
    inside = slice(4, -4)  # Pillow leaves out what lies beyond the border
    np.testing.assert_allclose(result[inside, inside], bicubic[inside, inside], atol=1)
    flat = np.full((9, 9, 3), (255, 0, 90), np.uint8)
    np.testing.assert_allclose(enlarged(PlainNetwork(2, 8), flat), np.full((18, 18, 3), (255, 0, 90)), atol=1e-3)


@pytest.mark.parametrize("name", ["noise-cancel-lite.weights.h5", "noise-cancel-plain.npz"])
def test_bfloat16_differs_little(name: str) -> None:
    network = load_network(MODELS / name.removesuffix(".weights.h5").removesuffix(".npz") / name)
    pixels = photograph(24, 24)
    exact = enlarged(network, pixels)
    with torch.autocast("cpu", torch.bfloat16):
        rough = enlarged(network, pixels)
    assert rough.dtype == np.float32
    assert 0.01 < np.abs(rough - exact).max() < 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no weight file"),
        (b"", "holds no plain x2 network"),
        (b"PK\x03\x04 cut off", "holds no plain x2 network"),
        ({"a": np.zeros(3)}, "holds no plain x2 network"),
        (
            {name: each.detach().numpy() for name, each in random_plain().named_parameters() if name != "tail.bias"},
            "tail",
        ),
        (
            {name: each.detach().numpy()[:27] for name, each in PlainNetwork(1, 32).named_parameters()},
            "body.0.weight has the shape",
        ),
    ],
    ids=["missing", "empty", "cut off", "something else", "incomplete", "another factor"],
)
def test_weight_files_that_are_refused(
    content: bytes | dict[str, NDArray[np.float32]] | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.savez(path, allow_pickle=False, **content)
    with pytest.raises(TrainingError, match=message) as error:
        load_network(path)
    assert "\n" not in str(error.value)
