"""Importing networks: five architectures through HTTP, and files that can't be used."""

import contextlib
import importlib.util
import io
import os
import pickle
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import FIXTURES, ROOT, Server, StartServer, encoded, free_port, opened, photograph, wait_for
from fakes import patience
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from superscaling.commands.convert import samples
from superscaling.commands.import_model import main
from superscaling.commands.prepare import prepare
from superscaling.conversion import HALO_LIMIT, ROUNDING_LIMIT
from superscaling.conversion.conventions import Convention, find_convention
from superscaling.conversion.from_onnx import open_onnx
from superscaling.engines import infer_levels, padded, precision_of
from superscaling.engines.openvino import EngineOpenVino, supported_precisions
from superscaling.enlarging import Upscaler
from superscaling.enlarging.passes import Passes
from superscaling.errors import ModelUnavailable
from superscaling.geometry import whole_box
from superscaling.models import (
    ModelFiles,
    hash_file,
    imported_directory,
    is_prepared,
    model_of,
    read_model_files,
)
from superscaling.scheduling import FairLock
from superscaling.settings import Settings

NETWORKS = FIXTURES / "networks"
# Name of a file -> factor, multiple.
FACTS = {"rdn-x2": (2, 1), "compact-x4": (4, 1), "rrdb-x4": (4, 1), "small-span-x2": (2, 1), "swin-x3": (3, 8)}
WITH_INT8 = "small-span-x2"
WITH_SUMMARY = ("compact-x4", "swin-x3")
TILE = 32


find_spec = importlib.util.find_spec


def without_nncf(name: str) -> Any:
    return None if name == "nncf" else find_spec(name)


def without_measurements(patch: pytest.MonkeyPatch) -> None:
    """No speed and memory in the summary: they are measured in a process of their own."""
    patch.setattr("superscaling.conversion.report.describe", lambda model, settings: {})


def with_one_photograph(patch: pytest.MonkeyPatch) -> None:
    """To measure on, instead of four."""
    photographs, _ = samples()
    patch.setattr("superscaling.commands.import_model.samples", lambda: (photographs[:1], []))


@pytest.fixture(scope="module")
def summaries() -> dict[str, str]:
    """What was printed for each network, once there is a `cache`."""
    return {}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, summaries: dict[str, str]) -> Path:
    """A cache with all five networks. int8, which takes most of the time, is made of one: the others lack NNCF."""
    directory = tmp_path_factory.mktemp("cache")
    for name in FACTS:
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as printed:
            patch.setenv("UPSCALER_CACHE_DIR", str(directory))
            if name != WITH_INT8:
                patch.setattr("importlib.util.find_spec", without_nncf)
            if name not in WITH_SUMMARY:
                without_measurements(patch)
            assert main([str(NETWORKS / f"{name}.onnx"), "--licence", "CC0-1.0", "--kind", "faithful"]) == 0
        summaries[name] = printed.getvalue()
    return directory


@pytest.fixture(scope="module")
def server(cache: Path, start_server: StartServer) -> Server:
    """A service with all of them, in small tiles."""
    first, *others = FACTS
    return start_server(
        UPSCALER_MODEL=first,
        UPSCALER_MODELS=",".join(others),
        UPSCALER_CACHE_DIR=str(cache),
        UPSCALER_TILE=str(TILE),
        UPSCALER_PRECISION="fp32",
    )


def imported(cache: Path, name: str) -> ModelFiles:
    return read_model_files(imported_directory(cache, name))


def native(name: str) -> str:
    return str(FACTS[name][0])


@pytest.mark.parametrize("name", FACTS)
def test_what_is_found_out(cache: Path, name: str) -> None:
    model = imported(cache, name)
    assert (model.scale, model.multiple) == FACTS[name]
    assert (model.name, model.kind, model.licence) == (name, "faithful", "CC0-1.0")
    assert 8 <= model.halo <= 64
    assert model.seam < HALO_LIMIT
    assert model.work > 10_000
    assert ("bf16" in model.tolerances) == ("bf16" in supported_precisions())
    assert ("int8" in model.tolerances) == (model.acceptance is not None) == (name == WITH_INT8)


@pytest.mark.parametrize(("height", "width"), [(71, 93), (33, 8), (3, 5), (1, 1)])
@pytest.mark.parametrize("name", FACTS)
def test_through_http_tiled_equals_untiled(server: Server, cache: Path, name: str, height: int, width: int) -> None:
    """Sizes that are no multiples of a window, and less than one."""
    pixels = photograph(height, width, seed=3)
    answer = server.upscale(encoded(pixels), format="png", model=name, scale=native(name))
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Upscaler-Model"].startswith(name)
    tiled = np.asarray(opened(answer.content)).astype(int)

    model = imported(cache, name)
    engine = EngineOpenVino(model, "fp32", threads=2)
    whole = Upscaler(engine, FairLock(), 4096, model.known_answer("fp32")).enlarge(pixels, *patience()).astype(int)
    assert tiled.shape == whole.shape == (height * model.scale, width * model.scale, 3)
    assert np.abs(tiled - whole).max() <= 1, "more than rounding differs"
    assert (tiled != whole).mean() < 0.01


def test_windows_of_later_passes(server: Server, cache: Path) -> None:
    """Two passes and a reduction: in the second one, windows begin where they do in the enlarged picture."""
    pixels = photograph(45, 53, seed=3)
    answer = server.upscale(encoded(pixels), format="png", model="swin-x3", scale="6")
    tiled = np.asarray(opened(answer.content)).astype(int)
    model = imported(cache, "swin-x3")
    upscaler = Upscaler(EngineOpenVino(model, "fp32", threads=2), FairLock(), 4096, model.known_answer("fp32"))
    whole = upscaler.enlarge(pixels, *patience(), size=(45 * 6, 53 * 6)).astype(int)
    assert tiled.shape == whole.shape
    assert np.abs(tiled - whole).max() <= 1, "more than rounding differs"


@pytest.mark.parametrize("name", FACTS)
def test_tiles_equal_the_whole_within_the_halo(cache: Path, name: str) -> None:
    """Before rounding, on another picture than those that the halo was measured on; with half of it, they don't."""
    model = imported(cache, name)
    pixels = photograph(90, 131, seed=7)
    assert difference_of_tiles(model, pixels, model.halo) < 4 * HALO_LIMIT
    assert difference_of_tiles(model, pixels, 1) > 10 * HALO_LIMIT


def test_what_is_not_faithful(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A smaller halo, with which tiles differ by a level at most."""
    monkeypatch.setenv("UPSCALER_CACHE_DIR", str(tmp_path))
    without_measurements(monkeypatch)
    with_one_photograph(monkeypatch)
    assert main([str(NETWORKS / "swin-x3.onnx")]) == 0
    model = imported(tmp_path, "swin-x3")
    assert model.kind == "perceptual"
    assert model.halo < imported(cache, "swin-x3").halo
    assert HALO_LIMIT < model.seam < ROUNDING_LIMIT
    assert difference_of_tiles(model, photograph(90, 131, seed=7), model.halo) < 2 * ROUNDING_LIMIT


def test_windows_begin_at_multiples(cache: Path) -> None:
    """Otherwise a transformer sees other windows than in the whole picture, whatever the halo."""
    model = imported(cache, "swin-x3")
    pixels = photograph(90, 131, seed=7)
    assert difference_of_tiles(model, pixels, model.halo, multiple=1) > 10 * HALO_LIMIT


def difference_of_tiles(model: ModelFiles, pixels: NDArray[np.uint8], halo: int, multiple: int | None = None) -> float:
    """The largest in levels between tiles, with so many px of context, and the whole picture."""
    engine = EngineOpenVino(model, "fp32", threads=2)
    whole = infer_levels(engine, pixels)
    height, width, _ = pixels.shape
    multiple = multiple or model.multiple
    size = height * model.scale, width * model.scale
    passes = Passes(model.scale, halo + multiple - 1, TILE, (height, width), size, multiple)
    worst = 0.0
    for part in passes.parts(whole_box(pixels)):
        for step in passes.steps(part):
            for tile in passes.tiles(step):
                core = tile.core.within(part.core)
                result = infer_levels(engine, pixels[tile.window.slices])
                result = result[core.seen_from(tile.window).scaled(model.scale).slices]
                worst = max(worst, float(np.abs(result - whole[core.scaled(model.scale).slices]).max()))
    return worst


@pytest.mark.parametrize("name", FACTS)
def test_it_enlarges(cache: Path, name: str) -> None:
    """The result, reduced again, is the picture: channels, range and axes are right."""
    model = imported(cache, name)
    pixels = photograph(64, 80)
    levels = infer_levels(EngineOpenVino(model, "fp32", threads=2), pixels)
    scale = model.scale
    reduced = levels.reshape(64, scale, 80, scale, 3).mean(axis=(1, 3))
    assert np.abs(reduced - pixels).mean() < 8


# What is printed


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = main(arguments)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Without NNCF, which is slow, and with a single photograph to measure on."""
    with_one_photograph(monkeypatch)
    monkeypatch.setattr("importlib.util.find_spec", without_nncf)
    monkeypatch.setenv("UPSCALER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("name", "sides"),
    [
        ("compact-x4", "any"),
        ("swin-x3", "multiples of 8 px, at least 8; others are mirrored up to that and cut again"),
    ],
)
def test_the_summary(cache: Path, summaries: dict[str, str], name: str, sides: str) -> None:
    facts = {key: value.strip() for key, _, value in (line.partition(":") for line in summaries[name].splitlines())}
    expected = ["file", "network", "takes", "enlarges", "sides", "halo", "precisions", "speed", "memory", "licence"]
    assert list(facts) == [*expected, "serve it"]
    assert facts["file"].startswith(f"{name}.onnx, SHA-256 {imported(cache, name).weights_sha256}")
    assert facts["enlarges"] == f"{native(name)} times, faithful"
    assert facts["sides"] == sides
    assert facts["licence"] == "CC0-1.0 (as you state it)"
    assert facts["serve it"] == f"UPSCALER_CACHE_DIR={cache} UPSCALER_MODEL={name} make run"


def test_a_network_that_looks_everywhere(tmp_path: Path, empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Global pooling: no halo makes tiles equal, and the summary says by how much they differ."""
    mean = [node("GlobalAveragePool", ["x"], ["m"]), node("Mul", ["m", "x"], ["a"])]
    status, out, _ = run([str(saved(enlarging(*mean), tmp_path)), "--name", "pooling"], capsys)
    assert status == 0
    assert "halo:       8 px; WARNING: the network looks farther than any halo" in out
    assert imported(empty_cache, "pooling").seam > 1


@pytest.mark.parametrize(("most", "is_tried"), [(3, False), (1000, True)])
def test_int8_is_tried_for_small_networks_only(
    most: int, is_tried: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NNCF would take too long for others. The factors of the resize are four parameters."""
    tried: list[ModelFiles] = []

    def refuse(model: ModelFiles, *_: object) -> None:
        tried.append(model)
        raise RuntimeError("no such layer")

    monkeypatch.setenv("UPSCALER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("superscaling.conversion.from_network.write_int8", refuse)
    monkeypatch.setattr("superscaling.conversion.from_network.MAX_INT8_PARAMETERS", most)
    with_one_photograph(monkeypatch)
    without_measurements(monkeypatch)
    assert main([str(saved(enlarging(), tmp_path))]) == 0
    assert bool(tried) == is_tried
    assert imported(tmp_path / "cache", "network").acceptance is None


def test_a_processor_without_bf16(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody has tried is not offered, wherever the model is run; the summary has the settings' precision."""
    for module in ("conversion.from_network", "conversion.report", "engines.openvino"):
        monkeypatch.setattr(f"superscaling.{module}.supported_precisions", lambda *_: ["fp32", "int8"])
    monkeypatch.setenv("UPSCALER_PRECISION", "int8")
    status, out, _ = run([str(saved(enlarging(), tmp_path)), "--name", "old"], capsys)
    assert status == 0
    nncf = "int8: not tried, needs NNCF (requirements.txt)"
    assert (
        f"precisions: fp32; bf16: not tried, this processor has none; {nncf}; here fp32, as old has no int8 form" in out
    )
    model = imported(empty_cache, "old")
    assert list(model.tolerances) == ["fp32"]
    monkeypatch.undo()
    assert precision_of("openvino", "auto", model) == "fp32"


def test_a_name_that_is_taken(cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("UPSCALER_CACHE_DIR", str(cache))
    file = str(NETWORKS / "compact-x4.onnx")
    status, out, err = run([file], capsys)
    assert (status, out) == (1, "")
    assert "compact-x4 was imported before: choose another --name, or replace it by --force" in err
    before = imported(cache, "compact-x4")
    monkeypatch.setattr("importlib.util.find_spec", without_nncf)
    without_measurements(monkeypatch)
    neighbours = sorted(before.directory.parent.iterdir())
    assert main([file, "--force", "--licence", "MIT", "--kind", "faithful"]) == 0
    assert (before.licence, imported(cache, "compact-x4").licence) == ("CC0-1.0", "MIT")
    assert sorted(before.directory.parent.iterdir()) == neighbours


def test_what_is_replaced_stays_if_that_fails(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSCALER_CACHE_DIR", str(cache))
    before = imported(cache, "compact-x4")
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.suffix == ".part":
            raise OSError("no space")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    assert main([str(NETWORKS / "compact-x4.onnx"), "--force", "--licence", "other"]) == 1
    assert imported(cache, "compact-x4") == before


@pytest.mark.parametrize(
    "name", ["../x", "a/b", " ", ".hidden", "x" * 200, "my.onnx", "4x.pth.PARAM", "noise-cancel-plain"]
)
def test_names_that_can_not_be(empty_cache: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run([str(NETWORKS / "compact-x4.onnx"), f"--name={name}"], capsys)
    assert (status, err.count("\n")) == (1, 1)
    assert "--name" in err
    assert not empty_cache.exists()


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ([], 1, "its name '4x Ultra (v2)' can't be used in requests: choose a --name of up to 100 letters"),
        (["--name", "4x ultra"], 1, "--name '4x ultra' can't be used in requests: it takes up to 100 letters"),
        (["--name", "4x-ultra"], 0, ""),
    ],
)
def test_files_with_any_name(
    tmp_path: Path,
    empty_cache: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    status: int,
    message: str,
) -> None:
    """The file's name counts only if no other is given."""
    file = saved(enlarging(), tmp_path).rename(tmp_path / "4x Ultra (v2).onnx")
    got, _, err = run([str(file), *options], capsys)
    assert got == status
    assert message in err
    assert [each.name for each in empty_cache.glob("imported/*")] == (["4x-ultra"] if status == 0 else [])


@pytest.mark.parametrize(("file", "other"), [("my.onnx.onnx", "such as my"), ("4x.pth.bin.onnx", "such as 4x")])
def test_a_file_whose_name_would_be_a_files(
    file: str, other: str, tmp_path: Path, empty_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / file
    path.write_bytes((NETWORKS / "compact-x4.onnx").read_bytes())
    status, _, err = run([str(path)], capsys)
    assert (status, err.count("\n")) == (1, 1)
    assert err.endswith(f"would be taken for a file: choose another --name, {other}\n")


@pytest.mark.parametrize("licence", ["MIT\nfile: other", "\x1b[31mMIT", "MIT\x00"])
def test_licences_that_can_not_be(empty_cache: Path, licence: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run([str(NETWORKS / "compact-x4.onnx"), "--licence", licence], capsys)
    assert (status, err.count("\n")) == (1, 1)
    assert "--licence has characters that can't be printed" in err


# Conventions


def node(operation: str, inputs: list[str], outputs: list[str], **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operation, inputs, outputs, **attributes)


def network(
    nodes: list[onnx.NodeProto],
    constants: dict[str, NDArray[Any]] | None = None,
    shape: tuple[Any, ...] = (1, 3, "h", "w"),
    result: tuple[Any, ...] = (1, 3, None, None),
    kind: int = TensorProto.FLOAT,
    inputs: tuple[str, ...] = ("x",),
    outputs: tuple[str, ...] = ("y",),
) -> onnx.ModelProto:
    """An ONNX network from `x` to `y`."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info(name, kind, result) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def enlarging(*before: onnx.NodeProto, scales: tuple[float, ...] = (1, 1, 2, 2), **options: Any) -> onnx.ModelProto:
    """Repeats the pixels of what `before` makes of `x`, or of `x` itself."""
    last = before[-1].output[0] if before else "x"
    constants = {"scales": np.array(scales, np.float32)} | options.pop("constants", {})
    resize = node("Resize", [last, "", "scales"], ["y"], mode="nearest", coordinate_transformation_mode="asymmetric")
    return network([*before, resize], constants, **options)


def saved(model: onnx.ModelProto, directory: Path) -> Path:
    path = directory / "network.onnx"
    onnx.save(model, path)
    return path


ZERO, ONE = np.float32(0), np.float32(1)
FIRST_IS_DARK = np.array([0.45, 9, 9], np.float32).reshape(1, 3, 1, 1)


NHWC: dict[str, Any] = {"scales": (1, 2, 2, 1), "shape": (1, "h", "w", 3), "result": (1, None, None, 3)}


@pytest.mark.parametrize(
    ("model", "expected", "range_is_sure", "order_is_sure"),
    [
        (enlarging(), Convention(1), False, False),
        (enlarging(node("Clip", ["x", "0", "1"], ["a"]), constants={"0": ZERO, "1": ONE}), Convention(1), True, False),
        (enlarging(node("Round", ["x"], ["a"])), Convention(255), True, False),
        (
            enlarging(node("Min", ["x", "most"], ["a"]), constants={"most": FIRST_IS_DARK}),
            Convention(1, bgr=True),
            True,
            True,
        ),
        (enlarging(**NHWC), Convention(1), False, False),
        (enlarging(kind=TensorProto.FLOAT16), Convention(1), False, False),
    ],
    ids=["any", "0 to 1", "0 to 255", "BGR", "NHWC", "fp16"],
)
def test_conventions(
    model: onnx.ModelProto, expected: Convention, range_is_sure: bool, order_is_sure: bool, tmp_path: Path
) -> None:
    found = find_convention(*open_onnx(saved(model, tmp_path)))
    assert (found.convention, found.range_is_sure, found.order_is_sure) == (expected, range_is_sure, order_is_sure)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (enlarging(node("Round", ["x"], ["a"])), []),
        (enlarging(kind=TensorProto.FLOAT16), []),
        (enlarging(**NHWC), []),
        (enlarging(shape=(1, 3, 64, 64), result=(1, 3, 128, 128)), []),
        (enlarging(shape=("n", 3, "h", "w"), result=("n", 3, None, None)), ["--bgr", "--range=255"]),
    ],
    ids=["0 to 255", "fp16", "NHWC", "fixed size", "options"],
)
def test_every_convention_gives_the_picture(
    model: onnx.ModelProto, options: list[str], tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_measurements(monkeypatch)
    assert main([str(saved(model, tmp_path)), *options]) == 0
    engine = EngineOpenVino(imported(empty_cache, "network"), "fp32", threads=1)
    pixels = photograph(20, 30)
    levels = infer_levels(engine, pixels)
    np.testing.assert_allclose(levels, pixels.repeat(2, axis=0).repeat(2, axis=1), atol=0.5)


# Files that can't be used


def saved_in_two(model: onnx.ModelProto, directory: Path) -> Path:
    path = directory / "network.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights.data", size_threshold=0)
    return path


def without_external_data(directory: Path) -> Path:
    path = saved_in_two(enlarging(), directory)
    (directory / "weights.data").unlink()
    return path


@pytest.mark.parametrize("entries", [{}, {"offset": "0", "length": "16"}], ids=["whole", "part"])
def test_the_reader_says_which_file_is_missing(entries: dict[str, str], tmp_path: Path) -> None:
    """Or too short, or gone since it was looked for."""
    model = enlarging()
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[4], name="scales", data_location=TensorProto.EXTERNAL)
    for key, value in {"location": "w.data", **entries}.items():
        tensor.external_data.add(key=key, value=value)
    model.graph.initializer[0].CopyFrom(tensor)
    path = tmp_path / "network.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(
        ModelUnavailable, match=r"its weights are in another file, w\.data, which is missing or too short"
    ):
        open_onnx(path)


def test_weights_in_another_file(tmp_path: Path, empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They count: the summary names them, and other ones are another conversion."""
    path = saved_in_two(enlarging(), tmp_path)
    status, out, err = run([str(path), "--name", "two"], capsys)
    assert (status, err) == (0, "")
    data = path.with_name("weights.data")
    assert f"network.onnx, SHA-256 {hash_file(path)}; weights.data, SHA-256 {hash_file(data)}\n" in out
    assert imported(empty_cache, "two").scale == 2

    settings = Settings(model=str(path), cache_dir=empty_cache, port=free_port())
    prepare(settings)
    assert model_of(settings).scale == 2
    constants = np.frombuffer(data.read_bytes(), np.float32).copy()
    constants[constants == 2] = 3
    data.write_bytes(constants.tobytes())
    os.utime(data, (1, 1))  # clocks of file systems are coarse
    assert not is_prepared(settings)
    prepare(replace(settings, port=free_port()))
    assert model_of(settings).scale == 3


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("../weights.data", "its weights are in '../weights.data', and must be in its own folder"),
        ("/etc/passwd", "its weights are in '/etc/passwd', and must be in its own folder"),
        ("folder", "its weights are in another file, folder, which is missing: put it beside this one"),
        ("n" * 5000, "it can't be read: File name too long"),
    ],
)
@pytest.mark.parametrize("place", ["initializer", "constant", "branch"])
def test_files_for_weights_that_can_not_be(
    location: str, message: str, place: str, tmp_path: Path, empty_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[4], name="scales", data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    model = enlarging()
    match place:
        case "initializer":
            model.graph.initializer[0].CopyFrom(tensor)
        case "constant":
            model.graph.node.insert(0, node("Constant", [], ["a"], value=tensor))
        case _:
            branch = helper.make_graph([], "branch", [], [], [tensor])
            model.graph.node.insert(0, node("If", ["x"], ["a"], then_branch=branch, else_branch=branch))
    path = tmp_path / "network.onnx"
    path.write_bytes(model.SerializeToString())
    status, out, err = run([str(path)], capsys)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert message in err


def whole(directory: Path, content: Callable[[bytes], bytes]) -> Path:
    path = directory / "network.onnx"
    path.write_bytes(content((NETWORKS / "compact-x4.onnx").read_bytes()))
    return path


def baked(size: int) -> onnx.ModelProto:
    """A network that insists on the size it was exported with."""
    shape = {"shape": np.array([1, 3, size, size])}
    return enlarging(
        node("Reshape", ["x", "shape"], ["a"]),
        constants=shape,
        shape=(1, 3, size, size),
        result=(1, 3, 2 * size, 2 * size),
    )


def branching(then: onnx.GraphProto) -> onnx.ModelProto:
    """What is done to a picture that has any light."""
    same = helper.make_graph(
        [node("Identity", ["x"], ["b"])], "else", [], [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)]
    )
    return enlarging(
        node("ReduceMax", ["x"], ["most"], keepdims=0),
        node("Cast", ["most"], ["light"], to=TensorProto.BOOL),
        node("If", ["light"], ["a"], then_branch=then, else_branch=same),
    )


def loop() -> onnx.GraphProto:
    """Repeats nothing 2^62 times."""
    kinds = {"go": TensorProto.BOOL, "v": TensorProto.FLOAT}
    body = helper.make_graph(
        [node("Identity", ["go"], ["go on"]), node("Identity", ["v"], ["w"])],
        "body",
        [helper.make_tensor_value_info("n", TensorProto.INT64, [])]
        + [helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()],
        [
            helper.make_tensor_value_info(name, kind, None)
            for name, kind in zip(("go on", "w"), kinds.values(), strict=True)
        ],
    )
    constants = [numpy_helper.from_array(np.array(1 << 62), "times"), numpy_helper.from_array(np.array(True), "yes")]
    return helper.make_graph(
        [node("Loop", ["times", "yes", "x"], ["z"], body=body)],
        "then",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        constants,
    )


def resized() -> onnx.GraphProto:
    """Enlarges 200 times, and reduces again."""
    scales = {"up": [1, 1, 200, 200], "down": [1, 1, 0.005, 0.005]}
    return helper.make_graph(
        [node("Resize", ["x", "", "up"], ["u"]), node("Resize", ["u", "", "down"], ["d"])],
        "then",
        [],
        [helper.make_tensor_value_info("d", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in scales.items()],
    )


RANDOM = np.random.default_rng(1).bytes(10_000)
GREY: dict[str, Any] = {"shape": (1, 1, "h", "w"), "result": (1, 1, None, None)}
FOUR: dict[str, Any] = {"shape": (1, 4, "h", "w"), "result": (1, 4, None, None)}

BAD: dict[str, tuple[onnx.ModelProto | Callable[[Path], Path], str]] = {
    "grey": (enlarging(**GREY), "takes 1 channel (grey): three are needed, RGB"),
    "four channels": (enlarging(**FOUR), "takes 4 channels (RGB and transparency, or latents)"),
    "gives grey": (
        enlarging(node("ReduceMean", ["x"], ["a"], axes=[1]), result=(1, 1, None, None)),
        "gives 1 channel (grey)",
    ),
    "bytes": (enlarging(kind=TensorProto.UINT8), "takes values of type u8: floating point is needed"),
    "three axes": (network([node("Relu", ["x"], ["y"])], shape=(3, "h", "w"), result=(3, None, None)), "of 3 axes"),
    "two inputs": (
        network([node("Add", ["x", "z"], ["y"])], inputs=("x", "z")),
        "takes 2 arrays (x, z): one picture is needed",
    ),
    "two outputs": (
        network([node("Relu", ["x"], ["y"]), node("Abs", ["x"], ["z"])], outputs=("y", "z")),
        "gives 2 arrays",
    ),
    "half": (enlarging(scales=(1, 1, 0.5, 0.5)), "its factor must be a whole number from 1 to 8"),
    "one and a half": (enlarging(scales=(1, 1, 1.5, 1.5)), "its factor must be a whole number from 1 to 8"),
    "two factors": (enlarging(scales=(1, 1, 2, 3)), "the same for width and height"),
    "too large": (enlarging(scales=(1, 1, 16, 16)), "its factor must be a whole number from 1 to 8"),
    "not a number": (enlarging(node("Log", ["x"], ["l"]), node("Sqrt", ["l"], ["a"])), "that are no numbers"),
    "noise": (
        network(
            [node("RandomUniformLike", ["x"], ["r"]), node("Add", ["x", "r"], ["y"])],
        ),
        "different results for the same picture",
    ),
    "unknown operator": (
        network([node("Sharpen", ["x"], ["y"], domain="my.own")]),
        "operators that OpenVINO does not know: my.own.Sharpen",
    ),
    "fixed and huge": (
        enlarging(shape=(1, 3, 200_000, 200_000), result=(1, 3, 400_000, 400_000)),
        "network.onnx takes pictures 200000 px long only: export it again with dynamic axes (height and width)",
    ),
    "fixed and wide": (enlarging(shape=(1, 3, 64, 513), result=(1, 3, 128, 1026)), "takes pictures 513 px long only"),
    "fixed square": (baked(64), "dynamic axes (height and width)"),
    "loop": (branching(loop()), "has loops (Loop), which networks for pictures don't need"),
    "too many operations": (
        network([node("Abs", [f"t{n}" if n else "x"], [f"t{n + 1}"]) for n in range(11_000)], outputs=("t11000",)),
        "the network has 11002 operations; at most 10000 are allowed",
    ),
    "huge constant": (
        enlarging(
            node("Range", ["0", "1e11", "1"], ["r"]),
            node("ReduceSum", ["r"], ["s"], keepdims=0),
            node("Add", ["x", "s"], ["a"]),
            constants={"0": ZERO, "1e11": np.float32(1e11), "1": ONE},
        ),
        "values of 64 x 64 px; at most 6.7e+07 are allowed",
    ),
    "huge in a branch": (branching(resized()), "the network makes 4.9e+08 values of 64 x 64 px"),
    "external data": (without_external_data, "its weights are in another file, weights.data, which is missing"),
    "cut": (lambda directory: whole(directory, lambda data: data[: len(data) // 2]), "or a damaged one"),
    "random": (lambda directory: whole(directory, lambda data: RANDOM), "network.onnx: it is no ONNX file"),
    "empty": (lambda directory: whole(directory, lambda data: b""), "no ONNX file"),
    "directory": (lambda directory: directory, "ends in one of"),
    "missing": (lambda directory: directory / "no.onnx", "no such file"),
    "wrong ending": (lambda directory: ROOT / "README.md", "ends in one of"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(case: str, tmp_path: Path, empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, message = BAD[case]
    path = saved(made, tmp_path) if isinstance(made, onnx.ModelProto) else made(tmp_path)
    status, out, err = run([str(path)], capsys)
    assert (status, out) == (1, "")
    assert message in err
    assert err.startswith(f"can't import {path}: ")
    assert err.count("\n") == 1
    assert not list(empty_cache.glob("imported/*")), "something half-made was left"


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch $PROBE",)


HARMLESS = pickle.dumps({"params": 1}, protocol=2)
# Names os.system, then something allowed, which it drops: a search for the last two strings would see the latter.
SMUGGLED = b"\x80\x04\x8c\x02os\x8c\x06system\x8c\x0bcollections\x8c\x0bOrderedDict00\x93\x8c\x0ctouch $PROBE\x85R."


def archive(content: bytes, name: str = "archive/data.pkl") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(name, content)
    return file.getvalue()


def tar_of(content: bytes) -> bytes:
    """With the name of an entry that is five pickles."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        entry = tarfile.TarInfo("N." * 5)
        entry.size = len(content)
        made.addfile(entry, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive(pickle.dumps(Evil(), protocol=2)), "has code in it: it names posix.system, and only tensors are read"),
        (
            archive(pickle.dumps({"params": Evil()}, protocol=4)),
            "may have code in it: its pickle has the operation FR",
        ),
        (pickle.dumps(Evil(), protocol=0), "has code in it: it names posix.system"),
        (archive(b"cbuiltins\neval\n."), "has code in it: it names builtins.eval"),
        (archive(SMUGGLED), "may have code in it: its pickle has the operation SHORT_BINUNICODE"),
        (archive(b"(S'touch $PROBE'\nios\nsystem\n."), "may have code in it"),
        (pickle.dumps(Evil(), protocol=2) + archive(HARMLESS), "has code in it: it names posix.system"),
        (archive(HARMLESS), "reading network.pth needs torch"),
        (archive(pickle.dumps(Evil(), protocol=2), "archive/DATA.PKL"), "has code in it: it names posix.system"),
        (tar_of(pickle.dumps(Evil(), protocol=2)), "or a damaged one: it is a tar archive"),
        (archive(b"\x80\x02"), "is no weight file of PyTorch, or a damaged one"),
        (archive(b""), "is no weight file of PyTorch, or a damaged one"),
        (b"", "is no weight file of PyTorch, or a damaged one"),
        (b"PK\x03\x04 and then nothing", "is no weight file of PyTorch, or a damaged one"),
        (RANDOM, "is no weight file of PyTorch, or a damaged one: at position 0, opcode b'\\xff' unknown"),
        (b"\x80\x04\x8d" + (1 << 62).to_bytes(8, "little"), "network.pth is damaged: a text in it claims to be longer"),
    ],
    ids=[
        "archive",
        "newer protocol",
        "old format",
        "eval",
        "strings that are dropped",
        "instance",
        "archive behind it",
        "harmless",
        "capitals",
        "tar",
        "cut",
        "empty entry",
        "empty",
        "zip",
        "random",
        "huge text",
    ],
)
@pytest.mark.parametrize("ending", ["pth", "ckpt"])
def test_pickles(
    content: bytes,
    message: str,
    ending: str,
    tmp_path: Path,
    empty_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Refused without running anything, and without PyTorch."""
    monkeypatch.setenv("PROBE", str(tmp_path / "it-ran"))
    path = tmp_path / f"network.{ending}"
    path.write_bytes(content)
    status, out, err = run([str(path)], capsys)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert message.replace(".pth", f".{ending}") in err
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize("file", ["compact-x4.pth", "compact-x4.safetensors"])
def test_packages_that_are_missing(
    file: str, empty_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    status, _, err = run([str(NETWORKS / file)], capsys)
    assert status == 1
    assert f"reading {file} needs torch, torchvision, spandrel, safetensors; install them with" in err


def test_options_of_other_formats(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run([str(NETWORKS / "compact-x4.pth"), "--bgr"], capsys)
    assert status == 1
    assert "--bgr and --range are for ONNX files" in err


def test_a_cache_that_can_not_be_written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("UPSCALER_CACHE_DIR", "/dev/null/x")
    status, _, err = run([str(NETWORKS / "compact-x4.onnx")], capsys)
    assert (status, err.count("\n")) == (1, 1)
    assert "Not a directory" in err


def test_the_command(tmp_path: Path) -> None:
    """As a process: bad news in one line."""
    path = whole(tmp_path, lambda data: data[:1000])
    command = [sys.executable, "-m", "superscaling.commands.import_model", str(path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"can't import {path}: network.onnx: it is no ONNX file, or a damaged one\n"


def test_sigterm_ends_an_import(tmp_path: Path) -> None:
    """And nothing half done is left."""
    command = [sys.executable, "-m", "superscaling.commands.import_model", str(NETWORKS / "rrdb-x4.onnx")]
    started = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"UPSCALER_CACHE_DIR": str(tmp_path)}, stdout=subprocess.PIPE
    )
    assert wait_for(lambda: any(tmp_path.glob("imported/*.part")), seconds=60)
    started.send_signal(signal.SIGTERM)
    printed, _ = started.communicate(timeout=60)
    assert (started.returncode, printed) == (143, b"")
    assert list((tmp_path / "imported").iterdir()) == []


# Padding


@pytest.mark.parametrize(
    ("height", "width", "multiple", "least", "expected"),
    [
        (8, 16, 8, 8, (8, 16)),
        (7, 17, 8, 8, (8, 24)),
        (1, 1, 8, 32, (32, 32)),
        (5, 3, 1, 1, (5, 3)),
        (2, 5, 1, 4, (4, 5)),
    ],
)
def test_padding(height: int, width: int, multiple: int, least: int, expected: tuple[int, int]) -> None:
    batch = np.arange(height * width * 3, dtype=np.float32).reshape(1, height, width, 3)
    result = padded(batch, multiple, least)
    assert result.shape[1:3] == expected
    np.testing.assert_array_equal(result[:, :height, :width], batch)
    assert set(result.ravel()) == set(batch.ravel()), "a colour was invented"
