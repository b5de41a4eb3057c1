"""Weights in the form of TensorFlow.js become a weight file of ISR's, and are the same network in our path."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import photograph
from PIL import Image

from evaluation import idealo, layers_model, npm_package, real_weights
from evaluation.errors import MeasurementError
from evaluation.idealo import PSNR_SMALL
from evaluation.isr_weights import architecture_of
from evaluation.keras_network import build, differences, save_weights
from evaluation.layers_model import Layer, LayersModel, read_layers_model
from evaluation.npm_package import NpmPackage, read_package
from superscaling.models import Architecture

# Keras 3.15 passes TensorFlow's variables to numpy 2 by a deprecated interface.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TINY = Architecture(c=1, d=2, g=4, g0=4, scale=2, upscaling="ups")
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def isr() -> Any:
    """ISR's own tiny network."""
    from superscaling.engines.tensorflow import build_isr  # late: it loads TensorFlow

    return build_isr(TINY)


@pytest.fixture(scope="module")
def described(isr: Any) -> dict[str, Any]:
    """`model.json` of ISR's tiny network, as tfjs-converter writes it; the weights in 8 bits, in two files."""
    weights = [
        {"name": f"{layer.name}/{part}", "shape": list(array.shape), "dtype": "float32"}
        for layer in isr.model.layers
        for part, array in zip(("kernel", "bias"), layer.get_weights(), strict=False)
    ]
    quantised = {"quantization": {"dtype": "uint8", "min": -0.06, "scale": 0.0005, "original_dtype": "float32"}}
    return {
        "format": "layers-model",
        "modelTopology": {
            "model_config": {
                "class_name": "Model",
                "config": {
                    "layers": [_described(layer) for layer in isr.model.layers],
                    "output_layers": [["SR", 0, 0]],
                },
            }
        },
        "weightsManifest": [{"paths": ["a.bin", "b.bin"], "weights": [each | quantised for each in weights]}],
    }


def _described(layer: Any) -> dict[str, Any]:
    """As Keras 2 did."""
    config = layer.get_config()
    if "batch_shape" in config:
        return {
            "class_name": "InputLayer",
            "name": layer.name,
            "config": {"batch_input_shape": config["batch_shape"], "name": layer.name},
            "inbound_nodes": [],
        }
    inputs = layer.input if isinstance(layer.input, list) else [layer.input]
    kept = {key: value for key, value in config.items() if isinstance(value, (str, int, float, bool, list, tuple))}
    nodes = [[[each._keras_history[0].name, 0, 0, {}] for each in inputs]]
    return {"class_name": type(layer).__name__, "name": layer.name, "config": kept, "inbound_nodes": nodes}


def files_of(described: Mapping[str, Any], data: bytes | None = None) -> dict[str, bytes]:
    """The model's files, with random weights unless they are given; the two shards part in the middle of a tensor."""
    if data is None:
        count = sum(int(np.prod(each["shape"])) for each in described["weightsManifest"][0]["weights"])
        data = np.random.default_rng(1).integers(0, 256, count, np.uint8).tobytes()
    return {"model.json": json.dumps(described).encode(), "a.bin": data[:101], "b.bin": data[101:]}


def package_of(files: Mapping[str, bytes], path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture(scope="module")
def model(described: dict[str, Any]) -> LayersModel:
    return read_layers_model(files_of(described))


def test_quantised_weights(described: dict[str, Any], model: LayersModel) -> None:
    data = b"".join(files_of(described)[name] for name in ("a.bin", "b.bin"))
    first = next(iter(model.weights.values()))
    assert list(model.weights)[:2] == ["F_m1/kernel", "F_m1/bias"]
    expected = np.frombuffer(data, np.uint8, first.size).reshape(3, 3, 3, 4) * 0.0005 - 0.06
    np.testing.assert_array_equal(first, expected.astype(np.float32))
    # Bytes of all tensors in a row, across the files.
    last = model.weights["SR/bias"]
    np.testing.assert_array_equal(last, (np.frombuffer(data[-3:], np.uint8) * 0.0005 - 0.06).astype(np.float32))


@pytest.mark.parametrize(
    ("quantisation", "stored", "expected"),
    [
        (None, np.array([1.5, -2], "<f4"), [1.5, -2]),
        ({"dtype": "float16"}, np.array([0.25, 3], "<f2"), [0.25, 3]),
        ({"dtype": "uint16", "min": -1.0, "scale": 0.001}, np.array([0, 65535], "<u2"), [-1, 64.535]),
    ],
)
def test_other_ways_to_store(quantisation: Any, stored: Any, expected: list[float], described: dict[str, Any]) -> None:
    tensor = {"name": "w", "shape": [2], "dtype": "float32"} | ({"quantization": quantisation} if quantisation else {})
    changed = described | {"weightsManifest": [{"paths": ["a.bin"], "weights": [tensor]}]}
    read = read_layers_model({"model.json": json.dumps(changed).encode(), "a.bin": stored.tobytes()})
    np.testing.assert_allclose(read.weights["w"], expected, rtol=1e-6)


def test_the_network_is_isrs(isr: Any, model: LayersModel, tmp_path: Path) -> None:
    """ISR loads the weight file, and both networks then give equal pictures."""
    from superscaling.engines.tensorflow import load_isr

    assert differences(model, isr.model) == []
    save_weights(model, tmp_path / "weights.hdf5")
    assert architecture_of(tmp_path / "weights.hdf5") == TINY
    loaded = load_isr(TINY, tmp_path / "weights.hdf5").model
    batch = photograph(20, 30)[np.newaxis].astype(np.float32) / 255
    one, other = (np.asarray(network(batch, training=False)) for network in (loaded, build(model)))
    assert one.shape == (1, 40, 60, 3)
    assert np.ptp(one) > 0.001
    np.testing.assert_array_equal(one, other)


def layer_of(described: dict[str, Any], name: str) -> Any:
    return next(each for each in described["modelTopology"]["model_config"]["config"]["layers"] if each["name"] == name)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: layer_of(d, "UPN1")["config"].update(activation="relu"), "UPN1"),
        (lambda d: layer_of(d, "UPsample")["config"].update(interpolation="bilinear"), "bilinear"),
        (lambda d: layer_of(d, "FDF")["inbound_nodes"][0].reverse(), "Add FDF"),
        (lambda d: layer_of(d, "GFF_2")["config"].update(dilation_rate=[2, 2]), "GFF_2"),
    ],
    ids=("activation", "interpolation", "inputs", "dilation"),
)
def test_another_network_is_told(change: Change, said: str, isr: Any, described: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(described))
    change(changed)
    (found,) = differences(read_layers_model(files_of(changed)), isr.model)
    assert said in found


def manifest(described: dict[str, Any]) -> Any:
    return described["weightsManifest"][0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(format="graph-model"), "format 'graph-model', not layers-model"),
        (lambda d: d.pop("modelTopology"), "describes no network: \"'modelTopology'\""),
        (lambda d: d.update(modelTopology=[]), "describes no network"),
        (
            lambda d: d["modelTopology"]["model_config"]["config"].update(output_layers=[["end", 0, 0]]),
            "no layer 'end'",
        ),
        (lambda d: layer_of(d, "F_0").update(inbound_nodes=[[["GFF_1", 0, 0, {}]]]), "'F_0' comes twice, or before"),
        (lambda d: layer_of(d, "F_0").update(name="F_m1"), "'F_m1' comes twice"),
        (lambda d: layer_of(d, "F_0")["inbound_nodes"].append([["LR", 0, 0, {}]]), "used more than once"),
        (lambda d: manifest(d)["paths"].append("../c.bin"), "no file '../c.bin' beside model.json"),
        (lambda d: manifest(d)["paths"].pop(), "the weights end within 'F_m1/kernel'"),
        (lambda d: manifest(d)["weights"].pop(), "3 bytes of 'a.bin, b.bin' belong to no tensor"),
        (lambda d: manifest(d)["weights"][0].update(shape=[3, -3, 3, 4]), "'F_m1/kernel' has the shape"),
        (lambda d: manifest(d)["weights"][0].update(shape=[1] * 9), "'F_m1/kernel' has the shape"),
        (lambda d: manifest(d)["weights"][0].update(shape=[10**9, 10**9]), "more than 20000000 values"),
        (lambda d: manifest(d)["weights"][0].update(dtype="string"), "is string, stored as uint8; float32 is read"),
        (lambda d: manifest(d)["weights"][0]["quantization"].update(dtype="int4"), "stored as int4"),
        (lambda d: manifest(d)["weights"][0]["quantization"].update(scale=1e300), "values that are no numbers"),
        (lambda d: manifest(d)["weights"][0]["quantization"].update(scale="1"), "describes no network"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_is_no_model(change: Change, said: str, described: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(described))
    change(changed)
    with pytest.raises(MeasurementError) as raised:
        read_layers_model(files_of(changed, files_of(described)["a.bin"] + files_of(described)["b.bin"]))
    assert said in str(raised.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b"7", b"\xff", b" " * 4_000_001])
def test_what_is_no_description(data: bytes) -> None:
    with pytest.raises(MeasurementError, match=r"describes no network|bytes; 1 to"):
        read_layers_model({"model.json": data})


def test_too_many_parts(described: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers_model, "MAX_TENSORS", 5)
    with pytest.raises(MeasurementError, match="more than 5 tensors"):
        read_layers_model(files_of(described))
    monkeypatch.setattr(layers_model, "MAX_LAYERS", 5)
    with pytest.raises(MeasurementError, match=r"has \d+ layers; at most 5"):
        read_layers_model(files_of(described))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: layer_of(d, "FDF").update(class_name="Lambda"), "'FDF' is a Lambda; known are InputLayer, Conv2D"),
        (lambda d: layer_of(d, "UPN1")["config"].update(filters=5), "'UPN1' can't be built: .*shape"),
        (lambda d: layer_of(d, "UPN1")["config"].update(activation="magic"), "'UPN1' can't be built: .*magic"),
        (lambda d: layer_of(d, "LR")["config"].pop("batch_input_shape"), "'LR' can't be built"),
    ],
)
def test_what_can_not_be_built(change: Change, said: str, described: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(described))
    change(changed)
    with pytest.raises(MeasurementError, match=said):
        build(read_layers_model(files_of(changed)))


# The package


def test_only_the_folder_is_read(tmp_path: Path) -> None:
    names = ("package/models/a/model.json", "package/models/a/deeper/x", "package/models/b/y", "models/a/z")
    package = package_of({name: name.encode() for name in names}, tmp_path / "p.tgz")
    assert read_package(package, "models/a") == {"model.json": b"package/models/a/model.json"}


def a_link(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("package/models/a/model.json")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(member)


def half(path: Path) -> None:
    data = package_of({"package/models/a/x": np.random.default_rng(0).bytes(5000)}, path).read_bytes()
    path.write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda path: None, "is not readable as an npm package .FileNotFoundError"),
        (lambda path: path.write_bytes(b"no package"), "is not readable as an npm package"),
        (half, "is not readable as an npm package"),
        (a_link, "the package has no files in package/models/a/"),
        (lambda path: package_of({"package/models/a/x": b"12345678901"}, path), "x has 11 bytes; at most 10 are read"),
        (lambda path: package_of({f"package/{n}": b"" for n in range(9)}, path), "the package has more than 8 files"),
    ],
)
def test_what_is_no_package(
    prepare: Callable[[Path], object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npm_package, "MAX_FILE", 10 if prepare is not half else 10_000)
    monkeypatch.setattr(npm_package, "MAX_FILES", 8)
    prepare(tmp_path / "p.tgz")
    with pytest.raises(MeasurementError, match=said):
        read_package(tmp_path / "p.tgz", "models/a")


def npm_that(leaves: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace npm, which needs a registry, by what it leaves behind."""

    def run(arguments: list[str], **_: Any) -> Any:
        assert arguments[:3] == ["pack", "@some/model@1.2.3", "--ignore-scripts"]
        if leaves is None:
            return SimpleNamespace(returncode=1, stderr="npm error\nnpm error E404 not there\n")
        (Path(arguments[-1]) / "model-1.2.3.tgz").write_bytes(leaves)
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(npm_package, "npm", run)


def test_fetched_and_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = NpmPackage("@some/model", "1.2.3", hashlib.sha256(b"right").hexdigest())
    npm_that(b"right", monkeypatch)
    assert package.fetch(tmp_path).read_bytes() == b"right"
    npm_that(b"wrong", monkeypatch)
    with pytest.raises(MeasurementError, match=f"SHA-256 {hashlib.sha256(b'wrong').hexdigest()}, not {package.sha256}"):
        package.fetch(tmp_path)


def test_not_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_that(None, monkeypatch)
    with pytest.raises(MeasurementError, match=r"npm did not fetch @some/model 1.2.3 \(npm error E404 not there\)"):
        NpmPackage("@some/model", "1.2.3", "0").fetch(tmp_path)


# ISR's objects


def layers_model_of(isr: Any, weights: Mapping[str, Any]) -> LayersModel:
    layers = tuple(Layer(type(layer).__name__, layer.name, {}, ()) for layer in isr.model.layers)
    return LayersModel(layers, layers[-1].name, weights)


def test_gans_has_the_weights_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """ISR's own class, in small."""
    from superscaling.engines.tensorflow import isr_models  # late: it loads TensorFlow

    small = {"C": 1, "D": 1, "G": 4, "G0": 4, "T": 1, "x": 4}
    monkeypatch.setitem(isr_models.rrdn.WEIGHTS_URLS["gans"], "arch_params", small)
    source = isr_models.RRDN(arch_params=small)
    weights = {
        f"{layer.name}/{part}": array
        for layer in source.model.layers
        for part, array in zip(("kernel", "bias"), layer.get_weights(), strict=False)
    }
    monkeypatch.setattr(idealo, "read_idealo", lambda *_: layers_model_of(source, weights))
    pixels = photograph(20, 30)
    assert idealo.load_gans().predict(pixels).shape == (80, 120, 3)
    assert np.array_equal(idealo.load_gans().predict(pixels), source.predict(pixels))
    weights["SR/kernel"] = weights["SR/kernel"][..., :2]
    with pytest.raises(MeasurementError, match="the weights of the layer 'SR' have other shapes"):
        idealo.load_gans()
    del weights["SR/kernel"], weights["SR/bias"]
    with pytest.raises(MeasurementError, match="the layer 'SR' has weights in one of"):
        idealo.load_gans()


# The command line


def test_our_path_gives_the_same_picture(
    described: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several tiles, and real conversion."""
    monkeypatch.setenv("UPSCALER_TILE", "64")
    files = {f"package/models/{PSNR_SMALL}/{name}": data for name, data in files_of(described).items()}
    package = package_of(files, tmp_path / "p.tgz")
    (tmp_path / "pictures").mkdir()
    Image.fromarray(photograph(90, 140)).save(tmp_path / "pictures" / "one.png")
    arguments = [str(tmp_path / "pictures"), "--package", str(package), "--save", str(tmp_path / "saved.hdf5")]
    assert real_weights.main(arguments) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if "one.png" in line]
    assert [row[:3] for row in rows] == [["one.png", "clean", "140 x 90"], ["one.png", "JPEG 50", "140 x 90"]]
    assert all(float(row[3]) < 0.01 and row[5] in ("0", "1") for row in rows)
    assert "before rounding." in printed
    assert architecture_of(tmp_path / "saved.hdf5") == TINY


def test_a_difference_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: Any) -> None:
        raise MeasurementError("the pictures differ by 1.5000 levels, more than 0.02")

    monkeypatch.setattr(real_weights, "check", fail)
    assert real_weights.main([]) == 1
    assert capsys.readouterr().err == "real_weights: the pictures differ by 1.5000 levels, more than 0.02\n"
