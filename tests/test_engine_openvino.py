"""OpenVINO against the reference, ISR's own network and `predict`."""

import functools
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import openvino
import pytest
from conftest import ROOT, photograph, psnr
from fakes import round_levels

from superscaling.conversion.ir import ends_of, read_graph, save_ir
from superscaling.engines import EngineFacts, infer_levels
from superscaling.engines.openvino import (
    PRECISIONS,
    EngineOpenVino,
    choose_precision,
    find_device,
    supported_precisions,
)
from superscaling.errors import SettingInvalid
from superscaling.models import INT8_IR, IR, LARGE, TABLE, Acceptance, ModelFiles, Weights, read_model_files
from superscaling.models.acceptance import BAND_LIMIT, LOSS_LIMIT, PIXEL_LIMIT

MODELS = ROOT / "models"
OWN = [weights for weights in TABLE.values() if weights.is_own and weights.rdn]
# All by the default model. By the others only the first: they take the same way, and TensorFlow prepares for each size.
PICTURES = [(37, 53, 0), (64, 80, 1), (1, 1, 2), (96, 61, 3)]

PASSED, FAILED = Acceptance(LOSS_LIMIT, BAND_LIMIT, PIXEL_LIMIT), Acceptance(LOSS_LIMIT + 0.01, BAND_LIMIT, PIXEL_LIMIT)

LITE_NAME = "noise-cancel-lite"

# The precision that the service would choose on this processor.
NATIVE = choose_precision("auto", PASSED)


# TensorFlow is imported where it is used: every process of pytest imports this file, and one runs it.


@functools.cache
def in_isr(name: str) -> Any:
    """The weights of one of the project's models, in ISR's network."""
    from superscaling.engines.tensorflow import load_isr

    weights = TABLE[name]
    return load_isr(weights.architecture, MODELS / name / weights.file)


def shipped(weights: Weights) -> tuple[Any, ModelFiles]:
    """One of the project's models: its weights in ISR's network, and the files converted from them."""
    return in_isr(weights.name), read_model_files(MODELS / weights.name)


def large(directory: Path) -> tuple[Any, ModelFiles]:
    """The architecture of idealo's large models, with seeded random weights that give image-like output."""
    import keras

    from superscaling.engines.tensorflow import build_isr, export_isr

    keras.utils.set_random_seed(0)
    isr = build_isr(LARGE)
    output = isr.model.predict(photograph(*PICTURES[0])[np.newaxis] / 255, verbose=0)
    last = isr.model.get_layer("SR")
    kernel, bias = last.get_weights()
    gain = 0.2 / output.std()
    last.set_weights([kernel * gain, (bias - output.mean()) * gain + 0.5])
    export_isr(isr, directory / "network.pb")
    network = read_graph(directory / "network.pb")
    save_ir(network, directory / IR, ends_of(network))
    return isr, ModelFiles.unmeasured("random", directory, LARGE, PASSED)


@pytest.fixture(scope="module", params=[*OWN, None], ids=[*(weights.name for weights in OWN), "large"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ModelFiles]:
    return large(tmp_path_factory.mktemp("ir")) if request.param is None else shipped(request.param)


def test_fp32_equals_isr(pair: tuple[Any, ModelFiles]) -> None:
    """Every pixel differs by at most one level: ISR truncates, we round."""
    from superscaling.engines.tensorflow import EngineTensorFlow

    isr, model = pair
    engine, tensorflow = EngineOpenVino(model, "fp32", threads=2), EngineTensorFlow(isr, facts(model))
    for height, width, seed in PICTURES if model.name == LITE_NAME else PICTURES[:1]:
        pixels = photograph(height, width, seed)
        levels = infer_levels(engine, pixels)
        ours = round_levels(levels, np.uint8).astype(int)
        theirs = isr.predict(pixels).astype(int)
        assert theirs.std() > 5 or height == 1, "a flat image would prove nothing"
        assert np.abs(ours - theirs).max() <= 1
        # Before rounding, they hardly differ.
        assert np.abs(levels - infer_levels(tensorflow, pixels)).max() < 0.01


@pytest.mark.skipif("bf16" not in supported_precisions(), reason="this processor has no bf16")
def test_bf16_is_close_to_fp32(pair: tuple[Any, ModelFiles]) -> None:
    _, model = pair
    pixels = photograph(40, 50)
    fp32, bf16 = (
        round_levels(infer_levels(EngineOpenVino(model, each, 2), pixels), np.uint8) for each in ("fp32", "bf16")
    )
    assert 48 <= psnr(bf16, fp32) < 80  # if closer, it would not be bf16


@pytest.mark.parametrize("weights", OWN, ids=[weights.name for weights in OWN])
def test_int8_is_close_to_fp32_or_refused(weights: Weights) -> None:
    model = read_model_files(MODELS / weights.name)
    assert model.acceptance
    if not model.acceptance.passed:
        with pytest.raises(SettingInvalid, match="this model was not accepted in this precision"):
            choose_precision("int8", model.acceptance)
        return
    pixels = photograph(160, 200)
    fp32, int8 = (
        round_levels(infer_levels(EngineOpenVino(model, each, 2), pixels), np.uint8) for each in ("fp32", "int8")
    )
    assert 46 <= psnr(int8, fp32) < 80  # if closer, nothing would be quantised


def test_each_tensor_is_rounded_once_and_sums_never(tmp_path: Path) -> None:
    """The speed of int8 and its quality on gradients depend on what is quantised."""
    from superscaling.conversion.quantisation import quantise  # late: it loads NNCF

    ends = ends_of(openvino.Core().read_model(MODELS / LITE_NAME / IR))
    quantise(MODELS / LITE_NAME / IR, tmp_path / INT8_IR, [photograph(48, 48)], ends)
    network = openvino.Core().read_model(tmp_path / INT8_IR)
    roundings = [each for each in network.get_ordered_ops() if each.get_type_name() == "FakeQuantize"]
    sources = {each.input(0).get_source_output().get_node().get_friendly_name() for each in roundings}
    # Per block: its input, and the output of each convolution.
    architecture = TABLE[LITE_NAME].architecture
    assert len(roundings) == len(sources) == architecture.d * (1 + architecture.c)
    users = {use.get_node().get_type_name() for each in roundings for use in each.output(0).get_target_inputs()}
    assert users == {"Convolution", "Concat"}
    layers = ElementTree.parse(tmp_path / INT8_IR).iter("layer")
    assert max(len(layer.findall("rt_info")) for layer in layers) == 1, "OpenVINO's format allows one per layer"


def test_threads_and_precision_do_not_leak_from_one_engine_to_the_next() -> None:
    model = read_model_files(MODELS / LITE_NAME)
    pixels = photograph(40, 40)
    before = infer_levels(EngineOpenVino(model, "fp32", threads=1), pixels)
    infer_levels(EngineOpenVino(model, NATIVE, threads=2), pixels)
    assert np.abs(infer_levels(EngineOpenVino(model, "fp32", threads=1), pixels) - before).max() < 1e-3


@pytest.mark.parametrize("weights", OWN, ids=[weights.name for weights in OWN])
def test_the_committed_ir_is_the_committed_weights(weights: Weights, tmp_path: Path) -> None:
    """Converting the weight file again gives the same results as the committed files."""
    from superscaling.engines.tensorflow import EngineTensorFlow

    isr, model = shipped(weights)
    known = model.known_answer("fp32")
    answer = infer_levels(EngineTensorFlow(isr, facts(model)), known.pixels)
    assert np.abs(answer - known.expected).max() < 1e-3
    assert np.abs(infer_levels(EngineOpenVino(model, "fp32", 2), known.pixels) - known.expected).max() < known.tolerance


def test_precisions() -> None:
    assert choose_precision("fp32", FAILED) == "fp32"
    assert NATIVE in PRECISIONS
    assert choose_precision("auto", FAILED) == ("bf16" if "bf16" in supported_precisions() else "fp32")


@pytest.mark.parametrize("fast", [True, False])
def test_int8_is_chosen_only_where_it_is_fast(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    monkeypatch.setattr("superscaling.engines.openvino.multiplies_int8", lambda: fast)
    assert choose_precision("auto", PASSED) == ("int8" if fast else choose_precision("auto", FAILED))
    assert choose_precision("int8", PASSED) == "int8", "an explicit choice is obeyed even if it is slow"


@pytest.mark.parametrize("acceptance", [FAILED, Acceptance(0, BAND_LIMIT + 0.1, 0)], ids=str)
def test_int8_of_a_model_that_lost_too_much(acceptance: Acceptance) -> None:
    message = f"'int8': this model was not accepted in this precision, {acceptance}; use auto"
    with pytest.raises(SettingInvalid, match=re.escape(message)):
        choose_precision("int8", acceptance)


def test_a_precision_that_the_processor_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRECISIONS, "bf16", ("bf16", "NO SUCH CAPABILITY"))
    monkeypatch.setattr("superscaling.engines.openvino.multiplies_int8", lambda: False)
    assert choose_precision("auto", PASSED) == "fp32"
    monkeypatch.setattr("superscaling.engines.openvino.multiplies_int8", lambda: True)
    assert choose_precision("auto", PASSED) == "int8"
    with pytest.raises(SettingInvalid, match="UPSCALER_PRECISION='bf16': this processor has fp32, int8 only"):
        choose_precision("bf16", PASSED)


def test_devices() -> None:
    """A machine has a CPU; which one AUTO is, is decided once."""
    assert find_device("CPU") == "CPU"
    has_gpu = any(name.startswith("GPU") for name in openvino.Core().available_devices)
    assert find_device("AUTO").startswith("GPU" if has_gpu else "CPU")
    with pytest.raises(SettingInvalid, match=r"UPSCALER_DEVICE='GPU\.77': OpenVINO finds .*CPU.* only; .*/dev/dri"):
        find_device("GPU.77")


def facts(model: ModelFiles) -> EngineFacts:
    return EngineFacts(model.name, "tensorflow", "fp32", 2, model.scale, model.halo)
