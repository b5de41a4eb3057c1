"""The measured networks: the default model, and larger ones with random weights.

Time and memory do not depend on the weights, except for a few per cent in int8: signed activations take longer to
quantise than unsigned ones.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from superscaling.conversion.ir import ends_of, read_graph, save_ir
from superscaling.engines import Engine, infer_levels
from superscaling.engines.openvino import EngineOpenVino
from superscaling.enlarging import Upscaler
from superscaling.models import (
    INT8_IR,
    IR,
    LARGE,
    LITE,
    MODELS,
    SMALL,
    TABLE,
    Acceptance,
    KnownAnswer,
    ModelFiles,
    read_model_files,
)
from superscaling.scheduling import FairLock

ARCHITECTURES = {"noise-cancel-lite": LITE, "psnr-small": SMALL, "noise-cancel, psnr-large": LARGE}
DEFAULT, LARGEST = "noise-cancel-lite", "noise-cancel, psnr-large"
HALO = 16  # px, the default model's


def write_network(name: str, directory: Path) -> Any:
    """Write the IR of a network of `ARCHITECTURES`, in fp32 and int8, into `directory`; returns ISR's object.

    Writes nothing for the default model, whose IR is part of the repository.
    """
    # Late: these load TensorFlow and NNCF.
    from superscaling.conversion.quantisation import quantise
    from superscaling.engines.tensorflow import build_isr, export_isr, load_isr

    if name == DEFAULT:
        return load_isr(LITE, MODELS / name / TABLE[name].file)
    isr = build_isr(ARCHITECTURES[name])
    export_isr(isr, directory / "network.pb")
    network = read_graph(directory / "network.pb")
    ends = ends_of(network)
    save_ir(network, directory / IR, ends)
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    quantise(directory / IR, directory / INT8_IR, [noise], ends)
    return isr


def open_network(name: str, directory: Path, precision: str, threads: int) -> Engine:
    """Open what `write_network` wrote."""
    if name == DEFAULT:
        return EngineOpenVino(read_model_files(MODELS / name), precision, threads)
    model = replace(ModelFiles.unmeasured(name, directory, ARCHITECTURES[name], Acceptance(0, 0, 0)), halo=HALO)
    return EngineOpenVino(model, precision, threads)


def upscaler_of(engine: Engine, tile: int) -> Upscaler:
    """An upscaler whose known answer is the engine's own, for any weights. `tile`: edge in px, without the halo."""
    pixels = np.zeros((8, 8, 3), np.uint8)
    return Upscaler(engine, FairLock(), tile, KnownAnswer(pixels, infer_levels(engine, pixels), tolerance=1.0))
