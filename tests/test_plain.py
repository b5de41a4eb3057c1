"""Plain networks: read, refused, converted, and served."""

import io
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from conftest import ROOT, StartServer, encoded, opened, photograph
from fakes import noise
from numpy.typing import NDArray

from superscaling.commands.import_model import main
from superscaling.commands.prepare import prepare
from superscaling.conversion.from_plain import MAX_BYTES, read_plain
from superscaling.engines import infer_levels
from superscaling.engines.openvino import EngineOpenVino, supported_precisions
from superscaling.errors import StartError
from superscaling.geometry import Box
from superscaling.models import TABLE, FileFormat, ModelFiles, read_model_files
from superscaling.settings import read_settings

MODELS = ROOT / "models"
OWN = [row.name for row in TABLE.values() if row.is_own and row.file_format is FileFormat.PLAIN]
Weights = dict[str, Any]


def random_weights(scale: int, layers: int = 2, channels: int = 8) -> Weights:
    """Of a small network: one that repeats pixels, with some noise."""
    chance = np.random.default_rng(scale)
    results = 3 * scale**2
    kernels = {"head": (channels, 3, 3, 3), "tail": (results, channels, 3, 3), "skip": (results, 3, 5, 5)}
    kernels |= {f"body.{number}": (channels, channels, 3, 3) for number in range(layers)}
    weights = {f"{name}.weight": chance.normal(0, 0.03, shape).astype(np.float32) for name, shape in kernels.items()}
    weights |= {f"{name}.bias": chance.normal(0, 0.01, shape[0]).astype(np.float32) for name, shape in kernels.items()}
    for colour in range(3):
        weights["skip.weight"][colour * scale**2 : (colour + 1) * scale**2, colour, 2, 2] += 1
    return weights


def saved(weights: Weights, folder: Path, name: str = "network.npz") -> Path:
    np.savez(folder / name, **weights)
    return folder / name


# Read


def convolve(planes: NDArray[np.float64], kernel: NDArray[Any], bias: NDArray[Any], mode: Any) -> NDArray[np.float64]:
    reach = kernel.shape[-1] // 2
    padded = np.pad(planes, ((0, 0), (reach, reach), (reach, reach)), mode=mode)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[2:], axis=(1, 2))
    planes = np.einsum("chwij,kcij->khw", windows, kernel.astype(np.float64), optimize=True)
    return planes + np.asarray(bias, np.float64)[:, np.newaxis, np.newaxis]


def forward(weights: Weights, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A plain network in NumPy, in float64: (h, w, 3) to levels (scale h, scale w, 3)."""
    planes = np.moveaxis(pixels, 2, 0) / 255
    features, number = np.maximum(convolve(planes, weights["head.weight"], weights["head.bias"], "edge"), 0), 0
    while f"body.{number}.weight" in weights:
        layer = f"body.{number}"
        features = np.maximum(convolve(features, weights[f"{layer}.weight"], weights[f"{layer}.bias"], "constant"), 0)
        number += 1
    both = convolve(features, weights["tail.weight"], weights["tail.bias"], "constant")
    both += convolve(planes, weights["skip.weight"], weights["skip.bias"], "edge")
    results, height, width = both.shape
    scale = round((results / 3) ** 0.5)
    parts = both.reshape(3, scale, scale, height, width)
    return 255 * parts.transpose(3, 1, 4, 2, 0).reshape(scale * height, scale * width, 3)


def run(network: Any, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    compiled = openvino.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    batch = pixels[np.newaxis].astype(np.float32) / np.float32(255)
    return np.asarray(compiled(batch)[0][0]) * 255


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_random_network(scale: int, tmp_path: Path) -> None:
    weights, pixels = random_weights(scale), photograph(11, 17)
    levels = run(read_plain(saved(weights, tmp_path)), pixels)
    assert np.abs(levels - forward(weights, pixels)).max() < 1e-3


@pytest.mark.parametrize("name", OWN)
def test_the_committed_ir_is_the_committed_weights(name: str) -> None:
    """The known answer is that of an independent computation, and so is that of the files."""
    model = read_model_files(MODELS / name)
    known = model.known_answer("fp32")
    with np.load(MODELS / name / f"{name}.npz") as weights:
        assert np.abs(forward(dict(weights), known.pixels) - known.expected).max() < 1e-3
    engine = EngineOpenVino(model, "fp32", threads=2)
    assert np.abs(infer_levels(engine, known.pixels) - known.expected).max() < 1e-3


@pytest.mark.parametrize("precision", ["bf16", "int8"])
@pytest.mark.parametrize("name", OWN)
def test_known_answers(name: str, precision: str) -> None:
    """They are near, far within what a service tolerates at its start, and not those of fp32."""
    if precision not in supported_precisions():
        pytest.skip(f"this processor has no {precision}")
    model = read_model_files(MODELS / name)
    assert model.acceptance is not None
    assert model.acceptance.passed
    known = model.known_answer(precision)
    difference = np.abs(infer_levels(EngineOpenVino(model, precision, threads=2), known.pixels) - known.expected)
    assert 0.01 < difference.max() < known.tolerance / 2
    assert difference.mean() < 1


# What it does


def in_int8(name: str) -> EngineOpenVino:
    """The precision that `auto` selects, with VNNI."""
    return EngineOpenVino(read_model_files(MODELS / name), "int8", threads=2)


@pytest.mark.parametrize("name", OWN)
def test_tiles_equal_the_whole_picture(name: str) -> None:
    """With the halo of `model.json` around each."""
    model: ModelFiles = read_model_files(MODELS / name)
    engine, pixels = EngineOpenVino(model, "fp32", threads=2), photograph(70, 88, seed=7)
    whole = infer_levels(engine, pixels)
    for core in (Box(0, 0, 35, 44), Box(35, 44, 70, 88), Box(20, 30, 50, 60)):
        window = core.grown(model.halo).within(Box(0, 0, 70, 88))
        tile = infer_levels(engine, pixels[window.slices])[core.seen_from(window).scaled(2).slices]
        assert np.abs(tile - whole[core.scaled(2).slices]).max() < 0.05


@pytest.mark.parametrize("name", OWN)
def test_flat_saturated_colours_at_the_border(name: str) -> None:
    """Networks that pad the picture with zeros are 12 levels off there."""
    engine = in_int8(name)
    for number in range(8):
        colour = np.array([255 * (number >> channel & 1) for channel in range(3)], np.uint8)
        levels = infer_levels(engine, np.broadcast_to(colour, (24, 24, 3)))
        assert np.abs(levels - colour).max() < 6, f"colour {colour}"


# Refused


def changed(**arrays: Any) -> Callable[[Path], Path]:
    """A file with other arrays (`_` for the points in names), or without those that are None."""

    def write(folder: Path) -> Path:
        weights: dict[str, Any] = random_weights(2) | {name.replace("_", "."): each for name, each in arrays.items()}
        return saved({name: each for name, each in weights.items() if each is not None}, folder)

    return write


def written(data: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "network.npz").write_bytes(data)
        return folder / "network.npz"

    return write


def member(name: str, data: bytes) -> Callable[[Path], Path]:
    """A file of one member."""

    def write(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "network.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, data)
        return folder / "network.npz"

    return write


def npy(text: str) -> bytes:
    """An array whose header is the text, without its values."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def header(shape: str, descr: str = "'<f4'") -> bytes:
    """An array of the shape, as .npy says it, without its values."""
    return npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n")


def twice(*names: str) -> Callable[[Path], Path]:
    """A network with further members that read as arrays it already has."""

    def write(folder: Path) -> Path:
        path = saved(random_weights(2), folder)
        with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings(action="ignore"):
            for name in names:
                archive.writestr(name, array_file())
        return path

    return write


def bomb(folder: Path) -> Path:
    """Some hundred kB, which become 300 MB."""
    with (
        zipfile.ZipFile(folder / "network.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("head.weight.npy", "w") as file,
    ):
        for _ in range(MAX_BYTES // (1 << 24) + 1):
            file.write(bytes(1 << 24))
    return folder / "network.npz"


def array_file() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3, np.float32))
    return file.getvalue()


def no_channels() -> dict[str, NDArray[np.float32]]:
    shapes = {"head_weight": (0, 3, 3, 3), "head_bias": (0,), "tail_weight": (12, 0, 3, 3)}
    for number in range(2):
        shapes |= {f"body_{number}_weight": (0, 0, 3, 3), f"body_{number}_bias": (0,)}
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def cut(folder: Path) -> Path:
    path = saved(random_weights(2), folder)
    path.write_bytes(path.read_bytes()[:-400])
    return path


def overwritten(folder: Path) -> Path:
    """Compressed values that are none."""
    path = folder / "network.npz"
    np.savez_compressed(path, **random_weights(2))
    data = bytearray(path.read_bytes())
    data[60:200] = bytes(140)
    path.write_bytes(data)
    return path


NAN = np.full(8, np.nan, np.float32)
# NumPy has Python parse them, which fails in many ways.
BAD_HEADERS = {
    "TokenError": npy("{("),
    "IndentationError": npy("  1\n\t2\n 3"),
    "TypeError": npy("{[]: 1}"),
    "TypeError of keys": npy("{'descr': 1, 2: 3}"),
    "IndexError": header("(1,)", "()"),
    "OverflowError": header(f"({2**70},)"),
    "RecursionError": npy("-" * 5000 + "1"),
    "MemoryError": npy("(" * 5000),
    "SyntaxError": npy("{'descr': '\\N{x}'}"),
    "a long of Python 2": header("(3L,)"),
    "a doubtful escape": npy("'\\d'"),
    "a null": npy("\0"),
}
BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "not a zip": (written(b"no archive"), "can't be read as a NumPy archive"),
    "empty": (written(b""), "can't be read as a NumPy archive"),
    "one array": (written(array_file()), "can't be read as a NumPy archive"),
    "cut": (cut, "can't be read as a NumPy archive"),
    "overwritten": (overwritten, "can't be read as a NumPy archive"),
    "no members": (written(b"PK\5\6" + bytes(18)), "it is no plain network"),
    "pickled": (changed(head_bias=np.array([{}])), "Object arrays cannot be loaded when allow_pickle=False"),
    "no array": (member("head.bias", b"some text"), "it is no plain network"),
    "a text for an array": (
        changed(head_bias="text"),
        "head.weight has the shape (8, 3, 3, 3) in float32, not (1, 3, 3, 3)",
    ),
    "no values": (member("head.bias.npy", header("(10, 10)")), "can't be read as a NumPy archive"),
    "more values than memory": (member("head.bias.npy", header("(10**15,)")), "can't be read as a NumPy archive"),
    "a zip bomb": (bomb, f"at most {MAX_BYTES:,} are allowed"),
    "missing layer": (changed(body_0_weight=None, body_0_bias=None), "body.0.bias is missing"),
    "missing bias": (changed(tail_bias=None), "tail.bias is missing"),
    "strange name": (changed(neck_weight=NAN), "it has 'neck.weight'"),
    "wrong kernel": (
        changed(body_1_weight=np.zeros((8, 8, 5, 5), np.float32)),
        "body.1.weight has the shape (8, 8, 5, 5) in float32, not (8, 8, 3, 3) in float32",
    ),
    "other channels": (changed(body_1_bias=np.zeros(9, np.float32)), "body.1.bias has the shape (9,)"),
    "no channels": (changed(**no_channels()), "its head has no channels"),
    "one name twice": (twice("head.bias.npy"), "it has 'head.bias' more than once"),
    "one name in two spellings": (twice("head.bias"), "it has 'head.bias' more than once"),
    "float64": (changed(skip_bias=np.zeros(12)), "skip.bias has the shape (12,) in float64"),
    "no number": (changed(head_bias=NAN), "head.bias has values that are not numbers"),
    "wrong factor": (changed(tail_bias=np.zeros(15, np.float32)), "its tail has 15 channels"),
    "too large a factor": (changed(tail_bias=np.zeros(243, np.float32)), "a factor from 1 to 8"),
    "directory": (lambda folder: folder, "ends in one of"),
}
BAD |= {
    f"header: {name}": (member("head.bias.npy", data), "can't be read as a NumPy archive")
    for name, data in BAD_HEADERS.items()
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made, message = BAD[case]
    monkeypatch.setenv("UPSCALER_CACHE_DIR", str(tmp_path / "cache"))
    status = main([str(made(tmp_path))])
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert message in err
    assert not list(tmp_path.glob("cache/**/model.json"))


@pytest.mark.parametrize("case", ["header: TokenError", "header: OverflowError", "one name twice", "no channels"])
def test_bad_files_stop_the_start(case: str, tmp_path: Path) -> None:
    """`UPSCALER_MODEL` reads them in a process of its own, of whose errors one line is shown."""
    made, message = BAD[case]
    settings = read_settings({"UPSCALER_MODEL": str(made(tmp_path)), "UPSCALER_CACHE_DIR": str(tmp_path / "cache")})
    with pytest.raises(StartError) as refused:
        prepare(settings)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


# Served


def test_another_factor_through_http(tmp_path: Path, start_server: StartServer) -> None:
    weights, pixels = random_weights(3), noise(40, 56)  # smooth areas would be interpolated
    server = start_server(
        UPSCALER_MODEL=str(saved(weights, tmp_path, "random-x3.npz")),
        UPSCALER_CACHE_DIR=str(tmp_path / "cache"),
        UPSCALER_PRECISION="fp32",
    )
    answer = server.upscale(encoded(pixels), format="png", scale="3")
    assert answer.status_code == 200, answer.text
    result = np.asarray(opened(answer.content)).astype(float)
    assert result.shape == (120, 168, 3)
    expected = np.rint(forward(weights, pixels).clip(0, 255))
    assert (np.abs(result - expected) <= 1).mean() > 0.99
