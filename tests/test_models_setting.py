"""`UPSCALER_MODELS`: what stops the start, and whose fault it is said to be."""

import logging
import resource
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import FIXTURES, ROOT, free_port
from test_several_models import failing, named

import resources
from superscaling.commands import missing_packages
from superscaling.commands.prepare import prepare
from superscaling.engines.openvino import supported_precisions
from superscaling.enlarging import START_TIMEOUT, LoadedModels
from superscaling.errors import SettingInvalid, StartError
from superscaling.geometry import Cost
from superscaling.models import settings_of_models
from superscaling.settings import Settings, read_settings

NETWORKS = FIXTURES / "networks"
DEFAULT, OTHER = "noise-cancel-plain", "noise-cancel-small"


def models(text: str, **others: str) -> Settings:
    return read_settings({"UPSCALER_MODELS": text, "PORT": str(free_port()), **others})


@pytest.mark.parametrize(
    ("text", "loaded"),
    [
        ("", [DEFAULT]),
        (OTHER, [DEFAULT, OTHER]),
        (f" {OTHER} ,, {DEFAULT},", [DEFAULT, OTHER]),  # the default need not be repeated, but may be
    ],
)
def test_which_are_loaded(text: str, loaded: list[str]) -> None:
    settings = models(text)
    prepare(settings)
    assert [each.model for each in settings_of_models(settings)] == loaded


@pytest.mark.parametrize(
    ("text", "others", "message"),
    [
        ("nonesuch", {}, "^UPSCALER_MODELS='nonesuch': unknown; known are noise-cancel-plain, "),
        ("noise-cancel-smal", {}, r"^UPSCALER_MODELS='noise-cancel-smal': .* \(did you mean noise-cancel-small\?\)$"),
        (f"{OTHER}, ../x", {}, "^UPSCALER_MODELS='../x': "),
        ("/nowhere/x.onnx", {}, "^UPSCALER_MODELS='/nowhere/x.onnx': there is no such file"),
        (OTHER, {"UPSCALER_MODEL": "nonesuch"}, "^UPSCALER_MODEL='nonesuch': unknown; known are noise-cancel-plain, "),
        (f"{OTHER},{OTHER}", {}, f"^UPSCALER_MODELS='{OTHER},{OTHER}': names {OTHER} more than once"),
        (
            OTHER,
            {"UPSCALER_ENGINE": "tensorflow", "UPSCALER_PRECISION": "bf16"},
            "^UPSCALER_PRECISION='bf16': the tensorflow engine has fp32 only",
        ),
    ],
)
def test_a_start_that_can_not_be(text: str, others: dict[str, str], message: str) -> None:
    with pytest.raises(StartError, match=message):
        prepare(models(text, **others))


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("nonesuch", "unknown; known are .*; imported ones are looked for in {}/cache/imported$"),
        ("{}/missing.onnx", "there is no such file"),
        ("{}/compact-x4.pth", "reading compact-x4.pth needs torch, torchvision, spandrel"),
    ],
)
def test_all_are_checked_before_one_is_converted(tmp_path: Path, last: str, message: str) -> None:
    """A conversion takes up to minutes, and would have put something into the cache."""
    for file in ("compact-x4.pth", "rdn-x2.onnx"):
        shutil.copy(NETWORKS / file, tmp_path)
    settings = models(
        last.format(tmp_path), UPSCALER_MODEL=f"{tmp_path}/rdn-x2.onnx", UPSCALER_CACHE_DIR=f"{tmp_path}/cache"
    )
    with pytest.raises(StartError, match=message.format(tmp_path)):
        prepare(settings)
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif("int8" not in supported_precisions(), reason="this processor has no int8")
def test_a_precision_must_fit_all() -> None:
    """The default has int8; it is the other one that stops the start, and that is named."""
    prepare(models("", UPSCALER_PRECISION="int8"))
    with pytest.raises(SettingInvalid, match=f"UPSCALER_PRECISION='int8': {OTHER} .*; use auto"):
        prepare(models(OTHER, UPSCALER_PRECISION="int8"))


def test_what_has_to_be_installed_for_a_further_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("UPSCALER_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("UPSCALER_MODELS", f"{OTHER},psnr-small")
    missing_packages.main([])
    assert capsys.readouterr().out.startswith("converting psnr-small needs TensorFlow")


def test_one_failed_warm_up_stops_no_other(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the model that is not ready, and all that are loaded."""
    several = LoadedModels([named("bad", failing), named("good")])
    monkeypatch.setattr(resources, "models", several)
    monkeypatch.setenv("UPSCALER_MODELS", OTHER)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        configuration = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
        with caplog.at_level(logging.INFO, "service"):
            configuration["post_worker_init"](SimpleNamespace())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    failed, listening = (record for record in caplog.records if record.name == "service")
    assert failed.levelname == "ERROR"
    assert failed.message.startswith("not ready: bad fake fp32 failed")
    assert vars(failed)["model"] == "bad"
    assert listening.message.endswith("models=bad,good")
    assert several.named("good").upscaler.seconds_for(Cost(1, 10**6)) > 0
    assert several.named("bad").upscaler.seconds_for(Cost(1, 10**6)) == 0
    assert configuration["timeout"] == 2 * START_TIMEOUT + 30
