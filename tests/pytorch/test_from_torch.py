"""PyTorch's files against PyTorch itself: `make test-pytorch`, which installs it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
import spandrel
import torch
from safetensors.torch import save_file
from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet
from spandrel.architectures.SPAN.__arch.span import SPAN
from spandrel.architectures.SwinIR.__arch.SwinIR import SwinIR

from superscaling.commands.import_model import main
from superscaling.conversion.from_torch import convert_descriptor, load_descriptor, read_torch
from superscaling.errors import ModelUnavailable
from superscaling.models import imported_directory, read_model_files

# spandrel's SwinIR calls it as older releases wanted.
pytestmark = pytest.mark.filterwarnings("ignore:torch.meshgrid:UserWarning")

NETWORKS = Path(__file__).parents[1] / "fixtures" / "networks"
SIZES = [(64, 80), (48, 40), (33, 71), (16, 16)]
# Those of a transformer are multiples of its window: it was traced without padding, which the engine does.
SIZES_OF_WINDOWS = [(64, 80), (48, 40), (32, 72), (16, 16)]


def swin() -> Any:
    return SwinIR(
        img_size=24,
        window_size=8,
        embed_dim=24,
        depths=[2],
        num_heads=[2],
        mlp_ratio=2,
        upscale=2,
        upsampler="pixelshuffledirect",
        resi_connection="1conv",
    )


RANDOM: dict[str, Callable[[], Any]] = {
    "ESRGAN": lambda: RRDBNet(num_filters=8, num_blocks=1, scale=4),
    "SPAN": lambda: SPAN(num_in_ch=3, num_out_ch=3, feature_channels=16, upscale=2, norm=False),
    "SwinIR": swin,
}


def saved(network: Any, directory: Path) -> Path:
    path = directory / "network.safetensors"
    save_file({name: value.contiguous().clone() for name, value in network.state_dict().items()}, path)
    return path


def check_equal(descriptor: Any, sizes: list[tuple[int, int]]) -> None:
    """OpenVINO gives what PyTorch gives, for sizes other than the traced one as well."""
    request = (
        openvino.Core()
        .compile_model(convert_descriptor(descriptor), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        .create_infer_request()
    )
    for height, width in sizes:
        picture = np.random.default_rng(0).random((1, height, width, 3), np.float32)
        with torch.no_grad():
            expected = descriptor.model(torch.from_numpy(picture).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
        request.infer({0: picture})
        result = request.get_output_tensor(0).data
        assert result.shape == expected.shape == (1, height * descriptor.scale, width * descriptor.scale, 3)
        assert np.abs(result - expected).max() * 255 < 0.05, (height, width)


@pytest.mark.parametrize("file", ["compact-x4.pth", "compact-x4.safetensors"])
def test_committed_files(file: str) -> None:
    descriptor = load_descriptor(NETWORKS / file)
    assert descriptor.architecture.name == "RealESRGAN Compact"
    check_equal(descriptor, SIZES)


@pytest.mark.parametrize("name", RANDOM)
def test_architectures(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    descriptor = load_descriptor(saved(RANDOM[name]().eval(), tmp_path))
    assert descriptor.architecture.name == name
    check_equal(descriptor, SIZES_OF_WINDOWS if name == "SwinIR" else SIZES)


def test_both_files_and_onnx_are_one_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Imported by the command, each reproduces the others' known answer."""
    monkeypatch.setenv("UPSCALER_CACHE_DIR", str(tmp_path))
    answers = []
    for ending in ("pth", "safetensors", "onnx"):
        assert main([str(NETWORKS / f"compact-x4.{ending}"), "--name", ending]) == 0
        model = read_model_files(imported_directory(tmp_path, ending))
        assert model.scale == 4
        answers.append(model.known_answer("fp32").expected)
    assert np.abs(answers[0] - answers[1]).max() < 0.01
    assert np.abs(answers[0] - answers[2]).max() < 0.01


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (lambda: RRDBNet(in_nc=1, out_nc=1, num_filters=8, num_blocks=1).state_dict(), "takes 1 channels and gives 1"),
        (lambda: {"weight": torch.zeros(3, 3)}, "spandrel does not know its architecture"),
    ],
    ids=["grey", "unknown"],
)
def test_networks_that_are_refused(state: Callable[[], dict[str, Any]], message: str, tmp_path: Path) -> None:
    path = tmp_path / "network.safetensors"
    save_file({name: value.contiguous().clone() for name, value in state().items()}, path)
    with pytest.raises(ModelUnavailable, match=message):
        read_torch(path)


@pytest.mark.parametrize("content", [b"", b"\x10\x00\x00\x00\x00\x00\x00\x00{", b"x" * 1000])
def test_damaged_safetensors(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "network.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match=r"network.safetensors can't be read: .+") as raised:
        read_torch(path)
    assert "\n" not in str(raised.value)


def test_spandrel_allows_no_more_than_we_do() -> None:
    """The list that pickles are searched by is spandrel's."""
    from spandrel.__helpers.unpickler import safe_list

    from superscaling.conversion.pickles import ALLOWED

    assert set(safe_list) == ALLOWED
    assert spandrel.__version__
